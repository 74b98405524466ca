import threading

import apsw
import pytest

from gateway.edge.committer import RECORDS_A_FRAME, Committer, Work
from gateway.edge.inbox import BoxInbox
from gateway.edge.keeping import HeardTo
from streams.edge.doorbell import Bell, Doorbell
from streams.edge.log import LogFull
from streams.edge.sqlite_log import SqliteReader
from streams.frames import SystemReport, decode_inbox
from tests.waiting import wait_until


def report(n: int) -> SystemReport:
    return SystemReport(n, "part", True)


class Running:
    def __init__(self, folder) -> None:
        self.file = folder / "inbox.db"
        self.door = Doorbell(folder / "bell", "streams", ["inbox"])
        self.writer = BoxInbox(self.file, "inbox", wait_for_lock_s=0.02)
        self.failures: list[str] = []
        self.mended: list[str] = []
        self.crashes: list[BaseException] = []
        self.done: list[list[int]] = []
        self.committer = Committer(
            self.writer, Bell(folder / "bell", "inbox"), self.failures.append, self.mended.append, self.crashes.append
        )
        self.committer.start()

    def submit(self, *records, partition: int = 0, notes=()) -> None:
        self.committer.submit(Work({partition: list(records)}, notes, self.done.append))

    def found(self) -> list[int]:
        reader = SqliteReader(self.file, "inbox")
        return [record.at_ms for _, frame in reader.read(0, 0) for record in decode_inbox(frame)]


@pytest.fixture
def running(tmp_path):
    made = Running(tmp_path)
    yield made
    made.committer.stop()


def test_it_writes_tells_and_rings(running):
    running.submit(report(1), report(2))
    wait_until(lambda: running.done)
    assert running.done == [[1]]
    assert running.found() == [1, 2]
    assert running.door.wait(60)


def test_a_large_batch_is_several_frames_in_one_transaction(running):
    running.submit(*(report(n) for n in range(2 * RECORDS_A_FRAME + 1)))
    wait_until(lambda: running.done)
    assert running.done == [[1, 2, 3]]
    assert running.found() == list(range(2 * RECORDS_A_FRAME + 1))


def test_while_the_log_cannot_be_written_it_tries_on_and_loses_nothing(running):
    other = apsw.Connection(str(running.file))
    other.execute("BEGIN IMMEDIATE")
    running.submit(report(1))
    running.submit(report(2))
    wait_until(lambda: len(running.failures) >= 3)
    assert running.done == []
    assert "locked" in running.failures[0]
    other.execute("ROLLBACK")
    wait_until(lambda: len(running.done) == 2)
    assert running.found() == [1, 2]


def test_stopping_finishes_what_was_submitted(running):
    for n in range(50):
        running.submit(report(n))
    assert running.committer.stop()
    assert running.found() == list(range(50))
    assert len(running.done) == 50


def test_stopping_ends_though_the_log_cannot_be_written(running):
    other = apsw.Connection(str(running.file))
    other.execute("BEGIN IMMEDIATE")
    running.submit(report(1))
    wait_until(lambda: running.failures)
    assert running.committer.stop(0.1)
    assert running.done == []
    other.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_fault_of_ours_is_told_not_swallowed(running):
    running.submit(report(1), notes=[HeardTo({("siren", 0): 1})])
    wait_until(lambda: running.crashes)
    assert isinstance(running.crashes[0], apsw.SQLError)
    assert running.done == []


def test_a_chore_is_done_between_two_batches_in_the_same_thread(running):
    threads: list[str] = []
    running.submit(report(1))
    running.committer.ask(lambda writer: threads.append(f"{threading.current_thread().name} {writer.log}"))
    running.submit(report(2))
    wait_until(lambda: len(running.done) == 2)
    assert threads == ["committer inbox"]


def test_housekeeping_that_fails_stops_nothing(running, monkeypatch):
    def fails() -> None:
        raise LogFull("no room for it now")

    monkeypatch.setattr(running.writer, "tend", fails)
    running.submit(report(1))
    running.submit(report(2))
    wait_until(lambda: len(running.done) == 2)
    assert running.crashes == []


def test_what_was_mended_is_told(running):
    running.submit(report(1))
    wait_until(lambda: running.done)
    running.writer.salvaged.append("inbox.db: put aside")
    running.submit(report(2))
    wait_until(lambda: running.mended)
    assert running.mended == ["inbox.db: put aside"]
