"""A test through the real path, every five minutes: door → inbox → core → outbox → desk.

A command that the core must refuse goes in; its refusal must come back.  Nothing is raised and nobody is disturbed.
When it does not come back, the core is told (if it can be), the picture counts as old, and so `/health` says that this
box is not well: the outside watchdog hears of it that way.  Until it comes back it is tried again every 15 s.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from duty.edge.door import Sent
from streams.troubles import Detail, Trouble

PART = "self-test"
# While it fails every screen counts as old: it must not stay so for minutes after the path is whole again.
AGAIN_S = 15.0


class SelfTest:
    """`send(command, command_id, timeout_s)` is the door's; `report(part, well, detail)` tells the core."""

    def __init__(
        self,
        *,
        send: Callable[[dict[str, Any], str, float], Awaitable[Sent]],
        report: Callable[[str, bool, Detail], Awaitable[object]],
        clock_ms: Callable[[], int],
        every_s: float,
        late_after_s: float,
        say: Callable[[str], None],
    ) -> None:
        self.took_ms: int | None = None  # of the last one that came back
        self.failing = ""  # why the last one did not
        self._tested = False
        self._send = send
        self._report = report
        self._clock_ms = clock_ms
        self._every_s = every_s
        self._late_after_s = late_after_s
        self._say = say
        self._good_ms = clock_ms()

    def alive_ms(self) -> int:
        """Now, while the path is known to be whole; else when it last was."""
        return self._good_ms if self.failing else self._clock_ms()

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            await asyncio.sleep(min(self._every_s, AGAIN_S) if self.failing else self._every_s)
            await self.test()

    async def test(self) -> bool:
        """One test; whether it came back in time."""
        begun_ms = self._clock_ms()
        command = {"command": "check-returned", "check": PART, "grid": "system", "by": "system"}
        sent = await self._send(command, f"{PART}-{begun_ms}", self._late_after_s)
        came_back = sent.state in ("done", "rejected")
        late = Trouble.of("self-test-late", seconds=self._late_after_s)
        why = "" if came_back else sent.detail or str(late)
        if came_back:
            self._good_ms = self._clock_ms()
            self.took_ms = self._good_ms - begun_ms
        first, self._tested = not self._tested, True
        if bool(why) != bool(self.failing):
            self._say(f"the test through the whole path fails: {why}" if why else "the test through the path is well")
            self.failing = why
            trouble = Trouble.of("self-test-failed", why=sent.detail) if sent.detail else late
            await self._report(PART, came_back, "" if came_back else trouble)
        elif first:
            await self._report(PART, True, "")
        return came_back
