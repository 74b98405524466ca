"""`ctwing`: what China Telecom's CTWing (AEP) platform pushes, in its older and its newer layout.

Older: {"notifyType":"deviceDataChanged","deviceId":…,"service":{"data":{…},"eventTime":"20180806T093436Z"}}.
Newer: {"messageType":"dataReport","deviceId":…,"timestamp":ms,"payload":{…}}, the values at the top of `payload` or
in its `serviceData`; "eventReport" has them in `eventContent`; "deviceOnlineOfflineReport" has `eventType` 1 online,
0 offline.  (Layouts seen in the comments of five open back ends; the meaning of eventType in two.)

The values' names are the product's own.  Read are LwM2M paths (`3342_0_5500`) and the names in the tables below; the
words open and closed say themselves, and 1 is open unless the row's `open_is` says else.  A transparent product
(`APPdata`, base64 of the maker's own bytes) can't be read and is refused.
"""

import msgspec

from devices.events import Kind, Message, Reading, Rejected, Report
from devices.fleet import Device
from devices.formats import Format, Known
from devices.formats.addressing import NO_ROW, NOT_NAMED, row_of
from devices.formats.ipso import Resource, bit, parsed, reading
from devices.formats.polarity import is_open_bit
from devices.formats.proposal import Proposal
from devices.formats.strict_json import BUILT_LIMIT_BYTES, reader
from devices.formats.values import epoch_any, iso_ms, percent, report_of, signal
from devices.profile import Profile


class _Service(msgspec.Struct):
    data: object = None
    event_time: str = msgspec.field(default="", name="eventTime")


class _Said(msgspec.Struct, rename="camel"):
    notify_type: str = ""
    message_type: str = ""
    device_id: str = ""
    gateway_id: str = ""
    service: _Service | None = None
    payload: object = None
    event_content: object = None
    event_type: int | None = None
    timestamp: float | None = None


_read = reader(_Said, "deviceId", "service", most_bytes=BUILT_LIMIT_BYTES)

_DOOR = frozenset({"doorstatus", "doorstate", "door", "magnet", "magnetstatus", "magnetstate", "contact",
                   "contactstatus", "contactstate", "doorcontactstate", "menci", "doormagnet"})  # fmt: skip
_TAMPER = frozenset({"tamper", "tamperstatus", "tamperalarm", "temperalarm", "antidismantle"})
_BATTERY = frozenset({"battery", "batterylevel", "batterypercentage", "batterypercent", "batteryvalue"})
_SIGNAL = frozenset({"rsrp", "rssi", "signalpower"})
_COUNT = frozenset({"opencount", "opentimes", "dooropentimes"})
_WORDS = {"open": True, "opened": True, "on": None, "close": False, "closed": False}
_MOST_NAMES = 200


def _plain(name: str) -> str:
    return name.replace("_", "").replace("-", "").lower()


def _values(data: object) -> dict[str, object] | Rejected:
    """The named values, with those of one inner object brought up."""
    if not isinstance(data, dict):
        return Rejected("malformed", "the push holds no named values")
    found: dict[str, object] = {}
    for name, value in data.items():  # type: ignore[reportUnknownVariableType]
        if isinstance(value, dict):
            found.update(value)  # type: ignore[reportUnknownArgumentType]
        else:
            found[str(name)] = value  # type: ignore[reportUnknownArgumentType]
    if len(found) > _MOST_NAMES:
        return Rejected("malformed", f"more than {_MOST_NAMES} values in one push")
    if set(found) <= {"APPdata", "payload", "rawData"}:
        return Rejected("malformed", "a transparent product: its bytes are the maker's own, give it a profile")
    return found


def _open(value: object, device: Device) -> bool | Rejected:
    if isinstance(value, str) and (said := _WORDS.get(value.lower())) is not None:
        return said
    state = bit(value) if isinstance(value, bool | int | float | str) else None
    if state is None:
        return Rejected("malformed", "the door's value is neither open, closed, 1 nor 0")
    return is_open_bit(state, device) if device.open_is else state


