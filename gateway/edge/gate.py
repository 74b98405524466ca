"""Where both ways in, people's commands and receipts meet: gathered into batches, committed, then acknowledged.

Everything here runs in the event loop's thread; only the writing is the committer's.  A batch is handed over as soon as
the one before it is on disk, never on a timer.  When the disk is slower than the devices the sources are told to stop
reading, so that what waits in memory is bounded.
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import Protocol

from devices.events import Message
from devices.ids import partition_of
from gateway.edge.committer import Committer, Work
from gateway.edge.keeping import Learnt, Lent, Note, Refused
from gateway.edge.say import Seldom, say
from gateway.flow import Flow
from gateway.intake import Intake, Taken
from gateway.rejects import Counts
from streams.commands import Command
from streams.frames import InboxRecord, RejectRecord, SystemReport
from streams.troubles import Detail, Trouble
from streams.troubles import report as report_of

# Something waiting for the disk: called when its batch is on it.
Done = Callable[[], None]


class Source(Protocol):
    """A way in that can be told to stop reading."""

    def pause(self) -> None: ...
    def resume(self) -> None: ...


class Batch:
    """What has gathered since the last hand-over."""

    __slots__ = ("alone", "bytes", "done", "memory", "messages", "notes", "records", "rejects", "since")

    def __init__(self) -> None:
        self.alone: list[InboxRecord] = []  # where there is one partition
        self.records: dict[int, list[InboxRecord]] = {}
        self.rejects: list[RejectRecord] = []
        self.memory: dict[str, bytes] = {}
        self.notes: list[Note] = []
        self.done: list[Done] = []
        self.messages = 0
        self.bytes = 0
        self.since = 0.0


class Gate:
    """`now_ms` is the clock of what is written (milliseconds UTC); `name` tells this gateway from others."""

    def __init__(
        self,
        intake: Intake,
        *,
        loop: asyncio.AbstractEventLoop,
        now_ms: Callable[[], int],
        partitions: int = 1,
        flow: Flow | None = None,
        name: str = "",
    ) -> None:
        self._name = name
        self.intake = intake
        self.flow = flow or Flow()
        self.now_ms = now_ms
        self.sources: list[Source] = []
        self.reported: Counter[str] = Counter()  # part → reports that came in here
        self.first_well: Callable[[str, Detail], None] | None = None
        self.rejected = Counts()
        self.taken = 0
        self.duplicates = 0
        self.faults = 0
        self.commits = 0
        self.commit_s = 0.0
        self.newest_offset = 0
        self.failing_since_ms = 0
        self.trouble = ""
        self.waits_ms: deque[float] = deque(maxlen=2000)
        self._seldom = Seldom()
        self._loop = loop
        self._committer: Committer | None = None
        self._partitions = partitions
        self._partition_of: dict[str, int] = {}
        self._batch = Batch()
        self._writing: Batch | None = None
        self._started = 0.0
        self._planned = False
        self._idle = asyncio.Event()
        self._idle.set()

    def attach(self, committer: Committer) -> None:
        """The committer, made after this because it reports here."""
        self._committer = committer

    # What comes in.

    def take(self, message: Message) -> Taken:
        """Take one message into the batch.  Acknowledge it only when `when_durable`, called after this, calls back."""
        try:
            taken = self.intake.take(message)
        except Exception as fault:  # noqa: BLE001 - nothing is passed over: the message goes where all refused ones go
            # A message that a fault of ours cannot stand is put aside with its bytes, like any that could not be
            # understood.  Let it end the process, and the device or the broker sends it again at every start.
            self.faults += 1
            self._seldom.say("a fault of this program met a message: it is kept in rejects", message.topic, fault=fault)
            detail = f"a fault of this program: {type(fault).__name__}: {fault}"[:300]
            taken = self.intake.refuse(message, "malformed", detail)
        self.hold(taken)
        return taken

    def hold(self, taken: Taken) -> None:
        """What became of a message goes into the batch."""
        batch = self._batch
        if self._partitions == 1:
            batch.alone += taken.events
        else:
            for event in taken.events:
                self._into(batch, event)
        if taken.rejects:
            batch.rejects += taken.rejects
            self.rejected.add(taken.rejects)
        if taken.memory:
            batch.memory[taken.memory[0]] = taken.memory[1]
        self.duplicates += taken.duplicates

    def add(self, records: Sequence[InboxRecord], notes: Sequence[Note] = (), done: Done | None = None) -> None:
        """Records that are no messages (commands, receipts, reports, presence), and what is stored with them."""
        batch = self._batch
        for record in records:
            self._into(batch, record)
            if isinstance(record, SystemReport):
                self.reported[record.part] += 1
        batch.notes += notes
        self.when_durable(done)

    def report(self, part: str, well: bool, detail: Detail) -> None:
        """A part of this gateway is unwell or well again.  Another gateway's part of that name is another part.

        Where nothing was said of it before, that it is well is a matter for `first_well`: an earlier process may have.
        """
        name = f"{part}-{self._name}" if self._name else part
        if well and not self.reported[name]:
            if self.first_well is not None:
                self.first_well(name, detail)
            return
        self._report(name, well, detail)

    def report_well(self, name: str, detail: Detail) -> None:
        """It is well: an earlier process said otherwise."""
        self._report(name, True, detail)

    def _report(self, name: str, well: bool, detail: Detail) -> None:
        self.add([report_of(self.intake.instant(self.now_ms()), name, well, detail)])

    def command(self, command: Command, done: Done) -> None:
        """A person's command, with the sensor it takes from the pool or gives back."""
        records = self.intake.command(command)
        self.add(records, [Lent(dict(self.intake.bindings))] if len(records) > 1 else (), done)

    def when_durable(self, done: Done | None) -> None:
        """`done` is called once everything taken so far is on disk.  Plans the hand-over; call it last in a read."""
        if done is not None:
            self._batch.done.append(done)
        if self._writing is None and not self._planned:
            self._planned = True
            self._idle.clear()
            # At the end of this turn of the loop: what other sockets have ready comes along.
            self._loop.call_soon(self._hand_over)

    def count(self, messages: int, size: int) -> None:
        """So many messages and bytes were read and taken: stop reading where too much waits."""
        self._batch.messages += messages
        self._batch.bytes += size
        if not self.flow.took(messages, size) and not self.flow.failing:
            self._pause()

    def _into(self, batch: Batch, record: InboxRecord) -> None:
        if self._partitions == 1:
            batch.alone.append(record)
            return
        partition = self._partition_of.get(record.grid)
        if partition is None:
            partition = self._partition_of[record.grid] = partition_of(record.grid, self._partitions)
        batch.records.setdefault(partition, []).append(record)

    # The commit.

    def _hand_over(self) -> None:
        self._planned = False
        batch = self._batch
        if self._writing is not None:
            return
        if batch.alone:
            batch.records[0] = batch.alone
        if not (batch.done or batch.messages or batch.records or batch.rejects or batch.memory or batch.notes):
            self._idle.set()
            return
        assert self._committer is not None
        self._batch = Batch()
        self._writing = batch
        self._started = time.monotonic()
        notes = batch.notes
        if batch.rejects:
            notes.append(Refused(batch.rejects))
        if batch.memory:
            notes.append(Learnt(batch.memory))
        if not (batch.records or notes):
            # Nothing but duplicates, and what they repeat is on disk: every batch before this one is.
            self._loop.call_soon(self._committed, batch, [])
            return
        self._committer.submit(Work(batch.records, notes, self._tell(batch)))

    def _tell(self, batch: Batch) -> Callable[[list[int]], None]:
        """What the committer calls from its own thread."""

        def done(offsets: list[int]) -> None:
            self._loop.call_soon_threadsafe(self._committed, batch, offsets)

        return done

    def _committed(self, batch: Batch, offsets: list[int]) -> None:
        spent_s = time.monotonic() - self._started
        self.commits += 1
        self.commit_s += spent_s
        self.waits_ms.append(spent_s * 1000)
        self.taken += batch.messages
        if offsets:
            self.newest_offset = offsets[-1]
        self._writing = None
        was_failing, was_reading = self.flow.failing, self.flow.reading
        reading = self.flow.committed(batch.messages, batch.bytes)
        # The next write begins before the acknowledgements of this one go out.
        self._hand_over()
        for done in batch.done:
            done()
        if was_failing:
            self._recovered()
        if reading and not was_reading:
            for source in self.sources:
                source.resume()

    def log_failed(self, sentence: str) -> None:
        """The committer could not write (called from its thread)."""
        self._loop.call_soon_threadsafe(self._failed, sentence)

    def _failed(self, sentence: str) -> None:
        first = not self.flow.failing
        self.flow.failed()
        self.trouble = sentence
        if first:
            self.failing_since_ms = self.now_ms()
            say("inbox cannot be written: nothing is acknowledged, reading stops", trouble=sentence)
            self._pause()

    def log_mended(self, sentence: str) -> None:
        """The file was damaged and is mended (called from the committer's thread)."""
        self._loop.call_soon_threadsafe(self.tell_mended, sentence)

    def tell_mended(self, sentence: str) -> None:
        """A damage that is over is still for a supervisor to know."""
        say("the inbox was damaged and is mended", what=sentence)
        mended = Trouble.of("inbox-mended", what=sentence)
        self.report("inbox", False, mended)
        self.report("inbox", True, mended)

    def _recovered(self) -> None:
        now_ms = self.intake.instant(self.now_ms())
        lasted_s = (now_ms - self.failing_since_ms) / 1000
        say("inbox is written again", lasted_s=lasted_s, trouble=self.trouble)
        detail = Trouble.of("inbox-failed", why=self.trouble, seconds=lasted_s)
        self.trouble = ""
        self.report("inbox", False, detail)
        self.report("inbox", True, detail)

    def _pause(self) -> None:
        for source in self.sources:
            source.pause()

    async def drained(self) -> None:
        """Return when nothing waits for the disk."""
        await self._idle.wait()
