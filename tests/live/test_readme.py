"""The README's five minutes with a real sensor, typed as they stand: only addresses and passwords are this test's."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.launch import environment
from tests.servers import Mosquitto, free_port
from tests.servers.finding import need
from tests.waiting import wait_until

pytestmark = [pytest.mark.live, pytest.mark.timeout(600)]

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```\n(.*?)^```$", re.MULTILINE | re.DOTALL)
UP = "./threshold up --config box.toml\n"


def blocks() -> list[str]:
    section = (ROOT / "README.md").read_text("utf-8").partition("## Five minutes with a real sensor\n")[2]
    return BLOCK.findall(section.partition("\n## ")[0])


class Terminal:
    """Types blocks into a shell in a folder of its own; `changes` are what is this test's in them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.changes: dict[str, str] = {}
        program = folder / "threshold"
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m deploy.cli "$@"\n')
        program.chmod(0o755)

    def types(self, block: str) -> str:
        for there, here in self.changes.items():
            block = block.replace(there, here)
        done = subprocess.run(
            ["sh", "-ec", block], cwd=self._folder, env=environment(), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{block}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def leaves_running(self, command: str) -> "Running":
        return Running(command, self._folder)


class Running:
    """What holds its terminal, until Ctrl-C."""

    def __init__(self, command: str, folder: Path) -> None:
        self._log = folder / "up.log"
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                ["sh", "-c", "exec " + command], cwd=folder, env=environment(), stdout=log, stderr=log
            )

    def says(self) -> str:
        return self._log.read_text(errors="replace")

    def ends(self) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(60)


def test_typed_word_by_word_directly_and_through_a_broker(
    tmp_path: Path, make_mosquitto: Callable[..., Mosquitto], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{os.environ['PATH']}:{need('mosquitto_pub').parent}")
    settings, watched, say, broker_settings, broker_say = blocks()
    assert watched.endswith(UP) and all(UP not in block for block in (settings, say, broker_settings, broker_say))
    terminal, port = Terminal(tmp_path), free_port()
    doors = f'http = "127.0.0.1:{free_port()}"\n[desk]\nlisten = "127.0.0.1:{free_port()}"'
    terminal.changes = {
        'listen = "0.0.0.0:1883"': f'listen = "127.0.0.1:{port}"\n{doors}',
        "mosquitto_pub -h 127.0.0.1": f"mosquitto_pub -h 127.0.0.1 -p {port}",
    }
    printed = terminal.types(settings)
    password = re.search(r"^password\s+(\S+)$", printed, re.MULTILINE)
    assert password is not None, printed
    assert "nothing to complain about" in terminal.types(watched.removesuffix(UP))
    running = terminal.leaves_running(UP.strip())
    try:
        wait_until(lambda: "ready after" in running.says(), 120, "the box")
        assert "log in as admin with the one-time password" in running.says()
        terminal.changes["the one that fleet add printed"] = password[1]
        decided = terminal.types(say)
        assert '"decision":"page"' in decided and '"subject":"g017/3/1203"' in decided
    finally:
        running.ends()

    passwords = {"threshold": "the broker knows it", "zigbee2mqtt": "z"}
    broker = make_mosquitto(passwords=passwords, extra=("log_type all",))
    terminal.changes = {
        'listen = ""': f'listen = ""\n{doors.partition(chr(10))[0]}',
        'host = "192.168.1.20"': f'host = "127.0.0.1"\nport = {broker.port}',
        'password_file = "broker.password"': 'password_file = "broker.password"\n' + doors.partition("\n")[2],
        "mosquitto_pub -h 192.168.1.20": f"mosquitto_pub -h 127.0.0.1 -p {broker.port}",
        '"$PASSWORD"': "z",
        "g017/3/1203": "g017/3/1204",
    }
    terminal.types(broker_settings)
    assert "nothing to complain about" in terminal.types(watched.removesuffix(UP))
    running = terminal.leaves_running(UP.strip())
    try:
        wait_until(lambda: "ready after" in running.says() and "connected to the broker" in running.says(), 120, "it")
        # Nobody is given what was said before the broker knew of the subscription.
        wait_until(lambda: "Sending SUBACK to threshold" in broker.log_file.read_text(), 60, "the subscription")
        terminal.types(broker_say)
        wait_until(
            lambda: '"subject":"g017/3/1204"' in terminal.types("./threshold replay --since 1h --config box.toml"), 120
        )
    finally:
        running.ends()
