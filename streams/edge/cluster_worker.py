"""A worker of the cluster: what Faust gives it, and what it makes of that.

Faust shares the partitions of `inbox` among the workers, names who stands by for whom, and hands out frames; offsets
are committed here (decision 0055), what is remembered is read by `restoring.py` (decision 0059).  What a partition
remembers, and how it is written so that a crash at any point loses nothing and says nothing twice, is in
`cluster_part.py` and docs/decisions/0050-cluster-crash-window.md.
"""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from aiokafka.errors import KafkaError
from faust.types import TP

from devices.edge.settings import Settings
from devices.ids import partition_of
from streams.edge.asker import Asker
from streams.edge.cluster_part import SCHEMA, Gap, NotWhole, Part, Schema
from streams.edge.cluster_reporter import ClusterReporter
from streams.edge.faust_settings import make_app
from streams.edge.inside_faust import InsideFaust
from streams.edge.kafka import connection, names
from streams.edge.live_clock import LiveClock
from streams.edge.part_runner import PartRunner
from streams.edge.progress_watch import part_of
from streams.edge.restoring import Restoring
from streams.edge.state_table import DiskStore, MemoryStore, StateTable
from streams.edge.state_writer import StateWriter, emitted_key
from streams.edge.tenure import Over, Tenure
from streams.policy import MINUTE_MS, Policy
from streams.state import Book
from streams.troubles import Trouble

# A message received just before a timer is due may still be on its way through a gateway into Kafka.
GRACE_MS = 300

_LOOK_S = 1.0
_TOUCH_S = 30.0
_STOP_S = 10.0
_SETTLE_S = 30.0  # Kafka waits a minute for us
_CLOCK_APART_MS = 5_000
_CLOCK_BEHIND_MS = MINUTE_MS
_AGAIN_S = 0.5
# Frames wait and none came for so long: ask for them again; and so long where others come.
_STANDS_S = 2.0
_STANDS_LONG_S = 20.0

