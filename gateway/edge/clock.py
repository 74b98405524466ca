"""The gateway's time of day: the machine's, but it never goes back.

Where the machine's clock is set back, ours runs at nine tenths of its speed until they agree again: timers that hang on
it are then late by a tenth at most, instead of standing still for an hour.
"""

import time
from collections.abc import Callable

_SLOW = 0.9


class Clock:
    """Milliseconds UTC, never less than what it gave before.  `not_before_ms` is the newest time of an earlier run."""

    def __init__(
        self,
        *,
        not_before_ms: int = 0,
        wall_ns: Callable[[], int] = time.time_ns,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._wall_ns = wall_ns
        self._monotonic_ns = monotonic_ns
        self._last_ns = max(wall_ns(), not_before_ms * 1_000_000)
        self._seen_ns = monotonic_ns()

    def now_ms(self) -> int:
        wall = self._wall_ns()
        if wall < self._last_ns:
            passed = self._monotonic_ns() - self._seen_ns
            wall = self._last_ns + int(passed * _SLOW)
        self._last_ns = wall
        self._seen_ns = self._monotonic_ns()
        return wall // 1_000_000
