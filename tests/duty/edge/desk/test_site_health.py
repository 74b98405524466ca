"""What the system thinks of itself, read from its files."""

import json
from pathlib import Path

import msgspec

from duty.edge.desk.site_health import SiteHealth
from streams.edge.series import Progress, Refused
from streams.edge.series_file import SeriesFile
from streams.edge.sqlite_log import CURSORS, SqliteWriter
from streams.frames import RejectRecord

REJECTS = (
    "CREATE TABLE IF NOT EXISTS rejects (offset INTEGER PRIMARY KEY AUTOINCREMENT, partition INTEGER, at_ms INTEGER, "
    "frame BLOB); CREATE TABLE IF NOT EXISTS rejects_fed (offset INTEGER PRIMARY KEY, at_ms INTEGER, outcome TEXT)"
)


def test_a_folder_with_nothing_in_it_is_a_system_that_never_ran(tmp_path: Path) -> None:
    health = SiteHealth(tmp_path)
    assert health.processes() == []
    assert health.readers(1) == []
    assert health.core() is None
    assert health.rejects() == []
    assert health.reject_counts() == {}


def test_processes_are_those_the_supervisor_wrote_down(tmp_path: Path) -> None:
    seen = {"name": "gateway", "pid": 7, "started": 5, "ready": True, "restarts": 2, "last_end": "killed"}
    (tmp_path / "processes.json").write_text(json.dumps({"supervisor": 1, "processes": [seen]}))
    (process,) = SiteHealth(tmp_path).processes()
    assert (process.name, process.ready, process.restarts, process.last_end) == (
        "gateway",
        True,
        2,
        "killed",
    )
    (tmp_path / "processes.json").write_text('{"processes": [{"name"')
    assert SiteHealth(tmp_path).processes() == []


def test_a_reader_that_is_behind_says_by_how_much(tmp_path: Path) -> None:
    inbox = SqliteWriter(tmp_path / "inbox.db", "inbox", clock=lambda: 1000)
    streams = SqliteWriter(tmp_path / "streams.db", "outbox", tables=(CURSORS,))
    inbox.append([(0, b"a"), (0, b"b"), (0, b"c")])
    streams.append([], [("INSERT INTO cursors VALUES ('inbox', 0, 1)", [()])])
    (reader,) = SiteHealth(tmp_path).readers(4000)
    assert (reader.log, reader.reader, reader.behind, reader.behind_ms) == ("inbox", "streams", 2, 3000)
    inbox.close()
    streams.close()


def test_rejects_are_shown_newest_first_with_what_became_of_them(tmp_path: Path) -> None:
    inbox = SqliteWriter(tmp_path / "inbox.db", "inbox", tables=(REJECTS,))
    for n, reason in enumerate(("malformed", "unknown-device")):
        record = RejectRecord(n, reason, "why", f"topic/{n}", b"\xff" * 1000)
        inbox.append([], [("INSERT INTO rejects (partition, at_ms, frame) VALUES (0, 1, ?)",
                           [(msgspec.msgpack.encode(record),)])])  # fmt: skip
    inbox.append([], [("INSERT INTO rejects_fed VALUES (1, 9, 'taken')", [()])])
    newest, oldest = SiteHealth(tmp_path).rejects()
    assert (newest.reason, newest.outcome, oldest.outcome) == ("unknown-device", "", "taken")
    assert len(newest.payload) == 400
    assert SiteHealth(tmp_path).reject_counts() == {"malformed": 1, "unknown-device": 1}
    inbox.close()


def test_a_damaged_file_is_nothing_known(tmp_path: Path) -> None:
    (tmp_path / "inbox.db").write_bytes(b"this is no database" * 100)
    assert SiteHealth(tmp_path).rejects() == []


def test_what_the_time_series_refused_is_counted_and_shown_newest_first(tmp_path: Path) -> None:
    assert SiteHealth(tmp_path).refused_points() == (0, [])
    refuse(tmp_path, *(Refused(f"door,grid=g1 open={n}i {n}", "field type conflict") for n in range(3)))
    count, (newest, second) = SiteHealth(tmp_path).refused_points(2)
    assert (count, newest.what, second.what) == (3, "door,grid=g1 open=2i 2", "door,grid=g1 open=1i 1")
    assert newest.reason == "field type conflict"


def refuse(folder: Path, *refused: Refused) -> None:
    """As the sink does."""
    file = SeriesFile(folder / "series.db")
    file.store(Progress(), refused=refused)
    file.close()