def _named(values: dict[str, object], base: Reading, device: Device) -> Reading | Rejected:
    """`base` with what the known names among `values` say."""
    opened, tamper = base.open, base.tamper
    counted, level, strength = base.opens_counted, base.battery_percent, base.signal
    for name, value in values.items():
        plain = _plain(name)
        if plain in _DOOR:
            answer = _open(value, device)
            if isinstance(answer, Rejected):
                return answer
            if opened is not None and opened != answer:
                return Rejected("malformed", "two values of the same push say open and closed")
            opened = answer
        elif plain in _TAMPER:
            tamper = bit(value) if isinstance(value, bool | int | float | str) else None
            if tamper is None:
                return Rejected("malformed", "the tamper value is neither 0 nor 1")
        elif plain in _BATTERY and isinstance(value, int | float) and not isinstance(value, bool):
            level = percent(value)
        elif plain in _SIGNAL:
            strength = signal(value)
        elif plain in _COUNT and isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53:
            counted = value
    kind: Kind = base.kind
    if opened is not None:
        kind = "door"
    elif tamper is not None:
        kind = "tamper"
    elif level is not None and kind == "heartbeat":
        kind = "battery"
    return msgspec.structs.replace(
        base, kind=kind, open=opened, tamper=tamper, opens_counted=counted, battery_percent=level, signal=strength
    )


def _data(said: _Said, message: Message, device: Device, at_ms: int | None, cause: str) -> Reading | Rejected:
    content = said.service.data if said.service else said.payload if said.payload is not None else said.event_content
    values = _values(content)
    if isinstance(values, Rejected):
        return values
    report: Report = report_of(message)
    resources = [
        Resource(*path, value)
        for name, value in values.items()
        if isinstance(value, bool | int | float | str) and (path := parsed(name)) is not None
    ]
    base = reading(resources, device, report=report, at_ms=at_ms, cause=cause, default_open=True)
    return base if isinstance(base, Rejected) else _named(values, base, device)


def decode(message: Message, known: Known) -> list[Reading] | Rejected:
    """Readings of one push; none for answers to commands."""
    said = _read(message.payload)
    if isinstance(said, Rejected):
        return said
    if not said.device_id:
        return NOT_NAMED
    device = row_of(known, said.device_id)
    if device is None:
        return NO_ROW
    at_ms = iso_ms(said.service.event_time) if said.service else None
    if at_ms is None and said.timestamp is not None:
        at_ms = epoch_any(said.timestamp)
    cause = f"at {at_ms}" if at_ms is not None else ""
    if said.message_type == "deviceOnlineOfflineReport":
        if said.event_type not in (0, 1):
            return Rejected("malformed", "eventType is neither 0 nor 1")
        online = said.event_type == 1
        report = report_of(message)
        return [Reading(device=device.id, kind="availability", report=report, at_ms=at_ms, cause=cause, online=online)]
    if said.notify_type in ("deviceDataChanged", "deviceDatasChanged", "deviceEvent") or said.message_type in (
        "dataReport",
        "eventReport",
    ):
        found = _data(said, message, device, at_ms, cause)
        return found if isinstance(found, Rejected) else [found]
    if said.notify_type or said.message_type:
        return []
    return Rejected("malformed", "neither notifyType nor messageType")


def recognise(topic: str, payload: bytes) -> Proposal | None:
    """A push whose values hold a door's."""
    if b'"notifyType"' not in payload and b'"messageType"' not in payload:
        return None
    said = _read(payload)
    if isinstance(said, Rejected) or not said.device_id:
        return None
    values = _values(said.service.data if said.service else said.payload)
    for name in () if isinstance(values, Rejected) else values:
        path = parsed(name)
        if _plain(name) in _DOOR or (path is not None and path[0] in (3342, 3200)):
            return Proposal(format="ctwing", topic=topic, address=said.device_id, certain=85)
    return None


FORMAT = Format(
    name="ctwing",
    decode=decode,
    recognise=recognise,
    profile=Profile(
        report_every_s=14_400,
        counts_openings=True,
        tells_tamper=True,
        tells_battery=True,
        tells_own_time=True,
        needs_address=True,
        measures_body=True,
    ),
)
