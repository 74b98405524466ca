"""One partition of the cluster runtime: its engine, how far it has come, and what of that is not written yet.

Touches neither Kafka nor Faust.  What a flush changes is one batch of records for the partition's changelog, which
Kafka keeps whole or not at all; among them is the mark: the place in `inbox`, and the decisions made since the flush
before.  So whoever takes the partition over finds the state exactly as of the mark, and can write those decisions to
`outbox` if their writer died in between.  See docs/decisions/0050-cluster-crash-window.md.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple, Protocol

import msgspec

from streams.edge.guarded_engine import Fault, GuardedEngine
from streams.effects import Decision, Effect
from streams.frames import FrameError, NewerFrame, RejectRecord, decode_inbox, encode_outbox
from streams.policy import Policy
from streams.state import Record, decode_record, encode_record
from streams.tally import Tally, changed, tally

VERSION = 1
# Keys of records begin with a letter.
MARK = b"\0mark"
ASIDE = b"\0aside/"

_RECORDS_A_FRAME = 500

Write = tuple[bytes, bytes | None]


class Mark(msgspec.Struct, array_like=True):
    """How far a partition has come.  The counts run over all its owners.  Fields are only ever added at the end."""

    version: int = VERSION
    offset: int = 0  # of the last frame of `inbox` taken in
    flushes: int = 0
    emitted: int = 0  # the number of the last flush that decided something, which its frames in `outbox` bear
    frames: list[bytes] = []  # those frames
    now_ms: int = 0  # the core's time
    at_ms: int = 0  # when it was written
    events: int = 0
    decisions: int = 0
    pages: int = 0
    put_aside: int = 0
    tally: Tally | None = None  # of all rows but this one; None: written by a program that did not count


class Kept(Protocol):
    """What the changelog holds of a partition, key → value, as far as it is written: a dictionary, or a database."""

    def get(self, key: bytes, /) -> bytes | None:
        """The row of a key; None where there is none."""
        ...

    def items(self) -> Iterable[tuple[bytes, bytes]]:
        """Every row."""
        ...


class Flush(msgspec.Struct, frozen=True):
    """What is to be written: first `writes` to the changelog as one batch, then the frames of `mark` to `outbox`."""

    mark: Mark
    writes: list[Write]
    rejects: list[bytes]


class NotWhole(RuntimeError):
    """What is kept of a partition is not what its last writer had."""

    def __init__(self, partition: int, found: Tally, wanted: Tally) -> None:
        self.partition, self.rows, self.wanted = partition, found.rows, wanted.rows
        what = f"{found.rows:,} rows where its mark says {wanted.rows:,}"
        if found.rows == wanted.rows:
            what = f"of its {found.rows:,} rows some are not as its mark says"
        super().__init__(f"partition {partition}: {what}")


class Gap(RuntimeError):
    """A frame came that does not follow on the last one: `wanted` is the offset that should have."""

    def __init__(self, partition: int, wanted: int, got: int) -> None:
        super().__init__(f"partition {partition}: frame {got} of inbox came where {wanted} was due")
        self.wanted = wanted


class Schema(NamedTuple):
    """How what is remembered is written.  The mark, which is in every flush, says by which version: whoever takes a
    partition over from a newer program ends and says so, before it has read a record, let alone written one."""

    version: int = VERSION
    encode: Callable[[Record], bytes] = encode_record
    decode: Callable[[bytes], Record] = decode_record


SCHEMA = Schema()

_mark_encoder = msgspec.msgpack.Encoder()
_mark_decoder = msgspec.msgpack.Decoder(Mark)
_fault_decoder = msgspec.msgpack.Decoder(Fault)


def read_mark(data: bytes | None, version: int = VERSION) -> Mark:
    """A mark as it stands in the changelog; a fresh one where there is none.  Raises NewerFrame."""
    mark = Mark() if data is None else _mark_decoder.decode(data)
    if mark.version > version:
        raise NewerFrame(
            f"the state in Kafka has version {mark.version}, this program knows up to {version}: upgrade this process"
        )
    return mark


class Part:
    """`kept` is what the changelog holds of partition `number`: it is read here, and asked at each flush, when all
    flushes before it must be in it."""

    def __init__(
        self, number: int, policy: Policy, kept: Kept, schema: Schema = SCHEMA, *, although_not_whole: bool = False
    ) -> None:
        """Takes in what was put aside, where this program can.  Raises NewerFrame; NotWhole, unless told to go on
        with what there is."""
        self.number = number
        self._schema = schema
        self._kept = kept
        rows = dict(kept.items())
        self.mark = read_mark(rows.pop(MARK, None), schema.version)
        self._tally = tally(rows.items())
        if self.mark.tally not in (None, self._tally) and not although_not_whole:
            raise NotWhole(number, self._tally, self.mark.tally)
        self._aside = {key: _fault_decoder.decode(rows.pop(key)) for key in sorted(rows) if key.startswith(ASIDE)}
        self._effects: list[Effect] = []
        self._rejects: list[bytes] = []
        self._writes: list[Write] = []
        self._events = 0
        self._asides = 0
        self._offset = self.mark.offset
        self._flushed = True
        records: list[tuple[str, Record]] = []
        faults: list[Fault] = []
        for key, value in rows.items():
            try:
                records.append((key.decode(), schema.decode(value)))
            except (msgspec.MsgspecError, UnicodeDecodeError) as error:
                faults.append(Fault("state", key.decode("utf-8", "replace"), value, str(error)))
        self.engine = GuardedEngine(policy, records)
        self.engine.now_ms = self.mark.now_ms
        known = set(self._aside.values())
        self._put_aside(fault for fault in (*faults, *self.engine.take_faults()) if fault not in known)
        for key, fault in list(self._aside.items()):
            self._try_again(key, fault)

    # ── what happens ──

    @property
    def offset(self) -> int:
        """Of the last frame of `inbox` taken in, written or not."""
        return self._offset

    @property
    def put_aside(self) -> int:
        """How much is put aside and not taken in yet."""
        return len(self._aside)

    @property
    def waiting(self) -> int:
        """Records and decisions since the last flush."""
        return self._events + len(self._effects)

    @property
    def dirty(self) -> bool:
        """Whether there is anything to flush."""
        return not self._flushed

    def take(self, offset: int, frame: bytes) -> bool:
        """Take in a frame of `inbox`; False where that was done before.  Raises NewerFrame, Gap."""
        if offset <= self._offset:
            return False
        if offset > self._offset + 1:
            raise Gap(self.number, self._offset + 1, offset)
        try:
            records = decode_inbox(frame)
        except NewerFrame:
            raise
        except FrameError as error:
            self._put_aside([Fault("frame", "", frame, f"frame {offset} of inbox: {error}")])
            records = []
        for record in records:
            self._effects += self.engine.apply(record)
        self._put_aside(self.engine.take_faults())
        self._events += len(records)
        self._offset = offset
        self._flushed = False
        return True

    def pass_over(self, offset: int) -> None:
        """Frames up to `offset` are no longer there."""
        self._offset = offset
        self._flushed = False

    def advance(self, now_ms: int) -> None:
        """Let time pass to `now_ms`, or to the next timer where that comes first: call again while it is due."""
        due_ms = self.engine.next_wake_ms
        self._effects += self.engine.advance(now_ms if due_ms is None else min(now_ms, max(due_ms, self.engine.now_ms)))
        self._put_aside(self.engine.take_faults())
        self._flushed = False

    def touch(self) -> None:
        """Write the mark though nothing happened: time has passed, and this partition is looked after."""
        self._flushed = False

    def rewrite(self, keys: Iterable[bytes]) -> None:
        """Write these keys once more as they are here: somebody else wrote them out of turn."""
        for key in keys:
            if key == MARK:
                continue
            if key.startswith(ASIDE):
                fault = self._aside.get(key)
                self._writes.append((key, None if fault is None else msgspec.msgpack.encode(fault)))
                continue
            record = self.engine.records.get(key.decode())
            self._writes.append((key, None if record is None else self._schema.encode(record)))
        self._flushed = False

    # ── what is to be written ──

    def take_flush(self, at_ms: int) -> Flush:
        """Everything since the flush before.  It must be written before the next one is."""
        old, effects = self.mark, self._effects
        kinds = [effect.decision for effect in effects if isinstance(effect, Decision)]
        frames = [
            encode_outbox(effects[start : start + _RECORDS_A_FRAME])
            for start in range(0, len(effects), _RECORDS_A_FRAME)
        ]
        flushes = old.flushes + 1
        # Of a key that is written twice the last counts.
        latest = dict(self._writes)
        for key, record in self.engine.take_changes().items():
            latest[key.encode()] = None if record is None else self._schema.encode(record)
        self._tally = changed(self._tally, latest.items(), self._kept.get)
        self.mark = Mark(
            version=self._schema.version,
            offset=self._offset,
            flushes=flushes,
            emitted=flushes if frames else old.emitted,
            # The frames before these are in `outbox`, else this flush would not be written.
            frames=frames,
            now_ms=self.engine.now_ms,
            at_ms=at_ms,
            events=old.events + self._events,
            decisions=old.decisions + len(kinds),
            pages=old.pages + kinds.count("page"),
            put_aside=old.put_aside + self._asides,
            tally=self._tally,
        )
        writes = list(latest.items())
        writes.append((MARK, _mark_encoder.encode(self.mark)))
        rejects = self._rejects
        self._effects, self._writes, self._rejects = [], [], []
        self._events = self._asides = 0
        self._flushed = True
        return Flush(self.mark, writes, rejects)

    # ── what could not be taken in ──

    def _put_aside(self, faults: Iterable[Fault]) -> None:
        for fault in faults:
            self._asides += 1
            key = ASIDE + b"%d-%d" % (self.mark.flushes + 1, self._asides)
            self._aside[key] = fault
            self._writes.append((key, msgspec.msgpack.encode(fault)))
            self._rejects.append(_reject(self.number, fault, self.engine.now_ms))
            self._flushed = False

    def _try_again(self, key: bytes, fault: Fault) -> None:
        effects: list[Effect] = []
        if fault.sort in ("record", "frame"):
            try:
                records = decode_inbox(fault.data)
            except FrameError:
                return
            for record in records:
                effects += self.engine.apply(record)
        elif fault.sort == "state" and fault.key not in self.engine.records:
            return
        # A timer was planned anew when its record was loaded; if it raises again, it is put aside again.
        found = self.engine.take_faults()
        again = [each for each in found if each.data != fault.data]
        self._effects += effects
        self._put_aside(again)
        if len(again) == len(found):
            del self._aside[key]
            self._writes.append((key, None))
        self._flushed = False


def _reject(partition: int, fault: Fault, at_ms: int) -> bytes:
    """What was put aside as a frame of `rejects`, for people to look at."""
    why = fault.why.rstrip().rpartition("\n")[2]
    record = RejectRecord(
        at_ms, "malformed", f"{fault.sort} {fault.key}: {why}"[:500], f"inbox/{partition}", fault.data
    )
    return msgspec.msgpack.encode(record)
