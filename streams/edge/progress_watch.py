"""Watches whether every partition of `inbox` moves on, from a thread of its own.

Faust is known to stop taking in without an error after a rebalance or an outage of the broker.  So each worker
compares, for every partition, what the group has committed with where the log ends.  One of its own that stands too
long: this process is not what it says it is; it reports that, says it in one line and ends, and whoever starts it again
gives the partition to somebody who reads.  One of another worker's that stands still longer: that worker could not even
end itself; then this one reports it.  Reports go into `inbox` over a connection of their own, so that they are there
for whoever takes over.  The thread asks nothing of the event loop, which may be what hangs.
"""

import asyncio
import sys
import threading
import time
from collections.abc import Callable, Collection

from aiokafka.errors import KafkaError

from devices.edge.settings import Settings
from streams.edge.asker import Asker
from streams.edge.kafka import connection, names
from streams.edge.reporter import Teller
from streams.progress import Progress, Stuck

# Its owner has had time to end itself, and the next one to come.
_FOREIGN = 1.5
_TOLD_S = 5.0
_MOST_LOOKS_S = 5.0
# Nobody waits for an answer, and a machine that is too busy to hear one in time is no broker that is away.
_ANSWER_S = 20.0


class Stalled(RuntimeError):
    """Partitions of this process do not move on."""


def part_of(partition: int) -> str:
    """What a partition that stands still is called in a report: its incident is about `system/streams-3`."""
    return f"streams-{partition}"


class ProgressWatch:
    """`mine` says which partitions this process is to bring on; `standing` which reports stand (the numbers of
    partitions once reported as stuck), for those who know; `restored` how much of a partition's memory has been read;
    `fail` ends the process.  All are called from the thread."""

    def __init__(
        self,
        settings: Settings,
        *,
        mine: Callable[[], Collection[int]],
        standing: Callable[[], Collection[int]],
        restored: Callable[[int], int],
        fail: Callable[[BaseException], None],
        reporter: Teller,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Starts nothing."""
        self._settings = settings
        self._names = names(settings.cluster.topic_prefix)
        self._timeout_s = settings.cluster.progress_timeout_s
        self._mine = mine
        self._standing = standing
        self._restored = restored
        self._fail = fail
        self._reporter = reporter
        self._clock = clock
        self._progress = Progress()
        self._ours: frozenset[int] = frozenset()  # at the last look
        self._reported: set[int] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="progress", daemon=True)
        self.looked_s: float | None = None  # when the broker last answered, by `clock`
        self.places: dict[int, tuple[int, int]] = {}  # partition → committed, end
        self.stuck: tuple[Stuck, ...] = ()

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(_TOLD_S)

    def _run(self) -> None:
        try:
            asyncio.run(self._watch())
        except BaseException as error:  # noqa: BLE001 - a watch that ended by itself would be missed by nobody
            if not self._stop.is_set():
                self._fail(error)

    async def _watch(self) -> None:
        asker = Asker(connection(self._settings.cluster), _ANSWER_S)
        look_s = min(_MOST_LOOKS_S, self._timeout_s / 10)
        while not self._stop.is_set():
            try:
                await self._look(asker)
            except (KafkaError, OSError, TimeoutError):
                self._progress.blind()
            if self._stop.is_set():
                break  # a process that leaves its partitions is no longer to bring them on
            self._judge()
            await asyncio.to_thread(self._stop.wait, look_s)
        await asker.close()

    async def _look(self, asker: Asker) -> None:
        partitions = range(self._settings.streams.partitions)
        committed = await asker.committed(self._names.group, self._names.inbox)
        ends = await asker.ends(self._names.inbox, partitions)
        unread = [number for number in partitions if number not in committed]
        firsts = await asker.firsts(self._names.inbox, unread) if unread else {}
        now_s = self._clock()
        self._ours = frozenset(self._mine())
        for number in partitions:
            at = committed.get(number, firsts.get(number, 0))
            self._progress.seen(
                number, at, ends[number], now_s, restored=self._restored(number), ours=number in self._ours
            )
        self.looked_s = now_s
        self.places = self._progress.places()

    def _judge(self) -> None:
        now_s = self._clock()
        self.stuck = tuple(self._progress.stuck(self._timeout_s, now_s))
        ours = [each for each in self.stuck if each.partition in self._ours]
        if ours:
            self._end(ours)
            return
        for each in self.stuck:
            if each.for_s >= self._timeout_s * _FOREIGN and each.partition not in self._reported:
                self._reported.add(each.partition)
                print(f"streams: {each}, and its worker has not ended itself", file=sys.stderr, flush=True)
                self._reporter.say(part_of(each.partition), well=False, detail=each.trouble(), although_said=True)
        lags = self._progress.lags()
        moving = {number for number in lags if number not in {each.partition for each in self.stuck}}
        for number in sorted(moving & (self._reported | set(self._standing()))):
            self._reported.discard(number)
            self._reporter.say(part_of(number), well=True, detail="it moves on", although_said=True)

    def _end(self, ours: list[Stuck]) -> None:
        for each in ours:
            self._reporter.say(part_of(each.partition), well=False, detail=each.trouble(), although_said=True)
        until_s = time.monotonic() + _TOLD_S
        while self._reporter.waiting() and time.monotonic() < until_s:
            time.sleep(0.02)
        self._fail(Stalled("; ".join(map(str, ours))))
