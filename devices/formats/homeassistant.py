"""`homeassistant`: sensors that announce themselves by MQTT discovery, `homeassistant/binary_sensor/<object>/config`.

The row's `topic` is the state topic or its parent; its `address` is the `<object>` of the configuration topic (with
the node before it where there is one), and without it no configuration is read.  Of the configuration count
`value_template` (its plain forms, `plain_template.py`), `payload_on`, `payload_off`, `availability`, `device_class`,
in full or with Home Assistant's abbreviations.  What can't be evaluated safely is refused, and so is every state after
it, until a configuration comes that can.  An empty retained configuration removes it (home-assistant/core, pull
requests 16858 and 31989: removing a device publishes "" to its discovery topic, retained).

ON is open for a contact by convention, but the wiring decides: the row says `open_is`, either the payload's own word or
ON / OFF.  `expire_after` says how long a state holds: the row's `report_every_s` is the place for it.  Without a
configuration a state is ON / OFF bare or in {"state": …}, as in Home Assistant's own example.
"""

from typing import Any

import msgspec

from devices.events import Message, Reading, Rejected
from devices.fleet import Device
from devices.formats import Format, Known
from devices.formats.plain_template import Template, evaluate, parse
from devices.formats.polarity import NEITHER, NOT_SAID, is_open
from devices.formats.proposal import Proposal
from devices.formats.strict_json import reader
from devices.formats.values import percent, report_of, word
from devices.profile import Profile

_DISCOVERY = "homeassistant/binary_sensor/"
_DOOR_CLASSES = frozenset({"", "door", "window", "opening", "garage_door"})
_MOST_REMEMBERED = 200
_LONGEST_TEXT = 200


class _Availability(msgspec.Struct):
    topic: str = ""
    t: str = ""
    payload_available: str | None = None
    pl_avail: str | None = None
    payload_not_available: str | None = None
    pl_not_avail: str | None = None
    value_template: str | None = None
    val_tpl: str | None = None


class _Config(msgspec.Struct):
    """A discovery configuration: the full names and their abbreviations."""

    base: str = msgspec.field(default="", name="~")
    state_topic: str = ""
    stat_t: str = ""
    value_template: str | None = None
    val_tpl: str | None = None
    payload_on: str | int | bool | None = None
    pl_on: str | int | bool | None = None
    payload_off: str | int | bool | None = None
    pl_off: str | int | bool | None = None
    device_class: str | None = None
    dev_cla: str | None = None
    availability: list[_Availability] | _Availability | None = None
    avty: list[_Availability] | _Availability | None = None
    expire_after: float | None = None
    exp_aft: float | None = None
    availability_topic: str | None = None
    avty_t: str | None = None
    payload_available: str | None = None
    pl_avail: str | None = None
    payload_not_available: str | None = None
    pl_not_avail: str | None = None


class _Remembered(msgspec.Struct):
    """What is kept of a configuration.  `refused` says why none of its states can be understood."""

    state_topic: str = ""
    template: Template | None = None
    on: str = "ON"
    off: str = "OFF"
    available: dict[str, tuple[str, str, Template | None]] = {}
    refused: str = ""


class _State(msgspec.Struct):
    state: str | int | bool | None = None
    battery: float | None = None


_read_config = reader(_Config, "state_topic", "stat_t", "value_template", "val_tpl", "payload_on", "pl_on")
_read_state = reader(_State, "state")
_read_any = reader(dict[str, Any])
_LONGEST_JSON_BYTES = 4096


def _topic(text: str, base: str) -> str:
    if base and text.startswith("~"):
        return base + text[1:]
    return text[:-1] + base if base and text.endswith("~") else text


