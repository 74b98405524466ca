"""The time that timers run by and that the gateway writes: the wall clock, but never backwards, never standing still.

A clock set back by an hour must not hold up every ladder for an hour, and one set back from 2030 not for years.  Where
the wall clock lies behind, time goes on from where it was, a little slower, until the wall clock has caught up.
"""

import time
from collections.abc import Callable

from streams.edge.sqlite_log import wall_clock_ms

# Of each second that passes while the wall clock is behind: a ladder is at most so much late, and 15 min back are
# made good in four hours.
_PACE = 15 / 16


class LiveClock:
    """Milliseconds UTC."""

    def __init__(
        self,
        wall_ms: Callable[[], int] = wall_clock_ms,
        passing_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wall_ms = wall_ms
        self._passing_s = passing_s
        self._last_ms = 0.0
        self._last_s = passing_s()

    def not_before(self, at_ms: int) -> None:
        """Time had come to `at_ms` already."""
        self._last_ms = max(self._last_ms, at_ms)

    def now_ms(self) -> int:
        """The time.  Each call gives the same or more than the one before."""
        now_s = self._passing_s()
        passed_ms = (now_s - self._last_s) * 1000 * _PACE
        self._last_s = now_s
        wall_ms = self._wall_ms()
        self._last_ms = wall_ms if wall_ms >= self._last_ms else self._last_ms + passed_ms
        return int(self._last_ms)

    def behind_ms(self) -> int:
        """How far the wall clock lies behind this one."""
        return max(0, int(self._last_ms) - self._wall_ms())


def apart_ms(theirs_ms: float, before_ms: float, after_ms: float) -> float:
    """How far another machine's clock is ahead of ours at least, negative where it is behind: it was read between these
    two moments of ours, however long that took."""
    return theirs_ms - min(max(theirs_ms, before_ms), after_ms)
