"""What the desk needs of the inbox: health of devices, temperatures of households, answers of the gateway's channels.

Reads only; what it keeps is a projection that can be made again from the log.
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Sequence

from devices.events import Event
from devices.places import grid_of
from duty.edge.rows.history import TemperatureRow
from duty.edge.store import Store
from duty.fitting import Word
from duty.health import DeviceHealth, after_event
from duty.picture import Picture, Touched
from streams.commands import Command
from streams.effects import Answer
from streams.frames import InboxRecord, Receipt

PASSES_KEPT = 5000
# Devices are written this often at most: what they say is in the inbox all the same.
DEVICES_EVERY_MS = 60_000
# Of what a contact said live, so many words are kept for the test of a fitting.
_WORDS_KEPT = 12


class InboxView:
    """`on_receipt` is told of every answer of a channel that the gateway serves (MQTT)."""

    def __init__(self, picture: Picture, clock_ms: Callable[[], int]) -> None:
        self.devices: dict[str, DeviceHealth] = {}
        self.on_receipt: Callable[[Receipt], None] | None = None
        self._picture = picture
        self._clock_ms = clock_ms
        self._words: dict[str, deque[Word]] = {}
        self._at: dict[str, set[str]] = {}  # place → its devices
        self._registered: OrderedDict[str, str] = OrderedDict()  # checkpoint/pass → household
        self._temperatures: dict[str, TemperatureRow] = {}
        self._dirty: set[str] = set()
        self._newest_ms = 0
        self._saved_ms = 0

    def know(self, device: DeviceHealth) -> None:
        """A device as an earlier run left it."""
        self.devices[device.device] = device
        self._at.setdefault(device.place, set()).add(device.device)

    def devices_of(self, place: str) -> list[DeviceHealth]:
        """The devices of a household or checkpoint."""
        return [self.devices[name] for name in sorted(self._at.get(place, ()))]

    def words_of(self, device: str) -> list[Word]:
        """What a contact said live since the desk began, the newest last."""
        return list(self._words.get(device, ()))

    def take(self, records: Sequence[InboxRecord]) -> list[Touched]:
        """Take the records of a frame in; which devices changed for the eye."""
        touched: dict[str, Touched] = {}
        for record in records:
            if isinstance(record, Event):
                change = self._event(record)
                if change is not None:
                    touched[change.key] = change
            elif isinstance(record, Receipt):
                if self.on_receipt is not None:
                    self.on_receipt(record)
            elif isinstance(record, Command):
                self._command(record)
        return list(touched.values())

    def _event(self, event: Event) -> Touched | None:
        self._newest_ms = max(self._newest_ms, event.received_ms)
        before = self.devices.get(event.device)
        after = after_event(before, event)
        # Known before it is listed anywhere: the lists are read in other threads.
        self.devices[event.device] = after
        if before is not None and before.place != after.place:
            self._at.get(before.place, set()).discard(event.device)
        if before is None or before.place != after.place:
            self._at.setdefault(after.place, set()).add(event.device)
        self._dirty.add(event.device)
        if event.open is not None and event.report == "live":
            words = self._words.setdefault(event.device, deque(maxlen=_WORDS_KEPT))
            words.append(Word(event.received_ms, event.open, self._clock_ms(), event.device_ms))
        if event.celsius is not None and event.where == "household" and not event.implausible:
            self._temperature(event.id, event.place, event.received_ms, event.celsius, event.site, "device")
        plain = before is not None and event.kind == "heartbeat"
        return None if plain else Touched("device", event.device, event.grid, event.received_ms, event.kind)

    def _command(self, command: Command) -> None:
        self._newest_ms = max(self._newest_ms, command.at_ms)
        if command.name == "home-temperature" and command.celsius is not None:
            source = "resident" if command.by == "resident" else "staff"
            self._temperature(command.id, command.household, command.at_ms, command.celsius, command.site, source)
        elif command.name == "register" and command.pass_id and command.household:
            if grid_of(command.household) != grid_of(command.checkpoint):
                return  # the core refuses it
            self._registered[f"{command.checkpoint}/{command.pass_id}"] = command.household
            if len(self._registered) > PASSES_KEPT:
                self._registered.popitem(last=False)
            for answer in self._picture.answers.get(command.checkpoint, ()):
                self.answered(answer)

    def answered(self, answer: Answer) -> None:
        """A reading at a checkpoint belongs to a household once its pass is registered, before or after it."""
        household = self._registered.get(f"{answer.checkpoint}/{answer.pass_id}") if answer.pass_id else None
        if household and answer.verdict != "no-reading":
            key = f"{answer.subject}@{answer.at_ms or answer.t_ms}"
            self._temperature(
                key, household, answer.at_ms or answer.t_ms, answer.celsius, answer.site, answer.checkpoint
            )

    def _temperature(self, id: str, household: str, at_ms: int, celsius: float, site: str, source: str) -> None:
        self._temperatures[id] = TemperatureRow(
            id=id, household=household, at_ms=at_ms, celsius=celsius, site=site, source=source
        )

    def has_something_to_save(self) -> bool:
        """Whether there is something that should be on disk by now."""
        late = bool(self._dirty) and self._newest_ms - self._saved_ms >= DEVICES_EVERY_MS
        return late or bool(self._temperatures)

    def save(self, store: Store) -> None:
        """Write what changed."""
        store.save_temperatures(self._temperatures.values())
        store.save_devices(self.devices[name] for name in self._dirty)

    def saved(self) -> None:
        """It is on disk."""
        self._temperatures.clear()
        self._dirty.clear()
        self._saved_ms = self._newest_ms
