"""Pages on their way to people: does what the delivery machine says, and tells it what came of it.

`take` and `save` are called by the projection, from its thread; everything else runs in the event loop, in turns:

    absorb   what came (pages, answers, outcomes) is taken in; what is due is planned
    (flush)  the projection writes it down, with the place in the logs
    go       messages are sent

An attempt is thus on disk before it is made.  One that was under way when the desk died is made again.
"""

import heapq
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

from msgspec.structs import replace

from duty import delivery as machine
from duty.alarm_rate import HOUR_MS, Load
from duty.attempts import Attempt
from duty.delivery import Delivery, Whom
from duty.edge.book import Book
from duty.edge.channels.base import Answer
from duty.edge.mailroom import Mailroom
from duty.edge.presence import Presence, Sirens, as_attempt
from duty.edge.rows.base import StoreTrouble
from duty.edge.store import Store
from duty.incident import Incident
from duty.people import Channel
from duty.picture import Page, Touched
from duty.telling import Telling
from streams.frames import Receipt


class Dispatcher:
    """Deliveries that are not over, and the messages under way."""

    def __init__(
        self,
        store: Store,
        *,
        book: Book,
        mail: Mailroom,
        rows: Telling,
        clock_ms: Callable[[], int],
        presence: Presence,
        sirens: Sirens,
        publish: Callable[[Touched], None],
    ) -> None:
        """`publish` tells the screens."""
        self.rows = rows
        self._presence = presence
        self._sirens = sirens
        self._store = store
        self._book = book
        self._mail = mail
        self._clock_ms = clock_ms
        self._publish = publish
        self._deliveries: dict[str, Delivery] = {}
        self._of_incident: dict[str, set[str]] = {}
        self._wakes: list[tuple[int, str]] = []
        self._incoming: deque[Page | Incident] = deque()
        self._dirty: dict[str, Delivery] = {}
        self._dirty_attempts: dict[str, Attempt] = {}

    # ── for the screens ──

    def delivery(self, page: str) -> Delivery | None:
        """A page under way, None when it is over (the store has it)."""
        return self._deliveries.get(page)

    def deliveries_of(self, incident: str) -> list[Delivery]:
        """The pages of an incident that are under way, the oldest first."""
        pages = list(self._of_incident.get(incident, ()))
        # Asked from any thread: one of them may have ended in this moment.
        found = [one for page in pages if (one := self._deliveries.get(page)) is not None]
        return sorted(found, key=lambda one: (one.begun_ms, one.page.id))

    def not_told(self) -> list[Delivery]:
        """Pages that nobody could be told of yet, and those that everyone was told of and nobody answered."""
        found = [d for d in list(self._deliveries.values()) if d.has("unanswered") or d.has("undeliverable")]
        return sorted(found, key=lambda one: (one.is_told, one.begun_ms))

    async def try_out(self, channel: Channel) -> Answer:
        """Send a test message through a channel, kept or not yet kept: the test button."""
        return await self._mail.try_out(channel)

    def presence(self, person: str) -> AbstractContextManager[None]:
        """Around a live stream: its person is looking at the desk."""
        return self._presence.of(person)

    # ── from the projection, in its thread ──

    def take(self, pages: Sequence[Page], ended: Sequence[Incident], answered: Sequence[Incident]) -> None:
        """What the outbox told, in order: pages, then how their incidents stand."""
        self._incoming.extend(pages)
        self._incoming.extend(ended)
        self._incoming.extend(answered)

    def received(self, receipt: Receipt) -> None:
        """The gateway says what became of a page at one of its hearers.  Our own receipts come back here too."""
        if receipt.channel != "mqtt":
            return
        self._sirens.received(receipt)
        attempt = as_attempt(receipt)
        if attempt is not None:
            self._dirty_attempts[attempt.id] = attempt

    def save(self) -> None:
        """Write deliveries and attempts, inside the projection's transaction."""
        self._store.save_attempts(self._dirty_attempts.values())
        self._store.save_deliveries(self._dirty.values())

    def saved(self) -> None:
        """They are on disk."""
        self._dirty.clear()
        self._dirty_attempts.clear()

    # ── turns ──

    def load(self) -> None:
        """Go on where the last run was ended.  Raises StoreTrouble."""
        now_ms = self._clock_ms()
        self._book.read()
        for one in self._store.open_deliveries():
            self._keep(machine.resume(one, now_ms))
        for attempt in self._store.attempts(unanswered=True, limit=100_000):
            detail = "the desk was ended in the middle of it"
            self._dirty_attempts[attempt.id] = replace(attempt, finished_ms=now_ms, outcome="try-later", detail=detail)
        told: dict[tuple[str, str], int] = {}
        for attempt in self._store.attempts(since_ms=now_ms - HOUR_MS, limit=100_000):
            if attempt.person:
                told[attempt.person, attempt.page] = attempt.started_ms
        for (person, _), at_ms in sorted(told.items(), key=lambda item: item[1]):
            self.loads.setdefault(person, Load()).told(at_ms)

    def absorb(self) -> None:
        """Take in what came, and plan what is due by now.  Planned attempts are to be written before `go`."""
        now_ms = self._clock_ms()
        for attempt, answer in self._mail.answers():
            self._answered(attempt, answer, now_ms)
        if self._incoming or self._is_due(now_ms):
            try:
                self._book.read()
            except StoreTrouble:
                pass  # by the list of a minute ago; that the store refuses is told by whoever writes it
        while self._incoming:
            item = self._incoming.popleft()
            if isinstance(item, Page):
                self._begin(item, now_ms)
            else:
                self._stands(item, now_ms)
        while self._is_due(now_ms):
            self._advance(heapq.heappop(self._wakes)[1], now_ms)
        for attempt in self._mail.plan(now_ms, self._deliveries.__contains__):
            self._dirty_attempts[attempt.id] = attempt

    def has_something_to_save(self) -> bool:
        """Whether `save` has something to write."""
        return bool(self._dirty or self._dirty_attempts)

    def go(self) -> None:
        """Send what is planned."""
        self._mail.go()

    def next_ms(self) -> int | None:
        """When there is something due next; None: nothing is."""
        times = [self._wakes[0][0] if self._wakes else None, self._mail.next_ms()]
        return min((at_ms for at_ms in times if at_ms is not None), default=None)

    async def close(self) -> None:
        """End what is under way; it is made again after the next start."""
        await self._mail.close()

    @property
    def loads(self) -> dict[str, Load]:
        """What each person was told lately."""
        return self._mail.loads

    # ── deliveries ──

    def _is_due(self, now_ms: int) -> bool:
        return bool(self._wakes) and self._wakes[0][0] <= now_ms

    def _begin(self, page: Page, now_ms: int) -> None:
        if page.id in self._deliveries or now_ms - page.t_ms >= self.rows.lives_s * 1000:
            return
        if self._was_told(page):
            return
        self._keep(machine.begin(page, now_ms, self._whom(page, now_ms), self.rows))

    def _was_told(self, page: Page) -> bool:
        try:
            return self._store.has_delivery(page.id)
        except StoreTrouble:
            return False  # told twice rather than not at all

    def _stands(self, incident: Incident, now_ms: int) -> None:
        for page in list(self._of_incident.get(incident.id, ())):
            one = self._deliveries[page]
            view = incident.role(one.page.role)
            if incident.state == "closed":
                self._keep(machine.closed(one, now_ms))
            elif view is not None and view.acknowledged_ms is not None and view.acknowledged_ms >= one.page.t_ms:
                self._keep(machine.answered(one, now_ms))

    def _advance(self, page: str, now_ms: int) -> None:
        one = self._deliveries.get(page)
        if one is None:
            return
        due_ms = machine.wake_at(one, self.rows)
        if due_ms is None or due_ms > now_ms:
            return
        after, sends = machine.advance(one, now_ms, self._whom(one.page, now_ms), self.rows)
        self._keep(after)
        for send in sends:
            leg = next(leg for leg in after.legs if leg.attempt == send.attempt)
            first = not (leg.tries or leg.channel or leg.rounds or send.repeat)
            self._mail.add(send, now_ms, first=first)

    def _keep(self, one: Delivery) -> None:
        page = one.page.id
        self._dirty[page] = one
        if one.is_over:
            self._deliveries.pop(page, None)
            pages = self._of_incident.get(one.page.incident, set())
            pages.discard(page)
            if not pages:
                self._of_incident.pop(one.page.incident, None)
        else:
            self._deliveries[page] = one
            self._of_incident.setdefault(one.page.incident, set()).add(page)
            due_ms = machine.wake_at(one, self.rows)
            if due_ms is not None:
                heapq.heappush(self._wakes, (due_ms, page))
        word = one.notes[-1].word if one.notes else ""
        self._publish(Touched("delivery", page, one.page.grid, self._clock_ms(), word))

    def _whom(self, page: Page, now_ms: int) -> Whom:
        full = (
            person for person, load in self.loads.items() if load.in_ten_minutes(now_ms) >= self.rows.second_person_at
        )
        return self._book.whom(page.grid, page.role, now_ms, full)

    def _answered(self, attempt: Attempt, answer: Answer, now_ms: int) -> None:
        self._dirty_attempts[attempt.id] = replace(
            attempt, finished_ms=now_ms, outcome=answer.outcome, detail=answer.detail
        )
        one = self._deliveries.get(attempt.page)
        if one is None:
            return
        after = machine.resulted(one, attempt.id, answer.outcome, now_ms, self.rows, retry_after_s=answer.retry_after_s)
        if after is not one:
            self._keep(after)
