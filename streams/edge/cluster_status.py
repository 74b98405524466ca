"""How a cluster stands, for the desk: the last mark of each partition tells what its worker has done and when.

Workers write a mark with everything they write, and every half minute when nothing happens (`cluster_part.py`).  A
thread looks now and then, so that a screen never waits for Kafka.
"""

import sys
import threading
from collections.abc import Callable, Sequence

import msgspec

from devices.edge.settings import Settings
from devices.events import Event
from streams.edge.cluster_part import Mark, read_mark
from streams.edge.kafka import connection, names
from streams.edge.kafka_log import KafkaReader
from streams.edge.kafka_rejects import Reject, RejectsReader
from streams.edge.log import LogFull
from streams.edge.sqlite_log import wall_clock_ms
from streams.frames import FrameError, decode_inbox, decode_outbox

_LOOK_S = 3.0
# A worker that writes at least every half minute, and a little more.
LIVES_MS = 75_000


class Standing(msgspec.Struct, frozen=True):
    """What was seen at `at_ms`: the marks of the partitions that ever had one, and the ends of `inbox` and `outbox`."""

    at_ms: int = 0
    marks: dict[int, Mark] = {}
    ends: dict[str, dict[int, int]] = {}


class ClusterStatus:
    """`standing` is what was seen last.  The other questions may be asked from any thread, one at a time."""

    def __init__(self, settings: Settings, *, clock_ms: Callable[[], int] = wall_clock_ms) -> None:
        """Connects to nothing.  Raises OSError for a password file or certificate that cannot be read."""
        options, called = connection(settings.cluster), names(settings.cluster.topic_prefix)
        self.standing = Standing()
        self._partitions = range(settings.streams.partitions)
        self._clock_ms = clock_ms
        self._logs = {"inbox": KafkaReader(options, called.inbox), "outbox": KafkaReader(options, called.outbox)}
        self._state = KafkaReader(options, called.state)
        self._rejects = RejectsReader(settings)
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Look from now on."""
        self._thread = threading.Thread(target=self._run, name="cluster status", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self.look()
            except LogFull:
                pass  # what was seen last grows old, and so does the picture on every screen
            except Exception as fault:  # noqa: BLE001 - said; the screens show that nothing is known any more
                print(f"desk: how the cluster stands cannot be read: {fault}", file=sys.stderr, flush=True)
            self._stop.wait(_LOOK_S)

    def look(self) -> Standing:
        """See how it stands now.  Raises LogFull when Kafka is away."""
        with self._lock:
            ends = {log: reader.ends(self._partitions) for log, reader in self._logs.items()}
            marks: dict[int, Mark] = {}
            for partition, end in self._state.ends(self._partitions).items():
                # A flush ends in its mark.
                for _, value in self._state.read(partition, end - 1, 1) if end else []:
                    try:
                        marks[partition] = read_mark(value)
                    except (msgspec.MsgspecError, FrameError):
                        continue
            self.standing = Standing(self._clock_ms(), marks, ends)
            return self.standing

    def alive_ms(self) -> int:
        """Now, while a worker looks after every partition; else when the last one was looked after (0: never)."""
        marks = self.standing.marks
        touched_ms = (
            min((mark.at_ms for mark in marks.values()), default=0) if len(marks) == len(self._partitions) else 0
        )
        now_ms = self._clock_ms()
        return now_ms if now_ms - touched_ms < LIVES_MS else touched_ms

    def behind(self, log: str, cursors: dict[int, int], now_ms: int) -> tuple[int, int]:
        """Of a reader with these cursors: how many frames it is behind, and how old the oldest of them is."""
        ends = self.standing.ends.get(log, {})
        left = {p: ends[p] - at for p, at in cursors.items() if ends.get(p, 0) > at}
        if not left:
            return 0, 0
        oldest_ms = min((self._time_after(log, p, cursors[p]) or now_ms for p in left), default=now_ms)
        return sum(left.values()), max(0, now_ms - oldest_ms)

    def _time_after(self, log: str, partition: int, offset: int) -> int | None:
        with self._lock:
            try:
                frames = self._logs[log].read(partition, offset, 1)
                records: Sequence[object] = (decode_inbox if log == "inbox" else decode_outbox)(frames[0][1])
            except (LogFull, FrameError, IndexError):
                return None
        for record in records:
            return (
                record.received_ms
                if isinstance(record, Event)
                else getattr(record, "at_ms", None) or getattr(record, "t_ms", None)
            )
        return None

    def rejects(self, most: int) -> list[Reject]:
        """The newest refused messages, oldest first; none where Kafka is away."""
        with self._lock:
            try:
                return self._rejects.newest(most)
            except LogFull:
                return []

    def close(self) -> None:
        """End the thread, give the connections back."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(10)
        for reader in (*self._logs.values(), self._state, self._rejects):
            reader.close()
