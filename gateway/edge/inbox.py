"""The gateway's file, `inbox.db`: the frames of `inbox`, and whatever must be stored in the same transaction as they.

Rejects, what the formats remember, which sensors are lent, what the core was told of the fleet, how far each hearer of
pages has been served.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, assert_never

import msgspec

from devices.events import Event
from gateway.edge.keeping import Fed, HeardTo, Kept, Learnt, Lent, Note, Refused, Told
from gateway.fleet_records import FleetRecord, decode_told, encode_told, key_of
from gateway.rejects import decode_reject, encode_reject
from streams.edge.sqlite_log import CURSORS, SqliteReader, SqliteWriter, Statement, frames_into, read_to
from streams.frames import FrameError, NewerFrame, RejectRecord, decode_inbox

FILE = "inbox.db"
_TABLES = (
    CURSORS,
    "CREATE TABLE IF NOT EXISTS rejects_fed (offset INTEGER PRIMARY KEY, at_ms INTEGER, outcome TEXT)",
    "CREATE TABLE IF NOT EXISTS format_memory (key TEXT PRIMARY KEY, memory BLOB)",
    "CREATE TABLE IF NOT EXISTS bindings (device TEXT PRIMARY KEY, household TEXT)",
    "CREATE TABLE IF NOT EXISTS told (key TEXT PRIMARY KEY, record BLOB)",
    "CREATE TABLE IF NOT EXISTS page_cursors (hearer, partition, offset, PRIMARY KEY (hearer, partition))",
)
# A few seconds of a busy box: what devices send again after a restart was among the last they sent before it.
REMEMBERED_FRAMES = 400


# Whoever reads `inbox`, by the file that holds its cursors.
READERS = ("streams.db", "series.db", "desk.db")


class BoxInbox(SqliteWriter):
    """The writer of `inbox` that stores notes in the same transaction as frames."""

    def write(self, frames: list[tuple[int, bytes]], notes: Sequence[Note]) -> list[int]:
        """As keeping.InboxWriter says.  Raises LogFull."""
        return self.append(frames, [row for note in notes for row in statements(note)] if notes else ())


def open_inbox(folder: Path, **options: Any) -> BoxInbox:
    """The writer of `inbox` in the data folder; a damaged file is mended.  Raises LogFull with a sentence."""

    def seen() -> int:
        passed = [read_to([folder / name], "inbox") for name in READERS]
        return max((offset for found in passed for offset in found.values()), default=0)

    return BoxInbox(folder / FILE, "inbox", tables=_TABLES, other_logs=["rejects"], seen=seen, **options)


def kept(writer: SqliteWriter, partitions: int) -> Kept:
    """Read what an earlier run left.  Raises LogFull, or FrameError for frames of a newer program."""
    events: list[Event] = []
    newest_ms = 0
    for partition in range(partitions):
        rows = writer.query(
            "SELECT frame FROM inbox WHERE partition = ? ORDER BY offset DESC LIMIT ?", (partition, REMEMBERED_FRAMES)
        )
        for (frame,) in reversed(rows):
            try:
                records = decode_inbox(frame)
            except NewerFrame:
                raise
            except FrameError:
                continue  # damaged on disk: it is the core's to put aside, and nothing here hangs on it
            for record in records:
                newest_ms = max(newest_ms, record.received_ms if isinstance(record, Event) else record.at_ms)
                if isinstance(record, Event):
                    events.append(record)
    events.sort(key=lambda event: event.received_ms)
    return Kept(
        memory=dict(writer.query("SELECT key, memory FROM format_memory")),
        bindings=dict(writer.query("SELECT device, household FROM bindings")),
        told={key: decode_told(data) for key, data in writer.query("SELECT key, record FROM told")},
        page_cursors={(h, p): offset for h, p, offset in writer.query("SELECT * FROM page_cursors")},
        events=events,
        newest_ms=newest_ms,
    )


def statements(note: Note) -> list[Statement]:
    """A note as what stores it."""
    match note:
        case Refused():
            return [rejects_rows(note.records)]
        case Learnt():
            return [memory_rows(note.memory)]
        case Told():
            return [told_rows(note.records)]
        case Lent():
            return binding_rows(note.bindings)
        case HeardTo():
            return [page_cursor_rows(note.places)]
        case Fed():
            return [fed_rows(note.outcomes, note.at_ms)]
        case _:
            assert_never(note)


def rejects_rows(records: Iterable[RejectRecord]) -> Statement:
    """A statement that keeps rejects, one frame each, so that each has an offset to be fed in again by."""
    return frames_into("rejects", [(0, record.at_ms, encode_reject(record)) for record in records])


def memory_rows(memory: Mapping[str, bytes]) -> Statement:
    """A statement that keeps what formats remember."""
    return "INSERT OR REPLACE INTO format_memory VALUES (?, ?)", list(memory.items())


def told_rows(records: Iterable[FleetRecord]) -> Statement:
    """A statement that keeps what the core was told of the fleet; a case that was closed is told no more."""
    return "INSERT OR REPLACE INTO told VALUES (?, ?)", [(key_of(record), encode_told(record)) for record in records]


def binding_rows(bindings: Mapping[str, str]) -> list[Statement]:
    """Statements that keep which sensors of the pool are lent to whom."""
    return [("DELETE FROM bindings", [()]), ("INSERT INTO bindings VALUES (?, ?)", list(bindings.items()))]


def page_cursor_rows(cursors: Mapping[tuple[str, int], int]) -> Statement:
    """A statement that keeps how far hearers of pages have been served."""
    return (
        "INSERT OR REPLACE INTO page_cursors VALUES (?, ?, ?)",
        [(hearer, partition, offset) for (hearer, partition), offset in cursors.items()],
    )


def fed_rows(outcomes: Mapping[int, str], at_ms: int) -> Statement:
    """A statement that keeps which rejects were fed in again, and what became of them."""
    return (
        "INSERT OR REPLACE INTO rejects_fed VALUES (?, ?, ?)",
        [(offset, at_ms, outcome) for offset, outcome in outcomes.items()],
    )


def rejects_waiting(reader: SqliteReader, offsets: Iterable[int] | None, limit: int) -> list[tuple[int, RejectRecord]]:
    """Rejects that were not yet fed in again with success: those of `offsets`, or the oldest ones.  Raises LogFull."""
    chosen = "" if offsets is None else f"AND offset IN ({','.join(str(int(offset)) for offset in offsets)})"
    rows = reader.query(
        "SELECT offset, frame FROM rejects WHERE offset NOT IN "
        f"(SELECT offset FROM rejects_fed WHERE outcome = 'taken') {chosen} ORDER BY offset LIMIT ?",
        (limit,),
    )
    found: list[tuple[int, RejectRecord]] = []
    for offset, frame in rows:
        try:
            found.append((offset, decode_reject(frame)))
        except msgspec.MsgspecError as error:
            raise FrameError(f"reject {offset} does not decode: {error}") from error
    return found
