"""`tasmota`: switches wired to a door, Zigbee sensors behind Zigbee2Tasmota, 433 MHz contacts behind an RF bridge.

The row's `topic` is the device's own topic word; its messages are below `stat/<topic>/` and `tele/<topic>/`, or in
another order by the option `full_topic` (Tasmota's own writing, default `%prefix%/%topic%/`).

- Switch: `open_is` says which word of the switch means open.  `address` ("Switch2") chooses one of several.
- Zigbee: `address` is the name or short address ("0x01F3").  `Contact` is 1 for open, unless `open_is` says else
  (arendst/Tasmota#9759: it is the alarm bit of the zone; mdaskalov/homebridge-tasmota-zbbridge#16, and a user's
  marked log in the corpus: 1 when opened).  Some contacts say `Power` instead (same pull request): it is read only
  where the row's `open_is` says which is open.
- 433 MHz: `address` is the code sent at opening.  Most such contacts send nothing at closing: they know only "open".
  The options `closed_code`, `tamper_code`, `battery_code` name further codes of the same contact.

`Time` is local and says no zone: it is not used as a time, only to tell two messages apart.
"""

import re
from typing import Any

import msgspec

from devices.events import Kind, Message, Reading, Rejected, Report
from devices.fleet import Device
from devices.formats import Format, Known
from devices.formats.addressing import row_of
from devices.formats.polarity import is_open, is_open_bit
from devices.formats.proposal import Proposal
from devices.formats.strict_json import BUILT_LIMIT_BYTES, reader
from devices.formats.values import percent, report_of, signal, word
from devices.profile import Profile


class _Action(msgspec.Struct):
    Action: str


_Switch = str | _Action | None


class _Zigbee(msgspec.Struct):
    """One sensor's values in a ZbReceived."""

    Device: str = ""
    Name: str = ""
    Contact: int | None = None
    Power: int | str | None = None
    Tamper: int | None = None
    BatteryLow: int | None = None
    BatteryPercentage: float | None = None
    LinkQuality: object = None


class _Radio(msgspec.Struct):
    Data: str | int


class _Said(msgspec.Struct):
    Time: str = ""
    Switch1: _Switch = None
    Switch2: _Switch = None
    Switch3: _Switch = None
    Switch4: _Switch = None
    Switch5: _Switch = None
    Switch6: _Switch = None
    Switch7: _Switch = None
    Switch8: _Switch = None
    ZbReceived: dict[str, _Zigbee] | None = None
    RfReceived: _Radio | None = None
    StatusSNS: "_Said | None" = None


SWITCHES = tuple(f"Switch{n}" for n in range(1, 9))
_read = reader(_Said, *SWITCHES, "Contact", "Power", "ZbReceived", "RfReceived", most_bytes=BUILT_LIMIT_BYTES)

_ALIVE = frozenset({"STATE", "INFO1", "INFO2", "INFO3", "STATUS", "POWER", "UPTIME"})
_REVERSED = "%topic%/%prefix%/"
_LWT = {"Online": True, "Offline": False}


def _switch(said: _Said, known: Known, report: Report, cause: str) -> list[Reading] | Rejected:
    """One reading for each row whose switch this message names."""
    there = {name: value for name in SWITCHES if (value := getattr(said, name)) is not None}
    readings: list[Reading] = []
    for device in known.devices:
        name = device.address.capitalize() if device.address else _only(there)
        if not name:
            return Rejected("unknown-device", "several switches in one message: the row must choose one by address")
        value = there.get(name)
        if value is None:
            continue
        opened = is_open(value.Action if isinstance(value, _Action) else value, device)
        if isinstance(opened, Rejected):
            return opened
        readings.append(Reading(device=device.id, kind="door", report=report, cause=cause, open=opened))
    return readings or Rejected("unknown-device", "no row names this switch as its address")


def _only(there: dict[str, Any]) -> str:
    return next(iter(there)) if len(there) == 1 else ""


