"""How many alarms a person has, against what a person can take (ISA-18.2-2016, section 16.4).

Only pages newly told count: answers, closings and tries of another channel do not.  A flood begins with more than 10
in 10 minutes and lasts until there are fewer than 5.
"""

from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

MINUTE_MS = 60_000
SLOT_MS = 10 * MINUTE_MS
HOUR_MS = 60 * MINUTE_MS

ACCEPTABLE_PER_HOUR = 6
MOST_PER_HOUR = 12
FLOOD_OVER = 10
FLOOD_ENDS_UNDER = 5
FLOOD_SHARE = 0.01  # of the ten-minute slots

Verdict = Literal["acceptable", "manageable", "too-many"]


class Load:
    """What one person was told lately, kept for an hour."""

    def __init__(self) -> None:
        self._told: deque[int] = deque()
        self._flooded = False

    def told(self, at_ms: int) -> None:
        """The person was told of a page.  In order of time."""
        self._told.append(at_ms)
        self._look(at_ms)

    def per_hour(self, now_ms: int) -> int:
        """Pages of the last hour."""
        self._look(now_ms)
        return len(self._told)

    def in_ten_minutes(self, now_ms: int) -> int:
        """Pages of the last ten minutes."""
        self._look(now_ms)
        return sum(1 for at_ms in reversed(self._told) if at_ms > now_ms - SLOT_MS)

    def is_flooded(self, now_ms: int) -> bool:
        """Whether the person is in a flood."""
        self._look(now_ms)
        return self._flooded

    def _look(self, now_ms: int) -> None:
        while self._told and self._told[0] <= now_ms - HOUR_MS:
            self._told.popleft()
        lately = sum(1 for at_ms in self._told if at_ms > now_ms - SLOT_MS)
        if lately > FLOOD_OVER:
            self._flooded = True
        elif lately < FLOOD_ENDS_UNDER:
            self._flooded = False


class Rates(msgspec.Struct, frozen=True, kw_only=True):
    """One person's alarms over a time.  Slots are ten minutes, beginning at the start of the time."""

    alarms: int
    per_hour: float  # the mean
    worst_hour: int  # the most in any 60 minutes
    worst_slot: int  # the most in any 10 minutes
    slots: int
    slots_over: int  # with more than 10
    slots_in_flood: int
    verdict: Verdict

    @property
    def flood_share(self) -> float:
        """The part of the slots that lay in a flood: less than 0.01 is allowed."""
        return self.slots_in_flood / self.slots if self.slots else 0.0


def rates(told_ms: Iterable[int], from_ms: int, until_ms: int) -> Rates:
    """The figures of one person who was told of pages at these times, within [from_ms, until_ms)."""
    times = sorted(at_ms for at_ms in told_ms if from_ms <= at_ms < until_ms)
    slots = max(0, -(-(until_ms - from_ms) // SLOT_MS))
    counts = [0] * slots
    for at_ms in times:
        counts[(at_ms - from_ms) // SLOT_MS] += 1
    in_flood, flooded = 0, False
    for count in counts:
        flooded = count > FLOOD_OVER or (flooded and count >= FLOOD_ENDS_UNDER)
        in_flood += flooded
    hours = (until_ms - from_ms) / HOUR_MS
    mean = len(times) / hours if hours > 0 else 0.0
    worst = _most_within(times, HOUR_MS)
    verdict: Verdict = "too-many"
    if mean <= ACCEPTABLE_PER_HOUR and worst <= MOST_PER_HOUR:
        verdict = "acceptable"
    elif mean <= MOST_PER_HOUR and (not slots or in_flood / slots < FLOOD_SHARE):
        verdict = "manageable"
    return Rates(
        alarms=len(times),
        per_hour=mean,
        worst_hour=worst,
        worst_slot=_most_within(times, SLOT_MS),
        slots=slots,
        slots_over=sum(count > FLOOD_OVER for count in counts),
        slots_in_flood=in_flood,
        verdict=verdict,
    )


def _most_within(times: Sequence[int], length_ms: int) -> int:
    return max((bisect_left(times, at_ms + length_ms) - at for at, at_ms in enumerate(times)), default=0)


def stale(raised_ms: Iterable[int], now_ms: int) -> int:
    """How many of the open incidents are older than a day: fewer than five are allowed."""
    return sum(now_ms - at_ms > 24 * HOUR_MS for at_ms in raised_ms)


def top_share(counts: Iterable[int], first: int = 10) -> float:
    """The part of all alarms that comes from the `first` worst sources: 1-5 % is good, and the list is work to do."""
    ordered = sorted(counts, reverse=True)
    total = sum(ordered)
    return sum(ordered[:first]) / total if total else 0.0
