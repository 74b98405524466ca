"""What the desk knows by itself of who has been reached: who looks at the desk, and what sirens have accepted."""

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager

from duty.attempts import Attempt, attempt_id
from streams.frames import Receipt

RECEIPTS_KEPT = 5000


class Presence:
    """Who has a live stream open now."""

    def __init__(self) -> None:
        self._streams: dict[str, int] = {}

    @contextmanager
    def of(self, person: str) -> Iterator[None]:
        """Around a live stream: its person is looking at the desk."""
        self._streams[person] = self._streams.get(person, 0) + 1
        try:
            yield
        finally:
            self._streams[person] -= 1
            if not self._streams[person]:
                del self._streams[person]

    def streams(self) -> int:
        """How many live streams are open."""
        return sum(list(self._streams.values()))

    def has(self, person: str) -> bool:
        """Whether a person looks at the desk now."""
        return person in self._streams


class Sirens:
    """What the gateway says became of pages at its hearers: sirens, phones, the broker."""

    def __init__(self) -> None:
        self._outcomes: OrderedDict[tuple[str, str], str] = OrderedDict()
        self._lock = threading.Lock()
        self._came = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def received(self, receipt: Receipt) -> None:
        """A receipt of the gateway's.  From any one thread."""
        with self._lock:
            self._outcomes[receipt.page, receipt.detail] = receipt.outcome
            while len(self._outcomes) > RECEIPTS_KEPT:
                self._outcomes.popitem(last=False)
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._came.set)

    async def outcome(self, page: str, hearer: str, timeout_s: float) -> str | None:
        """What became of a page at a hearer (a subscriber's name, whatever its role; or `broker`); None: not yet."""
        self._loop = asyncio.get_running_loop()
        end_s = self._loop.time() + timeout_s
        while True:
            self._came.clear()
            with self._lock:
                for (of_page, detail), outcome in self._outcomes.items():
                    if of_page == page and detail.partition("/")[0] == hearer:
                        return outcome
            try:
                # Not `wait_for`: up to Python 3.11 it forgets a cancel that comes with the receipt.
                async with asyncio.timeout_at(end_s):
                    await self._came.wait()
            except TimeoutError:
                return None


def as_attempt(receipt: Receipt) -> Attempt | None:
    """What the gateway told by MQTT, as an attempt for the history; None for a page id that is none."""
    incident, mark, rest = receipt.page.rpartition("#")
    parts = rest.split(".")
    outcome = receipt.outcome
    if not mark or len(parts) != 3 or outcome not in ("accepted", "try-later", "gave-up"):
        return None
    channel = f"mqtt:{receipt.detail}"
    return Attempt(
        id=attempt_id(receipt.page, channel, 1),
        page=receipt.page,
        incident=incident,
        grid=receipt.grid,
        role=parts[1],
        person="",
        channel=channel,
        kind="siren",
        started_ms=receipt.at_ms,
        finished_ms=receipt.at_ms,
        outcome=outcome,
    )
