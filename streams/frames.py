"""Records and frames: what stands in the four logs, and how it is written.

A *record* is one thing that happened to a grid.  A *frame* is the records of one partition gathered for a few
milliseconds, written and acknowledged as one.  Encoding is msgpack by msgspec; a frame says its schema version first,
so that an older program says it met a newer frame instead of guessing.
"""

import msgspec

from devices.events import Event
from streams.commands import Command
from streams.effects import Answer, Decision, HouseholdSeen, Noted

VERSION = 1


class DeviceRow(msgspec.Struct, frozen=True, array_like=True, tag="d"):
    """A device as the fleet knows it now.  `at_ms` is when the system was told; `present` False: it left the fleet."""

    at_ms: int
    grid: str
    device: str
    where: str
    place: str
    report_every_s: float | None = None  # the fleet's, else the profile's; None: it has none (guns)
    bridge: str = ""
    site: str = ""
    present: bool = True


class BridgeRow(msgspec.Struct, frozen=True, array_like=True, tag="b"):
    """A bridge as the fleet knows it now."""

    at_ms: int
    grid: str
    bridge: str
    report_every_s: float | None = None
    present: bool = True


class SystemReport(msgspec.Struct, frozen=True, array_like=True, tag="s"):
    """A part of Threshold itself is unwell or well again: subject `system/<part>`, grid `system`.

    `code` and `values` are of `troubles.py`; a report of an earlier release has its `detail` alone.
    """

    at_ms: int
    part: str
    well: bool
    detail: str = ""
    grid: str = "system"
    code: str = ""
    values: dict[str, str | int | float] = {}


class Receipt(msgspec.Struct, frozen=True, array_like=True, tag="r"):
    """A channel's answer to a page: the core passes over it; the sink and the desk read it for latency and history."""

    at_ms: int
    grid: str
    page: str
    channel: str
    outcome: str  # accepted | try-later | gave-up
    detail: str = ""
    caused_at_ms: int | None = None
    caused_received_ms: int | None = None


InboxRecord = Event | Command | DeviceRow | BridgeRow | SystemReport | Receipt
OutboxRecord = Decision | Answer | HouseholdSeen | Noted


class RejectRecord(msgspec.Struct, frozen=True, array_like=True, tag="j"):
    """A message that could not come in: the raw bytes and everything needed to feed it in again."""

    at_ms: int
    reason: str
    detail: str
    topic: str
    payload: bytes
    retained: bool = False
    client: str = ""
    device: str = ""


class RejectFed(msgspec.Struct, frozen=True, array_like=True, tag="f"):
    """The reject at `offset` of the same log was fed in again; `outcome` is `taken` or `refused`."""

    at_ms: int
    offset: int
    outcome: str


class InboxFrame(msgspec.Struct, frozen=True, array_like=True):
    """A frame of `inbox`."""

    version: int
    records: list[InboxRecord]


class OutboxFrame(msgspec.Struct, frozen=True, array_like=True):
    """A frame of `outbox`."""

    version: int
    records: list[OutboxRecord]


class FrameError(ValueError):
    """Bytes that are no frame, or a frame of a newer schema than this program knows."""


class NewerFrame(FrameError):
    """A frame of a newer schema: a program that passed over it would lose what an upgraded one can read."""


class _Passed(msgspec.Struct, frozen=True, array_like=True, tag="e", gc=False):
    """An event of which nothing is read, which is quicker by far."""


class _Beside(msgspec.Struct, frozen=True, array_like=True):
    """A frame of `inbox` whose events are passed over."""

    version: int
    records: list[_Passed | Command | DeviceRow | BridgeRow | SystemReport | Receipt]


_encoder = msgspec.msgpack.Encoder()
_inbox = msgspec.msgpack.Decoder(InboxFrame)
_outbox = msgspec.msgpack.Decoder(OutboxFrame)
_beside = msgspec.msgpack.Decoder(_Beside)
_peek = msgspec.msgpack.Decoder(tuple[int, msgspec.Raw])


def encode_inbox(records: list[InboxRecord]) -> bytes:
    """One frame of `inbox` holding `records` in order."""
    return _encoder.encode(InboxFrame(VERSION, records))


def encode_outbox(records: list[OutboxRecord]) -> bytes:
    """One frame of `outbox` holding `records` in order."""
    return _encoder.encode(OutboxFrame(VERSION, records))


def _complain(data: bytes, error: Exception) -> FrameError:
    try:
        version = _peek.decode(data)[0]
    except msgspec.MsgspecError:
        return FrameError(f"not a frame: {error}")
    if version > VERSION:
        return NewerFrame(
            f"the frame has schema version {version}, this program knows up to {VERSION}: upgrade this process"
        )
    return FrameError(f"a frame of version {version} that does not decode: {error}")


def decode_inbox(data: bytes) -> list[InboxRecord]:
    """The records of a frame of `inbox`.  Raises FrameError."""
    try:
        frame = _inbox.decode(data)
    except msgspec.MsgspecError as error:
        raise _complain(data, error) from error
    if frame.version > VERSION:
        raise _complain(data, ValueError("newer"))
    return frame.records


def decode_beside_events(data: bytes) -> list[InboxRecord]:
    """The records of a frame of `inbox` that are no events.  Raises FrameError."""
    try:
        frame = _beside.decode(data)
    except msgspec.MsgspecError as error:
        raise _complain(data, error) from error
    if frame.version > VERSION:
        raise _complain(data, ValueError("newer"))
    return [record for record in frame.records if not isinstance(record, _Passed)]


def decode_outbox(data: bytes) -> list[OutboxRecord]:
    """The records of a frame of `outbox`.  Raises FrameError."""
    try:
        frame = _outbox.decode(data)
    except msgspec.MsgspecError as error:
        raise _complain(data, error) from error
    if frame.version > VERSION:
        raise _complain(data, ValueError("newer"))
    return frame.records
