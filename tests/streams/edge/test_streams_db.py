"""streams.db: one transaction a commit, and what is old is made small."""

import msgspec
import pytest

from streams.edge.guarded_engine import Fault
from streams.edge.log import LogFull
from streams.edge.sqlite_log import SqliteReader, SqliteWriter, read_to
from streams.edge.streams_db import Commit, Status, StreamsDb
from streams.effects import Decision, HouseholdSeen
from streams.frames import decode_outbox
from streams.state import BridgeState, Building

RAISED = Decision(1000, "raised", "g1", "g1/1/1", "tamper", "g1/1/1/tamper/1")
SEEN = HouseholdSeen(1000, "g1", "g1/1/1", False, None, None, True, None, None, False, False, False, [])


@pytest.fixture
def path(tmp_path):
    return tmp_path / "streams.db"


@pytest.fixture
def db(path):
    made = StreamsDb(path)
    yield made
    made.close()


def frames(path) -> list[tuple[int, list]]:
    reader = SqliteReader(path, "outbox")
    found = [(offset, decode_outbox(frame)) for offset, frame in reader.read(0, 0, 1000)]
    reader.close()
    return found


def test_everything_of_a_commit_is_there_together(db, path):
    building, bridge = Building("g1/1", (("g1/1/1", 5),)), BridgeState("z2m", "g1")
    fault = Fault("record", "", b"data", "why")
    changes = {"b:g1/1": building, "l:z2m": bridge}
    db.commit([Commit(Status(0, 1, now_ms=7, events=3), [RAISED, SEEN], changes, 12, [fault])])
    assert [effects for _, effects in frames(path)] == [[RAISED, SEEN]]
    assert dict(db.records(0)[0]) == changes
    assert db.cursors() == {0: 12}
    assert read_to([path], "inbox") == {0: 12}
    assert (db.statuses()[0].now_ms, db.statuses()[0].events) == (7, 3)
    (aside,) = db.put_aside()
    assert aside.fault == fault
    db.commit([Commit(Status(0, 2), changes={"l:z2m": None}, resolved=[aside.id])])
    assert [key for key, _ in db.records(0)[0]] == ["b:g1/1"]
    assert db.put_aside() == []
    assert db.cursors() == {0: 12}, "a commit of time alone moves no cursor"


def test_partitions_share_a_transaction_and_nothing_else(db):
    one, two = Building("g1/1"), Building("g2/1")
    db.commit([Commit(Status(0, 1), [], {"b:g1/1": one}, 5), Commit(Status(1, 1), [], {"b:g2/1": two}, 6)])
    assert db.records(0) == ([("b:g1/1", one)], [])
    assert db.records(1) == ([("b:g2/1", two)], [])
    assert db.cursors() == {0: 5, 1: 6}


def test_a_commit_given_again_after_it_was_kept_after_all_is_made_once(db, path):
    commit = Commit(Status(0, 1), [RAISED], {}, 5)
    db.commit([commit])
    db.commit([commit], again=True)
    assert len(frames(path)) == 1
    db.commit([Commit(Status(0, 2), [RAISED], {}, 6)], again=True)
    assert len(frames(path)) == 2


def test_a_record_that_does_not_decode_is_told_apart(db, path):
    db.commit([Commit(Status(0, 1), [], {"b:g1/1": Building("g1/1"), "l:z": BridgeState("z", "g1")})])
    db.close()
    writer = SqliteWriter(path, "outbox")
    broken = msgspec.msgpack.encode([("l:z", b"\xc1\xff")])
    writer.append([], [("INSERT INTO changes VALUES (?, 0, ?)", [(10**6, broken)])])
    writer.close()
    again = StreamsDb(path)
    records, faults = again.records(0)
    assert [key for key, _ in records] == ["b:g1/1"]
    assert [(fault.sort, fault.key, fault.data) for fault in faults] == [("state", "l:z", b"\xc1\xff")]
    again.close()


def test_old_frames_keep_their_decisions_and_their_numbers(db, path):
    db.commit([Commit(Status(0, 1), [RAISED, SEEN])])
    db.commit([Commit(Status(0, 2), [SEEN])])
    db.commit([Commit(Status(0, 3), [RAISED])])
    before = frames(path)
    far_ms = 2**60
    assert db.slim(0, 0) == 0, "nothing is as old as that"
    assert db.slim(far_ms, 0) == 3
    assert frames(path) == [(before[0][0], [RAISED]), (before[2][0], [RAISED])]
    assert db.slim(far_ms, 0) == 0, "what was looked at is not looked at again"
    db.commit([Commit(Status(0, 4), [SEEN])])
    assert frames(path)[-1][0] > before[2][0]


def test_frames_older_than_incidents_are_kept_are_deleted(db, path):
    for number in range(5):
        db.commit([Commit(Status(0, number + 1), [RAISED])])
    assert db.forget(0, 1) == 0
    assert db.forget(2**60, 1) == 5
    assert frames(path) == []


def test_offsets_begin_at_the_time_the_file_was_made(db, path):
    db.commit([Commit(Status(0, 1), [RAISED])])
    assert frames(path)[0][0] > 1_700_000_000_000
    db.close()
    again = StreamsDb(path)
    again.commit([Commit(Status(0, 2), [RAISED])])
    first, second = (offset for offset, _ in frames(path))
    assert second == first + 1
    again.close()


def test_a_file_that_cannot_be_opened_leaves_no_lock(tmp_path):
    (tmp_path / "streams.db").write_bytes(b"no database" * 1000)
    with pytest.raises(LogFull, match="no database"):
        StreamsDb(tmp_path / "streams.db")
    (tmp_path / "streams.db").unlink()
    StreamsDb(tmp_path / "streams.db").close()
