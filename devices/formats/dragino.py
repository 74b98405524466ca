"""Dragino LDS01/LDS02 door sensors, the values of one LoRaWAN uplink: decoded by the network's codec, or raw bytes.

Names and bit layout are those of the maker's published decoders (dragino-end-node-decoder: LDS02, versions 1.5 and
1.8.2, which spell the same fields in capitals and in small letters).  DOOR_OPEN_STATUS 1 is open.  DOOR_OPEN_TIMES
counts openings, so lost ones are found.  MOD 1 is the door, 2 a water leak (no door there), 3 both.
Battery comes as a voltage of two AAA cells: below 2.1 V the node's radio stops, 2.4 V is low.
"""

import msgspec

from devices.events import Kind, Reading, Rejected, Report
from devices.formats.values import signal

_LOW_VOLTS = 2.4
_PORT_DATALOG = 7


class Values(msgspec.Struct, rename="upper"):
    """The codec's object; every name it has used."""

    bat_v: float | None = None
    mod: int | None = None
    door_open_status: int | None = None
    door_open_times: int | None = None
    alarm: int | None = None


class SmallValues(msgspec.Struct):
    """The same, as the newer decoder spells it."""

    battery_volts: float | None = msgspec.field(default=None, name="BatV")
    mod: int | None = None
    door_open_status: int | None = None
    open_times: int | None = None
    alarm: int | None = None


_values = msgspec.json.Decoder(Values)
_small = msgspec.json.Decoder(SmallValues)


def from_object(raw: bytes) -> Values | Rejected | None:
    """The values of a codec's object; None where it has none of the names."""
    try:
        if b'"DOOR_OPEN_STATUS"' in raw or b'"BAT_V"' in raw:
            return _values.decode(raw)
        if b'"door_open_status"' not in raw:
            return None
        small = _small.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return Rejected("malformed", "the codec's values have a wrong type")
    return Values(small.battery_volts, small.mod, small.door_open_status, small.open_times, small.alarm)


def from_bytes(raw: bytes, port: int) -> Values | None:
    """The values of a raw uplink of ten bytes; None where it is none (the data log of port 7, another device)."""
    if len(raw) != 10 or port == _PORT_DATALOG:
        return None
    mode = raw[2]
    if mode not in (1, 2, 3):
        return None
    return Values(
        bat_v=(int.from_bytes(raw[:2], "big") & 0x3FFF) / 1000,
        mod=mode,
        door_open_status=None if mode == 2 else int(raw[0] & 0x80 != 0),
        door_open_times=int.from_bytes(raw[3:6], "big") if mode == 1 else None,
        alarm=raw[9] & 1,
    )


def reading(
    values: Values, device: str, *, report: Report, at_ms: int | None, cause: str, strength: object = None
) -> Reading | Rejected:
    """What one uplink says of `device`."""
    if values.door_open_status not in (0, 1, None):
        return Rejected("malformed", "the door's status is neither 0 nor 1")
    counted = values.door_open_times
    if counted is not None and not 0 <= counted < 2**24:
        return Rejected("implausible", "the count of openings is no 24-bit count")
    volts = values.bat_v if values.bat_v is not None and 0 < values.bat_v < 16 else None
    kind: Kind = "door" if values.door_open_status is not None else "battery" if volts is not None else "heartbeat"
    return Reading(
        device=device,
        kind=kind,
        report=report,
        at_ms=at_ms,
        cause=cause,
        open=None if values.door_open_status is None else values.door_open_status == 1,
        opens_counted=counted,
        battery_low=None if volts is None else volts < _LOW_VOLTS,
        signal=signal(strength),
    )