_T = TypeVar("_T")

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
        schema: Schema = SCHEMA,
    ) -> None:
        """Connects to nothing."""
        cluster = settings.cluster
        self.names = names(cluster.topic_prefix)
        self.runners: dict[int, PartRunner] = {}
        self.generation = 0
        self.rebalances = 0
        self.read_anew = 0  # times that what was kept here of a partition was not what its last writer had
        self.mine: frozenset[int] = frozenset()  # as last given: they stay ours to bring on until others are given
        self._settings = settings
        self._policy = policy
        self._schema = schema
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
        self._inside: InsideFaust
        self._committed: dict[int, int] = {}
        self._looked_s = 0.0
        self._took_s = time.monotonic()  # when the last frame was taken in, of whichever partition
        self._busy = False
        self.app: Any = make_app(settings, self.names.group)
        self.table = StateTable(
            self.app,
            partitions=settings.streams.partitions,
            make_store=DiskStore if cluster.store == "rocksdb" else MemoryStore,
            on_recover=self._restored,
        )
        self.app.tables.add(self.table)
        self._restoring = Restoring(self._options, self.names.state, self.table, self._asker)
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
        self._inside = InsideFaust(self.app)
        await self.app.start()

    async def stop(self) -> None:
        """Write what was taken in, commit, leave the group."""
        await self._settle(_STOP_S)
        await self._commit()
        with suppress(TimeoutError):
            await asyncio.wait_for(self.app.stop(), _STOP_S)
        await self._drop()
        if self._time is not None:
            self._time.cancel()
        await self._asker.close()

    def standing(self) -> list[int]:
        """Partitions that were reported as standing still, and not as moving on since; known to the owner of `system`
        alone.  May be asked from any thread."""
        partitions = self._settings.streams.partitions
        runner = self.runners.get(partition_of("system", partitions))
        if runner is None:
            return []
        records = runner.part.engine.records
        books = {number: records.get(f"z:system/{part_of(number)}") for number in range(partitions)}
        return [number for number, book in books.items() if isinstance(book, Book) and "system" in book.open]

    def restored(self, partition: int) -> int:
        """How far the changelog of a partition has been read that is not taken in from yet, 0 for one that is.  May be
        asked from any thread."""
        return 0 if partition in self.runners else self._restoring.restored.get(partition, 0)

    def behind(self) -> dict[int, int]:
        """Of the partitions that this worker stands by for: how many records of the changelog it has not read yet.  May
        be asked from any thread."""
        return dict(self._restoring.behind)

    def says(self) -> str:
        """How it stands, in a few words."""
        records = sum(len(runner.part.engine.records) for runner in self.runners.values())
        mine = ",".join(str(number) for number in sorted(self.runners)) or "none yet"
        return f"partitions {mine}, {records:,} records"

    # ── frames ──

    async def _agent(self, stream: Any) -> None:
        try:
            async for event in stream.noack().events():
                self._busy = True
                await self._take(event)
                self._busy, self._took_s = False, time.monotonic()
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            # Faust would start the agent anew, or leave it lying, without a word.
            self._fail(error)
            raise

    async def _take(self, event: Any) -> None:
        message = event.message
        event.ack()
        # Faust may hand out frames of a partition before its table is restored, and after it was taken back.
        while (runner := self.runners.get(message.partition)) is None:
            if self._tenure is None or message.generation_id != self._tenure.generation:
                break
            self._changed.clear()
            await self._changed.wait()
        if runner is None or not self._taking:
            return  # its next owner gets it
        try:
            await runner.take(message.offset + 1, event.value or b"")
        except Gap as gap:
            tenure = self._tenure
            # What follows on it came with it, and is read again with it.
            if tenure is not None and runner.since_sought_s > _STANDS_S:
                print(f"streams: {gap}; reading again from there", file=sys.stderr, flush=True)
                with suppress(Over):
                    await self._seek(tenure, [runner])

    async def _seek(self, tenure: Tenure, runners: Sequence[PartRunner]) -> None:
        """Have the frames come that are next for us: Faust goes to what is committed, which may be less, and goes on
        from wherever it is where nothing is.  Raises Over."""
        inbox, numbers = self.names.inbox, [runner.part.number for runner in runners]
        firsts = await self._answered(tenure, lambda: self._asker.firsts(inbox, numbers))
        if self._tenure is not tenure:
            raise Over("the partitions of this worker were taken back while it asked")
        places: dict[int, int] = {}
        for runner in runners:
            number, first = runner.part.number, firsts[runner.part.number]
            if first > runner.part.offset:
                lost = Trouble.of("frames-lost", partition=number, count=first - runner.part.offset)
                print(f"streams: {lost} for so long a stop", file=sys.stderr, flush=True)
                self._report("lost-frames", lost)
                runner.part.pass_over(first)
                runner.poke()
            places[number] = runner.part.offset
            runner.sought()
        try:
            await self._inside.seek(inbox, places)
        except KafkaError as error:
            if self._tenure is tenure:
                raise
            raise Over("the partitions of this worker were taken back while it sought its place") from error

    async def _commit(self) -> None:
        """Tell Kafka how far what follows from the frames is written.  What it does not take is told later: whoever
        takes a partition over goes by the mark, and only those who watch go by this."""
        written = {number: runner.written for number, runner in self.runners.items()}
        news = {number: offset for number, offset in written.items() if self._committed.get(number) != offset}
        if news and self.app.started and await self._inside.commit(self.names.inbox, news):
            self._committed.update(news)

    async def _take_places(self, tenure: Tenure) -> None:
        """Once Faust has gone to the places that it knows, go to ours."""
        while self.app.rebalancing or not self.app.consumer.flow_active:  # noqa: ASYNC110 - Faust has no event for it
            await asyncio.sleep(0.02)
        await self._seek(tenure, list(self.runners.values()))

    async def _look_for_more(self, tenure: Tenure) -> None:
        """Where frames wait and none comes, ask for them again: Faust may have lost its place without a word.

        Only while nothing at all comes, or after long: one partition after the other has its turn, and frames that are
        asked for twice are more to do for a worker that is behind.
        """
        after_s = _STANDS_LONG_S if self._busy or time.monotonic() - self._took_s < _STANDS_S else _STANDS_S
        idle = [
            runner
            for runner in self.runners.values()
            if runner.idle.is_set() and runner.since_taken_s > after_s and runner.since_sought_s > after_s
        ]
        if not idle:
            return
        numbers = [runner.part.number for runner in idle]
        ends = await self._answered(tenure, lambda: self._asker.ends(self.names.inbox, numbers))
        stand = [r for r in idle if r.part.offset < ends[r.part.number] and r.since_taken_s > after_s]
        if stand:
            where = ", ".join(f"frame {runner.part.offset + 1} of partition {runner.part.number}" for runner in stand)
            print(f"streams: {where} does not come; reading again from there", file=sys.stderr, flush=True)
            await self._seek(tenure, stand)

    # ── partitions come and go ──

    async def _assigned(self, _app: Any, assigned: set[TP], **_: Any) -> None:
        try:
            await self._drop()
            self.rebalances += 1
            self.mine = frozenset(tp.partition for tp in assigned if tp.topic == self.names.inbox)
            self.generation = self.app.consumer_generation_id
            self._tenure = Tenure(self.generation, self._settings.cluster.session_timeout_s)
            self._taking = True
            self._inside.listen_to_heartbeats(self._beaten)
            self._keep(self._guard(self._inside.beat()))
        except asyncio.CancelledError:
            raise  # Faust is stopping
        except BaseException as error:
            self._fail(error)
            raise

    def _beaten(self, asked_s: float, generation: int) -> None:
        """The broker has answered a heartbeat: called from Faust's thread."""
        tenure = self._tenure
        if tenure is not None and tenure.generation == generation:
            tenure.confirm(asked_s)

    async def _restored(self) -> None:
        """The table is as its writers left it: make the engines of what is ours.

        Faust calls this once for each rebalance, but may do so for one that another has overtaken already.
        """
        try:
            async with self._building:
                tenure = self._tenure
                before = self._restoring.read
                if tenure is not None and tenure is not self._built and await self._build(tenure):
                    self._built = tenure
                    read = f"{self._restoring.read - before:,} read from the changelog"
                    print(f"streams: {self.says()}, {read}", file=sys.stderr, flush=True)
                    self._stand_by(tenure)
        except Over:
            return
        except asyncio.CancelledError:
            raise  # Faust is stopping
        except BaseException as error:
            self._fail(error)
            raise

    async def _answered(self, tenure: Tenure, question: Callable[[], Awaitable[_T]]) -> _T:
        """Ask until the broker answers, for as long as the partitions are ours.  Raises Over when they are not."""
        while True:
            try:
                return await question()
            except Over:
                raise
            except (KafkaError, TimeoutError) as error:
                if self._tenure is not tenure:
                    raise Over("the partitions of this worker were taken back while it asked") from error
                await asyncio.sleep(_AGAIN_S)

    async def _build(self, tenure: Tenure) -> bool:
        """Whether all that is ours runs.  Raises Over when it no longer is."""
        mine = sorted(tp.partition for tp in self.app.consumer.assignment() if tp.topic == self.names.inbox)
        # Whoever had them before may write until the broker has given them to us, and it says so by this.
        await tenure.held()
        if not await self._catch_up(tenure, mine):
            return False
        writer = await self._answered(tenure, lambda: self._make_writer(tenure))
        if self._tenure is not tenure:
            await writer.stop()
            return False
        self._writer = writer
        for number in mine:
            part = await self._make_part(tenure, number)
            restored_to = self.table.restored_to(number)
            await self._finish(tenure, writer, part)
            if self._tenure is not tenure:
                return False
            self._run(tenure, writer, part, restored_to)
            await asyncio.sleep(0)
        self._keep(self._guard(self._take_places(tenure)))
        return True

    async def _catch_up(self, tenure: Tenure, numbers: Sequence[int]) -> bool:
        """Whether all that is remembered of them is in the table.  Raises Over when they no longer are ours."""
        return await self._answered(tenure, lambda: self._restoring.catch_up(numbers, lambda: self._tenure is tenure))

    async def _make_part(self, tenure: Tenure, number: int) -> Part:
        """From the table as it stands; read anew where that is not what the last writer had.  Raises Over."""
        try:
            return Part(number, self._policy, self.table.kept(number), self._schema)
        except NotWhole as fault:
            print(f"streams: {fault}; reading it anew", file=sys.stderr, flush=True)
        self.read_anew += 1
        self.table.forget(number)
        if not await self._catch_up(tenure, [number]):
            raise Over("the partitions of this worker were taken back while it read")
        try:
            return Part(number, self._policy, self.table.kept(number), self._schema)
        except NotWhole as fault:
            # Somebody wrote out of turn, or the broker lost what it had confirmed: to stand still would be worse.
            print(f"streams: {fault}, in the changelog too; going on with what there is", file=sys.stderr, flush=True)
            trouble = Trouble.of("not-whole", partition=number, rows=fault.rows, wanted=fault.wanted)
            self._report("changelog", trouble)
        return Part(number, self._policy, self.table.kept(number), self._schema, although_not_whole=True)

    def _stand_by(self, tenure: Tenure) -> None:
        """Read what others remember whom we may have to stand in for."""
        numbers = self._inside.standbys(self.names.state)
        self._keep(self._guard(self._restoring.stand_by(numbers, lambda: self._tenure is tenure)))

    async def _make_writer(self, tenure: Tenure) -> StateWriter:
        writer = StateWriter(self._options, self.names, tenure)
        try:
            await writer.start()
        except BaseException:
            await writer.stop()
            raise
        return writer

    def _run(self, tenure: Tenure, writer: StateWriter, part: Part, restored_to: int) -> None:
        clock = self._clocks(part.number)
        clock.not_before(part.mark.now_ms)
        state = self.names.state
        runner = PartRunner(
            part,
            table=self.table,
            restored_to=restored_to,
            writer=writer,
            clock=clock,
            foreign=lambda number, first, until: self._answered(
                tenure, lambda: self._asker.records(state, number, first, until)
            ),
        )
        # The first flush shows at once whether anybody else still writes here.
        part.touch()
        runner.poke()
        self.runners[part.number] = runner
        self._changed.set()
        self._keep(self._guard(runner.run()))
        self._poked.set()

    def _keep(self, work: Any) -> None:
        """Run it until it ends or the partitions go."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _finish(self, tenure: Tenure, writer: StateWriter, part: Part) -> None:
        """Write the decisions of the last flush, unless they stand in `outbox`: its writer may have died in between."""
        mark = part.mark
        if not mark.frames:
            return
        last_key = await self._answered(tenure, lambda: self._asker.last_key(self.names.outbox, part.number))
        if last_key != emitted_key(mark.emitted):
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
            await self._commit()
            await self._drop()
        except asyncio.CancelledError:
            raise  # Faust is stopping
        except BaseException as error:
            self._fail(error)
            raise

    async def _settle(self, within_s: float) -> None:
        """Take nothing in any more, and see what was taken in written: the next owner looks what is there.

        Nor may anything be on its way that is not answered yet: it would be written behind the next owner's back.
        """
        self._taking = False
        tenure, until_s = self._tenure, time.monotonic() + within_s
        while tenure is not None and tenure.holds and time.monotonic() < until_s:
            idle = all(runner.idle.is_set() for runner in self.runners.values())
            if idle and (self._writer is None or not self._writer.under_way):
                return
            await asyncio.sleep(0.005)

    async def _drop(self) -> None:
        tenure, self._tenure = self._tenure, None
        if tenure is not None:
            tenure.end()
        for runner in self.runners.values():
            runner.let_go()
        self.runners.clear()
        self._committed.clear()
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
            if self.app.crashed:
                # It stops without ending the process.
                raise RuntimeError(f"Faust has stopped: {self.app.crash_reason!r}") from self.app.crash_reason
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
            if time.monotonic() - self._looked_s >= _LOOK_S:
                self._looked_s = time.monotonic()
                await self._commit()
                with suppress(Over):
                    await self._look_for_more(tenure)

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
        """What has time: say that we live, what is put aside, and how the clocks are."""
        apart_ms = behind_ms = 0
        for number, runner in self.runners.items():
            # Each partition by its own name: of the others this worker knows nothing.
            count = runner.part.put_aside
            self._report(
                f"quarantine-{number}",
                Trouble.of("partition-put-aside", partition=number, count=count) if count else None,
            )
            if runner.idle.is_set() and runner.since_flush_s >= _TOUCH_S:
                runner.part.touch()
                runner.poke()
            apart_ms = max(apart_ms, abs(runner.apart_ms))
            behind_ms = max(behind_ms, runner.clock.behind_ms())
        if apart_ms > _CLOCK_APART_MS:
            self._report("clock", Trouble.of("clock-apart", seconds=apart_ms / 1000))
        elif behind_ms > _CLOCK_BEHIND_MS:
            self._report("clock", Trouble.of("clock-back", seconds=behind_ms // 1000))
        else:
            self._report("clock")

    # ── words ──

    def _report(self, part: str, trouble: Trouble | None = None) -> None:
        if self._reporter is not None:
            self._reporter.say(part, well=trouble is None, detail=trouble or "")

    async def _guard(self, work: Any) -> None:
        """Run it; what it cannot go on with ends the process."""
        try:
            await work
        except Over:
            pass
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is not None and not task.cancelling():
                # Somebody else's, let out by a library: timers that pass no more would be missed by nobody.
                self._fail(RuntimeError(f"cancelled from within: {error!r}"))
            raise
        except BaseException as error:  # noqa: BLE001 - whatever it is, nobody else would hear of it
            self._fail(error)
