"""`tuya`: contact sensors of category `mcs`, by the names of their data points.

Three ways of writing are read: the names as keys, `status` (a list of code and value, as the cloud's message service
writes it), and `data` (name → {value, time}, as TuyaLink writes it).  `doorcontact_state` true is **open** (the
maker's standard instruction set; a second source: the JSDoc of a rule engine over Tuya, "true if door open").
`temper_alarm` is their spelling.  `battery_state` is low, middle or high.
"""

from typing import cast

import msgspec

from devices.events import Kind, Message, Reading, Rejected
from devices.fleet import Device
from devices.formats import Format, Known
from devices.formats.addressing import NO_ROW, row_of
from devices.formats.proposal import Proposal
from devices.formats.strict_json import BUILT_LIMIT_BYTES, reader
from devices.formats.values import epoch_any, percent, report_of, signal
from devices.profile import Profile


class _Point(msgspec.Struct):
    code: str
    value: object = None
    t: object = None


class _Said(msgspec.Struct):
    doorcontact_state: object = None
    temper_alarm: object = None
    battery_percentage: object = None
    battery_state: object = None
    signal_strength: object = None
    status: list[_Point] | None = None
    data: dict[str, object] | None = None
    dev_id: str = msgspec.field(default="", name="devId")
    device_id: str = msgspec.field(default="", name="deviceId")
    biz_code: str = msgspec.field(default="", name="bizCode")


_read = reader(_Said, "doorcontact_state", "temper_alarm", "devId", "deviceId", most_bytes=BUILT_LIMIT_BYTES)

_NAMES = ("doorcontact_state", "temper_alarm", "battery_percentage", "battery_state", "signal_strength")
_MOST_POINTS = 64


def _points(said: _Said) -> tuple[dict[str, object], object]:
    """The data points by name, and the newest time beside them, in whichever of the three ways they are written."""
    found = {name: value for name in _NAMES if (value := getattr(said, name)) is not None}
    at: object = None
    for point in (said.status or ())[:_MOST_POINTS]:
        found[point.code] = point.value
        at = point.t if point.t is not None else at
    if said.data is not None:
        for name in _NAMES:
            value = said.data.get(name)
            if isinstance(value, dict):
                said_of = cast("dict[str, object]", value)
                at, value = said_of.get("time", at), said_of.get("value")
            if value is not None:
                found[name] = value
    return found, at


def _flag(value: object) -> bool | Rejected | None:
    if value is None or isinstance(value, bool):
        return value
    return Rejected("malformed", "doorcontact_state and temper_alarm are true or false")


def decode(message: Message, known: Known) -> list[Reading] | Rejected:
    """Readings of one message of a Tuya contact sensor."""
    said = _read(message.payload)
    if isinstance(said, Rejected):
        return said
    device = row_of(known, said.dev_id, said.device_id) if said.dev_id or said.device_id else _only(known)
    if device is None:
        return NO_ROW
    report = report_of(message)
    if said.biz_code in ("online", "offline"):
        return [Reading(device=device.id, kind="availability", report=report, online=said.biz_code == "online")]
    points, at = _points(said)
    opened, tamper = _flag(points.get("doorcontact_state")), _flag(points.get("temper_alarm"))
    if isinstance(opened, Rejected):
        return opened
    if isinstance(tamper, Rejected):
        return tamper
    level, state = points.get("battery_percentage"), points.get("battery_state")
    if isinstance(level, bool) or not isinstance(level, int | float | None):
        return Rejected("malformed", "battery_percentage is no number")
    low = state == "low" if state in ("low", "middle", "high") else None
    at_ms = epoch_any(at) if isinstance(at, int | float) and not isinstance(at, bool) else None
    kind: Kind = "heartbeat"
    if opened is not None:
        kind = "door"
    elif tamper is not None:
        kind = "tamper"
    elif level is not None or low is not None:
        kind = "battery"
    return [
        Reading(
            device=device.id,
            kind=kind,
            report=report,
            at_ms=at_ms,
            cause=f"at {at_ms}" if at_ms is not None else "",
            open=opened,
            tamper=tamper,
            battery_percent=percent(level),
            battery_low=low,
            signal=signal(points.get("signal_strength")),
        )
    ]


def _only(known: Known) -> Device | None:
    return known.devices[0] if len(known.devices) == 1 else None


def recognise(topic: str, payload: bytes) -> Proposal | None:
    """A door contact's data point; the device's id in the message is the address."""
    if b"doorcontact_state" not in payload:
        return None
    said = _read(payload)
    if isinstance(said, Rejected) or _points(said)[0].get("doorcontact_state") is None:
        return None
    return Proposal(format="tuya", topic=topic, address=said.dev_id or said.device_id, certain=90)


FORMAT = Format(
    name="tuya",
    decode=decode,
    recognise=recognise,
    profile=Profile(report_every_s=14_400, tells_tamper=True, tells_battery=True, tells_own_time=True),
)
