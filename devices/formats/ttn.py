"""`ttn`: The Things Stack version 3 (The Things Network), as MQTT message or webhook.

Topic `v3/<application>@<tenant>/devices/<device id>/<up|join|…>`; the row's `topic` is any parent of it, its `address`
the DevEUI (or the device id), which `end_device_ids` repeats.  `decoded_payload` holds the codec's values,
`frm_payload` the raw bytes in base64.  `f_cnt` tells two uplinks apart.  Sensors: Dragino LDS01/LDS02 (`dragino.py`).
"""

import msgspec

from devices.events import Message, Reading, Rejected
from devices.formats import Format, Known, dragino
from devices.formats.addressing import NO_ROW, NOT_NAMED, row_of
from devices.formats.chirpstack import values_of
from devices.formats.proposal import Proposal
from devices.formats.strict_json import Number, reader
from devices.formats.values import iso_ms, report_of
from devices.profile import Profile


class _Ids(msgspec.Struct):
    device_id: str = ""
    dev_eui: str = ""


class _Heard(msgspec.Struct):
    rssi: float | None = None


class _Uplink(msgspec.Struct):
    f_port: Number = 0
    f_cnt: Number = 0  # protobuf's JSON leaves a zero out
    frm_payload: str | None = None
    decoded_payload: msgspec.Raw = msgspec.Raw()
    rx_metadata: list[_Heard] | None = None


class _Said(msgspec.Struct):
    end_device_ids: _Ids | None = None
    received_at: str = ""
    uplink_message: _Uplink | None = None
    join_accept: msgspec.Raw = msgspec.Raw()


_read = reader(
    _Said, "dev_eui", "f_cnt", "uplink_message", "decoded_payload", "DOOR_OPEN_STATUS", "door_open_status"
)  # fmt: skip


def decode(message: Message, known: Known) -> list[Reading] | Rejected:
    """Readings of one message; none for downlinks and other notices."""
    said = _read(message.payload)
    if isinstance(said, Rejected):
        return said
    ids = said.end_device_ids
    if ids is None or not (ids.dev_eui or ids.device_id):
        return NOT_NAMED
    device = row_of(known, ids.dev_eui, ids.device_id)
    if device is None:
        return NO_ROW
    report, at_ms = report_of(message), iso_ms(said.received_at)
    uplink = said.uplink_message
    if uplink is None:
        if not bytes(said.join_accept):
            return []
        return [Reading(device=device.id, kind="heartbeat", report=report, at_ms=at_ms)]
    cause = f"f_cnt {uplink.f_cnt}"
    values = values_of(bytes(uplink.decoded_payload), uplink.frm_payload, uplink.f_port)
    if isinstance(values, Rejected):
        return values
    if values is None:
        return [Reading(device=device.id, kind="heartbeat", report=report, at_ms=at_ms, cause=cause)]
    strength = uplink.rx_metadata[0].rssi if uplink.rx_metadata else None
    found = dragino.reading(values, device.id, report=report, at_ms=at_ms, cause=cause, strength=strength)
    return found if isinstance(found, Rejected) else [found]


def recognise(topic: str, payload: bytes) -> Proposal | None:
    """An uplink that holds a door sensor's values; the DevEUI is the address."""
    if b'"uplink_message"' not in payload:
        return None
    said = _read(payload)
    if isinstance(said, Rejected) or said.end_device_ids is None or said.uplink_message is None:
        return None
    uplink, ids = said.uplink_message, said.end_device_ids
    values = values_of(bytes(uplink.decoded_payload), uplink.frm_payload, uplink.f_port)
    if not isinstance(values, dragino.Values) or values.door_open_status is None:
        return None
    above = topic.partition("/devices/")[0] + "/devices" if "/devices/" in topic else topic
    return Proposal(format="ttn", topic=above, address=ids.dev_eui or ids.device_id, certain=90)


FORMAT = Format(
    name="ttn",
    decode=decode,
    recognise=recognise,
    profile=Profile(
        report_every_s=86_400, counts_openings=True, tells_battery=True, tells_own_time=True, needs_address=True
    ),
)
