"""A box to be measured: settings, a generated fleet, and real `gateway`, `streams` and `sink` processes on a folder."""

import os
import subprocess
import sys
import time
from pathlib import Path

from streams.edge.sqlite_log import SqliteReader
from tests.bench import compound
from tests.servers.process import free_port

ROOT = Path(__file__).resolve().parents[2]
PROCESSES = ("gateway", "streams", "sink")


class Box:
    """Started by `with`.  With `broker_port` it listens to that broker and to nobody directly."""

    names = PROCESSES

    def __init__(self, folder: Path, households: int, *, broker_port: int = 0) -> None:
        self.folder = folder
        self.households = households
        self.port = free_port()
        self.http_port = next(port for _ in range(9) if (port := free_port()) != self.port)
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self._broker_port = broker_port

    def __enter__(self) -> "Box":
        self.folder.mkdir(parents=True)
        compound.write_fleet(self.folder / "fleet.toml", self.households)
        ways_in = (
            f'listen = ""\n[gateway.broker]\nhost = "127.0.0.1"\nport = {self._broker_port}\n'
            if self._broker_port
            else f'listen = "127.0.0.1:{self.port}"\n'
        )
        (self.folder / "threshold.toml").write_text(
            '[site]\nfleet = "fleet.toml"\n[data]\nfolder = "data"\n'
            f'[gateway]\nhttp = "127.0.0.1:{self.http_port}"\nrate_per_device_s = 10000\n{ways_in}{self.more()}'
        )
        try:
            for name in self.names:
                self._start(name)
            self._settled()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for process in reversed(self.processes.values()):
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(5)

    def more(self) -> str:
        """Further tables of its settings."""
        return ""

    def command(self, name: str) -> list[str]:
        return [sys.executable, "-m", "deploy.cli", name, "--config", str(self.folder / "threshold.toml")]

    def log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def _start(self, name: str) -> None:
        with self.log(name).open("wb") as log:
            process = subprocess.Popen(
                self.command(name), cwd=ROOT, stdout=log, stderr=subprocess.STDOUT, env=dict(os.environ)
            )
        self.processes[name] = process
        self._wait(lambda: self.word(name) in self.log(name).read_text(), f"{name} to be ready")

    def word(self, name: str) -> str:
        """What a process says when it is ready."""
        return f"{name} ready"

    def _settled(self) -> None:
        """Wait until the core knows the fleet."""
        self._wait(lambda: self.events() >= self.households and not self.behind(), "the fleet to be taken in")

    def _wait(self, ready, what: str) -> None:
        until = time.monotonic() + 60
        while not ready():
            for name, process in self.processes.items():
                if process.poll() is not None:
                    raise SystemExit(f"{name} ended while we waited for {what}:\n{self.log(name).read_text()[-3000:]}")
            if time.monotonic() > until:
                raise SystemExit(f"waited a minute for {what}")
            time.sleep(0.05)

    def pids(self) -> list[int]:
        return [self.processes[name].pid for name in self.names]

    def events(self) -> int:
        """Records that streams has taken in and made durable."""
        rows = self._asked("streams.db", "SELECT sum(events) FROM status")
        return rows[0][0] or 0 if rows else 0

    def behind(self) -> int:
        """Frames of `inbox` that streams has not taken in."""
        at = self._asked("streams.db", "SELECT sum(offset) FROM cursors WHERE log = 'inbox'")
        end = self._asked("inbox.db", "SELECT max(offset) FROM inbox")
        return (end[0][0] or 0 if end else 0) - (at[0][0] or 0 if at else 0)

    def _asked(self, file: str, sql: str) -> list[tuple[int | None, ...]]:
        reader = SqliteReader(self.folder / "data" / file, "")
        try:
            return reader.query(sql)
        finally:
            reader.close()
