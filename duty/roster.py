"""Who is role R of grid G at time t: shifts across midnight, swaps, holidays, gaps.  Pure: the zone is handed in.

A swap names the person of the plan and who comes instead; swaps are not chained, so that two people who exchange
their nights do not end up where they were.  Of two swaps about the same hour the later one in the list holds.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Literal

import msgspec

ALL_DAYS = (0, 1, 2, 3, 4, 5, 6)
DAY_MIN = 1440
MINUTE_MS = 60_000

OnHolidays = Literal["as-usual", "only", "not"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ONE_DAY = timedelta(days=1)


class Shift(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the roster: `person` is `role` of `grids`, on `days` (0 Monday … 6 Sunday) from `first` to `last`
    (both included), from `starts_min` to `ends_min` minutes after midnight.  An end not after the start is on the next
    day, so equal times are a whole day.  `order` 1 is called first, 2 is the next person."""

    id: str
    person: str
    role: str
    grids: tuple[str, ...]
    first: date
    last: date
    starts_min: int
    ends_min: int
    days: tuple[int, ...] = ALL_DAYS
    order: int = 1
    on_holidays: OnHolidays = "as-usual"


class Swap(msgspec.Struct, frozen=True, kw_only=True):
    """Between two times `person` is replaced by `instead` ("": by nobody, a leave) in `grids` (empty: all) and `role`
    ("": all)."""

    id: str
    person: str
    instead: str
    from_ms: int
    until_ms: int
    grids: tuple[str, ...] = ()
    role: str = ""
    reason: str = ""

    def concerns(self, person: str, grid: str, role: str) -> bool:
        """Whether it is about this person's duty for `role` of `grid` (at whatever time)."""
        return self.person == person and (not self.grids or grid in self.grids) and self.role in ("", role)


class Holiday(msgspec.Struct, frozen=True, kw_only=True):
    """A day that counts as a holiday in every grid."""

    day: date
    name: str = ""


class Roster(msgspec.Struct, frozen=True, kw_only=True):
    """The whole plan."""

    shifts: tuple[Shift, ...] = ()
    swaps: tuple[Swap, ...] = ()
    holidays: tuple[Holiday, ...] = ()


class OnDuty(msgspec.Struct, frozen=True):
    """A person on duty, until when at least, by which shift, and whom they stand in for."""

    person: str
    order: int
    until_ms: int
    shift: str
    instead_of: str = ""


class Gap(msgspec.Struct, frozen=True):
    """Nobody is `role` of `grid` in this time: its pages fall to the supervisor."""

    grid: str
    role: str
    from_ms: int
    until_ms: int


class Span(msgspec.Struct, frozen=True):
    """One turn of a shift, from `from_ms` (included) to `until_ms` (not)."""

    shift: Shift
    from_ms: int
    until_ms: int


