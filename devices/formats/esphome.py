"""`esphome`: payload bare `ON` or `OFF` on `<prefix>/binary_sensor/<name>/state`, availability on `<prefix>/status`.

The row's `topic` is the sensor's own topic (with or without `/state`) or the node's prefix; then `address` is the name
of the binary sensor.  What ON means hangs on the wiring and on `inverted`: the row's `open_is` says it.
Topic shape: esphome, mqtt_component.cpp (prefix, component type, object id, suffix); a custom state topic is named as
it is.  `birth_message` and `will_message` come on `<prefix>/status`, online and offline unless the node changes them.
"""

from devices.events import Message, Reading, Rejected
from devices.fleet import Device
from devices.formats import Format, Known
from devices.formats.polarity import is_open
from devices.formats.proposal import Proposal
from devices.formats.values import percent, report_of, signal, word
from devices.profile import Profile

_ONLINE = {"online": True, "offline": False}


def _number(said: str) -> float | None:
    digits = said.removeprefix("-").replace(".", "", 1)
    return float(said) if digits.isdigit() and len(digits) <= 12 else None


def _door(message: Message, device: Device, said: str) -> list[Reading] | Rejected:
    opened = is_open(said, device)
    if isinstance(opened, Rejected):
        return opened
    return [Reading(device=device.id, kind="door", report=report_of(message), open=opened)]


def _beside(message: Message, devices: tuple[Device, ...], name: str, said: str) -> list[Reading] | Rejected:
    """A sensor of the same node: its battery or signal strength is worth keeping, anything else is a sign of life."""
    number = _number(said)
    if number is None and said.lower() != "nan":
        return Rejected("malformed", "a sensor's state is no number")
    report = report_of(message)
    battery = percent(number) if "battery" in name and "volt" not in name else None
    strength = signal(number) if "signal" in name else None
    return [
        Reading(
            device=device.id,
            kind="heartbeat" if battery is None else "battery",
            report=report,
            battery_percent=battery,
            signal=strength,
        )
        for device in devices
    ]


def decode(message: Message, known: Known) -> list[Reading] | Rejected:
    """Readings of one message of an ESPHome node."""
    said = word(message.payload)
    if not said:
        return Rejected("malformed", "the payload is empty, long or no plain text")
    parts = message.topic.split("/")
    if parts[-1] == "status":
        if (online := _ONLINE.get(said.lower())) is None:
            return Rejected("malformed", "status is neither online nor offline")
        report = report_of(message)
        return [Reading(device=d.id, kind="availability", report=report, online=online) for d in known.devices]
    if parts[-1] == "state":
        parts = parts[:-1]
    if len(parts) >= 2 and parts[-2] == "sensor":
        return _beside(message, known.devices, parts[-1], said)
    if known.rest not in ("", "state") and (len(parts) < 2 or parts[-2] != "binary_sensor"):
        return Rejected("unknown-topic", "not a topic of an ESPHome contact")
    for device in known.devices:
        if not device.address or device.address == parts[-1]:
            return _door(message, device, said)
    return Rejected("unknown-device", "no row has this binary sensor as its address")


def topics(device: Device) -> list[str]:
    """The row's topic, and the node's availability beside a single sensor's topic."""
    prefix, found, _ = device.topic.partition("/binary_sensor/")
    return [device.topic, f"{prefix}/status"] if found else [device.topic]


def recognise(topic: str, payload: bytes) -> Proposal | None:
    """`…/binary_sensor/<name>/state` with ON or OFF."""
    parts = topic.split("/")
    if len(parts) < 4 or parts[-3] != "binary_sensor" or parts[-1] != "state" or parts[0] == "homeassistant":
        return None
    said = word(payload)
    if said not in ("ON", "OFF"):
        return None
    return Proposal(format="esphome", topic="/".join(parts[:-1]), word=said, certain=75)


FORMAT = Format(
    name="esphome",
    decode=decode,
    recognise=recognise,
    topics=topics,
    profile=Profile(report_every_s=None, needs_open_is=True),
)