def _hex(address: str) -> str:
    """A short Zigbee address in one spelling: upper case without 0x."""
    return address.upper().removeprefix("0X")


def _addressed(key: str, sensor: _Zigbee, known: Known) -> Device | None:
    """The row that names a Zigbee sensor, or None; a row without an address is a switch's."""
    # A name typed as `zbname 0x662E, door` is stored with the space before it; SetOption89 leaves the 0x out.
    names = (key.strip(), sensor.Name.strip(), sensor.Device)
    device = row_of(known, *names, *(f"0x{_hex(name)}" for name in names if name), *map(_hex, names))
    return device if device is not None and device.address else None


def _zigbee_kind(sensor: _Zigbee) -> Kind:
    if sensor.Contact is not None:
        return "door"
    if sensor.Tamper is not None:
        return "tamper"
    return "battery" if sensor.BatteryPercentage is not None or sensor.BatteryLow is not None else "heartbeat"


def _zigbee(heard: dict[str, _Zigbee], known: Known, report: Report) -> list[Reading] | Rejected:
    readings: list[Reading] = []
    for key, sensor in heard.items():
        device = _addressed(key, sensor, known)
        if device is None:
            continue
        for flag in (sensor.Contact, sensor.Tamper, sensor.BatteryLow):
            if flag not in (0, 1, None):
                return Rejected("malformed", "Contact, Tamper and BatteryLow are 0 or 1")
        opened = None
        if sensor.Contact is not None:
            opened = is_open_bit(sensor.Contact == 1, device) if device.open_is else sensor.Contact == 1
        elif sensor.Power is not None:
            if sensor.Power not in (0, 1):
                return Rejected("malformed", "Power of a contact is 0 or 1")
            if not device.open_is:
                return Rejected("malformed", "this contact says Power: say in its row which is open, open_is = 1 or 0")
            opened = is_open_bit(sensor.Power == 1, device)
        if isinstance(opened, Rejected):
            return opened
        readings.append(
            Reading(
                device=device.id,
                kind=_zigbee_kind(sensor) if opened is None else "door",
                report=report,
                open=opened,
                tamper=None if sensor.Tamper is None else sensor.Tamper == 1,
                battery_low=None if sensor.BatteryLow is None else sensor.BatteryLow == 1,
                battery_percent=percent(sensor.BatteryPercentage),
                signal=signal(sensor.LinkQuality),
            )
        )
    return readings or Rejected("unknown-device", "no row names this Zigbee sensor as its address")


def _radio(code: str, known: Known, report: Report, cause: str) -> list[Reading] | Rejected:
    code = _hex(code)
    opened = row_of(known, code, f"0x{code}")
    if opened is not None and opened.address:
        return [Reading(device=opened.id, kind="door", report=report, cause=cause, open=True)]
    for device in known.devices:
        options = device.options
        if not options:
            continue
        reading = Reading(device=device.id, kind="door", report=report, cause=cause)
        if code == _hex(options.get("closed_code", "-")):
            return [msgspec.structs.replace(reading, open=False)]
        if code == _hex(options.get("tamper_code", "-")):
            return [msgspec.structs.replace(reading, kind="tamper", tamper=True)]
        if code == _hex(options.get("battery_code", "-")):
            return [msgspec.structs.replace(reading, kind="battery", battery_low=True)]
    return Rejected("unknown-device", "no row names this radio code as its address")


def _heard(message: Message, known: Known) -> list[Reading]:
    """The board itself is alive; what hangs on it by radio has not been heard by that."""
    return [
        Reading(device=device.id, kind="heartbeat", report=report_of(message))
        for device in known.devices
        if not device.address or device.address.capitalize() in SWITCHES
    ]


def _availability(message: Message, known: Known) -> list[Reading] | Rejected:
    if (online := _LWT.get(word(message.payload))) is None:
        return Rejected("malformed", "LWT is neither Online nor Offline")
    report = report_of(message)
    return [Reading(device=device.id, kind="availability", report=report, online=online) for device in known.devices]


