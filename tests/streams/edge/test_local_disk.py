"""The disk full, read-only, locked, broken: nothing is decided meanwhile, it is said, and it goes on by itself."""

import os
import resource
import time
from threading import Thread

import apsw
import pytest

from streams.edge.log import LogFull
from streams.edge.sqlite_log import SqliteWriter
from streams.effects import Decision
from tests.streams.edge.boxes import Box, expected, in_frames, standing_clock
from tests.streams.edge.scripts import script
from tests.waiting import wait_until

RECORDS = script(21, 200)


@pytest.fixture
def box(tmp_path):
    made = Box(tmp_path)
    yield made
    made.close()


def running(box: Box) -> Thread:
    box.start(standing_clock())
    return begun(box)


def begun(box: Box) -> Thread:
    assert box.runtime is not None
    thread = Thread(target=box.runtime.run)
    thread.start()
    return thread


def finish(box: Box, thread: Thread) -> None:
    """It takes in the rest by itself; the outcome is that of an engine that met no trouble."""
    try:
        frames = len(in_frames(RECORDS))
        wait_until(lambda: box.ask("SELECT offset FROM cursors") == [(frames,)], what="the rest of the inbox")
    finally:
        box.runtime.stop()
        thread.join()
    effects, remembered = expected(RECORDS)
    assert box.decided() == effects
    assert box.remembered() == remembered


def test_a_locked_file_is_waited_for(box, capsys):
    thread = running(box)
    other = apsw.Connection(str(box.folder / "streams.db"))
    other.set_busy_timeout(60_000)
    other.execute("BEGIN IMMEDIATE")
    box.put(*in_frames(RECORDS))
    wait_until(lambda: "another process holds it locked" in capsys.readouterr().err, what="the complaint")
    assert box.decided() == []
    other.execute("ROLLBACK")
    other.close()
    finish(box, thread)
    assert "going on" in capsys.readouterr().err


def test_a_disk_that_takes_no_more_is_waited_for(box, capsys):
    """A quota: the kernel refuses every write past a size, as a full disk does."""
    box.start(standing_clock())
    box.put(*in_frames(RECORDS))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    thread = begun(box)  # only now: it must not have written all of it before the disk is full
    try:
        wait_until(lambda: "nothing is decided until then" in capsys.readouterr().err, what="the complaint")
        time.sleep(0.5)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    finish(box, thread)


def test_a_damaged_file_is_said_and_decides_nothing_wrong(box):
    box.put(*in_frames(RECORDS))
    box.take_in()
    path = box.folder / "streams.db"
    whole = path.read_bytes()
    with path.open("r+b") as file:
        for page in range(1, len(whole) // 4096):
            file.seek(page * 4096)
            file.write(os.urandom(4096))
    with pytest.raises(LogFull, match=r"damaged|no database"):
        box.start()
    path.write_bytes(whole)
    box.take_in()
    assert box.decided() == expected(RECORDS)[0]


def test_a_torn_last_page_is_said_and_decides_nothing_wrong(box, capsys):
    box.put(*in_frames(RECORDS))
    box.take_in()
    path = box.folder / "streams.db"
    whole = path.read_bytes()
    path.write_bytes(whole[:-2048])
    try:
        box.take_in()
        said = capsys.readouterr().err
    except LogFull as error:
        said = str(error)
    # Either it notices at its start, or the page is one of old decisions and its own memory is whole.
    assert "damaged" in said or "disk gave an error" in said or box.remembered() == expected(RECORDS)[1]
    box.stop()
    path.write_bytes(whole)
    box.take_in()
    assert box.decided() == expected(RECORDS)[0]


def test_a_frame_of_decisions_that_the_disk_lost_is_said(box, capsys):
    box.put(*in_frames(RECORDS))
    box.take_in()
    writer = SqliteWriter(box.folder / "streams.db", "outbox")
    writer.append([], [("UPDATE outbox SET frame = zeroblob(9) WHERE offset = (SELECT max(offset) FROM outbox)", [()])])
    writer.close()
    box.start()
    assert "is damaged: what was decided in it may not have been told" in capsys.readouterr().err


def test_a_new_file_in_place_of_a_damaged_one_is_numbered_on_and_sends_no_old_pages(box):
    box.put(*in_frames(RECORDS))
    box.take_in()
    (last,) = box.ask("SELECT max(offset) FROM outbox")[0]
    for path in box.folder.glob("streams.db*"):
        path.unlink()
    box.age_inbox(3_600_001)
    box.take_in()
    (first,) = box.ask("SELECT min(offset) FROM outbox")[0]
    assert first > last
    effects, remembered = expected(RECORDS)
    assert box.remembered() == remembered
    assert box.decided() == [e for e in effects if not (isinstance(e, Decision) and e.decision == "page")]


def test_an_inbox_that_cannot_be_read_is_waited_for(box, capsys):
    box.take_in()
    box.put(*in_frames(RECORDS))
    box.close()
    path = box.folder / "inbox.db"
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + os.urandom(len(whole) - 4096))
    thread = running(box)
    wait_until(lambda: "inbox.db" in (said := capsys.readouterr().err) and "damaged" in said, what="the complaint")
    assert box.decided() == []
    path.write_bytes(whole)
    finish(box, thread)
