"""What the gateways of a cluster share, as keyed rows of the compacted topic `fleet`.

The newest row of a key is what counts.  A row that its writer already lives by says who wrote it, so that it is passed
over when it comes back.
"""

from collections.abc import Iterable, Mapping

import msgspec

from gateway.fleet_records import FleetRecord, decode_told, encode_told, key_of

_TOLD = b"told "
_LENT = b"lent "
_MEMORY = b"memory "
_HEARD = b"heard "

Row = tuple[bytes, bytes]


class ToldRow(msgspec.Struct, frozen=True):
    """The core was told this of the fleet."""

    key: str
    record: FleetRecord


class LentRow(msgspec.Struct, frozen=True):
    """A sensor of the pool is at `household`, or ("") in the drawer again."""

    device: str
    household: str
    by: str


class MemoryRow(msgspec.Struct, frozen=True):
    """What a format remembers under `key`."""

    key: str
    memory: bytes
    by: str


class HeardRow(msgspec.Struct, frozen=True):
    """A hearer of pages has been served up to `offset` of a partition of `outbox`."""

    hearer: str
    partition: int
    offset: int


SharedRow = ToldRow | LentRow | MemoryRow | HeardRow

_encode = msgspec.msgpack.encode
_lent = msgspec.msgpack.Decoder(tuple[str, str])
_memory = msgspec.msgpack.Decoder(tuple[str, bytes])
_offset = msgspec.msgpack.Decoder(int)


def told_rows(records: Iterable[FleetRecord]) -> list[Row]:
    """What the core was told."""
    return [(_TOLD + key_of(record).encode(), encode_told(record)) for record in records]


def lent_rows(before: Mapping[str, str], now: Mapping[str, str], by: str) -> list[Row]:
    """Which sensors were lent or given back between two times."""
    changed = [device for device in {*before, *now} if before.get(device, "") != now.get(device, "")]
    return [(_LENT + device.encode(), _encode((by, now.get(device, "")))) for device in sorted(changed)]


def memory_rows(memory: Mapping[str, bytes], by: str) -> list[Row]:
    """What formats remember."""
    return [(_MEMORY + key.encode(), _encode((by, data))) for key, data in memory.items()]


def heard_rows(places: Mapping[tuple[str, int], int]) -> list[Row]:
    """How far hearers have been served."""
    return [(_HEARD + f"{hearer} {p}".encode(), _encode(offset)) for (hearer, p), offset in places.items()]


def read_row(key: bytes, value: bytes) -> SharedRow | None:
    """A row; None for what is not ours to read (other programs' keys, or damage)."""
    try:
        if key.startswith(_TOLD):
            return ToldRow(key[len(_TOLD) :].decode(), decode_told(value))
        if key.startswith(_LENT):
            by, household = _lent.decode(value)
            return LentRow(key[len(_LENT) :].decode(), household, by)
        if key.startswith(_MEMORY):
            by, memory = _memory.decode(value)
            return MemoryRow(key[len(_MEMORY) :].decode(), memory, by)
        if key.startswith(_HEARD):
            hearer, _, partition = key[len(_HEARD) :].decode().rpartition(" ")
            return HeardRow(hearer, int(partition), _offset.decode(value))
    except (msgspec.MsgspecError, ValueError):
        return None
    return None
