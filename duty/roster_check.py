"""What in a roster cannot be meant: shown before it happens, never in the way of a page."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import tzinfo
from typing import Literal

import msgspec

from duty.people import Person
from duty.roster import Plan, Roster, Span

HOUR_MS = 3_600_000
LONGEST_MS = 24 * HOUR_MS
BREAK_MS = 8 * HOUR_MS  # less rest than this between two turns does not end a stretch

Word = Literal[
    "unknown-person",  # no such person on the staff
    "disabled",  # the person is disabled
    "no-role",  # the person does not have the role
    "no-grid",  # the grid is not among the person's
    "twice",  # the same person twice at once for one role of one grid
    "same-order",  # two people are both called first (or both second) at once
    "two-roles",  # one person is to be two roles at once
    "too-long",  # more than 24 h with no 8 h of rest
    "idle-swap",  # a swap of somebody who has no duty in that time
]


class Conflict(msgspec.Struct, frozen=True):
    """One thing in the plan that cannot be meant, and where.  `shift` is the row (or swap) to look at."""

    word: Word
    person: str
    grid: str = ""
    role: str = ""
    from_ms: int = 0
    until_ms: int = 0
    shift: str = ""


def conflicts(roster: Roster, zone: tzinfo, people: Iterable[Person], from_ms: int, until_ms: int) -> list[Conflict]:
    """What cannot be meant in the time, by its start; rows with unknown people come first."""
    staff = {person.id: person for person in people}
    plan = Plan(roster, zone)
    found = list(_unfit(roster, staff))
    turns = [(span, grid) for span, grid in _turns(plan, from_ms, until_ms)]
    found += _side_by_side(turns)
    found += _by_person(plan, turns)
    found += _idle_swaps(plan, from_ms, until_ms)
    return sorted(set(found), key=lambda c: (c.from_ms, c.word, c.grid, c.role, c.person, c.shift))


def _unfit(roster: Roster, staff: dict[str, Person]) -> Iterator[Conflict]:
    for shift in roster.shifts:
        person = staff.get(shift.person)
        if person is None:
            yield Conflict("unknown-person", shift.person, shift=shift.id)
            continue
        if person.disabled:
            yield Conflict("disabled", person.id, shift=shift.id)
        if shift.role not in person.roles:
            yield Conflict("no-role", person.id, role=shift.role, shift=shift.id)
        for grid in shift.grids:
            if not person.has_grid(grid):
                yield Conflict("no-grid", person.id, grid=grid, shift=shift.id)
    for swap in roster.swaps:
        person = staff.get(swap.instead)
        if swap.instead and person is None:
            yield Conflict("unknown-person", swap.instead, from_ms=swap.from_ms, until_ms=swap.until_ms, shift=swap.id)
        elif person is not None and person.disabled:
            yield Conflict("disabled", person.id, from_ms=swap.from_ms, until_ms=swap.until_ms, shift=swap.id)


def _turns(plan: Plan, from_ms: int, until_ms: int) -> Iterator[tuple[Span, str]]:
    for shift in plan.roster.shifts:
        for span in plan.turns(shift, from_ms, until_ms):
            for grid in shift.grids:
                yield span, grid


def _side_by_side(turns: list[tuple[Span, str]]) -> Iterator[Conflict]:
    """Two rows about the same role of the same grid at once that name the same person, or the same order."""
    beside: dict[tuple[str, str], list[Span]] = defaultdict(list)
    for span, grid in turns:
        beside[grid, span.shift.role].append(span)
    for (grid, role), spans in beside.items():
        for one, other in _overlapping(spans):
            start, end = max(one.from_ms, other.from_ms), min(one.until_ms, other.until_ms)
            if one.shift.person == other.shift.person:
                yield Conflict("twice", one.shift.person, grid, role, start, end, other.shift.id)
            elif one.shift.order == other.shift.order:
                yield Conflict("same-order", other.shift.person, grid, role, start, end, other.shift.id)


def _by_person(plan: Plan, turns: list[tuple[Span, str]]) -> Iterator[Conflict]:
    """What one person cannot do: two roles at once, or more than a day without rest.  Several grids they can."""
    of: dict[str, list[Span]] = defaultdict(list)
    for span, grid in turns:
        comes = plan.instead(span.shift.person, grid, span.shift.role, span.from_ms)
        if comes and span not in of[comes]:
            of[comes].append(span)
    for person, spans in of.items():
        for one, other in _overlapping(spans):
            if one.shift.role != other.shift.role:
                start, end = max(one.from_ms, other.from_ms), min(one.until_ms, other.until_ms)
                yield Conflict("two-roles", person, "", other.shift.role, start, end, other.shift.id)
        yield from _too_long(person, spans)


def _too_long(person: str, spans: list[Span]) -> Iterator[Conflict]:
    begun = ended = None
    for span in sorted(spans, key=lambda s: s.from_ms):
        if begun is None or ended is None or span.from_ms - ended >= BREAK_MS:
            begun, ended = span.from_ms, span.until_ms
        else:
            was = ended - begun
            ended = max(ended, span.until_ms)
            if was <= LONGEST_MS < ended - begun:
                yield Conflict("too-long", person, from_ms=begun, until_ms=ended, shift=span.shift.id)


def _overlapping(spans: list[Span]) -> Iterator[tuple[Span, Span]]:
    spans = sorted(spans, key=lambda s: (s.from_ms, s.shift.id))
    for number, one in enumerate(spans):
        for other in spans[number + 1 :]:
            if other.from_ms >= one.until_ms:
                break
            yield one, other


def _idle_swaps(plan: Plan, from_ms: int, until_ms: int) -> Iterator[Conflict]:
    for swap in plan.roster.swaps:
        if swap.until_ms <= from_ms or swap.from_ms >= until_ms:
            continue
        has_duty = any(
            any(swap.concerns(shift.person, grid, shift.role) for grid in shift.grids)
            and any(True for _ in plan.turns(shift, swap.from_ms, swap.until_ms))
            for shift in plan.roster.shifts
        )
        # Whoever comes instead of another may take leave of that, without a turn of their own.
        comes_instead = any(
            other.instead == swap.person and other.from_ms < swap.until_ms and swap.from_ms < other.until_ms
            for other in plan.roster.swaps
        )
        if not has_duty and not comes_instead:
            yield Conflict("idle-swap", swap.person, "", swap.role, swap.from_ms, swap.until_ms, swap.id)
