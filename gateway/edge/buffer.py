"""What a gateway takes in on its own disk while Kafka is away: bounded, in order, and brought to Kafka afterwards.

While nothing waits here, everything goes to Kafka directly.  What Kafka does not take is written to `buffer.db` and so
is durable; from then on everything goes there first, until a thread has brought all of it to Kafka.  A parcel leaves
the file only when it stands in Kafka, and one whose bringing was begun by a process that died is looked for there
before it is brought again.  The file also mirrors what the gateways share, so that a gateway can start without Kafka.
"""

import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

import msgspec

from gateway.edge.keeping import InboxWriter, Note
from gateway.edge.say import say
from streams.edge.log import LogFull
from streams.edge.sqlite_log import SqliteWriter, wall_clock_ms
from streams.troubles import Detail, Trouble

FILE = "buffer.db"
_TABLES = (
    "CREATE TABLE IF NOT EXISTS parcels (number INTEGER PRIMARY KEY AUTOINCREMENT, size, tried_ms, parcel BLOB)",
    "CREATE TABLE IF NOT EXISTS mirror (key BLOB PRIMARY KEY, value BLOB)",
)
_AT_ONCE = 100
_BYTES_AT_ONCE = 8 * 1024 * 1024
_PAUSES_S = (0.2, 0.5, 1.0, 2.0)


class Parcel(msgspec.Struct, array_like=True):
    """What one batch is in Kafka: frames of `inbox` by partition, frames of `rejects`, rows of `fleet`."""

    frames: list[tuple[int, bytes]] = []
    rejects: list[bytes] = []
    rows: list[tuple[bytes, bytes]] = []


class Carrier(InboxWriter, Protocol):
    """A writer to Kafka that can be asked for the steps apart."""

    def parcel(self, frames: list[tuple[int, bytes]], notes: Sequence[Note]) -> Parcel:
        """What is to be written for a batch; asked once for each, in order."""
        ...

    def send(self, parcel: Parcel) -> list[int]:
        """Write it; the offsets of its frames.  Raises LogFull: call it again with the very same."""
        ...

    def without_standing(self, parcel: Parcel, since_ms: int) -> Parcel:
        """The parcel without those frames that stand in Kafka already.  Raises LogFull."""
        ...


_encode = msgspec.msgpack.encode
_decode = msgspec.msgpack.Decoder(Parcel).decode


def parcels(file: "BufferFile") -> list[Parcel]:
    """Everything that waits, oldest first."""
    return [_decode(data) for _, _, data in file.parcels()]


class BufferFull(LogFull):
    """Kafka is away and the buffer holds as much as it may."""


