"""The site's own log as replay reads it, a box's or a cluster's: what happened since a moment, and what must be known
before it."""

import re
from collections.abc import Callable, Iterator
from importlib import import_module

from devices.edge.settings import Settings
from devices.events import Event
from streams.edge.log import TimedReader
from streams.edge.sqlite_log import SqliteReader
from streams.frames import FrameError, InboxRecord, decode_beside_events, decode_inbox
from streams.grid import time_of

# So long before the moment asked for is replayed too, unprinted: doors, counters and clocks are known by then.
WARM_UP_MS = 2 * 86_400_000
# What a frame holds came in before it was written, by clocks that may differ by so much.
_CLOCKS_APART_MS = 3_600_000
_FRAMES = 200
_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])\Z")
_UNIT_MS = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}


def ago_ms(text: str, now_ms: int) -> int:
    """`7d`, `12h`, `30m` before `now_ms`.  Raises ValueError."""
    found = _SPAN.match(text.strip().lower())
    if found is None:
        raise ValueError(f"{text!r} is no span of time like 7d, 12h or 30m")
    return now_ms - int(float(found[1]) * _UNIT_MS[found[2]])


def opener(settings: Settings, log: str) -> Callable[[], TimedReader]:
    """How a reader of `inbox` or `outbox` is had, where the settings keep them."""
    if settings.streams.runtime == "cluster":
        kafka = import_module("streams.edge.kafka_log")
        return lambda: kafka.open_reader(settings, log)
    file = "inbox.db" if log == "inbox" else "streams.db"
    return lambda: SqliteReader(settings.data_path / file, log)


class BoxLog:
    """`inbox` of a site.  `unreadable` counts frames that were passed over: the streams process has put them aside."""

    def __init__(self, open_reader: Callable[[], TimedReader], partitions: int) -> None:
        self._open = open_reader
        self.partitions = partitions
        self.unreadable = 0

    def newest_ms(self) -> int:
        """When the newest record came in; 0 for an empty log.  Raises LogFull."""
        reader = self._open()
        try:
            newest = 0
            for partition in range(self.partitions):
                # The last frames, for the newest of them may be one that cannot be read.
                last = reader.read(partition, max(0, reader.end(partition) - _FRAMES), _FRAMES)
                newest = max([newest, *(time_of(record) for _, frame in last for record in _decoded(frame) or ())])
            return newest
        finally:
            reader.close()

    def ends(self) -> list[int]:
        """The newest offset of each partition.  Raises LogFull."""
        reader = self._open()
        try:
            return [reader.end(partition) for partition in range(self.partitions)]
        finally:
            reader.close()

    def frames(self, partition: int, since_ms: int) -> Iterator[tuple[int, list[InboxRecord]]]:
        """(offset, records) in the order of the log.  Raises LogFull.

        Events from before the warm-up are left out; what people asked for and where devices were is kept, from the
        beginning of the log: a case that was opened weeks ago counts.  Of a frame written before the warm-up events are
        not even decoded.
        """
        warm_ms = since_ms - WARM_UP_MS
        reader = self._open()
        try:
            after, past = 0, reader.before(partition, warm_ms - _CLOCKS_APART_MS)
            while frames := reader.read(partition, after, _FRAMES):
                for offset, frame in frames:
                    after = offset
                    records = _decoded(frame, decode_beside_events if offset <= past else decode_inbox)
                    if records is None:
                        self.unreadable += 1
                        continue
                    if records and time_of(records[0]) < warm_ms:
                        records = [r for r in records if not isinstance(r, Event) or r.received_ms >= warm_ms]
                    yield offset, records
        finally:
            reader.close()


def _decoded(frame: bytes, decode: Callable[[bytes], list[InboxRecord]] = decode_inbox) -> list[InboxRecord] | None:
    try:
        return decode(frame)
    except FrameError:
        return None
