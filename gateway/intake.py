"""One message in, what it means out: the events for `inbox` and what could not come in.

Both ways in and the replay use this one object.  It reads no clock: a message says when it was received, and where a
clock went back the time before stands.  What a device said earlier is the core's to remember; kept here are only a few
thousand ids against duplicates, the formats' own memory, and which household a sensor of the pool is lent to.

The stages, in their order: whose is it · may this client say it · is it too large · what does its format understand ·
could a body be that warm · was it heard before.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from devices.events import Event, Kind, Message, Reading, Rejected, RejectReason
from devices.fleet import Bridge, Fleet
from devices.formats import Format, Known
from devices.formats.bridge_state import decode_bridge_state
from devices.formats.values import report_of
from devices.ids import event_id
from devices.places import Where, grid_of
from gateway.duplicates import Duplicates
from gateway.fleet_records import POOL_GRID, FleetRecord, device_row
from gateway.identify import Owner, identify, owners
from gateway.mqtt.access import Allowed, allowed
from gateway.principals import principals
from gateway.rejects import LARGEST_PAYLOAD, dated_back, once_more, reject
from streams.commands import Command
from streams.frames import DeviceRow, RejectRecord

PLAUSIBLE_CELSIUS = (35.0, 42.5)
# A bridge that logs every message it passes on is alive each time; being told so twice a minute is enough.
BRIDGE_HEARD_EVERY_MS = 30_000
CLOCK_USABLE_MS = 24 * 3_600_000


class Taken(msgspec.Struct, frozen=True, gc=False):
    """What became of one message.  `memory` is (key, bytes) to be stored with it when a format learnt something.

    All empty where there was nothing to tell: a duplicate, or the chatter of a bridge.
    """

    events: list[Event] = []
    rejects: list[RejectRecord] = []
    duplicates: int = 0
    memory: tuple[str, bytes] | None = None


class Placed(msgspec.Struct, frozen=True):
    """Where a device is now."""

    grid: str
    where: Where
    place: str


NOTHING = Taken()
_memory_encoder = msgspec.msgpack.Encoder()


class Intake:
    """`memory` (Owner.key → bytes) and `bindings` (device → household) are what was stored of an earlier run."""

    def __init__(
        self,
        fleet: Fleet,
        formats: Mapping[str, Format],
        *,
        memory: Mapping[str, bytes] | None = None,
        bindings: Mapping[str, str] | None = None,
        plausible_celsius: tuple[float, float] = PLAUSIBLE_CELSIUS,
        duplicates: Duplicates | None = None,
    ) -> None:
        self.fleet = fleet
        self.formats = formats
        stored: dict[str, dict[str, Any]] = {
            key: msgspec.msgpack.decode(data, type=dict[str, Any]) for key, data in (memory or {}).items()
        }
        self.known = owners(fleet, formats, stored)
        self.principals = principals(fleet, self.known)
        self.bindings: dict[str, str] = {}
        self.last_ms = 0
        self._placed = {
            device.id: Placed(device.grid or POOL_GRID, device.where, "" if device.where == "pool" else device.place)
            for device in fleet.devices.values()
        }
        # What a sensor of the pool last said of its door, told again where it is lent to: the core of that grid would
        # else take the first opening of the case for a first word, and learn it instead of raising it.
        self._pool = frozenset(device.id for device in fleet.devices.values() if device.where == "pool")
        self._last_door: dict[str, Event] = {}
        self._least_celsius, self._most_celsius = plausible_celsius
        self._duplicates = Duplicates() if duplicates is None else duplicates
        self._in_this_ms = 0
        self._memories: dict[str, dict[str, Any]] = {}
        self._bridge_heard: dict[str, int] = {}
        for device, household in (bindings or {}).items():
            self.bind(device, household, 0)

    def take(self, message: Message) -> Taken:
        """The events and rejects of `message`.  Never raises on what it holds."""
        message = self._in_order(message)
        found = identify(self.known, message.topic)
        if message.client and (found is None or message.client not in found.owner.ids):
            principal = self.principals.get(message.client)
            if principal is None or not isinstance(allowed(principal, "publish", message.topic), Allowed):
                return refused(message, "forbidden-topic", "not a topic of this client", message.client)
        if found is None:
            return refused(message, "unknown-device", "no row of the fleet has this topic or a parent of it")
        owner = found.owner
        if owner.bridge is not None and not owner.is_bridge_state:
            return self._chatter(owner.bridge, message)
        if len(message.payload) > LARGEST_PAYLOAD:
            detail = f"{len(message.payload)} bytes, at most {LARGEST_PAYLOAD} are taken"
            return refused(message, "too-large", detail, _only(owner))
        if owner.bridge is not None:
            return self._bridge_state(owner.bridge, message, found.rest)
        return self._decode(owner, message, found.rest)

    def refuse(self, message: Message, reason: RejectReason, detail: str) -> Taken:
        """A message that its way in already found wrong (a topic that is no text, a packet too large)."""
        message = self._in_order(message)
        return refused(message, reason, detail, message.client)

    def availability(self, client: str, online: bool, at_ms: int) -> Event | None:
        """A direct client came, or was cut off, at `at_ms`.  None for one that is no device (a siren, a phone)."""
        at_ms = self.instant(at_ms)
        if client in self._placed:
            placed = self._placed[client]
        elif client in self.fleet.bridges:
            placed = Placed(self.fleet.bridges[client].grid, "bridge", client)
        else:
            return None
        what = "online" if online else "offline"
        return Event(
            event_id(client, f"connection {at_ms}", what.encode()),
            client,
            placed.grid,
            placed.where,
            placed.place,
            at_ms,
            "availability",
            online=online,
        )

    def instant(self, at_ms: int) -> int:
        """`at_ms`, or the time of what came before where a clock went back: the times of `inbox` only grow."""
        if at_ms < self.last_ms:
            at_ms = self.last_ms
        self.last_ms = at_ms
        return at_ms

    def take_again(self, record: RejectRecord, now_ms: int) -> Taken:
        """A reject fed in once more, its cause mended as one hopes."""
        taken = self.take(once_more(record, now_ms))
        if not taken.events:
            return taken
        return msgspec.structs.replace(taken, events=[dated_back(event, record) for event in taken.events])

    def remember(self, events: Iterable[Event]) -> None:
        """Events that an earlier run took in: sent again, they are duplicates still; time goes on from theirs."""
        for event in events:
            self._duplicates.remember(event.id, event.received_ms)
            self.last_ms = max(self.last_ms, event.received_ms)
            self._keep_door(event)

    def learn(self, key: str, memory: bytes) -> None:
        """Another gateway's format has learnt something: what is remembered under `key` is this now."""
        if not self._memories:
            self._memories = {owner.key: owner.memory for owner in self.known.values()}
        known = self._memories.get(key)
        if known is not None:
            known.clear()
            known.update(msgspec.msgpack.decode(memory, type=dict[str, Any]))

    # Sensors of the pool.

    def command(self, command: Command) -> list[FleetRecord | Event]:
        """A person's command as records of `inbox`: with it the sensor it takes from the pool, or gives back."""
        if command.name == "open-case" and command.device:
            return [*self.bind(command.device, command.household, command.at_ms), command]
        if command.name == "close-case":
            lent = [device for device, household in self.bindings.items() if household == command.household]
            return [command, *(row for device in lent for row in self.unbind(device, command.at_ms))]
        return [command]

    def bind(self, device: str, household: str, at_ms: int) -> list[FleetRecord | Event]:
        """The pool's `device` is now at `household`; what the core is to be told of it, its door's state last.

        Nothing for a device that is not of the pool: its place is what the fleet file says.
        """
        row = self.fleet.devices.get(device)
        if row is None or row.where != "pool" or self.bindings.get(device) == household:
            return []
        self.bindings[device] = household
        placed = Placed(grid_of(household), "household", household)
        return [*self._move(device, placed, at_ms), *self._told_again(device, placed, at_ms)]

    def unbind(self, device: str, at_ms: int) -> list[FleetRecord]:
        """`device` is in the drawer again; what the core is to be told of it."""
        if self.bindings.pop(device, None) is None:
            return []
        return self._move(device, Placed(POOL_GRID, "pool", ""), at_ms)

    def rows(self, records: list[FleetRecord]) -> list[FleetRecord]:
        """The fleet's records with the pool's sensors where they are lent to."""
        return [
            self._lent(record) if isinstance(record, DeviceRow) and record.device in self.bindings else record
            for record in records
        ]

    def _lent(self, row: DeviceRow) -> DeviceRow:
        placed = self._placed[row.device]
        return msgspec.structs.replace(row, grid=placed.grid, where=placed.where, place=placed.place)

    def _keep_door(self, event: Event) -> None:
        if event.open is not None and event.device in self._pool:
            self._last_door[event.device] = event

    def _told_again(self, device: str, placed: Placed, at_ms: int) -> list[Event]:
        last = self._last_door.get(device)
        if last is None:
            return []
        told = Event(
            event_id(device, f"bound {at_ms}", b""),
            device,
            placed.grid,
            placed.where,
            placed.place,
            at_ms,
            "door",
            "periodic",
            open=last.open,
            opens_counted=last.opens_counted,
        )
        return [told]

    def _move(self, device: str, to: Placed, at_ms: int) -> list[FleetRecord]:
        before = self._placed[device]
        self._placed[device] = to
        row = device_row(self.fleet, self.formats, self.fleet.devices[device], at_ms)
        now = msgspec.structs.replace(row, grid=to.grid, where=to.where, place=to.place)
        if before.grid == to.grid:
            return [now]
        # Its old grid may be kept by another worker, who would wait for it for ever.
        gone = msgspec.structs.replace(row, grid=before.grid, where=before.where, place=before.place, present=False)
        return [gone, now]

    # The stages.

    def _in_order(self, message: Message) -> Message:
        at_ms = message.received_ms
        if at_ms > self.last_ms:
            self.last_ms = at_ms
            self._in_this_ms = 0
            return message
        self._in_this_ms += 1
        return message if at_ms == self.last_ms else msgspec.structs.replace(message, received_ms=self.last_ms)

    def _decode(self, owner: Owner, message: Message, rest: str) -> Taken:
        assert owner.format is not None
        known = Known(owner.devices, rest, owner.memory)
        readings = owner.format.decode(message, known)
        memory = (owner.key, _memory_encoder.encode(owner.memory)) if known.memory_changed else None
        if isinstance(readings, Rejected):
            record = reject(message, readings.reason, readings.detail, _only(owner))
            return Taken(rejects=[record], memory=memory)
        events: list[Event] = []
        rejects: list[RejectRecord] = []
        duplicates = 0
        for reading in readings:
            placed = self._placed[reading.device]
            event = self._event(reading, placed, message)
            if self._duplicates.is_duplicate(event.id, event.has_cause, event.redelivered, event.received_ms):
                duplicates += 1
                continue
            if event.implausible:
                detail = f"{reading.celsius} °C is outside {self._least_celsius} to {self._most_celsius}"
                rejects.append(reject(message, "implausible", detail, reading.device))
            events.append(event)
            if self._pool:
                self._keep_door(event)
        return Taken(events, rejects, duplicates, memory)

    def _event(self, reading: Reading, placed: Placed, message: Message) -> Event:
        celsius = reading.celsius
        # A clock that stands still or never was set says the same time for ever: that tells no message from another.
        cause = (
            "" if reading.cause.startswith("at ") and not _usable(reading.at_ms, message.received_ms) else reading.cause
        )
        return Event(
            event_id(reading.device, cause or self._way(message), message.payload),
            reading.device,
            placed.grid,
            placed.where,
            placed.place,
            message.received_ms,
            reading.kind,
            reading.report,
            cause != "",
            message.redelivered,
            reading.at_ms,
            reading.open,
            reading.opens_counted,
            reading.battery_percent,
            reading.battery_low,
            reading.tamper,
            reading.online,
            celsius,
            reading.site,
            reading.pass_id,
            reading.ambient_celsius,
            celsius is not None and not self._least_celsius <= celsius <= self._most_celsius,
            reading.button,
            reading.signal,
            reading.report_hint,
        )

    def _way(self, message: Message) -> str:
        """What tells a message that has no number of its own from another with the same bytes: how it came."""
        if message.packet_id:
            return f"packet {message.packet_id}"
        return f"arrival {message.received_ms}.{self._in_this_ms}"

    def _bridge_state(self, bridge: Bridge, message: Message, rest: str) -> Taken:
        if rest:
            return self._chatter(bridge, message)
        online = decode_bridge_state(message.payload)
        if isinstance(online, Rejected):
            return refused(message, online.reason, online.detail, bridge.id)
        event = self._of_bridge(bridge, message, "availability", online)
        if self._duplicates.is_duplicate(event.id, False, message.redelivered, message.received_ms):
            return Taken(duplicates=1)
        return Taken([event])

    def _chatter(self, bridge: Bridge, message: Message) -> Taken:
        heard_ms = self._bridge_heard.get(bridge.id)
        if message.retained or (heard_ms is not None and message.received_ms - heard_ms < BRIDGE_HEARD_EVERY_MS):
            return NOTHING
        return Taken([self._of_bridge(bridge, message, "heartbeat", None)])

    def _of_bridge(self, bridge: Bridge, message: Message, kind: Kind, online: bool | None) -> Event:
        self._bridge_heard[bridge.id] = message.received_ms
        return Event(
            event_id(bridge.id, self._way(message), message.payload),
            bridge.id,
            bridge.grid,
            "bridge",
            bridge.id,
            message.received_ms,
            kind,
            report_of(message),
            redelivered=message.redelivered,
            online=online,
        )


def _usable(at_ms: int | None, received_ms: int) -> bool:
    """Whether a device's time is near enough to be its own; the core draws the line exactly."""
    return at_ms is not None and -CLOCK_USABLE_MS <= received_ms - at_ms <= CLOCK_USABLE_MS


def refused(message: Message, reason: RejectReason, detail: str, device: str = "") -> Taken:
    """One reject and nothing else."""
    return Taken(rejects=[reject(message, reason, detail, device)])


def _only(owner: Owner) -> str:
    """The one device a topic belongs to; "" where several share it."""
    return owner.devices[0].id if len(owner.devices) == 1 else ""
