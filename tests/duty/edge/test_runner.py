"""The desk as a process, over real logs."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import apsw
import pytest

from devices.edge.settings import load, zone_of
from duty.edge import runner
from duty.edge.auth import Auth, LoggedIn
from duty.edge.keys import master_key
from duty.edge.store import Store
from duty.people import Person
from duty.picture import Touched
from duty.telling import Telling
from tests.duty.edge.logs import Logs
from tests.duty.effects import page, raised
from tests.house.tree import ROOT
from tests.waiting import wait_until

READY_S = 90


class Desk:
    """One desk of its own folder, on a port that it finds itself."""

    def __init__(self, folder: Path, more: str = "", *, port: int = 0) -> None:
        self.config = folder / "threshold.toml"
        self.data = folder / "data"
        self.data.mkdir(exist_ok=True)
        policy = ROOT / "deploy" / "policy.toml"
        self.config.write_text(
            f'[site]\npolicy = "{policy}"\n[data]\nfolder = "data"\n[desk]\nlisten = "127.0.0.1:{port}"\n{more}'
        )
        self.log = folder / "desk.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> "Desk":
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "deploy.process", "desk", "--config", str(self.config)],
                cwd=ROOT, stdout=log, stderr=subprocess.STDOUT, env=os.environ | {"PYTHONUNBUFFERED": "1"},
            )  # fmt: skip
        return self

    def ready(self) -> "Desk":
        before = self.said().count("desk ready")
        self.start()
        self.wait(lambda: self.said().count("desk ready") > before)
        return self

    @property
    def port(self) -> int:
        return int(re.findall(r"desk ready: http://127\.0\.0\.1:(\d+)$", self.said(), re.MULTILINE)[-1])

    def wait(self, what: Callable[[], object]) -> None:
        end = time.monotonic() + READY_S
        while not what():
            assert time.monotonic() < end, self.said()
            assert self.process is None or self.process.poll() is None, self.said()
            time.sleep(0.05)

    def said(self) -> str:
        return self.log.read_text() if self.log.exists() else ""

    def stop(self, number: int = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        code = self.process.wait(timeout=READY_S)
        self.process = None
        return code

    def rows(self, sql: str) -> list[tuple]:
        file = apsw.Connection(str(self.data / "desk.db"), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            file.set_busy_timeout(20_000)  # after a kill the first to come mends the file
            return file.execute(sql).fetchall()
        finally:
            file.close()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    if made.process is not None:
        made.process.kill()
        made.process.wait()


@pytest.fixture
def logs(desk: Desk) -> Iterator[Logs]:
    made = Logs(desk.data)
    yield made
    made.close()


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@pytest.mark.slow
def test_it_starts_serves_and_stops_cleanly(desk: Desk) -> None:
    desk.ready()
    assert len(re.findall(r"one-time password [a-z0-9]{4}(-[a-z0-9]{4}){3}$", desk.said(), re.MULTILINE)) == 1
    with urllib.request.urlopen(f"http://127.0.0.1:{desk.port}/login", timeout=20) as answer:
        assert answer.status == 200
    assert desk.stop() == 0
    assert "Traceback" not in desk.said()
    assert (desk.data / "desk.key").stat().st_mode & 0o077 == 0
    # The password is printed once, and never a second time.
    desk.ready()
    assert desk.said().count("one-time password") == 1
    assert desk.stop(signal.SIGINT) == 0


@pytest.mark.slow
def test_a_stop_ends_the_screens_that_are_open_without_a_cry(desk: Desk) -> None:
    store = Store.open(desk.data / "desk.db", master_key=master_key(desk.data))
    auth = Auth(store)
    store.save_person(Person(id="wang", login="wang", name="王", roles=("worker",), grids=("g017",)))
    auth.set_password("wang", "a long enough one")
    answer = auth.log_in("wang", "a long enough one", "test", now_ms())
    store.close()
    assert isinstance(answer, LoggedIn)
    desk.ready()
    request = urllib.request.Request(
        f"http://127.0.0.1:{desk.port}/live?screen=board", headers={"Cookie": f"{auth.cookie_name}={answer.token}"}
    )
    with urllib.request.urlopen(request, timeout=20) as stream:
        assert stream.readline() == b"retry: 2000\n"
        assert desk.stop() == 0
        while stream.readline():  # to its end: it was ended, not cut off
            pass
    assert "Traceback" not in desk.said()
    assert "Cancel" not in desk.said()


@pytest.mark.slow
def test_a_page_taken_on_survives_kill_9(desk: Desk, logs: Logs) -> None:
    desk.ready()
    at_ms = now_ms()
    logs.tell(raised(at_ms), page(at_ms))
    desk.wait(lambda: desk.rows("SELECT page FROM deliveries"))
    desk.stop(signal.SIGKILL)
    # What is decided while it is dead is told when it is back.
    logs.tell(raised(at_ms + 1, number=2), page(at_ms + 1, number=2))
    desk.ready()
    desk.wait(lambda: len(desk.rows("SELECT page FROM deliveries")) == 2)
    assert len(desk.rows("SELECT id FROM incidents")) == 2
    assert desk.stop() == 0


async def test_a_page_read_in_the_moment_of_the_stop_is_told_after_the_next_start(
    desk: Desk, logs: Logs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The place in the log is written down at the stop: what was read up to there must have been taken on."""
    monkeypatch.setattr(runner.Desk, "_alive_ms", lambda _: runner.now_ms())
    settings = load(desk.config)
    running = runner.Desk(settings, zone_of(settings.policy_path), Telling())
    read, read_it, goes_on = running.projection.read_inbox, threading.Event(), threading.Event()

    def read_inbox() -> tuple[list[Touched], bool]:
        if running.projection.picture.incidents:
            read_it.set()
            goes_on.wait(60)
        return read()

    monkeypatch.setattr(running.projection, "read_inbox", read_inbox)
    await running.start()
    at_ms = now_ms()
    logs.tell(raised(at_ms), page(at_ms))
    await asyncio.to_thread(wait_until, read_it.is_set)
    stopping = asyncio.create_task(running.stop())
    await asyncio.sleep(0.2)
    goes_on.set()
    await stopping
    assert desk.rows("SELECT \"offset\" FROM cursors WHERE log = 'outbox'") == [(1,)]
    assert len(desk.rows("SELECT page FROM deliveries")) == 1


