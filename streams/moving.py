"""Moving house: what stands in the logs of one site, dealt out anew to another number of partitions.

Everything about a grid stays in its order.  A frame that holds several grids becomes several frames; one that does not
decode stays as it is, for whoever reads it to put aside.
"""

from collections.abc import Callable, Mapping
from typing import TypeVar

from msgspec.structs import replace

from devices.ids import partition_of
from devices.places import grid_of
from streams.effects import Effect
from streams.frames import (
    FrameError,
    InboxRecord,
    NewerFrame,
    decode_inbox,
    decode_outbox,
    encode_inbox,
    encode_outbox,
)
from streams.state import BridgeState, Building, Record

_R = TypeVar("_R", InboxRecord, Effect)


def inbox_dealt(frame: bytes, partitions: int, old: int) -> list[tuple[int, bytes]]:
    """A frame of `inbox`, which stood in partition `old`, as frames of the new partitions.  Raises NewerFrame."""
    return _dealt(frame, partitions, old, decode_inbox, encode_inbox)


def outbox_dealt(frame: bytes, partitions: int, old: int) -> list[tuple[int, bytes]]:
    """The same for a frame of `outbox`."""
    return _dealt(frame, partitions, old, decode_outbox, encode_outbox)


def _dealt(
    frame: bytes,
    partitions: int,
    old: int,
    decode: Callable[[bytes], list[_R]],
    encode: Callable[[list[_R]], bytes],
) -> list[tuple[int, bytes]]:
    try:
        records = decode(frame)
    except NewerFrame:
        raise
    except FrameError:
        return [(old % partitions, frame)]
    by_partition: dict[int, list[_R]] = {}
    for record in records:
        by_partition.setdefault(partition_of(record.grid, partitions), []).append(record)
    if len(by_partition) == 1:
        return [(partition, frame) for partition in by_partition]
    return [(partition, encode(some)) for partition, some in by_partition.items()]


def grid_of_record(record: Record) -> str:
    """The grid that a remembered record belongs to: its partition is where the record must be."""
    return grid_of(record.building) if isinstance(record, Building) else record.grid


def together(one: Record, other: Record, home: str) -> Record:
    """Of two records that two partitions had under one key and one has now: the one of grid `home`, else the first.

    Both know a bridge on which sensors of both hang, and a device that went from one grid to another.
    """
    first, second = (other, one) if grid_of_record(other) == home else (one, other)
    if isinstance(first, BridgeState) and isinstance(second, BridgeState):
        return replace(first, devices=tuple(dict.fromkeys((*first.devices, *second.devices))))
    return first


class Reached:
    """How far readers of the old log have come in the new one.  `places`: the old partition → the last offset read.

    A reader may be told something once more, never once less: its place is before the first frame it has not read.
    """

    def __init__(self, places: Mapping[int, int], partitions: int) -> None:
        self._places = places
        self._open = [True] * partitions
        self.places = dict.fromkeys(range(partitions), 0)

    def dealt(self, old: int, offset: int, partition: int) -> None:
        """The next frame of the new `partition` comes from frame `offset` of the `old` one."""
        if self._open[partition] and offset <= self._places.get(old, 0):
            self.places[partition] += 1
        else:
            self._open[partition] = False