class BufferFile(SqliteWriter):
    """`buffer.db`, whose only writer this process is."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / FILE, "unused", tables=_TABLES)

    def parcels(self, most: int = -1) -> list[tuple[int, int | None, bytes]]:
        """The oldest ones: number, when bringing them was begun, what they are."""
        return self.query("SELECT number, tried_ms, parcel FROM parcels ORDER BY number LIMIT ?", (most,))  # pyright: ignore[reportReturnType]

    def newest(self) -> int:
        """The number of the newest one; it stays the newest only while nothing is stored."""
        return self.query("SELECT max(number) FROM parcels")[0][0]

    def held(self) -> tuple[int, int]:
        """How many parcels wait, and how many bytes they are."""
        count, size = self.query("SELECT count(*), coalesce(sum(size), 0) FROM parcels")[0]
        return count, size

    def mirrored(self) -> list[tuple[bytes, bytes]]:
        """What the gateways shared when Kafka was last there."""
        return self.query("SELECT key, value FROM mirror")  # pyright: ignore[reportReturnType]

    def mirror(self, rows: Iterable[tuple[bytes, bytes]]) -> None:
        """Remember more of it.  Raises LogFull."""
        self.append([], [("INSERT OR REPLACE INTO mirror VALUES (?, ?)", list(rows))])


class Buffered(InboxWriter):
    """`carrier` writes to Kafka; at most `most_bytes` wait in `file`.  `report(part, well, detail)` may be called from
    any thread.  `away`: Kafka was not there when this process began, so nothing is brought until it begins anew."""

    def __init__(self, carrier: Carrier, file: BufferFile, *, most_bytes: int, away: str = "") -> None:
        self.salvaged: list[str] = []
        self.report: Callable[[str, bool, Detail], None] = lambda _part, _well, _detail: None
        self._carrier = carrier
        self._file = file
        self._most_bytes = most_bytes
        self._away = away
        self._trouble = away
        self._over_before = False
        self._since_ms = wall_clock_ms()
        self._waiting, self._bytes = file.held()
        # One holds it who touches the file or the counts; what waits for Kafka never does.
        self._lock = threading.Lock()
        self._something = threading.Event()
        self._stopping = threading.Event()
        self._frames: list[tuple[int, bytes]] | None = None
        self._parcel = Parcel()
        # What Kafka did not take directly, and its number here: still the very same to the carrier.
        self._failed: tuple[int, Parcel] | None = None
        self._bringing: tuple[list[int], int, Parcel] | None = None
        self._thread: threading.Thread | None = None
        if self._waiting and not away:
            say("what an earlier run could not bring to Kafka is brought now", parcels=self._waiting)

    def start(self) -> None:
        """Begin to bring what waits."""
        if not self._away:
            self._something.set()
            self._thread = threading.Thread(target=self._run, name="buffer", daemon=True)
            self._thread.start()

    def seen(self) -> dict[str, Any]:
        """For the health page."""
        return {
            "buffer": {
                "parcels": self._waiting,
                "bytes": self._bytes,
                "most_bytes": self._most_bytes,
                "trouble": self._trouble,
                "since_s": (wall_clock_ms() - self._since_ms) / 1000 if self._trouble else 0.0,
            }
        }

    # The committer's thread.

    def write(self, frames: list[tuple[int, bytes]], notes: Sequence[Note]) -> list[int]:
        """As the port says; [] for what waits here.  Raises LogFull."""
        if self._frames is not frames:
            self._frames, self._parcel = frames, self._carrier.parcel(frames, notes)
        tried_ms, away = None, ""
        if not self._must_wait():
            tried_ms = wall_clock_ms()
            try:
                offsets = self._carrier.send(self._parcel)
            except LogFull as trouble:
                away = str(trouble)
            else:
                self._frames = None
                if self._trouble:
                    # It never came as far as this disk: whoever brings has nothing to bring, and says that it is over.
                    self._something.set()
                return offsets
        with self._lock:
            if tried_ms is not None:
                # With the storing, or the other thread would say meanwhile that nothing waits.
                self._begin(away)
            self._store(self._parcel, tried_ms)
            if tried_ms is not None:
                self._failed = (self._file.newest(), self._parcel)
        self._frames = None
        self._something.set()
        return []

    def _must_wait(self) -> bool:
        with self._lock:
            return bool(self._away) or self._waiting > 0

    def _store(self, parcel: Parcel, tried_ms: int | None) -> None:
        data = _encode(parcel)
        if self._bytes + len(data) > self._most_bytes:
            raise BufferFull(
                f"the buffer is full ({self._bytes / 1e6:.0f} MB): {self._trouble or 'Kafka takes less than comes in'}"
            )
        row = (len(data), tried_ms, data)
        self._file.append([], [("INSERT INTO parcels (size, tried_ms, parcel) VALUES (?, ?, ?)", [row])])
        self._waiting += 1
        self._bytes += len(data)

    def _begin(self, trouble: str) -> None:
        """Kafka did not take something.  Called with the lock."""
        if not self._trouble:
            self._since_ms, self._trouble = wall_clock_ms(), trouble
            say("Kafka is away: what comes in waits on this disk", trouble=trouble)
            self.report("kafka", False, Trouble.of("kafka-away", why=trouble))

    def tend(self) -> None:
        with self._lock:
            self._file.tend()

    def forget(self, log: str, before_ms: int, read_to: Any, most: int) -> int:
        """Nothing: what is old goes by the topics' retention."""
        return 0

    def mirror(self, rows: Iterable[tuple[bytes, bytes]]) -> None:
        """What the gateways share has changed.  Raises LogFull."""
        with self._lock:
            self._file.mirror(rows)

    def close(self) -> None:
        self._stopping.set()
        self._something.set()
        if self._thread is not None:
            self._thread.join(15)
        self._carrier.close()
        with self._lock:
            self._file.close()

    # The thread that brings.

    def _run(self) -> None:
        tries = 0
        while not self._stopping.is_set():
            self._something.wait()
            try:
                left = self._bring()
            except LogFull as trouble:
                with self._lock:
                    self._begin(str(trouble))
                self._stopping.wait(_PAUSES_S[min(tries, len(_PAUSES_S) - 1)])
                tries += 1
                continue
            except BaseException:
                # Nothing of what waits is lost by that; whoever supervises this process starts it again.
                traceback.print_exc()
                sys.stderr.flush()
                self.report("kafka", False, Trouble.of("kafka-fault"))
                raise
            tries = 0
            if not left:
                with self._lock:
                    self._over()

    def _bring(self) -> int:
        """Bring some of the oldest; how many are left.  Raises LogFull."""
        if self._bringing is None:
            # Chosen once: what is tried again must be the very same, so that the carrier knows what is under way.
            self._bringing = self._choose()
        if self._bringing is None:
            return 0
        numbers, size, parcel = self._bringing
        self._carrier.send(parcel)
        with self._lock:
            self._file.append([], [("DELETE FROM parcels WHERE number = ?", [(number,) for number in numbers])])
            self._bringing = None
            self._waiting -= len(numbers)
            self._bytes -= size
            if not self._waiting:
                self._something.clear()
            return self._waiting

    def _choose(self) -> tuple[list[int], int, Parcel] | None:
        with self._lock:
            rows = self._file.parcels(_AT_ONCE)
            if not rows:
                self._something.clear()
                return None
            failed, self._failed = self._failed, None
            if failed is not None and failed[0] == rows[0][0]:
                return [failed[0]], len(rows[0][2]), failed[1]
            numbers: list[int] = []
            new: list[tuple[int]] = []
            tried: list[int] = []
            parcel, size = Parcel(), 0
            for number, tried_ms, data in rows:
                if numbers and size + len(data) > _BYTES_AT_ONCE:
                    break
                numbers.append(number)
                size += len(data)
                one = _decode(data)
                parcel.frames += one.frames
                parcel.rejects += one.rejects
                parcel.rows += one.rows
                if tried_ms is None:
                    new.append((number,))
                else:
                    tried.append(tried_ms)
            if new:
                now_ms = wall_clock_ms()
                self._file.append([], [(f"UPDATE parcels SET tried_ms = {now_ms} WHERE number = ?", new)])
        # Brought before, by a process that died over it: some of it may stand in Kafka.
        return numbers, size, self._carrier.without_standing(parcel, min(tried)) if tried else parcel

    def _over(self) -> None:
        """Nothing was left to bring.  Called with the lock: something may have come since."""
        if self._waiting:
            return
        trouble, self._trouble = self._trouble, ""
        if trouble:
            lasted_s = (wall_clock_ms() - self._since_ms) / 1000
            say("Kafka has everything that waited", lasted_s=lasted_s, trouble=trouble)
            self.report("kafka", True, f"{lasted_s:.0f} s")
        elif not self._over_before:
            # Whoever held this buffer before may have ended while it was away.
            self.report("kafka", True, "")
        self._over_before = True
