"""A worker of the cluster: what Faust gives it, and what it makes of that.

Faust shares the partitions of `inbox` among the workers, restores the table, keeps standbys and commits offsets.  What
a partition remembers, and how it is written so that a crash at any point loses nothing and says nothing twice, is in
`cluster_part.py` and docs/decisions/0050-cluster-crash-window.md.
"""

import asyncio
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from aiokafka.errors import KafkaError
from faust.types import TP

from devices.edge.settings import Settings
from streams.edge.asker import Asker
from streams.edge.cluster_part import Gap, Part
from streams.edge.cluster_reporter import ClusterReporter
from streams.edge.faust_settings import make_app
from streams.edge.kafka import connection, names
from streams.edge.live_clock import LiveClock
from streams.edge.part_runner import PartRunner
from streams.edge.state_table import DiskStore, MemoryStore, StateTable
from streams.edge.state_writer import StateWriter, emitted_key
from streams.edge.tenure import Over, Tenure, running_s
from streams.policy import MINUTE_MS, Policy

# A message received just before a timer is due may still be on its way through a gateway into Kafka.
GRACE_MS = 300

_LOOK_S = 1.0
_TOUCH_S = 30.0
_MOST_LACKING = 20_000
_STOP_S = 10.0
_SETTLE_S = 30.0  # Kafka waits a minute for us
_CLOCK_APART_MS = 5_000
_CLOCK_BEHIND_MS = MINUTE_MS

Clocks = Callable[[int], LiveClock]


def live_clocks(_partition: int) -> LiveClock:
    """A clock for a partition: the machine's."""
    return LiveClock()


