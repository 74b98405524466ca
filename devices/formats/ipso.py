"""LwM2M objects that a door or a thermometer is made of, shared by all formats that carry them.

3342 On/Off switch and 3200 Digital input: 5500 is the input's state, 5501 counts its changes from 0 to 1.  5502, the
polarity of 3200, is applied by the device before 5500 (OMA registry: "the polarity of the digital input as a Boolean,
0 normal, 1 reversed"), so the row's `open_is` speaks of 5500 as it is reported.
3303 Temperature: 5700.  3 Device: 9 battery level %, 11 error code (1 is low battery), 20 battery status (4 is low).
"""

import re

import msgspec

from devices.events import Kind, Reading, Rejected, Report
from devices.fleet import Device
from devices.formats.addressing import measures_body
from devices.formats.polarity import is_open_bit
from devices.formats.values import percent

Value = bool | int | float | str

_PATH = re.compile(r"(?:\A|[/_.])(\d{1,5})[/_](\d{1,5})[/_](\d{1,5})(?:[/_]\d{1,5})?\Z")
_INPUTS = frozenset({3342, 3200})
_STATE, _COUNTER, _CELSIUS = 5500, 5501, 5700
_BITS: dict[Value, bool] = {"0": False, "1": True, "false": False, "true": True}
_ABSURD = 1000.0
_COUNTER_END = 2**53


class Resource(msgspec.Struct, frozen=True):
    """One value: `/3342/0/5500` = True."""

    object: int
    instance: int
    resource: int
    value: Value
    unit: str = ""


def parsed(path: str) -> tuple[int, int, int] | None:
    """Object, instance and resource of `/3342/0/5500` or `3342_0_5500`; None where the text names none."""
    if len(path) > 200 or (found := _PATH.search(path)) is None:
        return None
    return int(found[1]), int(found[2]), int(found[3])


def bit(value: Value) -> bool | None:
    """A digital input's value in any of its spellings; None where it is none."""
    if isinstance(value, str):
        return _BITS.get(value.strip().lower())
    return bool(value) if value in (0, 1) else None


def _number(value: Value) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        text = value.strip()
        digits = text.removeprefix("-").replace(".", "", 1)
        return float(text) if digits.isdigit() and digits.isascii() and len(digits) <= 16 else None
    return float(value) if abs(value) < 1e15 else None


def _celsius(value: float, unit: str) -> float:
    return round((value - 32) * 5 / 9, 2) if unit.lower().startswith(("degf", "fah", "°f")) else value


def reading(
    resources: list[Resource], device: Device, *, report: Report, at_ms: int | None = None, cause: str = "",
    default_open: bool | None = None,
) -> Reading | Rejected:  # fmt: skip
    """What `resources` say of `device`.

    `default_open` is the value of 5500 that means open where the row says nothing; None refuses to guess.
    """
    opened: bool | None = None
    counted: int | None = None
    celsius: float | None = None
    level: float | None = None
    low: bool | None = None
    for item in resources:
        if item.object in _INPUTS and item.resource == _STATE:
            said = bit(item.value)
            if said is None:
                return Rejected("malformed", "5500 is neither 0 nor 1")
            if not device.open_is and default_open is not None:
                opened = said == default_open
                continue
            answer = is_open_bit(said, device)
            if isinstance(answer, Rejected):
                return answer
            opened = answer
        elif item.object in _INPUTS and item.resource == _COUNTER:
            count = _number(item.value)
            if count is None or not 0 <= count < _COUNTER_END or count != int(count):
                return Rejected("implausible", "5501 is no count")
            counted = int(count)
        elif item.object == 3303 and item.resource == _CELSIUS and measures_body(device):
            degrees = _number(item.value)
            if degrees is None or abs(degrees) > _ABSURD:
                return Rejected("malformed", "5700 is no temperature")
            celsius = _celsius(degrees, item.unit)
        elif item.object == 3 and item.resource == 9:
            level = percent(_number(item.value))
        elif item.object == 3 and item.resource == 20:
            low = low or item.value == 4
        elif item.object == 3 and item.resource == 11:
            low = low or item.value == 1
    # The counter counts 0 → 1: only where 1 is open are those the openings.
    counts_openings = is_open_bit(True, device) is True if device.open_is else default_open is True
    return Reading(
        device=device.id,
        kind=_kind(opened, celsius, level, low),
        report=report,
        at_ms=at_ms,
        cause=cause,
        open=opened,
        opens_counted=counted if counts_openings else None,
        battery_percent=level,
        battery_low=low,
        celsius=celsius,
        site=device.site if celsius is not None else "",
    )


def _kind(opened: bool | None, celsius: float | None, level: float | None, low: bool | None) -> Kind:
    if opened is not None:
        return "door"
    if celsius is not None:
        return "temperature"
    return "battery" if level is not None or low is not None else "heartbeat"
