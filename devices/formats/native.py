"""`native`: guns, checkpoint pages and programmable sensors that speak Threshold's own words.

Topic `threshold/<grid>/<device>/<what>`, what = door | temperature | heartbeat | status.  The fleet row names either
that whole topic or its parent `threshold/<grid>/<device>`.  A row that names one `<what>` still owns the heartbeat and
the status (last will) beside it, unless another row names the parent.
"""

import msgspec

from devices.events import Message, Reading, Rejected
from devices.fleet import Device
from devices.formats import Format, Known
from devices.formats.proposal import Proposal
from devices.formats.strict_json import Number, reader
from devices.formats.values import epoch_ms, iso_ms, report_of, word
from devices.places import is_word
from devices.profile import Profile

SITES = frozenset({"axilla", "ear", "forehead", "wrist", "neck"})
_ABSURD_CELSIUS = 1000.0
_COUNTER_END = 2**53  # beyond this a JSON number no longer counts by ones


class _Common(msgspec.Struct):
    at: str | int | float | None = None
    n: int | None = None
    battery: float | None = None
    seq: Number | None = None


class _Door(_Common, kw_only=True):
    state: str


class _Temperature(_Common, kw_only=True):
    celsius: float
    site: str | None = None
    pass_id: str | None = msgspec.field(default=None, name="pass")
    ambient: float | None = None


_read_door = reader(_Door, "state", "n", "seq", "at", "battery")
_read_temperature = reader(_Temperature, "celsius", "site", "pass", "ambient", "seq", "at")
_read_heartbeat = reader(_Common, "seq", "at", "battery")


def _complaint(said: _Common) -> Rejected | None:
    if said.battery is not None and not 0 <= said.battery <= 100:
        return Rejected("implausible", "battery is not 0 to 100 percent")
    if said.n is not None and not 0 <= said.n < _COUNTER_END:
        return Rejected("implausible", "n is no count of openings")
    if isinstance(said.at, str) and iso_ms(said.at) is None:
        return Rejected("malformed", "at is no ISO 8601 time with a zone, nor milliseconds")
    return None


def _instant(at: str | float | None) -> int | None:
    if at is None:
        return None
    return iso_ms(at) if isinstance(at, str) else epoch_ms(at)


def _door(message: Message, device: Device) -> Reading | Rejected:
    said = _read_door(message.payload)
    if isinstance(said, Rejected):
        return said
    if said.state not in ("open", "closed"):
        return Rejected("malformed", "state is neither open nor closed")
    if (why := _complaint(said)) is not None:
        return why
    return Reading(
        device=device.id,
        kind="door",
        report=report_of(message),
        at_ms=_instant(said.at),
        cause=_cause(said),
        open=said.state == "open",
        opens_counted=said.n,
        battery_percent=said.battery,
    )


def _temperature(message: Message, device: Device) -> Reading | Rejected:
    said = _read_temperature(message.payload)
    if isinstance(said, Rejected):
        return said
    if abs(said.celsius) > _ABSURD_CELSIUS:
        return Rejected("malformed", "celsius is no temperature")
    if said.ambient is not None and abs(said.ambient) > _ABSURD_CELSIUS:
        return Rejected("malformed", "ambient is no temperature")
    if said.pass_id and not is_word(said.pass_id):
        return Rejected("malformed", "pass is no word of at most 40 letters, digits, dots, dashes")
    if (why := _complaint(said)) is not None:
        return why
    return Reading(
        device=device.id,
        kind="temperature",
        report=report_of(message),
        at_ms=_instant(said.at),
        cause=_cause(said),
        celsius=said.celsius,
        site=device.site if said.site is None else said.site if said.site in SITES else "",
        pass_id=said.pass_id or "",
        ambient_celsius=said.ambient,
        battery_percent=said.battery,
    )


def _cause(said: _Common) -> str:
    """Without a sequence number its own time tells a message; `n` does not: check-ins repeat it."""
    if said.seq is not None:
        return f"seq {said.seq}"
    return f"at {str(said.at)[:40]}" if said.at is not None else ""


def _heartbeat(message: Message, device: Device) -> Reading | Rejected:
    said = _read_heartbeat(message.payload)
    if isinstance(said, Rejected):
        return said
    if (why := _complaint(said)) is not None:
        return why
    return Reading(
        device=device.id,
        kind="heartbeat",
        report=report_of(message),
        at_ms=_instant(said.at),
        cause=_cause(said),
        opens_counted=said.n,
        battery_percent=said.battery,
    )


def _status(message: Message, device: Device) -> Reading | Rejected:
    said = word(message.payload)
    if said not in ("online", "offline"):
        return Rejected("malformed", "status is neither online nor offline")
    return Reading(device=device.id, kind="availability", report=report_of(message), online=said == "online")


_WHAT = {"door": _door, "temperature": _temperature, "heartbeat": _heartbeat, "status": _status}
_ABOUT_THE_WHOLE = frozenset({"heartbeat", "status"})


def _parent(topic: str) -> str:
    return topic.rpartition("/")[0]


def _owners(topic: str, known: Known) -> tuple[Device, ...]:
    """The rows a message belongs to: those naming its topic, else its parent, else a sibling topic of the device."""
    if len(known.devices) == 1:
        return known.devices
    parent = _parent(topic)
    for name in (topic, parent):
        if rows := tuple(d for d in known.devices if d.topic == name):
            return rows
    return known.devices


def decode(message: Message, known: Known) -> list[Reading] | Rejected:
    """Readings of one native message."""
    topic = message.topic
    parent, _, what = topic.rpartition("/")
    understand = _WHAT.get(what)
    owners = _owners(topic, known)
    if understand is None or not owners:
        return Rejected("unknown-topic", "the last word of the topic is none of door, temperature, heartbeat, status")
    readings: list[Reading] = []
    for device in owners:
        # Beside the topic that the row names only what speaks for the whole device is its own.
        beside = what in _ABOUT_THE_WHOLE and _parent(device.topic) == parent
        if device.topic != topic and device.topic != parent and not beside:
            return Rejected("unknown-topic", "not a topic of this device")
        reading = understand(message, device)
        if isinstance(reading, Rejected):
            return reading
        readings.append(reading)
    return readings


def topics(device: Device) -> list[str]:
    """The row's topic; for a row that names one `<what>` also the parent, for its heartbeat and status."""
    parent, _, what = device.topic.rpartition("/")
    return [device.topic, parent] if parent and what in _WHAT else [device.topic]


def recognise(topic: str, payload: bytes) -> Proposal | None:
    """`threshold/<grid>/<device>/door` or `…/temperature` with what belongs there."""
    parts = topic.split("/")
    if len(parts) != 4 or parts[0] != "threshold":
        return None
    if parts[3] == "door":
        said = _read_door(payload)
        if isinstance(said, Rejected) or said.state not in ("open", "closed"):
            return None
        return Proposal(format="native", topic=_parent(topic), certain=95)
    if parts[3] == "temperature" and not isinstance(_read_temperature(payload), Rejected):
        return Proposal(format="native", topic=topic, sort="thermometer", certain=95)
    return None


FORMAT = Format(
    name="native",
    decode=decode,
    recognise=recognise,
    topics=topics,
    profile=Profile(
        report_every_s=3600,
        counts_openings=True,
        tells_battery=True,
        tells_own_time=True,
        measures_body=True,
    ),
)
