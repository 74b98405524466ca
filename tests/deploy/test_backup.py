"""The drill: a box is copied while it runs, lost, restored from the copy, and goes on."""

import http.client
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import apsw
import pytest

from deploy import backup
from streams.edge.sqlite_log import SqliteReader
from streams.effects import Decision
from streams.frames import decode_outbox
from tests.house.tree import ROOT
from tests.servers import free_port
from tests.waiting import wait_until

FLEET = """
[[device]]
id = "door-1"
format = "native"
topic = "threshold/g1/door-1/door"
household = "g1/1/1"
[[case]]
household = "g1/1/1"
from = "2020-01-01T00:00:00+08:00"
until = "2090-01-01T00:00:00+08:00"
"""


class Box:
    """The gateway and the core of a box, as processes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        (folder / "fleet.toml").write_text(FLEET)
        self.port = free_port()
        self.config = folder / "threshold.toml"
        self.config.write_text(f'[gateway]\nlisten = "127.0.0.1:{free_port()}"\nhttp = "127.0.0.1:{self.port}"\n')
        self.running: list[subprocess.Popen[str]] = []

    def start(self) -> None:
        for name in ("gateway", "streams"):
            process = subprocess.Popen(
                [sys.executable, "-m", "deploy.process", name, "--config", str(self.config)],
                cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            )  # fmt: skip
            self.running.append(process)
            assert process.stdout is not None
            assert any(f"{name} ready" in line for line in process.stdout)

    def kill(self) -> None:
        for process in self.running:
            process.kill()
            process.communicate()
        self.running = []

    def ask(self, path: str, body: dict[str, Any]) -> Any:
        token = (self.folder / "data" / "door.token").read_text().strip()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        connection.request("POST", path, json.dumps(body), headers)
        answer = json.loads(connection.getresponse().read())
        connection.close()
        return answer

    def door(self, state: str) -> None:
        payload = json.dumps({"state": state})
        answer = self.ask("/messages", {"client": "door-1", "topic": "threshold/g1/door-1/door", "payload": payload})
        assert answer["taken"] == 1, answer

    def decided(self) -> list[str]:
        reader = SqliteReader(self.folder / "data" / "streams.db", "outbox")
        found = [effect for _, frame in reader.read(0, 0, 10_000) for effect in decode_outbox(frame)]
        reader.close()
        return [f"{each.decision} {each.incident}" for each in found if isinstance(each, Decision)]


@pytest.mark.slow
def test_a_copy_taken_while_it_runs_is_gone_on_from(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    box = Box(tmp_path / "box")
    again = Box(tmp_path / "again")
    try:
        box.start()
        box.door("closed")
        box.door("open")
        wait_until(lambda: any(each.startswith("page ") for each in box.decided()))
        before = box.decided()
        assert backup.run(box.config, tmp_path / "copy") == 0
        assert "copied streams.db, inbox.db, door.token" in capsys.readouterr().out
        box.kill()
        shutil.rmtree(box.folder / "data")

        shutil.copytree(tmp_path / "copy", again.folder / "data")
        again.start()
        assert again.decided() == before, "a restored box raises nothing by itself and hides nothing"
        (raised,) = [each.partition(" ")[2] for each in before if each.startswith("raised ")]
        close = {"command": "close", "subject": "g1/1/1", "kind": raised.split("/")[-2], "role": "worker", "by": "w1",
                 "disposition": "true-alarm", "note": "seen"}  # fmt: skip
        again.ask("/commands", close)
        wait_until(lambda: f"closed {raised}" in again.decided())
        again.door("closed")
        again.door("open")
        wait_until(lambda: sum(each.startswith("raised ") for each in again.decided()) == 2)
    finally:
        box.kill()
        again.kill()


def test_while_somebody_writes_the_copy_is_whole(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    writer = apsw.Connection(str(tmp_path / "data" / "inbox.db"))
    writer.pragma("journal_mode", "wal")
    writer.execute("CREATE TABLE inbox (offset INTEGER PRIMARY KEY, frame BLOB)")
    writer.executemany("INSERT INTO inbox (frame) VALUES (?)", [(b"x" * 900,)] * 20_000)
    code = (
        "import apsw, sys, time; c = apsw.Connection(sys.argv[1]); c.set_busy_timeout(5000); print('on', flush=True)\n"
        'while True: c.execute("INSERT INTO inbox (frame) VALUES (zeroblob(900))")'
    )
    busy = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "data" / "inbox.db")], stdout=subprocess.PIPE, text=True
    )
    try:
        assert busy.stdout is not None
        assert busy.stdout.readline() == "on\n"
        assert backup.back_up(tmp_path / "data", tmp_path / "copy") == ["inbox.db"]
    finally:
        busy.kill()
        busy.communicate()
    copy = apsw.Connection(str(tmp_path / "copy" / "inbox.db"))
    assert copy.execute("SELECT count(*) >= 20000 FROM inbox").fetchall() == [(1,)]
    assert copy.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    copy.close()
    writer.close()


def test_a_folder_that_holds_nothing_and_one_that_is_not_empty_are_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "threshold.toml"
    config.write_text("")
    assert backup.run(config, tmp_path / "copy") == 1
    assert "holds none of desk.db, series.db, streams.db, inbox.db: is [data] folder right?" in capsys.readouterr().err
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "inbox.db").touch()
    assert backup.run(config, tmp_path) == 1
    assert "is not empty" in capsys.readouterr().err
