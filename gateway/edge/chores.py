"""Housekeeping beside the work: old frames go, and a disk that fills up is said before it is full."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

from gateway.edge.committer import Committer
from gateway.edge.gate import Gate
from gateway.edge.inbox import READERS
from gateway.edge.keeping import InboxWriter
from gateway.edge.say import say
from gateway.edge.vitals import LOW_DISK_PERCENT, free_percent
from streams.edge.log import LogFull
from streams.edge.sqlite_log import SqliteReader, read_to
from streams.troubles import Trouble

_DAY_MS = 86_400_000
_LOOK_EVERY_S = 10.0
_FORGET_EVERY_LOOKS = 360
# Acknowledgements wait while frames are deleted: few at a time, with a rest between.
_AT_ONCE = 200
_REST_S = 0.05
# A device that keeps sending what nobody understands must not fill the disk with it.
_MOST_REJECTS = 200_000


class Chores:
    """`raw_days` is how long frames are kept; none that a reader has not passed is deleted.  Without `rejects` nothing
    is: then what is old is the log's own matter."""

    def __init__(
        self,
        gate: Gate,
        committer: Committer,
        rejects: SqliteReader | None,
        *,
        loop: asyncio.AbstractEventLoop,
        folder: Path,
        raw_days: int,
    ) -> None:
        self._gate = gate
        self._committer = committer
        self._rejects = rejects
        self._loop = loop
        self._folder = folder
        self._raw_days = raw_days
        self._disk_is_low: bool | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> "asyncio.Task[None]":
        self._task = self._loop.create_task(self._run())
        return self._task

    def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _run(self) -> None:
        looks = 0
        while True:
            self._look_at_disk()
            # A box where nothing happens looks after its file too: a reader may have found it damaged.
            self._committer.ask(_nothing)
            if looks % _FORGET_EVERY_LOOKS == 0:
                await self.forget()
            looks += 1
            await asyncio.sleep(_LOOK_EVERY_S)

    def _look_at_disk(self) -> None:
        free = free_percent(self._folder)
        low = free < LOW_DISK_PERCENT
        if low == self._disk_is_low:
            return
        first, self._disk_is_low = self._disk_is_low is None, low
        if low or not first:
            say("the disk is filling up" if low else "the disk has room again", free_percent=free)
        self._gate.report("disk", not low, Trouble.of("disk-low", percent=free))

    async def forget(self) -> None:
        """Delete what is older than the settings say and what every reader has passed."""
        if self._rejects is None:
            return
        now_ms = self._gate.now_ms()
        before_ms = now_ms - self._raw_days * _DAY_MS
        try:
            files = [self._folder / name for name in READERS]
            passed = await self._loop.run_in_executor(None, read_to, files, "inbox")
            newest = self._rejects.end(0)
            await self._forget_of("inbox", before_ms, passed)
            await self._forget_of("rejects", before_ms, {0: newest})
            await self._forget_of("rejects", now_ms, {0: newest - _MOST_REJECTS})
        except LogFull as trouble:
            say("old messages could not be deleted", trouble=str(trouble))

    async def _forget_of(self, log: str, before_ms: int, passed: Mapping[int, int]) -> None:
        deleted = _AT_ONCE
        while deleted >= _AT_ONCE:
            deleted = await self._asked(lambda writer: writer.forget(log, before_ms, passed, _AT_ONCE))
            await asyncio.sleep(_REST_S)

    async def _asked(self, chore: Callable[[InboxWriter], int]) -> int:
        """Have the committer do something with the file; its answer.  Raises LogFull."""
        answer: asyncio.Future[int] = self._loop.create_future()

        def do(writer: InboxWriter) -> None:
            try:
                found = chore(writer)
            except LogFull as trouble:
                self._loop.call_soon_threadsafe(_fail, answer, trouble)
            else:
                self._loop.call_soon_threadsafe(_succeed, answer, found)

        self._committer.ask(do)
        return await answer


def _nothing(_writer: InboxWriter) -> None:
    """After each piece of work the committer tends the file."""


def _succeed(answer: "asyncio.Future[int]", found: int) -> None:
    if not answer.done():
        answer.set_result(found)


def _fail(answer: "asyncio.Future[int]", trouble: LogFull) -> None:
    if not answer.done():
        answer.set_exception(trouble)
