"""The feed of changes: one short memory for everybody, from which each screen reads at its own pace.

Nothing is queued for a slow reader: it goes on where it was, or, when it was away too long, is told to draw everything
afresh.  Readers wait in the event loop; any thread may publish.
"""

import asyncio
import threading
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
        self._lock = threading.Lock()  # around both: what comes while somebody begins to wait must wake them
        self.ended = False

    @property
    def _next(self) -> int:
        return self._first + len(self._changes)

    def position(self) -> str:
        """The id to subscribe after, for a page drawn from the picture as it is now."""
        with self._lock:
            return self._position()

    def _position(self) -> str:
        return f"{self._start}-{self._next - 1}"

    def publish(self, touched: Iterable[Touched]) -> None:
        """Tell every reader."""
        with self._lock:
            self._changes.extend(touched)
            if len(self._changes) > 2 * self._kept:
                forgotten = len(self._changes) - self._kept
                del self._changes[:forgotten]
                self._first += forgotten
            waiting, self._waiting = self._waiting, set()
        for future in waiting:
            _wake(future)

    def end(self) -> None:
        """The desk stops: whoever waits waits no longer."""
        self.ended = True
        self.publish([])

    def _number_after(self, id: str) -> int | None:
        start, _, number = id.rpartition("-")
        if start != self._start or not (number.isascii() and number.isdigit()) or len(number) > 18:
            return None
        after = int(number) + 1
        with self._lock:
            return after if self._first <= after <= self._next else None

    def subscribe(self, after: str = "", *, wanted: Callable[[Touched], bool]) -> "Reader":
        """A reader of the changes that are `wanted`.  `after` is the id of the last one seen ("": from now on)."""
        return Reader(self, self._number_after(after or self.position()), wanted)

    def since(self, number: int | None, wanted: Callable[[Touched], bool]) -> tuple[list[Change | Lost], int]:
        """What is there from `number` on, and the number to go on with."""
        with self._lock:
            upto = self._next
            if number is None or number < self._first:
                return [Lost(self._position())], upto
            changes = self._changes[number - self._first :] if number < upto else []
        told: list[Change | Lost] = [
            Change(f"{self._start}-{number + n}", touched) for n, touched in enumerate(changes) if wanted(touched)
        ]
        return told, upto

    async def more(self, number: int | None, within_s: float) -> None:
        """Until there is something from `number` on, or `within_s` is over."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        with self._lock:
            if number != self._next or self.ended:
                return
            self._waiting.add(future)
        enough = loop.call_later(max(0.0, within_s), _end, future)
        try:
            await future
        finally:
            enough.cancel()
            with self._lock:
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


def _wake(future: "asyncio.Future[None]") -> None:
    """End the wait, in its own loop."""
    loop = future.get_loop()
    try:
        here: asyncio.AbstractEventLoop | None = asyncio.get_running_loop()
    except RuntimeError:
        here = None
    if here is loop:
        _end(future)
        return
    try:
        loop.call_soon_threadsafe(_end, future)
    except RuntimeError:
        pass  # its loop has ended, and the wait with it


def _end(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)