def _understood(config: _Config) -> _Remembered:
    """What to keep of a configuration, or why it is refused."""
    device_class = config.device_class or config.dev_cla or ""
    if device_class not in _DOOR_CLASSES:
        return _Remembered(refused="device_class is none of door, window, opening, garage_door")
    text = config.value_template or config.val_tpl
    template = None if text is None else parse(text)
    if text is not None and template is None:
        return _Remembered(refused="value_template is none of the plain forms and is not run")
    topic = _topic(config.state_topic or config.stat_t, config.base)
    if not topic or len(topic) > _LONGEST_TEXT:
        return _Remembered(refused="the configuration has no state_topic")
    kept = _Remembered(state_topic=topic, template=template)
    kept.on = _said(config.payload_on, config.pl_on, "ON")
    kept.off = _said(config.payload_off, config.pl_off, "OFF")
    if kept.on == kept.off or len(kept.on) + len(kept.off) > _LONGEST_TEXT:
        return _Remembered(refused="payload_on and payload_off do not tell two states apart")
    available = _available(config)
    return available if isinstance(available, _Remembered) else msgspec.structs.replace(kept, available=available)


def _said(full: object, short: object, usual: str) -> str:
    value = full if full is not None else short
    return usual if value is None else str(value)


def _available(config: _Config) -> dict[str, tuple[str, str, Template | None]] | _Remembered:
    """Topic → (word for online, word for offline, template)."""
    lists = config.availability if config.availability is not None else config.avty
    items = lists if isinstance(lists, list) else [] if lists is None else [lists]
    if single := config.availability_topic or config.avty_t:
        on, off = config.payload_available or config.pl_avail, config.payload_not_available or config.pl_not_avail
        items = [*items, _Availability(topic=single, payload_available=on, payload_not_available=off)]
    found: dict[str, tuple[str, str, Template | None]] = {}
    for item in items[:8]:
        text = item.value_template or item.val_tpl
        template = None if text is None else parse(text)
        if text is not None and template is None:
            return _Remembered(refused="an availability's value_template is none of the plain forms and is not run")
        found[_topic(item.topic or item.t, config.base)[:_LONGEST_TEXT]] = (
            (item.payload_available or item.pl_avail or "online")[:_LONGEST_TEXT],
            (item.payload_not_available or item.pl_not_avail or "offline")[:_LONGEST_TEXT],
            template,
        )
    return found


def _configure(message: Message, known: Known) -> list[Reading] | Rejected:
    name = message.topic.removeprefix(_DISCOVERY).removesuffix("/config")
    if not any(device.address == name for device in known.devices):
        return Rejected("unknown-device", "no row has the object of this configuration as its address")
    if not message.payload:
        if known.memory.pop(name, None) is not None:
            known.memory_changed = True
        return []
    config = _read_config(message.payload)
    if isinstance(config, Rejected):
        return config
    kept = _understood(config)
    born = msgspec.to_builtins(kept)
    if known.memory.get(name) != born:
        if len(known.memory) >= _MOST_REMEMBERED and name not in known.memory:
            known.memory.pop(next(iter(known.memory)))
        known.memory[name] = born
        known.memory_changed = True
    return Rejected("malformed", kept.refused) if kept.refused else []


def _text_of(payload: bytes, template: Template | None) -> tuple[str, object] | Rejected:
    """The payload as bare text, and parsed where its template asks for JSON."""
    if template is None or template.path is None:
        return word(payload), None
    if len(payload) > _LONGEST_JSON_BYTES:
        return Rejected("too-large", f"a state of more than {_LONGEST_JSON_BYTES} bytes")
    parsed = _read_any(payload)
    return parsed if isinstance(parsed, Rejected) else ("", parsed)


def _availability(
    message: Message, devices: tuple[Device, ...], on: str, off: str, template: Template | None
) -> list[Reading] | Rejected:
    answer = _text_of(message.payload, template)
    if isinstance(answer, Rejected):
        return answer
    bare, parsed = answer
    said = bare if template is None else evaluate(template, bare, parsed)
    if said not in (on, off):
        return Rejected("malformed", "neither the word for available nor for not available")
    report = report_of(message)
    return [Reading(device=d.id, kind="availability", report=report, online=said == on) for d in devices]


def _means_open(said: str, kept: _Remembered, device: Device) -> bool | Rejected:
    if said not in (kept.on, kept.off):
        return Rejected("malformed", "neither payload_on nor payload_off")
    on = said == kept.on
    wanted = device.open_is
    if not wanted:
        return NOT_SAID
    if wanted in (kept.on, kept.off):
        return said == wanted
    if wanted.lower() in ("on", "true", "1"):
        return on
    return not on if wanted.lower() in ("off", "false", "0") else NEITHER


