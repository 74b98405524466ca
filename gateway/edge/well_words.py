"""That a part is well, said where a report stands that another process left when it ended, and nowhere else.

On one box all processes report through this gateway's door, so it is asked for all of them; in a cluster for itself and
for the desk beside it.  See docs/decisions/0086-who-says-that-it-is-over.md.
"""

import asyncio

from gateway.edge.gate import Gate
from streams.edge.log import LogFull
from streams.edge.standing import Standing
from streams.troubles import Detail

_AGAIN_S = 5.0


class WellWords:
    """`standing` is asked in a thread, one question at a time."""

    def __init__(self, gate: Gate, standing: Standing, *, loop: asyncio.AbstractEventLoop) -> None:
        self._gate = gate
        self._standing = standing
        self._loop = loop
        self._one_at_a_time = asyncio.Lock()
        self._asking: dict[str, asyncio.Task[None]] = {}
        self._question: asyncio.Future[bool | None] | None = None
        self._stopped = False

    async def needed(self, part: str) -> bool | None:
        """Whether a word that `part` is well has something to end; None where it is not known yet.  Where the part was
        reported meanwhile it has not: that is newer."""
        before = self._gate.reported[part]
        async with self._one_at_a_time:
            await self.over()
            if self._stopped:
                return None
            self._question = self._loop.run_in_executor(None, self._standing.stands, part)
            try:
                # Whoever asks may be told to stop; the thread does not hear of that.
                stands = await asyncio.shield(self._question)
            except LogFull:
                return None
        return False if self._gate.reported[part] != before else stands

    def first(self, part: str, detail: Detail) -> None:
        """A part of this gateway was found well, and nothing was said of it before."""
        if part not in self._asking:
            self._asking[part] = self._loop.create_task(self._say(part, detail))

    async def _say(self, part: str, detail: Detail) -> None:
        while not self._gate.reported[part]:
            needed = await self.needed(part)
            if needed:
                self._gate.report_well(part, detail)
            if needed is not None:
                return
            await asyncio.sleep(_AGAIN_S)

    def stop(self) -> None:
        """Ask no more."""
        self._stopped = True
        for task in self._asking.values():
            task.cancel()

    async def over(self) -> None:
        """Return when no question is under way: what is asked may be closed then."""
        question = self._question
        if question is not None:
            await asyncio.wait({question})
            if not question.cancelled():
                question.exception()  # told to whoever asked, if anybody is left
