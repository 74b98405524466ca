"""The box's own log as replay reads it: what happened since a moment, and what must be known before it."""

import heapq
import re
from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path

from devices.events import Event
from streams.edge.sqlite_log import SqliteReader
from streams.frames import InboxRecord, decode_inbox
from streams.grid import time_of

# So long before the moment asked for is replayed too, unprinted: doors, counters and clocks are known by then.
WARM_UP_MS = 2 * 86_400_000
_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])\Z")
_UNIT_MS = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}


def ago_ms(text: str, now_ms: int) -> int:
    """`7d`, `12h`, `30m` before `now_ms`.  Raises ValueError."""
    found = _SPAN.match(text.strip().lower())
    if found is None:
        raise ValueError(f"{text!r} is no span of time like 7d, 12h or 30m")
    return now_ms - int(float(found[1]) * _UNIT_MS[found[2]])


class BoxLog:
    """`inbox` of the box with this data folder, its partitions as one."""

    def __init__(self, data: Path, partitions: int) -> None:
        self._path = data / "inbox.db"
        self._partitions = partitions

    def newest_ms(self) -> int:
        """When the newest record came in; 0 for an empty log."""
        reader = SqliteReader(self._path, "inbox")
        newest = 0
        for partition in range(self._partitions):
            end = reader.end(partition)
            for _, frame in reader.read(partition, end - 1, 1):
                newest = max(newest, *(time_of(record) for record in decode_inbox(frame)))
        reader.close()
        return newest

    def records(self, since_ms: int) -> Iterator[tuple[int, InboxRecord]]:
        """(time, record), each partition in the order of its log, all of them by time.

        Events from before the warm-up are left out; what people asked for and where devices were is kept.
        """
        reader = SqliteReader(self._path, "inbox")
        try:
            partitions = (self._partition(reader, number, since_ms - WARM_UP_MS) for number in range(self._partitions))
            yield from heapq.merge(*partitions, key=itemgetter(0))
        finally:
            reader.close()

    def _partition(self, reader: SqliteReader, partition: int, warm_ms: int) -> Iterator[tuple[int, InboxRecord]]:
        after = 0
        while frames := reader.read(partition, after, 200):
            for offset, frame in frames:
                after = offset
                for record in decode_inbox(frame):
                    at_ms = time_of(record)
                    if at_ms >= warm_ms or not isinstance(record, Event):
                        yield at_ms, record