def _configured(message: Message, device: Device, kept: _Remembered) -> list[Reading] | Rejected:
    """A state under a configuration that was heard."""
    if kept.refused:
        return Rejected("malformed", kept.refused)
    if message.topic in kept.available:
        return _availability(message, (device,), *kept.available[message.topic])
    if message.topic != kept.state_topic:
        return Rejected("unknown-topic", "neither the state nor an availability topic of the configuration")
    answer = _text_of(message.payload, kept.template)
    if isinstance(answer, Rejected):
        return answer
    bare, parsed = answer
    said = bare if kept.template is None else evaluate(kept.template, bare, parsed)
    level = parsed.get("battery") if isinstance(parsed, dict) else None  # type: ignore[reportUnknownMemberType]
    charge = percent(level) if isinstance(level, int | float) and not isinstance(level, bool) else None
    report = report_of(message)
    if said == "" and message.payload:
        # The value is not in this message: another entity of the same device spoke.
        kind = "heartbeat" if charge is None else "battery"
        return [Reading(device=device.id, kind=kind, report=report, battery_percent=charge)]
    opened = _means_open(said or "", kept, device)
    if isinstance(opened, Rejected):
        return opened
    return [Reading(device=device.id, kind="door", report=report, open=opened, battery_percent=charge)]


def _unconfigured(message: Message, known: Known) -> list[Reading] | Rejected:
    """A state without a configuration: bare, or as {"state": …}."""
    if message.topic.endswith("/availability"):
        return _availability(message, known.devices, "online", "offline", None)
    device, report = known.devices[0], report_of(message)
    said: object = word(message.payload)
    charge: float | None = None
    if message.payload[:1] == b"{":
        state = _read_state(message.payload)
        if isinstance(state, Rejected):
            return state
        said, charge = state.state, percent(state.battery)
        if said is None:
            kind = "heartbeat" if charge is None else "battery"
            return [Reading(device=device.id, kind=kind, report=report, battery_percent=charge)]
    opened = is_open(str(said), device)
    if isinstance(opened, Rejected):
        return opened
    return [Reading(device=device.id, kind="door", report=report, open=opened, battery_percent=charge)]


def decode(message: Message, known: Known) -> list[Reading] | Rejected:
    """Readings of one state or availability; none for a configuration, which is remembered."""
    if message.topic.startswith(_DISCOVERY) and message.topic.endswith("/config"):
        return _configure(message, known)
    for device in known.devices:
        kept = known.memory.get(device.address) if device.address else None
        if kept is not None:
            return _configured(message, device, msgspec.convert(kept, _Remembered))
    return _unconfigured(message, known)


def topics(device: Device) -> list[str]:
    """The row's topic, its configuration's, and the availability beside the state topic."""
    parent = device.topic.rpartition("/")[0]
    found = [device.topic]
    if device.address:
        found.append(_DISCOVERY + device.address)
    if parent:
        found.append(f"{parent}/availability")
    return found


def recognise(topic: str, payload: bytes) -> Proposal | None:
    """The configuration of a binary sensor that says it is a door's."""
    if not topic.startswith(_DISCOVERY) or not topic.endswith("/config") or not payload:
        return None
    config = _read_config(payload)
    if isinstance(config, Rejected) or not (config.device_class or config.dev_cla):
        return None
    kept = _understood(config)
    if kept.refused:
        return None
    hold_s = config.expire_after if config.expire_after is not None else config.exp_aft
    return Proposal(
        format="homeassistant",
        topic=kept.state_topic,
        address=topic.removeprefix(_DISCOVERY).removesuffix("/config"),
        word=kept.on,
        # A state holds so long; two and a half check-ins of silence are the alarm.
        report_every_s=round(hold_s / 2.5) if hold_s and 60 <= hold_s <= 31 * 86_400 else None,
        certain=70,
    )


FORMAT = Format(
    name="homeassistant",
    decode=decode,
    recognise=recognise,
    topics=topics,
    profile=Profile(report_every_s=None, tells_battery=True, needs_open_is=True),
)
