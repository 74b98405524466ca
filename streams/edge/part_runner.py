"""Runs one partition while it is ours: frames in, flushes out, one at a time.

What gathers while a flush is written goes into the next one; nothing waits on a timer.
"""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Sequence

from streams.edge.cluster_part import Part, Write
from streams.edge.live_clock import LiveClock, apart_ms
from streams.edge.sqlite_log import wall_clock_ms
from streams.edge.state_table import StateTable
from streams.edge.state_writer import StateWriter, Written

# More than this waits for a flush: no more is taken in until it is written.
_MOST_WAITING = 4_000


class PartRunner:
    """`part` and everything around it that is not thinking.  `restored_to` is the offset of the changelog's last record
    that it was made from.

    `foreign(partition, first, until)` reads the changelog's records from offset `first` to before `until`.
    """

    def __init__(
        self,
        part: Part,
        *,
        table: StateTable,
        restored_to: int,
        writer: StateWriter,
        clock: LiveClock,
        foreign: Callable[[int, int, int], Awaitable[Sequence[Write]]],
    ) -> None:
        self.part = part
        self.clock = clock
        self.flushed_s = time.monotonic()
        self.flush_s = 0.0
        self.apart_ms = 0.0  # the broker's clock less ours, at least
        self.foreign_records = 0
        self._table = table
        self._writer = writer
        self._foreign = foreign
        self._wake = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._idle = asyncio.Event()
        self._gone = False
        self._next_offset = restored_to + 1
        self.written = part.mark.offset  # of the last frame of `inbox` whose consequences are durable
        self._taken_s = self._sought_s = time.monotonic()

    @property
    def idle(self) -> asyncio.Event:
        """Set while everything taken in is written."""
        return self._idle

    @property
    def since_flush_s(self) -> float:
        """How long ago the last flush was."""
        return time.monotonic() - self.flushed_s

    @property
    def since_taken_s(self) -> float:
        """How long ago the last frame came, or this began."""
        return time.monotonic() - self._taken_s

    @property
    def since_sought_s(self) -> float:
        """How long ago frames were asked for again, or this began."""
        return time.monotonic() - self._sought_s

    def sought(self) -> None:
        """Frames are asked for again."""
        self._sought_s = time.monotonic()

    async def take(self, offset: int, frame: bytes) -> None:
        """Take in a frame of `inbox`.  Raises Gap, NewerFrame."""
        await self._room.wait()
        if self._gone:
            return  # its next owner gets it
        taken = self.part.take(offset, frame)
        self._taken_s = time.monotonic()
        if taken:
            self.poke()

    def let_go(self) -> None:
        """The partition is no longer ours: nothing will be written here, and nobody may wait for that."""
        self._gone = True
        self._room.set()

    def advance(self, now_ms: int) -> None:
        """Let time pass to `now_ms`, or as far as one flush holds: call again while a timer is due."""
        engine = self.part.engine
        while (due_ms := engine.next_wake_ms) is not None and due_ms <= now_ms and self.part.waiting < _MOST_WAITING:
            self.part.advance(now_ms)
        if due_ms is None or due_ms > now_ms:
            self.part.advance(now_ms)
        self.poke()

    def poke(self) -> None:
        """There is something to write."""
        self._idle.clear()
        if self.part.waiting >= _MOST_WAITING:
            self._room.clear()
        self._wake.set()

    async def run(self) -> None:
        """Write until cancelled.  Raises Over when the partition is no longer ours, and whatever else goes wrong."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            if self.part.dirty:
                await self._flush()
            if not self._wake.is_set():
                self._idle.set()

    async def _flush(self) -> None:
        began_s = time.monotonic()
        flush = self.part.take_flush(wall_clock_ms())
        self._room.set()
        if flush.rejects:
            # First: a crash in between writes them again, and the other way round would lose them.
            await self._writer.rejects(flush.rejects)
        before_ms = wall_clock_ms()
        written = await self._writer.state(self.part.number, flush.writes)
        self.apart_ms = apart_ms(written.at_ms, before_ms, wall_clock_ms())
        self._table.wrote(self.part.number, flush.writes, written.last)
        if flush.mark.frames:
            await self._writer.decisions(self.part.number, flush.mark)
        self.written = flush.mark.offset
        self.flushed_s = time.monotonic()
        self.flush_s = self.flushed_s - began_s
        await self._check_place(written)

    async def _check_place(self, written: Written) -> None:
        """Whether anybody else wrote between our last batch and this one."""
        expected, self._next_offset = self._next_offset, written.last + 1
        if written.first == expected:
            return
        rows = await self._foreign(self.part.number, expected, written.first)
        self.foreign_records += len(rows)
        print(
            f"streams: partition {self.part.number}: {len(rows)} records were written out of turn by a worker that had "
            "lost the partition; they are put right",
            file=sys.stderr,
            flush=True,
        )
        self.part.rewrite([key for key, _ in rows])
        self.poke()
