"""Who is role R of grid G at time t: shifts, swaps, holidays, gaps and conflicts.  Pure: the zone is an object handed in."""

from datetime import date, tzinfo
from typing import Literal

import msgspec

ALL_DAYS = (0, 1, 2, 3, 4, 5, 6)

OnHolidays = Literal["as-usual", "only", "not"]


class Shift(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the roster: `person` is `role` of `grids`, on `days` (0 Monday … 6 Sunday) from `first` to `last`
    (both included), from `starts_min` to `ends_min` minutes after midnight.  An end not after the start is on the next
    day.  `order` 1 is called first, 2 is the next person."""

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


class Conflict(msgspec.Struct, frozen=True):
    """Something in the plan that cannot be meant.  `word` is of a closed list, `values` name people and times."""

    word: Literal["two-roles", "twice", "same-order", "unknown-person", "no-role", "no-grid", "disabled", "too-long", "idle-swap"]
    person: str
    grid: str = ""
    role: str = ""
    from_ms: int = 0
    until_ms: int = 0
    shift: str = ""


def on_duty(roster: Roster, zone: tzinfo, grid: str, role: str, at_ms: int) -> list[OnDuty]:
    """Who is `role` of `grid` at `at_ms`, in the order they are called; [] in a gap."""
    raise NotImplementedError


def gaps(
    roster: Roster, zone: tzinfo, grids: list[str], roles: list[str], from_ms: int, until_ms: int
) -> list[Gap]:
    """The times in which a role of a grid has nobody, in order."""
    raise NotImplementedError