def local_ms(day: date, minute: int, zone: tzinfo) -> int:
    """Milliseconds UTC of `minute` minutes after midnight of `day` on the clocks of `zone` (1440: the next midnight).

    Where the clocks are put back the first of the two times is meant, at the end of a shift as at the start of the
    next one, so that no hour falls between them.
    """
    if minute >= DAY_MIN:
        day, minute = day + _ONE_DAY, minute - DAY_MIN
    moment = datetime(day.year, day.month, day.day, minute // 60, minute % 60, tzinfo=zone)
    return (moment.astimezone(UTC) - _EPOCH) // timedelta(milliseconds=1)


def local_day(at_ms: int, zone: tzinfo) -> date:
    """The date in `zone` at `at_ms`."""
    return (_EPOCH + timedelta(milliseconds=at_ms)).astimezone(zone).date()


class Plan:
    """A roster made ready to be asked: built once for each change of the roster."""

    def __init__(self, roster: Roster, zone: tzinfo) -> None:
        self.roster = roster
        self.zone = zone
        self._holidays = frozenset(holiday.day for holiday in roster.holidays)
        self._shifts: dict[tuple[str, str], list[Shift]] = defaultdict(list)
        for shift in roster.shifts:
            for grid in shift.grids:
                self._shifts[grid, shift.role].append(shift)

    def spans(self, grid: str, role: str, from_ms: int, until_ms: int) -> list[Span]:
        """Turns of shifts for `role` of `grid` that touch the time, by their start; swaps are not looked at."""
        found = [
            span
            for shift in self._shifts.get((grid, role), ())
            for span in self.turns(shift, from_ms, until_ms)
        ]  # fmt: skip
        return sorted(found, key=lambda span: (span.from_ms, span.shift.order, span.shift.id))

    def turns(self, shift: Shift, from_ms: int, until_ms: int) -> Iterator[Span]:
        """The turns of `shift` that touch the time."""
        # A turn lasts at most a day, or a little more where the clocks are put back.
        day = max(shift.first, local_day(from_ms, self.zone) - 2 * _ONE_DAY)
        last = min(shift.last, local_day(until_ms, self.zone))
        while day <= last:
            if day.weekday() in shift.days and self._is_worked(shift, day):
                ends_on = day if shift.ends_min > shift.starts_min else day + _ONE_DAY
                starts = local_ms(day, shift.starts_min, self.zone)
                ends = local_ms(ends_on, shift.ends_min, self.zone)
                if starts < until_ms and ends > from_ms:
                    yield Span(shift, starts, ends)
            day += _ONE_DAY

    def _is_worked(self, shift: Shift, day: date) -> bool:
        match shift.on_holidays:
            case "as-usual":
                return True
            case "only":
                return day in self._holidays
            case "not":
                return day not in self._holidays

    def instead(self, person: str, grid: str, role: str, at_ms: int) -> str:
        """Who does `person`'s duty at `at_ms`: the person, who swapped with them, or "" for nobody."""
        comes = person
        for swap in self.roster.swaps:
            if swap.from_ms <= at_ms < swap.until_ms and swap.concerns(person, grid, role):
                comes = swap.instead
        if comes not in (person, ""):
            # Whoever came instead may have taken leave since: then nobody comes.
            for swap in self.roster.swaps:
                if not swap.instead and swap.from_ms <= at_ms < swap.until_ms and swap.concerns(comes, grid, role):
                    return ""
        return comes

    def on_duty(self, grid: str, role: str, at_ms: int) -> list[OnDuty]:
        """Who is `role` of `grid` at `at_ms`, in the order they are called, each once; [] in a gap."""
        spans = sorted(self.spans(grid, role, at_ms, at_ms + 1), key=lambda span: (span.shift.order, span.shift.id))
        found: dict[str, OnDuty] = {}
        for span in spans:
            planned = span.shift.person
            comes = self.instead(planned, grid, role, at_ms)
            if not comes or comes in found:
                continue
            until_ms = min([span.until_ms, *(t for t in self._swap_times((planned, comes)) if t > at_ms)])
            stands_in_for = planned if comes != planned else ""
            found[comes] = OnDuty(comes, span.shift.order, until_ms, span.shift.id, stands_in_for)
        return list(found.values())

    def _swap_times(self, people: Iterable[str]) -> Iterator[int]:
        for swap in self.roster.swaps:
            if swap.person in people:
                yield swap.from_ms
                yield swap.until_ms

    def gaps(self, grids: Iterable[str], roles: Iterable[str], from_ms: int, until_ms: int) -> list[Gap]:
        """The times in which a role of a grid has nobody, by their start."""
        roles = list(roles)
        found = [gap for grid in grids for role in roles for gap in self._gaps(grid, role, from_ms, until_ms)]
        return sorted(found, key=lambda gap: (gap.from_ms, gap.grid, gap.role))

    def _gaps(self, grid: str, role: str, from_ms: int, until_ms: int) -> Iterator[Gap]:
        spans = self.spans(grid, role, from_ms, until_ms)
        people = {span.shift.person for span in spans}
        times = {t for span in spans for t in (span.from_ms, span.until_ms)}
        replaced = {swap.instead for swap in self.roster.swaps if swap.person in people}
        times |= set(self._swap_times(people | replaced))
        begun: int | None = None
        for at_ms in sorted({from_ms, *(t for t in times if from_ms < t < until_ms)}):
            someone = any(
                span.from_ms <= at_ms < span.until_ms and self.instead(span.shift.person, grid, role, at_ms)
                for span in spans
            )
            if someone and begun is not None:
                yield Gap(grid, role, begun, at_ms)
                begun = None
            elif not someone and begun is None:
                begun = at_ms
        if begun is not None:
            yield Gap(grid, role, begun, until_ms)


def on_duty(roster: Roster, zone: tzinfo, grid: str, role: str, at_ms: int) -> list[OnDuty]:
    """Who is `role` of `grid` at `at_ms`, in the order they are called; [] in a gap."""
    return Plan(roster, zone).on_duty(grid, role, at_ms)


def gaps(roster: Roster, zone: tzinfo, grids: list[str], roles: list[str], from_ms: int, until_ms: int) -> list[Gap]:
    """The times in which a role of a grid has nobody, by their start."""
    return Plan(roster, zone).gaps(grids, roles, from_ms, until_ms)
