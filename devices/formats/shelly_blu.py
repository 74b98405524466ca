"""`shelly-blu`: Shelly BLU Door/Window (BTHome) through a Shelly of the second generation or later.

The row's `topic` is the gateway's prefix (or one of its topics); its `address` is the component of the contact,
`bthomesensor:200`, or the sensor's Bluetooth address where a script passes packets on.  What is read:

- `<prefix>/events/rpc`: NotifyStatus, NotifyFullStatus (a state), NotifyEvent (button presses; packets of a script);
- `<prefix>/status/bthomesensor:200`: that component's status alone;
- `<prefix>/online`: the gateway itself, and with it every sensor behind it;
- the answer of GetKnownObjects, which says which components are one sensor: remembered, so that the battery that is a
  component of its own is the door's battery.

BTHome object 0x2D (window), 0x1A (door), 0x11 (opening), 0x1B (garage): 1 is open (BTHome v2 object list; the maker's
page of the SBDW-002C).  In beacon mode the sensor repeats its last status: a value that does not change is no opening.
"""

import msgspec

from devices.events import Message, Reading, Rejected, Report
from devices.fleet import Device
from devices.formats import Format, Known
from devices.formats.addressing import NO_ROW, row_of
from devices.formats.proposal import Proposal
from devices.formats.strict_json import BUILT_LIMIT_BYTES, Number, reader
from devices.formats.values import epoch_s, percent, report_of, signal, word
from devices.profile import Profile

_BATTERY, _TAMPER, _BUTTON = 0x01, 0x2B, 0x3A
_OPENINGS = frozenset({0x11, 0x1A, 0x1B, 0x2D})
_MOST_REMEMBERED = 512
_MOST_PARTS = 100  # components of one status, events of one message: a gateway has room for fewer


class _Packet(msgspec.Struct):
    """One BTHome packet as the maker's example script passes it on; older versions write the names large."""

    addr: str = ""
    address: str = ""
    pid: Number | None = None
    Window: int | None = None
    window: int | None = None
    Battery: float | None = None
    battery: float | None = None
    Button: Number | None = None
    button: Number | None = None
    rssi: object = None


class _Happening(msgspec.Struct):
    component: str = ""
    event: str = ""
    ts: float | None = None
    data: _Packet | None = None


class _Object(msgspec.Struct):
    obj_id: int
    component: str | None = None


class _Params(msgspec.Struct):
    events: list[_Happening]


class _Known(msgspec.Struct):
    objects: list[_Object]


class _Said(msgspec.Struct):
    method: str = ""
    params: msgspec.Raw = msgspec.Raw()
    objects: list[_Object] | None = None
    result: _Known | None = None
    # A component's status alone.
    value: object = None
    last_updated_ts: float | None = None
    rssi: object = None
    battery: float | None = None
    packet_id: Number | None = None


class _Status(msgspec.Struct):
    value: object = None
    last_updated_ts: float | None = None
    rssi: object = None
    battery: float | None = None
    packet_id: Number | None = None


_read = reader(_Said, "method", "value", most_bytes=BUILT_LIMIT_BYTES)
_read_params = reader(dict[str, msgspec.Raw], "value")
_read_events = reader(_Params)
_read_status = reader(_Status, "value")
_number = msgspec.json.Decoder(float)


def _remember(objects: list[_Object], known: Known) -> list[Reading] | Rejected:
    """Keep which components are the sensor of a row: {component: [the row's component, BTHome object]}."""
    there = {item.component: item.obj_id for item in objects if item.component}
    rows = [device for device in known.devices if device.address in there]
    if not rows:
        return NO_ROW
    mapping = {name: [rows[0].address, kind] for name, kind in list(there.items())[:32]}
    if any(known.memory.get(name) != value for name, value in mapping.items()):
        if len(known.memory) + len(mapping) > _MOST_REMEMBERED:
            known.memory.clear()
        known.memory.update(mapping)
        known.memory_changed = True
    return []