def decode(message: Message, known: Known) -> list[Reading] | Rejected:
    """Readings of one message of a Tasmota board; none when it only says that the board is alive."""
    what = known.rest.rpartition("/")[2]
    if what == "LWT":
        return _availability(message, known)
    if what not in ("RESULT", "SENSOR", "STATUS10", "STATUS8") and what.capitalize() not in SWITCHES:
        if what in _ALIVE or (what.startswith(("STATUS", "POWER")) and len(what) <= 8):
            return _heard(message, known)
        return Rejected("unknown-topic", "not a topic of a Tasmota sensor")
    said = _read(message.payload)
    if isinstance(said, Rejected):
        return said
    return _values(said, what, message, known)


def _values(said: _Said, what: str, message: Message, known: Known) -> list[Reading] | Rejected:
    report = report_of(message)
    cause = f"time {said.Time[:40]}" if said.Time else ""
    if said.StatusSNS is not None:
        said = said.StatusSNS
        cause = f"time {said.Time[:40]}" if said.Time else ""
    if said.ZbReceived is not None:
        return _zigbee(said.ZbReceived, known, report)
    if said.RfReceived is not None:
        return _radio(str(said.RfReceived.Data), known, report, cause)
    if any(getattr(said, name) is not None for name in SWITCHES):
        # A RESULT comes when the switch moves; STATUS10 is an answer and SENSOR a report every few minutes.
        if what in ("STATUS10", "STATUS8", "SENSOR") and report == "live":
            report = "periodic"
        return _switch(said, known, report, cause)
    return _heard(message, known)


def topics(device: Device) -> list[str]:
    """The prefixes of `stat` and `tele` in this device's full topic."""
    full = device.options.get("full_topic", "") or "%prefix%/%topic%/"
    return [full.replace("%prefix%", kind).replace("%topic%", device.topic).strip("/") for kind in ("stat", "tele")]


_PREFIXES = frozenset({"stat", "tele"})


def recognise(topic: str, payload: bytes) -> Proposal | None:
    """A switch, a Zigbee contact or a radio code below `stat` or `tele`."""
    parts = topic.split("/")
    if len(parts) < 3 or not _PREFIXES & {parts[0], parts[-2]}:
        return None
    said = _read(payload)
    if isinstance(said, Rejected):
        return None
    own, options = (parts[1], {}) if parts[0] in _PREFIXES else ("/".join(parts[:-2]), {"full_topic": _REVERSED})
    said = said if said.StatusSNS is None else said.StatusSNS
    base = Proposal(format="tasmota", topic=own, options=options, certain=85)
    for key, sensor in (said.ZbReceived or {}).items():
        if sensor.Contact is not None:
            return msgspec.structs.replace(base, address=sensor.Name.strip() or key)
    if said.RfReceived is not None:
        # Any neighbour's doorbell sends a code too: only the installer knows which is a door's.
        return msgspec.structs.replace(base, address=_hex(str(said.RfReceived.Data)), certain=50)
    for name in SWITCHES:
        value = getattr(said, name)
        if value is not None:
            action = value.Action if isinstance(value, _Action) else value
            address = "" if name == "Switch1" else name
            return msgspec.structs.replace(base, address=address, if_shared=name, word=action)
    return None


_RADIO_CODE = re.compile(r"(?:0[xX])?[0-9A-Fa-f]{5,}\Z")
_ZIGBEE_REPORT_S = 14_400.0


def report_every_s(device: Device) -> float | None:
    """A board reports every five minutes, a Zigbee contact every few hours, a 433 MHz contact never by itself."""
    if not device.address or device.address.capitalize() in SWITCHES:
        return FORMAT.profile.report_every_s
    return None if _RADIO_CODE.match(device.address) else _ZIGBEE_REPORT_S


FORMAT = Format(
    name="tasmota",
    decode=decode,
    recognise=recognise,
    report_every_s=report_every_s,
    topics=topics,
    profile=Profile(report_every_s=300, tells_battery=True, tells_tamper=True, needs_open_is=True),
)
