"""`shelly-gen1`: Door/Window and Door/Window 2, one topic a value below `shellies/<id>`.

`sensor/state` is `open` or `close`.  The device sleeps; each time it wakes it sends all its values, and says in
`sensor/act_reasons` what woke it: only `sensor` (and `alarm`) is a real movement of the door, `periodic`, `poweron`
and `button` are reports of a state.  That message carries no value: it goes on as `report_hint` for the values beside
it.  -1, 999 and "unknown" are no values.
"""

import msgspec

from devices.events import Message, Reading, Rejected, Report
from devices.fleet import Device
from devices.formats import Format, Known
from devices.formats.proposal import Proposal
from devices.formats.values import percent, report_of, word
from devices.profile import Profile

_reasons = msgspec.json.Decoder(list[str])

_STATES = {"open": True, "close": False}
_ONLINE = {"true": True, "false": False, "online": True, "offline": False}
# Values that say only that the device is alive: none of them decides about a door, or is a body's temperature.
_ALIVE = frozenset(
    {"sensor/tilt", "sensor/lux", "sensor/illumination", "sensor/vibration", "sensor/temperature", "sensor/error",
     "sensor/active", "sensor/charger", "sensor/ext_power", "announce", "info"}
)  # fmt: skip
_LONGEST_BYTES = 64 * 1024


def _reports(reasons: list[str]) -> Report:
    """How the values of this wake-up came about: a movement wins over whatever else woke the device."""
    if "sensor" in reasons or "alarm" in reasons:
        return "live"
    return "poweron" if "poweron" in reasons else "periodic"


def _act_reasons(message: Message, device: str) -> list[Reading] | Rejected:
    try:
        reasons = _reasons.decode(message.payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return Rejected("malformed", "act_reasons is no list of words")
    report = report_of(message)
    if not reasons:
        return [Reading(device=device, kind="heartbeat", report=report)]
    pressed = "button" in reasons
    return [
        Reading(
            device=device,
            kind="button" if pressed else "heartbeat",
            report=report,
            button="press" if pressed else "",
            report_hint=_reports(reasons),
        )
    ]


def decode(message: Message, known: Known) -> list[Reading] | Rejected:
    """Readings of one message of a Shelly Door/Window."""
    device = known.devices[0].id
    if len(message.payload) > _LONGEST_BYTES:
        return Rejected("too-large", "longer than any Shelly writes")
    rest = _value_of(message.topic)
    if rest == "sensor/act_reasons":
        return _act_reasons(message, device)
    said = word(message.payload)
    report = report_of(message)
    if rest == "sensor/state":
        if (opened := _STATES.get(said)) is None:
            return Rejected("malformed", "sensor/state is neither open nor close")
        return [Reading(device=device, kind="door", report=report, open=opened)]
    if rest == "sensor/battery":
        if (level := _number(said)) is None:
            return Rejected("malformed", "sensor/battery is no number")
        # -1 and 999 are how the device writes "no value": it is alive, and says nothing of its battery.
        charge = percent(level)
        return [Reading(device=device, kind="heartbeat" if charge is None else "battery", report=report,
                        battery_percent=charge)]  # fmt: skip
    if rest == "online":
        if (online := _ONLINE.get(said)) is None:
            return Rejected("malformed", "online is neither true nor false")
        return [Reading(device=device, kind="availability", report=report, online=online)]
    if rest in _ALIVE:
        if not message.payload:
            return Rejected("malformed", "the payload is empty")
        return [Reading(device=device, kind="heartbeat", report=report)]
    return Rejected("unknown-topic", "not a topic of a Shelly Door/Window")


def _value_of(topic: str) -> str:
    """Which of the device's values a topic carries: "sensor/state", "online"."""
    parts = topic.rsplit("/", 2)
    return f"sensor/{parts[-1]}" if len(parts) == 3 and parts[1] == "sensor" else parts[-1]


def _number(said: str) -> float | None:
    """A number as Shelly writes it; -1 for "unknown", which is the same there; None for anything else."""
    if said == "unknown":
        return -1.0
    digits = said.removeprefix("-").replace(".", "", 1)
    return float(said) if digits.isdigit() and len(digits) <= 12 else None


def recognise(topic: str, payload: bytes) -> Proposal | None:
    """`<device>/sensor/state` with open or close."""
    device, found, _ = topic.partition("/sensor/state")
    if not found or not topic.endswith("/sensor/state") or word(payload) not in _STATES:
        return None
    return Proposal(format="shelly-gen1", topic=device, certain=95 if device.startswith("shellies/") else 80)


def topics(device: Device) -> list[str]:
    """The row's topic; for a row that names one value's topic also the device's, for the values beside it."""
    own, beside, _ = device.topic.partition("/sensor/")
    return [device.topic, own] if beside else [device.topic]


FORMAT = Format(
    name="shelly-gen1",
    decode=decode,
    recognise=recognise,
    topics=topics,
    profile=Profile(report_every_s=43_200, tells_battery=True),
)