def _component(
    name: str, status: _Status, known: Known, report: Report, at_ms: int | None
) -> Reading | Rejected | None:
    """What one component's status says about a row; None where it is no row's."""
    owner, kind = known.memory.get(name, (name, None))
    device = row_of(known, owner)
    if device is None:
        return None
    if status.last_updated_ts is not None:
        at_ms = epoch_s(status.last_updated_ts)
    cause = f"packet {status.packet_id} {at_ms}" if status.packet_id is not None else f"at {at_ms}" if at_ms else ""
    reading = Reading(device=device.id, kind="heartbeat", report=report, at_ms=at_ms, cause=cause)
    value = status.value
    if value is None:
        return reading
    if kind == _BATTERY:
        level = percent(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
        return msgspec.structs.replace(reading, kind="battery", battery_percent=level)
    if kind is not None and kind not in _OPENINGS and kind != _TAMPER:
        return reading
    if value not in (0, 1):
        return Rejected("malformed", "the component's value is neither open nor closed: is it the window sensor's?")
    if kind == _TAMPER:
        return msgspec.structs.replace(reading, kind="tamper", tamper=bool(value))
    return msgspec.structs.replace(reading, kind="door", open=bool(value))


def _device_status(status: _Status, name: str, known: Known, report: Report, at_ms: int | None) -> Reading | None:
    """`bthomedevice:200` holds signal and battery of a whole sensor; its row names it by the option `whole`."""
    for device in known.devices:
        if device.options.get("whole") == name:
            return Reading(
                device=device.id,
                kind="heartbeat" if status.battery is None else "battery",
                report=report,
                at_ms=at_ms,
                battery_percent=percent(status.battery),
                signal=signal(status.rssi),
            )
    return None


def _statuses(params: dict[str, msgspec.Raw], known: Known, report: Report) -> list[Reading] | Rejected:
    if len(params) > _MOST_PARTS:
        return Rejected("malformed", f"more than {_MOST_PARTS} components in one status")
    at_ms = _time(params.get("ts"))
    readings: list[Reading] = []
    foreign = False
    for name, raw in params.items():
        if not name.startswith("bthome"):
            continue
        status = _read_status(bytes(raw))
        if isinstance(status, Rejected):
            return status
        if name.startswith("bthomedevice:"):
            found = _device_status(status, name, known, report, at_ms)
        else:
            found = _component(name, status, known, report, at_ms)
            foreign = foreign or found is None
        if isinstance(found, Rejected):
            return found
        if found is not None:
            readings.append(found)
    return readings if readings or not foreign else NO_ROW


def _time(raw: msgspec.Raw | None) -> int | None:
    if raw is None:
        return None
    try:
        return epoch_s(_number.decode(raw))
    except msgspec.MsgspecError:
        return None


def _packet(packet: _Packet, device: Device, report: Report, at_ms: int | None) -> Reading | Rejected:
    window = packet.window if packet.window is not None else packet.Window
    if window not in (0, 1, None):
        return Rejected("malformed", "window is neither 0 nor 1")
    button = packet.button if packet.button is not None else packet.Button
    battery = packet.battery if packet.battery is not None else packet.Battery
    return Reading(
        device=device.id,
        kind="door" if window is not None else "button" if button else "heartbeat",
        report=report,
        at_ms=at_ms,
        cause=f"packet {packet.pid} {at_ms}" if packet.pid is not None else "",
        open=None if window is None else window == 1,
        battery_percent=percent(battery),
        button=f"press {button}" if button else "",
        signal=signal(packet.rssi),
    )


def _events(params: _Params, known: Known, report: Report) -> list[Reading] | Rejected:
    if len(params.events) > _MOST_PARTS:
        return Rejected("malformed", f"more than {_MOST_PARTS} events in one message")
    readings: list[Reading] = []
    foreign = False
    for happening in params.events:
        at_ms = None if happening.ts is None else epoch_s(happening.ts)
        packet = happening.data
        if packet is not None and (packet.addr or packet.address):
            device = row_of(known, packet.addr, packet.address)
            found = None if device is None else _packet(packet, device, report, at_ms)
        elif happening.component.startswith("bthome"):
            owner = known.memory.get(happening.component, (happening.component, None))[0]
            device = row_of(known, owner)
            found = None if device is None else Reading(
                device=device.id, kind="button", report=report, at_ms=at_ms, cause=f"at {at_ms}" if at_ms else "",
                button=happening.event[:40],
            )  # fmt: skip
        else:
            continue
        foreign = foreign or found is None
        if isinstance(found, Rejected):
            return found
        if found is not None:
            readings.append(found)
    return readings if readings or not foreign else NO_ROW


def decode(message: Message, known: Known) -> list[Reading] | Rejected:
    """Readings of one message of a Shelly that listens to BLU sensors; none for what it says of itself."""
    report = report_of(message)
    rest = message.topic.rpartition("/")[2]
    if rest == "online":
        said = word(message.payload)
        if said not in ("true", "false"):
            return Rejected("malformed", "online is neither true nor false")
        return [
            Reading(device=device.id, kind="availability", report=report, online=said == "true")
            for device in known.devices
        ]
    said = _read(message.payload)
    if isinstance(said, Rejected):
        return said
    if rest.startswith("bthomesensor:"):
        status = _Status(said.value, said.last_updated_ts, said.rssi, said.battery, said.packet_id)
        found = _component(rest, status, known, report, None)
        return found if isinstance(found, Rejected) else NO_ROW if found is None else [found]
    objects = said.objects if said.objects is not None else said.result.objects if said.result is not None else None
    if objects is not None:
        return _remember(objects, known)
    params_raw = bytes(said.params)
    if not params_raw:
        return [] if known.rest.startswith("status/") else Rejected("malformed", "no params, no objects, no status")
    if said.method == "NotifyEvent":
        params = _read_events(params_raw)
        return params if isinstance(params, Rejected) else _events(params, known, report)
    if said.method not in ("NotifyStatus", "NotifyFullStatus"):
        return Rejected("unknown-topic", "not a notification of a status or an event")
    params = _read_params(params_raw)
    if isinstance(params, Rejected):
        return params
    # A full status is sent after a start or on request: it repeats what is, it does not say what happened.
    if said.method == "NotifyFullStatus" and report == "live":
        report = "poweron"
    return _statuses(params, known, report)


def recognise(topic: str, payload: bytes) -> Proposal | None:
    """A BTHome component that is true or false in a notification, or a packet that a script passes on."""
    if not topic.endswith("/events/rpc"):
        return None
    said = _read(payload)
    if isinstance(said, Rejected) or not bytes(said.params):
        return None
    gateway = topic.removesuffix("/events/rpc")
    if said.method == "NotifyEvent":
        events = _read_events(bytes(said.params))
        for happening in () if isinstance(events, Rejected) else events.events:
            packet = happening.data
            if packet is not None and (packet.Window if packet.window is None else packet.window) is not None:
                return Proposal(format="shelly-blu", topic=gateway, address=packet.addr or packet.address)
        return None
    params = _read_params(bytes(said.params))
    for name, raw in () if isinstance(params, Rejected) else params.items():
        status = _read_status(bytes(raw)) if name.startswith("bthomesensor:") else None
        if isinstance(status, _Status) and isinstance(status.value, bool):
            return Proposal(format="shelly-blu", topic=gateway, address=name, certain=75)
    return None


FORMAT = Format(
    name="shelly-blu",
    decode=decode,
    recognise=recognise,
    profile=Profile(report_every_s=43_200, tells_battery=True, tells_own_time=True, needs_address=True),
)
