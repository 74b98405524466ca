"""Who could be told now: staff, roster and channels as the store has them, read again when they may have changed."""

from collections.abc import Callable, Iterable
from datetime import tzinfo

from msgspec.structs import replace

from duty.delivery import Whom
from duty.edge.store import Store
from duty.people import ALL_GRIDS, Channel, Person
from duty.roster import Plan

READ_AGAIN_MS = 2_000
# The channel of a person with none: the desk itself.
AT_THE_DESK = ""


class Book:
    """A reading of the store that is at most `READ_AGAIN_MS` old.  Raises StoreTrouble only at the first reading: later
    it is better to call people by a list of a minute ago than nobody."""

    def __init__(self, store: Store, zone: tzinfo, clock_ms: Callable[[], int]) -> None:
        self._store = store
        self._zone = zone
        self._clock_ms = clock_ms
        self._read_ms: int | None = None
        self._people: dict[str, Person] = {}
        self._channels: dict[str, Channel] = {}
        self._of: dict[str, tuple[str, ...]] = {}
        self._site: dict[str, Channel] = {}
        self._plan: Plan

    def read(self) -> None:
        """Read the store again, if that was not just done.  Raises StoreTrouble."""
        now_ms = self._clock_ms()
        if self._read_ms is not None and 0 <= now_ms - self._read_ms < READ_AGAIN_MS:
            return
        people, channels, roster = self._store.people(), self._store.channels(), self._store.roster()
        if self._read_ms is None or roster != self._plan.roster:
            self._plan = Plan(roster, self._zone)
        self._people = {person.id: person for person in people}
        self._channels = {channel.id: channel for channel in channels}
        self._site = {channel.kind: channel for channel in channels if not channel.person}
        of: dict[str, list[str]] = {}
        for channel in channels:
            if channel.person and channel.enabled:
                of.setdefault(channel.person, []).append(channel.id)
        self._of = {person: tuple(ids) for person, ids in of.items()}
        self._read_ms = now_ms

    def person(self, person: str) -> Person | None:
        """A person by id."""
        return self._people.get(person)

    def channel(self, channel: str, person: str) -> Channel | None:
        """A channel by id, with what the site has set for its kind (a mail server, an account) filled in."""
        if channel == AT_THE_DESK:
            return Channel(id=AT_THE_DESK, person=person, order=1, kind="desk")
        found = self._channels.get(channel)
        return None if found is None else self.filled(found)

    def filled(self, channel: Channel) -> Channel:
        """The channel with the site's own settings where it has none."""
        site = self._site.get(channel.kind)
        if site is None or site.id == channel.id:
            return channel
        given = {key: value for key, value in channel.options.items() if value}
        return replace(channel, options=site.options | given, secret=channel.secret or site.secret)

    def whom(self, grid: str, role: str, now_ms: int, flooded: Iterable[str] = ()) -> Whom:
        """Who is called for `role` of `grid` now, and who when nobody answers."""
        on_duty = tuple(p for p in self._on_duty(grid, role, now_ms))
        supervisors = [p for p in self._on_duty(grid, "supervisor", now_ms) if p not in on_duty]
        supervisors += [p for p in self._holders(grid, "supervisor") if p not in (*supervisors, *on_duty)]
        # A site that has named no supervisor at all still has whoever set it up.
        if not supervisors and not on_duty:
            supervisors = self._holders(grid, "admin")
        everyone = (*on_duty, *supervisors)
        channels = {person: self._of.get(person, (AT_THE_DESK,)) for person in everyone}
        return Whom(on_duty, tuple(supervisors), channels, frozenset(flooded))

    def _on_duty(self, grid: str, role: str, now_ms: int) -> list[str]:
        found = [duty.person for duty in self._plan.on_duty(grid, role, now_ms)]
        return [person for person in found if person in self._people and not self._people[person].disabled]

    def _holders(self, grid: str, role: str) -> list[str]:
        """Everyone with a role in a grid, those of few grids before those of all."""
        found = [
            person
            for person in self._people.values()
            if role in person.roles and not person.disabled and person.has_grid(grid)
        ]
        return [person.id for person in sorted(found, key=lambda p: (ALL_GRIDS in p.grids, p.id))]