@pytest.mark.slow
def test_a_second_desk_on_the_same_data_is_refused(desk: Desk, tmp_path: Path) -> None:
    desk.ready()
    other = Desk(tmp_path)
    other.log = tmp_path / "other.log"
    other.start()
    assert other.process is not None
    assert other.process.wait(timeout=READY_S) == 2
    assert "another desk uses this store" in other.said()
    assert desk.stop() == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("more", "said"),
    [
        ('database = "mysql://x/y"\n', "is not known"),
        ("lissten = 1\n", "lissten"),
    ],
)
def test_what_must_be_mended_first_is_a_sentence(tmp_path: Path, more: str, said: str) -> None:
    desk = Desk(tmp_path, more).start()
    assert desk.process is not None
    assert desk.process.wait(timeout=READY_S) == 2
    assert said in desk.said()
    assert "Traceback" not in desk.said()


@pytest.mark.slow
def test_a_port_that_is_taken_is_a_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        desk = Desk(tmp_path, port=port).start()
        assert desk.process is not None
        assert desk.process.wait(timeout=READY_S) == 2
    assert f"listen 127.0.0.1:{port}" in desk.said()
    assert "Traceback" not in desk.said()


@pytest.mark.slow
def test_a_stranger_sees_nothing(desk: Desk) -> None:
    desk.ready()
    request = urllib.request.Request(f"http://127.0.0.1:{desk.port}/live?screen=board")
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=20)
    assert caught.value.code == 401
    assert desk.stop() == 0
