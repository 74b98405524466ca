"""The site's own webhook, `[pages] webhook_url`: every page, at least once, with the same id and body for ever.

A page owed is on disk in the transaction that took it from the log, and is owed until the other side has said 2xx.
What cannot be had now is tried again with growing pauses; nothing waits behind it.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta, tzinfo

import msgspec
from msgspec.structs import replace

from duty.edge.channels.base import Answer, Tools
from duty.edge.channels.webhook import post_signed
from duty.edge.rows.base import StoreTrouble
from duty.edge.rows.deliveries import OwedPage
from duty.edge.store import Store
from duty.incident import Incident
from duty.picture import Page
from streams.troubles import Detail, Trouble
from streams.words import sentence

PAUSES_S = (1, 2, 5, 15, 30, 60, 120, 300, 600)
GIVES_UP_AFTER_MS = 7 * 24 * 3_600_000
TOO_OLD_MS = 24 * 3_600_000
UNWELL_AFTER = 5  # so many tries in a row that failed, and the core is told
AT_ONCE = 4
IN_MEMORY = 2000
PART = "page-webhook"


class SiteWebhook:
    """`raised_ms(incident)` says when an incident was raised, where it is still known."""

    def __init__(
        self,
        store: Store,
        *,
        url: str,
        secret: str,
        tools: Tools,
        zone: tzinfo,
        clock_ms: Callable[[], int],
        raised_ms: Callable[[str], int | None],
        report: Callable[[str, bool, Detail], Awaitable[object]],
        wanted: Callable[[], None],
    ) -> None:
        self._store = store
        self._url = url
        self._secret = secret
        self._tools = tools
        self._zone = zone
        self._clock_ms = clock_ms
        self._raised_ms = raised_ms
        self._report = report
        self._wanted = wanted
        self._owed: dict[str, OwedPage] = {}
        self._fresh: deque[OwedPage] = deque()  # taken, and not yet looked at
        self._unsaved: list[OwedPage] = []
        self._dirty: dict[str, OwedPage] = {}
        self._results: list[tuple[OwedPage, Answer]] = []
        self._sending: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._failures = 0
        self._worked = False
        self._more = False  # the store holds pages owed that are not in memory

    def load(self) -> None:
        """Go on with what an earlier run still owed.  Raises StoreTrouble."""
        owed = self._store.owed_pages(IN_MEMORY)
        # Of what is under way, or not yet written down, the store does not know the newest.
        known = self._sending | self._dirty.keys()
        self._owed |= {page.page: page for page in owed if page.page not in known}
        self._more = len(owed) == IN_MEMORY

    # ── from the projection, in its thread ──

    def take(self, pages: Sequence[Page], ended: Sequence[Incident], answered: Sequence[Incident]) -> None:
        """New pages."""
        too_old_ms = self._clock_ms() - TOO_OLD_MS
        for page in pages:
            if page.t_ms < too_old_ms:
                continue  # a webhook that is new to a site is not told of its past
            owed = OwedPage(page=page.id, grid=page.grid, body=self._body(page), began_ms=page.t_ms, next_ms=page.t_ms)
            self._fresh.append(owed)
            self._unsaved.append(owed)

    def save(self) -> None:
        """Write what is owed, and what became of it."""
        self._store.owe_pages(self._unsaved)
        self._store.save_owed(self._dirty.values())

    def saved(self) -> None:
        """It is on disk."""
        self._unsaved.clear()
        self._dirty.clear()

    def has_something_to_save(self) -> bool:
        """Whether `save` has something to write."""
        return bool(self._unsaved or self._dirty)

    # ── turns ──

    def absorb(self) -> None:
        """Take in new pages, and what the other side answered."""
        now_ms = self._clock_ms()
        while self._fresh:
            page = self._fresh.popleft()
            if len(self._owed) < IN_MEMORY:
                self._owed.setdefault(page.page, page)
            else:
                self._more = True
        results, self._results = self._results, []
        for page, answer in results:
            self._sending.discard(page.page)
            after = _after(page, answer, now_ms)
            self._dirty[page.page] = after
            if after.ended_ms is None:
                self._owed[page.page] = after
            else:
                self._owed.pop(page.page, None)
        if self._more and len(self._owed) < IN_MEMORY // 2:
            try:
                self.load()
            except StoreTrouble:
                pass  # told by whoever writes it; looked again at the next turn

    def go(self) -> None:
        """Send what is due."""
        now_ms = self._clock_ms()
        due = sorted(
            (p for p in self._owed.values() if p.next_ms <= now_ms and p.page not in self._sending),
            key=lambda p: (p.next_ms, p.page),
        )
        for page in due[: max(0, AT_ONCE - len(self._sending))]:
            self._sending.add(page.page)
            task = asyncio.get_running_loop().create_task(self._send(page))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def next_ms(self) -> int | None:
        """When there is something due next; None: nothing is, or enough is under way."""
        if len(self._sending) >= AT_ONCE:
            return None
        return min((p.next_ms for p in self._owed.values() if p.page not in self._sending), default=None)

    def owed(self) -> int:
        """How many pages the other side has not accepted, of those in memory."""
        return len(self._owed)

    async def close(self) -> None:
        """End what is under way; it is sent again after the next start."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _send(self, page: OwedPage) -> None:
        # It stays among those under way until its answer is taken in: else it would be sent again meanwhile.
        answer = await post_signed(self._tools, self._url, self._secret, page.page, page.body)
        self._results.append((page, answer))
        self._wanted()
        if answer.outcome == "accepted":
            first, self._worked = not self._worked, True
            failures, self._failures = self._failures, 0
            if first or failures >= UNWELL_AFTER:
                await self._report(PART, True, "")
        else:
            self._failures += 1
            if self._failures == UNWELL_AFTER:
                await self._report(PART, False, Trouble.of("webhook-failing", why=answer.detail))

    def _body(self, page: Page) -> bytes:
        raised_ms = self._raised_ms(page.incident)
        return msgspec.json.encode(
            {
                "page": page.id,
                "incident": page.incident,
                "kind": page.kind,
                "subject": page.subject,
                "grid": page.grid,
                "role": page.role,
                "step": page.step,
                "reason": {language: sentence(page.reason, language, self._zone) for language in ("zh", "en")},
                "raised_at": self._iso(page.t_ms if raised_ms is None else raised_ms),
                "event": {
                    "device": page.cause.device,
                    "at": self._iso(page.cause.at_ms),
                    "received_at": self._iso(page.cause.received_ms),
                },
            }
        )

    def _iso(self, at_ms: int | None) -> str | None:
        if at_ms is None:
            return None
        moment = datetime.fromtimestamp(at_ms // 1000, self._zone) + timedelta(milliseconds=at_ms % 1000)
        return moment.isoformat(timespec="milliseconds")


def _after(page: OwedPage, answer: Answer, now_ms: int) -> OwedPage:
    """A page owed, after a try: accepted, given up after a week, or due again later."""
    tries = page.tries + 1
    if answer.outcome == "accepted":
        return replace(page, tries=tries, ended_ms=now_ms, outcome="accepted", detail="")
    pause_s = max(PAUSES_S[min(page.tries, len(PAUSES_S) - 1)], answer.retry_after_s or 0)
    after = replace(page, tries=tries, detail=answer.detail)
    if now_ms - page.began_ms >= GIVES_UP_AFTER_MS:
        return replace(after, ended_ms=now_ms, outcome="gave-up")
    return replace(after, next_ms=now_ms + round(min(pause_s, 3600) * 1000))
