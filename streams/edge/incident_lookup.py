"""The moments of one incident, out of a box's two logs."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from devices.ids import partition_of
from devices.places import grid_of
from streams.edge.sqlite_log import SqliteReader
from streams.frames import FrameError, decode_inbox, decode_outbox
from streams.incident_story import Moment, story, subject_of

# What led to it may have come an hour before, and a frame is written a moment after what is in it.
BEFORE_MS = 3_600_000
_AFTER_MS = 60_000
_FRAMES = 200

R = TypeVar("R")


def story_of(folder: Path, partitions: int, incident: str, *, grid: str, from_ms: int, until_ms: int) -> list[Moment]:
    """`incident` of `grid`, raised at `from_ms` and over (or not yet) at `until_ms`.  Raises LogFull.

    Events older than raw events are kept are not there any more; what was decided is.
    """
    partition = partition_of(grid or grid_of(subject_of(incident)), partitions)
    inbox = SqliteReader(folder / "inbox.db", "inbox")
    outbox = SqliteReader(folder / "streams.db", "outbox")
    try:
        records = _window(inbox, partition, from_ms - BEFORE_MS, until_ms + _AFTER_MS, decode_inbox)
        effects = _window(outbox, partition, from_ms - BEFORE_MS, until_ms + _AFTER_MS, decode_outbox)
        return story(records, effects, incident)
    finally:
        inbox.close()
        outbox.close()


def _window(
    reader: SqliteReader, partition: int, from_ms: int, until_ms: int, decode: Callable[[bytes], Sequence[R]]
) -> Iterator[R]:
    """The records of frames written between the two times."""
    after = offset_before(reader, from_ms)
    end = offset_before(reader, until_ms)
    while frames := reader.read(partition, after, _FRAMES):
        for offset, frame in frames:
            if offset > end:
                return
            after = offset
            try:
                yield from decode(frame)
            except FrameError:
                continue  # the streams process has put it aside and said so


def offset_before(reader: SqliteReader, at_ms: int) -> int:
    """The last offset of the log written before `at_ms`, 0 without one.  Frames grow in offset and time together, so
    that a log of three years is searched in some forty steps."""
    ends = reader.query(f"SELECT min(offset), max(offset) FROM {reader.log}")
    if not ends or ends[0][0] is None:
        return 0
    low, high = ends[0][0] - 1, ends[0][1]
    while low < high:
        middle = (low + high + 1) // 2
        # Offsets have gaps where frames were deleted: the last one up to the middle.
        row = reader.query(
            f"SELECT offset, at_ms FROM {reader.log} WHERE offset <= ? ORDER BY offset DESC LIMIT 1", (middle,)
        )
        if not row or row[0][1] < at_ms:
            low = middle
        else:
            high = row[0][0] - 1
    return low
