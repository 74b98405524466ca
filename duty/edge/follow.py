"""The desk's loop: read what came, show it, plan, write it down, send; then sleep until a bell rings.

One task runs it.  What touches a disk runs in a thread, so that the screens are served meanwhile.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

from duty.edge.projection import Follower, Projection
from streams.edge.doorbell import Doorbell
from streams.edge.log import LogFull
from streams.troubles import Detail, Trouble

LOOK_S = 1.0  # a bell may be lost
PAUSE_S = 2.0  # after a store that refused, or a log that could not be read
TIDY_S = 3600.0
LOGS_PART = "desk-logs"
STORE_PART = "desk-store"
_R = TypeVar("_R")
_OVER = {LOGS_PART: "the logs are read again", STORE_PART: "the desk's store is written again"}


class Worker(Follower, Protocol):
    """A follower of the projection with work of its own: deliveries, the webhook, the watchdog."""

    def load(self) -> None:
        """Go on where the last run was ended."""
        ...

    def absorb(self) -> None:
        """Take in what came, and plan what is due."""
        ...

    def go(self) -> None:
        """Do what is planned; it is on disk by now."""
        ...

    def next_ms(self) -> int | None:
        """When there is something due next."""
        ...

    def has_something_to_save(self) -> bool:
        """Whether there is something to write down."""
        ...

    async def close(self) -> None:
        """End what is under way."""
        ...


class Follow:
    """`report(part, well, detail)` tells the core; `tidy` is run once an hour, in a thread."""

    def __init__(
        self,
        projection: Projection,
        workers: Sequence[Worker],
        *,
        doorbell: Doorbell,
        clock_ms: Callable[[], int],
        report: Callable[[str, bool, Detail], Awaitable[object]],
        tidy: Callable[[], None],
        say: Callable[[str], None],
    ) -> None:
        self.wanted = asyncio.Event()
        self._projection = projection
        self._workers = workers
        self._doorbell = doorbell
        self._clock_ms = clock_ms
        self._report = report
        self._tidy = tidy
        self._say = say
        self._tidied_s: float | None = None
        self._unwell: dict[str, str] = {}  # part → what is wrong with it; nothing where it was not tried yet
        self._telling: set[asyncio.Future[object]] = set()

    def want(self) -> None:
        """There is something to absorb."""
        self.wanted.set()

    async def catch_up(self) -> None:
        """Read the outbox to its end before anybody is told anything: what was answered meanwhile needs no telling.

        Raises LogFull, NewerFrame.
        """
        more = True
        while more:
            touched, more = await _whole(self._projection.read_outbox)
            self._projection.tell(touched)
            for worker in self._workers:
                worker.absorb()
            await self._flush()
        await _whole(self._projection.read_inbox)

    async def run(self) -> None:
        """Until it is cancelled.  Raises NewerFrame."""
        loop = asyncio.get_running_loop()
        loop.add_reader(self._doorbell.fileno(), self._rang)
        try:
            while True:
                more = await self._turn()
                if not more:
                    await self._sleep()
        finally:
            loop.remove_reader(self._doorbell.fileno())

    async def _turn(self) -> bool:
        """One round; whether there is more to read at once."""
        projection = self._projection
        self.wanted.clear()
        more = more_heard = False
        try:
            touched, more = await _whole(projection.read_outbox)
            # Told now: it is in the picture, whatever becomes of the inbox.
            projection.tell(touched)
            heard, more_heard = await _whole(projection.read_inbox)
            projection.tell(heard)
            self._tell(LOGS_PART, "")
        except LogFull as error:
            self._tell(LOGS_PART, str(error))
            await asyncio.sleep(PAUSE_S)
        for worker in self._workers:
            worker.absorb()
        await self._flush()
        for worker in self._workers:
            worker.go()
        await self._tidy_now_and_then()
        return more or more_heard

    async def _flush(self) -> None:
        busy = any(worker.has_something_to_save() for worker in self._workers)
        if not busy and not self._projection.has_something_to_save():
            return
        well = await _whole(self._projection.flush)
        self._tell(STORE_PART, "" if well else self._projection.trouble)
        if not well:
            # People are told all the same; what could not be written is tried again soon.
            await asyncio.sleep(0.2)

    async def _sleep(self) -> None:
        due = [at_ms for worker in self._workers if (at_ms := worker.next_ms()) is not None]
        wait_s = min([LOOK_S, *((at_ms - self._clock_ms()) / 1000 for at_ms in due)])
        if wait_s <= 0:
            await asyncio.sleep(0)
            return
        try:
            # Not `wait_for`: up to Python 3.11 it forgets a cancel that comes with the ring.
            async with asyncio.timeout(wait_s):
                await self.wanted.wait()
        except TimeoutError:
            pass

    def _rang(self) -> None:
        self._doorbell.drain()
        self.wanted.set()

    def _tell(self, part: str, trouble: str) -> None:
        """Say a trouble once when it begins and once when it is over, to the log and to the core."""
        before = self._unwell.get(part)
        if trouble == before or (trouble and before):
            return
        self._unwell[part] = trouble
        if trouble or before:
            self._say(trouble or _OVER[part])
        told = Trouble.of(part, why=trouble) if trouble else ""
        telling = asyncio.ensure_future(self._report(part, not trouble, told))
        self._telling.add(telling)
        telling.add_done_callback(self._telling.discard)

    async def _tidy_now_and_then(self) -> None:
        now_s = asyncio.get_running_loop().time()
        if self._tidied_s is not None and now_s - self._tidied_s < TIDY_S:
            return
        self._tidied_s = now_s
        await _whole(self._tidy)


async def _whole(work: Callable[[], _R]) -> _R:
    """`work` in a thread, and to its end also when this task is cancelled: whoever stops the desk writes down what is
    known then, which nobody may be changing meanwhile."""
    working = asyncio.get_running_loop().run_in_executor(None, work)
    try:
        return await asyncio.shield(working)
    except asyncio.CancelledError:
        await asyncio.wait({working})
        raise