class Worker:
    """One worker of the cluster.  `clocks` gives each partition the time its timers run by; `fail` is told of what this
    process cannot go on with, and ends it."""

    def __init__(
        self,
        settings: Settings,
        policy: Policy,
        *,
        clocks: Clocks = live_clocks,
        fail: Callable[[BaseException], None],
        reporter: ClusterReporter | None = None,
    ) -> None:
        """Connects to nothing."""
        cluster = settings.cluster
        self.names = names(cluster.topic_prefix)
        self.runners: dict[int, PartRunner] = {}
        self.generation = 0
        self.rebalances = 0
        self._settings = settings
        self._policy = policy
        self._clocks = clocks
        self._fail = fail
        self._reporter = reporter
        self._options = connection(cluster)
        self._tenure: Tenure | None = None
        self._taking = False
        self._writer: StateWriter | None = None
        self._building = asyncio.Lock()
        self._built: Tenure | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._poked = asyncio.Event()
        self._changed = asyncio.Event()
        self._asker = Asker(self._options)
        self._time: asyncio.Task[None] | None = None
        self.app: Any = make_app(settings, self.names.group)
        self.table = StateTable(
            self.app,
            partitions=settings.streams.partitions,
            make_store=DiskStore if cluster.store == "rocksdb" else MemoryStore,
            on_recover=self._restored,
        )
        self.app.tables.add(self.table)
        inbox = self.app.topic(self.names.inbox, key_type=bytes, value_type=bytes, key_serializer="raw",
                               value_serializer="raw", partitions=settings.streams.partitions)  # fmt: skip
        self.app.agent(inbox, name="inbox")(self._agent)
        self.app.on_partitions_assigned.connect(self._assigned)
        self.app.on_partitions_revoked.connect(self._revoked)

    # ── start and end ──

    async def start(self) -> None:
        """Join the group.  Partitions come later, and may go and come again."""
        self._time = asyncio.create_task(self._guard(self._time_passes()))
        self.app.finalize()
        await self.app.start()

    async def stop(self) -> None:
        """Write what was taken in, commit, leave the group."""
        await self._settle(_STOP_S)
        with suppress(Exception):
            await asyncio.wait_for(self.app.consumer.commit(), _STOP_S)
        with suppress(TimeoutError):
            await asyncio.wait_for(self.app.stop(), _STOP_S)
        await self._drop()
        if self._time is not None:
            self._time.cancel()
        await self._asker.close()

    def says(self) -> str:
        """How it stands, in a few words."""
        records = sum(len(runner.part.engine.records) for runner in self.runners.values())
        mine = ",".join(str(number) for number in sorted(self.runners)) or "none yet"
        return f"partitions {mine}, {records:,} records"

    # ── frames ──

    async def _agent(self, stream: Any) -> None:
        try:
            async for event in stream.noack().events():
                await self._take(event)
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            # Faust would start the agent anew, or leave it lying, without a word.
            self._fail(error)
            raise

    async def _take(self, event: Any) -> None:
        message = event.message
        # Faust may hand out frames of a partition before its table is restored, and after it was taken back.
        while (runner := self.runners.get(message.partition)) is None:
            if self._tenure is None or message.generation_id != self._tenure.generation:
                break
            self._changed.clear()
            await self._changed.wait()
        if runner is None or not self._taking:
            return  # its next owner gets it
        try:
            await runner.take(message.offset + 1, event.value or b"", event.ack)
        except Gap as gap:
            await self._seek(runner, gap)

    async def _seek(self, runner: PartRunner, gap: Gap) -> None:
        """Go back to the frame that was left out, or on from there where it is no more."""
        first = 1 + await self._asker.first(self.names.inbox, runner.part.number)
        print(f"streams: {gap}; reading again from there", file=sys.stderr, flush=True)
        if first > gap.wanted:
            lost = f"{first - gap.wanted} frames of partition {runner.part.number} were deleted before they were read"
            print(f"streams: {lost}: raw_days is too short for so long a stop", file=sys.stderr, flush=True)
            self._report("lost-frames", lost)
            runner.part.pass_over(first - 1)
        await self.app.consumer.seek(TP(self.names.inbox, runner.part.number), max(first, gap.wanted) - 1)

    # ── partitions come and go ──

    async def _assigned(self, _app: Any, assigned: set[TP], **_: Any) -> None:
        try:
            await self._drop()
            self.rebalances += 1
            self.generation = self.app.consumer_generation_id
            self._tenure = Tenure(self.generation, self._settings.cluster.session_timeout_s)
            self._taking = True
            self._listen_to_heartbeats()
        except BaseException as error:
            self._fail(error)
            raise

    def _listen_to_heartbeats(self) -> None:
        coordinator = self.app.consumer._thread._consumer._coordinator
        beat = coordinator._do_heartbeat
        if getattr(beat, "listened_to", False):
            return

        async def heartbeat() -> bool:
            asked_s, generation = running_s(), coordinator.generation
            good = await beat()
            tenure = self._tenure
            if good and tenure is not None and tenure.generation == generation:
                tenure.confirm(asked_s)
            return good

        heartbeat.listened_to = True  # type: ignore[attr-defined]
        coordinator._do_heartbeat = heartbeat

    async def _restored(self) -> None:
        """The table is as its writers left it: make the engines of what is ours.

        Faust calls this once for each rebalance, but may do so for one that another has overtaken already.
        """
        try:
            async with self._building:
                tenure = self._tenure
                if tenure is not None and tenure is not self._built and await self._build(tenure):
                    self._built = tenure
                    print(f"streams: {self.says()}", file=sys.stderr, flush=True)
        except Over:
            return
        except BaseException as error:
            self._fail(error)
            raise

    async def _build(self, tenure: Tenure) -> bool:
        """Whether all that is ours runs.  Raises Over when it no longer is."""
        mine = sorted(tp.partition for tp in self.app.consumer.assignment() if tp.topic == self.names.inbox)
        if not await self._catch_up(mine):
            return False
        writer = StateWriter(self._options, self.names, tenure)
        await writer.start()
        if self._tenure is not tenure:
            await writer.stop()
            return False
        self._writer = writer
        for number in mine:
            # Nothing may come between these two.
            kept, restored_to = self.table.rows(number), self.table.restored_to(number)
            part = Part(number, self._policy, kept)
            await self._finish(writer, part)
            if self._tenure is not tenure:
                return False
            self._run(writer, part, restored_to)
            await asyncio.sleep(0)
        return True

    async def _catch_up(self, mine: Sequence[int]) -> bool:
        """Read what the table lacks to the end of its changelog; False where that is much: Faust is still at it.

        Faust may call us for a rebalance that another has overtaken, with a table that is not restored for this one.
        Since our tenure began nobody else writes, so the end is the end.
        """
        ends = await self._asker.ends(self.names.state, mine)
        lacking = {number: ends[number] - 1 - self.table.restored_to(number) for number in mine}
        if sum(lacking.values()) > _MOST_LACKING:
            return False
        for number, count in lacking.items():
            if count > 0:
                first = self.table.restored_to(number) + 1
                rows = await self._asker.records(self.names.state, number, first, ends[number])
                self.table.wrote(number, rows, ends[number] - 1)
        return True

    def _run(self, writer: StateWriter, part: Part, restored_to: int) -> None:
        clock = self._clocks(part.number)
        clock.not_before(part.mark.now_ms)
        state = self.names.state
        runner = PartRunner(
            part,
            table=self.table,
            restored_to=restored_to,
            writer=writer,
            clock=clock,
            foreign=lambda number, first, until: self._asker.records(state, number, first, until),
        )
        # The first flush shows at once whether anybody else still writes here.
        part.touch()
        runner.poke()
        self.runners[part.number] = runner
        self._changed.set()
        task = asyncio.create_task(self._guard(runner.run()))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self._poked.set()
        if part.put_aside:
            self._report("quarantine", f"{part.put_aside} put aside in partition {part.number}: see the topic rejects")

    async def _finish(self, writer: StateWriter, part: Part) -> None:
        """Write the decisions of the last flush, unless they stand in `outbox`: its writer may have died in between."""
        mark = part.mark
        if not mark.frames:
            return
        if await self._asker.last_key(self.names.outbox, part.number) != emitted_key(mark.emitted):
            print(
                f"streams: partition {part.number}: its last decisions are not in outbox yet: writing them",
                file=sys.stderr,
                flush=True,
            )
            await writer.decisions(part.number, mark)

    async def _revoked(self, _app: Any, revoked: set[TP], **_: Any) -> None:
        """Faust takes nothing in any more.  Write what was, while we may; then let go."""
        try:
            await self._settle(_SETTLE_S)
            await self._drop()
        except BaseException as error:
            self._fail(error)
            raise

    async def _settle(self, within_s: float) -> None:
        """Take nothing in any more, and see what was taken in written: the next owner looks what is there."""
        self._taking = False
        tenure, until_s = self._tenure, time.monotonic() + within_s
        while tenure is not None and tenure.holds and time.monotonic() < until_s:
            if all(runner.idle.is_set() for runner in self.runners.values()):
                return
            await asyncio.sleep(0.005)

    async def _drop(self) -> None:
        tenure, self._tenure = self._tenure, None
        if tenure is not None:
            tenure.end()
        self.runners.clear()
        self._changed.set()
        for task in list(self._tasks):
            task.cancel()
        writer, self._writer = self._writer, None
        if writer is not None:
            await writer.stop()

    # ── time ──

    async def _time_passes(self) -> None:
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._poked.wait(), self._sleep_s())
            self._poked.clear()
            tenure = self._tenure
            if tenure is None or not self._taking:
                continue
            try:
                await tenure.held()
            except Over:
                continue
            due = [runner for runner in self.runners.values() if self._due(runner)]
            if due:
                await self._let_pass(tenure, due)
            self._look_after()

    def _sleep_s(self) -> float:
        dues = [
            (due_ms + GRACE_MS - runner.clock.now_ms()) / 1000
            for runner in self.runners.values()
            if (due_ms := runner.part.engine.next_wake_ms) is not None
        ]
        return max(0.005, min([_LOOK_S, *dues]))

    def _due(self, runner: PartRunner) -> bool:
        due_ms = runner.part.engine.next_wake_ms
        return due_ms is not None and due_ms <= runner.clock.now_ms() - GRACE_MS

    async def _let_pass(self, tenure: Tenure, due: Sequence[PartRunner]) -> None:
        """Timers are due: let their time come where nothing that came before is still unread."""
        now_ms = {runner.part.number: runner.clock.now_ms() - GRACE_MS for runner in due}
        try:
            ends = await self._asker.ends(self.names.inbox, now_ms)
        except (KafkaError, TimeoutError):
            return  # the broker is away: what it holds may change what is due
        for runner in due:
            number = runner.part.number
            if (
                self._taking
                and self.runners.get(number) is runner
                and tenure.holds
                and runner.part.offset >= ends[number]
            ):
                runner.advance(now_ms[number])

    def _look_after(self) -> None:
        """What has time: say that we live, and how the clocks are."""
        apart_ms = behind_ms = 0
        for runner in self.runners.values():
            if runner.idle.is_set() and runner.since_flush_s >= _TOUCH_S:
                runner.part.touch()
                runner.poke()
            apart_ms = max(apart_ms, abs(runner.apart_ms))
            behind_ms = max(behind_ms, runner.clock.behind_ms())
        if apart_ms > _CLOCK_APART_MS:
            self._report("clock", f"this machine's clock and the broker's are {apart_ms / 1000:.0f} s apart")
        elif behind_ms > _CLOCK_BEHIND_MS:
            self._report("clock", f"this machine's clock was set back by {behind_ms // 1000} s")
        else:
            self._report("clock")

    # ── words ──

    def _report(self, part: str, trouble: str = "") -> None:
        if self._reporter is not None:
            self._reporter.say(part, well=not trouble, detail=trouble)

    async def _guard(self, work: Any) -> None:
        """Run it; what it cannot go on with ends the process."""
        try:
            await work
        except (asyncio.CancelledError, Over):
            pass
        except BaseException as error:  # noqa: BLE001 - whatever it is, nobody else would hear of it
            self._fail(error)
