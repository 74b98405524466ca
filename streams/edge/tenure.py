"""How long a worker may write for the partitions it was given: while the broker keeps confirming it as their owner.

A worker that was stopped (a laptop's lid, a hypervisor, SIGSTOP) wakes up and knows nothing of the time that passed.
Somebody else may have its partitions by then.  So before it lets time pass for a ladder, and at the moment anything
goes out to the broker, it must have been confirmed within the session time-out, by a clock that runs on while a
machine sleeps.  A tenure is of one generation of the group; it ends with the next rebalance and never begins again.

What counts is when we asked: between the broker's answer and our hearing of it a process may have slept.  So being
given partitions is no confirmation either: the first heartbeat of the generation is.
"""

import asyncio
import time
from collections.abc import Callable

from aiokafka.errors import KafkaError

# What may pass between the last look and the bytes being out.
MARGIN_S = 1.0


def running_s() -> float:
    """Seconds that also pass while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Over(KafkaError):
    """The tenure has ended: what was to be written is another worker's to write.  Kafka's client must not try again."""

    retriable = False


class Tenure:
    """Begins unconfirmed.  `lasts_s` is the session time-out the broker gives us.  Made in the loop that writes."""

    def __init__(self, generation: int, lasts_s: float, *, clock: Callable[[], float] = running_s) -> None:
        self.generation = generation
        self.over = asyncio.Event()
        self._lasts_s = lasts_s - MARGIN_S
        self._clock = clock
        self._confirmed_s = -self._lasts_s
        self._changed = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def confirm(self, asked_s: float) -> None:
        """The broker answered a heartbeat that was sent at `asked_s`: we are still a member.  From any thread."""
        if asked_s > self._confirmed_s:
            self._confirmed_s = asked_s
            self._loop.call_soon_threadsafe(self._changed.set)

    def end(self) -> None:
        """The partitions were taken back."""
        self.over.set()
        self._changed.set()

    @property
    def left_s(self) -> float:
        """How long it holds without another confirmation; 0 when it does not."""
        return 0.0 if self.over.is_set() else max(0.0, self._confirmed_s + self._lasts_s - self._clock())

    @property
    def holds(self) -> bool:
        """Whether this worker may write now."""
        return self.left_s > 0

    async def held(self) -> None:
        """Return when this worker may write.  Raises Over when it never may again."""
        while not self.holds:
            if self.over.is_set():
                raise Over("the partitions of this worker were given to another")
            self._changed.clear()
            await self._changed.wait()
