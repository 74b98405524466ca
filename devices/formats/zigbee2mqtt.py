"""`zigbee2mqtt`: topic `zigbee2mqtt/<FRIENDLY_NAME>`, the name may contain `/`; availability one level below.

`contact` **true is closed**: the magnet is near (Zigbee2MQTT's exposes: "Indicates if the contact is closed").
A contact sensor's `temperature` is the chip's, never a body's: it is left alone.
`last_seen` is ISO_8601, ISO_8601_local or epoch, as the installer chose (Zigbee2MQTT's settings, `advanced.last_seen`;
the same words in its bridge extension and its front end; epoch counts milliseconds).  It is an instant when it says its
zone or counts milliseconds; a local time without a zone is not used as a time, but two messages with different ones are
two messages.
"""

import msgspec

from devices.events import Kind, Message, Reading, Rejected
from devices.formats import Format, Known
from devices.formats.bridge_state import decode_bridge_state
from devices.formats.proposal import Proposal
from devices.formats.strict_json import reader
from devices.formats.values import epoch_ms, iso_ms, percent, report_of, signal
from devices.profile import Profile


class _Said(msgspec.Struct):
    contact: bool | None = None
    battery: float | None = None
    battery_low: bool | None = None
    tamper: bool | None = None
    action: str | None = None
    # Nothing is decided by these two: a strange value spoils no opening.
    linkquality: object = None
    last_seen: object = None


_read = reader(_Said, "contact", "tamper", "battery_low", "battery")

# With `output: attribute` every value comes on a topic of its own, below the device's.
_ATTRIBUTES = frozenset({"contact", "battery", "battery_low", "tamper", "action", "linkquality", "last_seen"})


def _seen(last_seen: object) -> tuple[int | None, str]:
    """The device's time and the cause, from `last_seen` in any of its spellings."""
    if isinstance(last_seen, str) and len(last_seen) <= 40:
        at_ms = iso_ms(last_seen)
        return at_ms, f"at {last_seen}" if at_ms is not None else f"last_seen {last_seen}" if last_seen else ""
    if isinstance(last_seen, int | float) and not isinstance(last_seen, bool):
        at_ms = epoch_ms(last_seen)
        return at_ms, f"at {at_ms}" if at_ms is not None else ""
    return None, ""


def _kind(said: _Said) -> Kind:
    if said.contact is not None:
        return "door"
    if said.action:
        return "button"
    if said.tamper is not None:
        return "tamper"
    if said.battery is not None or said.battery_low is not None:
        return "battery"
    return "heartbeat"


def decode(message: Message, known: Known) -> list[Reading] | Rejected:
    """Readings of one message of a Zigbee2MQTT device."""
    device = known.devices[0].id
    payload = message.payload
    if known.rest:
        if known.rest == "availability":
            online = decode_bridge_state(payload)
            if isinstance(online, Rejected):
                return online
            return [Reading(device=device, kind="availability", report=report_of(message), online=online)]
        if known.rest not in _ATTRIBUTES:
            return Rejected("unknown-topic", "not a topic of a Zigbee2MQTT sensor")
        if not _is_one_value(payload):
            return Rejected("malformed", "not one bare value")
        payload = _as_object(known.rest, payload)
    said = _read(payload)
    if isinstance(said, Rejected):
        return said
    at_ms, cause = _seen(said.last_seen)
    return [
        Reading(
            device=device,
            kind=_kind(said),
            report=report_of(message),
            at_ms=at_ms,
            cause=cause,
            open=None if said.contact is None else not said.contact,
            battery_percent=percent(said.battery),
            battery_low=said.battery_low,
            tamper=said.tamper,
            button=(said.action or "")[:40],
            signal=signal(said.linkquality),
        )
    ]


def _is_one_value(payload: bytes) -> bool:
    """Whether a bare payload is one short word, number or time and nothing that could be read as more fields."""
    return 0 < len(payload) <= 64 and not any(mark in payload for mark in b',"{}[]')


def _as_object(name: str, payload: bytes) -> bytes:
    """One attribute on its own topic, written as the object it is part of; text comes bare there."""
    if name in ("action", "last_seen") and not payload.isdigit():
        payload = msgspec.json.encode(payload.decode("utf-8", "replace"))
    return b'{"%b":%b}' % (name.encode(), payload)


def recognise(topic: str, payload: bytes) -> Proposal | None:
    """A contact with a link quality or a battery beside it; the bridge by its own state."""
    if topic.endswith("/bridge/state"):
        if isinstance(decode_bridge_state(payload), Rejected):
            return None
        return Proposal(format="zigbee2mqtt", topic=topic, sort="bridge", certain=90)
    if b'"contact"' not in payload or topic.endswith(("/set", "/get")):
        return None
    said = _read(payload)
    if isinstance(said, Rejected) or said.contact is None:
        return None
    beside = (said.linkquality, said.last_seen, said.battery, said.battery_low, said.tamper)
    if topic.startswith("zigbee2mqtt/"):
        return Proposal(format="zigbee2mqtt", topic=topic, certain=95)
    return Proposal(format="zigbee2mqtt", topic=topic, certain=60) if any(x is not None for x in beside) else None


FORMAT = Format(
    name="zigbee2mqtt",
    decode=decode,
    recognise=recognise,
    profile=Profile(report_every_s=3600, tells_tamper=True, tells_battery=True, tells_own_time=True),
)
