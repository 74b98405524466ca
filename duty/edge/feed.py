"""The feed of changes: one short memory for everybody, from which each screen reads at its own pace.

Nothing is queued for a slow reader: it goes on where it was, or, when it was away too long, is told to draw everything
afresh.  Runs in the event loop.
"""

import asyncio
from collections.abc import Callable, Iterable

import msgspec

from duty.picture import Touched

KEPT = 4000


class Change(msgspec.Struct, frozen=True, array_like=True):
    """One change of the feed.  `id` is `<start>-<number>`: what a client hands back to go on where it was."""

    id: str
    touched: Touched


class Lost(msgspec.Struct, frozen=True, array_like=True):
    """The client was away longer than the feed remembers (or the desk was started anew): draw everything afresh."""

    id: str


class Feed:
    """`start` tells this run of the desk from every other."""

    def __init__(self, start: str, *, kept: int = KEPT) -> None:
        self._start = start
        self._kept = kept
        self._changes: list[Touched] = []
        self._first = 1  # the number of the first change still remembered
        self._waiting: set[asyncio.Future[None]] = set()
        self.ended = False

    @property
    def _next(self) -> int:
        return self._first + len(self._changes)

    def position(self) -> str:
        """The id to subscribe after, for a page drawn from the picture as it is now."""
        return f"{self._start}-{self._next - 1}"

    def publish(self, touched: Iterable[Touched]) -> None:
        """Tell every reader."""
        self._changes.extend(touched)
        if len(self._changes) > 2 * self._kept:
            forgotten = len(self._changes) - self._kept
            del self._changes[:forgotten]
            self._first += forgotten
        waiting, self._waiting = self._waiting, set()
        for future in waiting:
            _end(future)

    def end(self) -> None:
        """The desk stops: whoever waits waits no longer."""
        self.ended = True
        self.publish([])

    def _number_after(self, id: str) -> int | None:
        start, _, number = id.rpartition("-")
        if start != self._start or not (number.isascii() and number.isdigit()) or len(number) > 18:
            return None
        after = int(number) + 1
        return after if self._first <= after <= self._next else None

    def subscribe(self, after: str = "", *, wanted: Callable[[Touched], bool]) -> "Reader":
        """A reader of the changes that are `wanted`.  `after` is the id of the last one seen ("": from now on)."""
        return Reader(self, self._number_after(after) if after else self._next, wanted)

    def since(self, number: int | None, wanted: Callable[[Touched], bool]) -> tuple[list[Change | Lost], int]:
        """What is there from `number` on, and the number to go on with."""
        if number is None or number < self._first:
            return [Lost(self.position())], self._next
        changes = self._changes[number - self._first :] if number < self._next else []
        told: list[Change | Lost] = [
            Change(f"{self._start}-{number + n}", touched) for n, touched in enumerate(changes) if wanted(touched)
        ]
        return told, self._next

    async def more(self, number: int | None, within_s: float) -> None:
        """Until there is something from `number` on, or `within_s` is over."""
        if number != self._next or self.ended:
            return
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        enough = loop.call_later(max(0.0, within_s), _end, future)
        self._waiting.add(future)
        try:
            await future
        finally:
            enough.cancel()
            self._waiting.discard(future)


class Reader:
    """One screen's place in the feed."""

    def __init__(self, feed: Feed, number: int | None, wanted: Callable[[Touched], bool]) -> None:
        self._feed = feed
        self._number = number
        self._wanted = wanted

    def take(self) -> list[Change | Lost]:
        """Everything that has come since the last time, in order."""
        told, self._number = self._feed.since(self._number, self._wanted)
        return told

    @property
    def ended(self) -> bool:
        """Nothing more will come: the desk stops."""
        return self._feed.ended

    async def wait(self, within_s: float) -> None:
        """Until something came (it need not be wanted), or the time is over."""
        await self._feed.more(self._number, within_s)


def _end(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)
