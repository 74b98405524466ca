"""`chirpstack`: events of a ChirpStack 4 (and 3) LoRaWAN network server, JSON marshaler.

Topic `application/<id>/device/<DevEUI>/event/<up|join|status|…>`; the row's `topic` is any parent of it, its
`address` the DevEUI, which the payload repeats (`deviceInfo.devEui`; version 3: `devEUI`).  `object` holds the
codec's values (version 3: `objectJSON`, JSON in a string), `data` the raw bytes in base64.  `fCnt` tells two uplinks
apart: a repeated frame is one event.  Sensors: Dragino LDS01/LDS02 (`dragino.py`).
"""

import base64
import binascii

import msgspec

from devices.events import Message, Reading, Rejected
from devices.formats import Format, Known, dragino
from devices.formats.addressing import NO_ROW, NOT_NAMED, row_of
from devices.formats.proposal import Proposal
from devices.formats.strict_json import Number, reader
from devices.formats.values import iso_ms, percent, report_of
from devices.profile import Profile


class _Info(msgspec.Struct):
    dev_eui: str = msgspec.field(default="", name="devEui")


class _Heard(msgspec.Struct):
    rssi: float | None = None


class _Said(msgspec.Struct, rename="camel"):
    device_info: _Info | None = None
    dev_eui: str = ""
    dev_eui_3: str = msgspec.field(default="", name="devEUI")
    time: str = ""
    f_cnt: Number | None = None
    f_port: Number | None = None
    data: str | None = None
    object: msgspec.Raw = msgspec.Raw()
    object_json: str = msgspec.field(default="", name="objectJSON")
    rx_info: list[_Heard] | None = None
    battery_level: float | None = None


_read = reader(_Said, "devEui", "devEUI", "fCnt", "object", "data", "DOOR_OPEN_STATUS", "door_open_status")

_EVENTS = frozenset({"up", "join", "status", "ack", "txack", "log", "location", "integration"})


def values_of(codec: bytes, data: str | None, port: int) -> dragino.Values | Rejected | None:
    """A door sensor's values from a codec's object, else from the raw bytes; None where neither is one's."""
    if codec and (found := dragino.from_object(codec)) is not None:
        return found
    if data is None:
        return None
    try:
        raw = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return Rejected("malformed", "the raw bytes are no base64")
    return dragino.from_bytes(raw, port)


def _eui(said: _Said) -> str:
    """The DevEUI; version 3 writes it in hexadecimal or, left as bytes, in base64."""
    eui = said.device_info.dev_eui if said.device_info else said.dev_eui or said.dev_eui_3
    if len(eui) == 12 and eui.endswith("="):
        try:
            return base64.b64decode(eui, validate=True).hex()
        except (binascii.Error, ValueError):
            return ""
    return eui


def decode(message: Message, known: Known) -> list[Reading] | Rejected:
    """Readings of one event; none for acknowledgements and logs."""
    event = message.topic.rpartition("/")[2]
    if event in ("ack", "txack", "log", "location", "integration"):
        return []
    said = _read(message.payload)
    if isinstance(said, Rejected):
        return said
    eui = _eui(said)
    if not eui:
        return NOT_NAMED
    device = row_of(known, eui)
    if device is None:
        return NO_ROW
    report, at_ms = report_of(message), iso_ms(said.time)
    strength = said.rx_info[0].rssi if said.rx_info else None
    if event == "join":
        return [Reading(device=device.id, kind="heartbeat", report=report, at_ms=at_ms)]
    if event == "status" or (said.battery_level is not None and said.f_cnt is None):
        level = percent(said.battery_level)
        kind = "heartbeat" if level is None else "battery"
        return [Reading(device=device.id, kind=kind, report=report, at_ms=at_ms, battery_percent=level)]
    cause = f"f_cnt {said.f_cnt}" if said.f_cnt is not None else ""
    values = values_of(bytes(said.object) or said.object_json.encode(), said.data, said.f_port or 0)
    if isinstance(values, Rejected):
        return values
    if values is None:
        # An uplink of its own is a sign of life, even where it speaks of nothing a door has.
        return [Reading(device=device.id, kind="heartbeat", report=report, at_ms=at_ms, cause=cause)]
    found = dragino.reading(values, device.id, report=report, at_ms=at_ms, cause=cause, strength=strength)
    return found if isinstance(found, Rejected) else [found]


def recognise(topic: str, payload: bytes) -> Proposal | None:
    """An uplink that holds a door sensor's values; the DevEUI is the address."""
    if not topic.endswith(("/event/up", "/rx")):
        return None
    said = _read(payload)
    if isinstance(said, Rejected) or not _eui(said):
        return None
    values = values_of(bytes(said.object) or said.object_json.encode(), said.data, said.f_port or 0)
    if not isinstance(values, dragino.Values) or values.door_open_status is None:
        return None
    return Proposal(format="chirpstack", topic=topic.partition("/device/")[0], address=_eui(said), certain=90)


FORMAT = Format(
    name="chirpstack",
    decode=decode,
    recognise=recognise,
    profile=Profile(
        report_every_s=86_400, counts_openings=True, tells_battery=True, tells_own_time=True, needs_address=True
    ),
)
