"""A whole box for a live test: real processes under the real supervisor, killed at will."""

import contextlib
import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

from deploy import onebox
from deploy.launch import environment, supervisor_argv
from deploy.supervisor import die_with_parent
from devices.edge import settings
from tests.servers.process import free_port
from tests.waiting import wait_until

SETTINGS = """\
[gateway]
listen = "{listen}"
http = "127.0.0.1:{http}"
rate_per_device_s = 1000
{broker}
[desk]
listen = "127.0.0.1:{desk}"
"""
BROKER = """
[gateway.broker]
host = "127.0.0.1"
port = {port}
"""


class Box:
    """In `folder`, for the devices of `fleet`: directly, or through the broker on `broker_port`.  `more` is further
    tables of its settings."""

    def __init__(self, folder: Path, fleet: str, *, broker_port: int | None = None, more: str = "") -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.port = broker_port or free_port()
        listen = "" if broker_port else f"127.0.0.1:{self.port}"
        broker = BROKER.format(port=broker_port) if broker_port else ""
        (folder / "fleet.toml").write_text(fleet, encoding="utf-8")
        (folder / "threshold.toml").write_text(
            SETTINGS.format(listen=listen, http=free_port(), desk=free_port(), broker=broker) + more
        )
        self.settings = settings.load(folder / "threshold.toml")
        self.data = self.settings.data_path
        self._plan = onebox.write_plan(self.settings, onebox.plan_for(self.settings, folder / "log.txt"))
        self._supervisor: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the supervisor, which starts the rest."""
        self._supervisor = subprocess.Popen(
            supervisor_argv(self._plan),
            env=environment(),
            preexec_fn=die_with_parent(),  # noqa: PLW1509 - at this moment the test has one thread
        )

    def wait_ready(self, timeout_s: float = 120.0) -> None:
        wait_until(self._is_ready, timeout_s, f"the box\n{self.log()[-3000:]}")

    def _is_ready(self) -> bool:
        rows = self.processes()
        return bool(rows) and all(row["ready"] and os.path.exists(f"/proc/{row['pid']}") for row in rows)

    def processes(self) -> list[dict[str, Any]]:
        with contextlib.suppress(FileNotFoundError, json.JSONDecodeError):
            return json.loads((self.data / "processes.json").read_text())["processes"]
        return []

    def names(self) -> list[str]:
        return [row["name"] for row in self.processes()]

    def kill(self, name: str) -> bool:
        """kill -9 one process; False where it is not running just now."""
        pid = next((row["pid"] for row in self.processes() if row["name"] == name), None)
        if pid is None:
            return False
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return False
        return True

    def kill_all(self) -> None:
        """kill -9 everything at once, as a power cut would; started again at once."""
        assert self._supervisor is not None
        pids = [row["pid"] for row in self.processes() if row["pid"]]
        for pid in (self._supervisor.pid, *pids):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._supervisor.wait(60)
        (self.data / "processes.json").unlink(missing_ok=True)
        self.start()

    def stop(self) -> None:
        """As an operator would."""
        if self._supervisor is not None and self._supervisor.poll() is None:
            self._supervisor.terminate()
            self._supervisor.wait(60)

    def remove(self) -> None:
        if self._supervisor is not None and self._supervisor.poll() is None:
            self._supervisor.kill()
            self._supervisor.wait(60)

    def log(self) -> str:
        with contextlib.suppress(FileNotFoundError):
            return (self.folder / "log.txt").read_text(errors="replace")
        return ""
