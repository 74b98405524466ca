"""Messages on their way out: gathers what one person is to be told by one channel, sends it, brings back the answer.

Planning (what goes now, what together, what later) is `duty/bundling.py`; what an answer means is the delivery's.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import tzinfo

import msgspec
from msgspec.structs import replace

from duty.alarm_rate import Load
from duty.attempts import Attempt
from duty.bundling import Outgoing, Person, Recent, Waiting, plan, sent
from duty.delivery import Send
from duty.edge.book import AT_THE_DESK, Book
from duty.edge.channels import carrier
from duty.edge.channels.base import Answer, Carrier, Message, Tools
from duty.edge.links import Links
from duty.message import compose, trial
from duty.people import Channel, ChannelKind
from duty.picture import Page
from duty.telling import Telling
from streams.troubles import Detail, Trouble

AT_ONCE = 16
FAILURES_TOLD = 3  # so many messages of a kind in a row that failed, and the kind is reported

Queue = tuple[str, str]  # person, channel


class Post(msgspec.Struct, frozen=True):
    """A message ready to be sent, and the attempts that it is."""

    channel: Channel
    message: Message
    attempts: tuple[Attempt, ...]


class Mailroom:
    """`report(part, well, detail)` and `receipt(attempt, page)` tell the core; `wanted` is called when an answer is
    there to be taken with `answers`."""

    def __init__(
        self,
        *,
        book: Book,
        tools: Tools,
        links: Links,
        rows: Telling,
        zone: tzinfo,
        site: str,
        clock_ms: Callable[[], int],
        report: Callable[[str, bool, Detail], Awaitable[object]],
        receipt: Callable[[Attempt, Page], Awaitable[object]],
        wanted: Callable[[], None],
    ) -> None:
        self.rows = rows
        self.loads: dict[str, Load] = {}
        self._book = book
        self._tools = tools
        self._links = links
        self._zone = zone
        self._site = site
        self._clock_ms = clock_ms
        self._report = report
        self._receipt = receipt
        self._wanted = wanted
        self._queues: dict[Queue, list[Waiting]] = {}
        self._first: set[str] = set()  # attempts that tell a person of a page for the first time
        self._repeats: set[str] = set()
        self._recent: dict[Queue, Recent] = {}
        self._looks: dict[Queue, int] = {}
        self._posts: list[Post] = []
        self._results: deque[tuple[Post, Answer]] = deque()
        self._sending: set[asyncio.Task[None]] = set()
        self._room = asyncio.Semaphore(AT_ONCE)
        self._carriers: dict[ChannelKind, Carrier] = {}
        self._failing: dict[str, int] = {}

    def add(self, send: Send, now_ms: int, *, first: bool) -> None:
        """One person is to be told of a page by a channel; `first`: by whatever channel, for the first time."""
        queue = (send.person, send.channel)
        self._queues.setdefault(queue, []).append(Waiting(send.attempt, send.page, now_ms))
        self._looks[queue] = now_ms
        if first:
            self._first.add(send.attempt)
        if send.repeat:
            self._repeats.add(send.attempt)

    def plan(self, now_ms: int, still: Callable[[str], bool]) -> list[Attempt]:
        """The attempts that go out at the next `go`, to be written down before.  `still(page)`: does it matter yet?"""
        begun: list[Attempt] = []
        for queue in [queue for queue, look_ms in self._looks.items() if look_ms <= now_ms]:
            person = queue[0]
            load = self.loads.setdefault(person, Load())
            # Whoever answered meanwhile needs no message any more.
            waiting = [item for item in self._queues[queue] if still(item.page.id)]
            recent = self._recent.get(queue, Recent())
            hands = Person(load.per_hour(now_ms), load.is_flooded(now_ms))
            messages, look_ms = plan(waiting, recent, hands, now_ms, self.rows)
            self._recent[queue] = sent(recent, messages, now_ms, self.rows)
            out = {item.attempt for message in messages for item in message.items}
            left = [item for item in waiting if item.attempt not in out]
            if left and look_ms is not None:
                self._queues[queue], self._looks[queue] = left, look_ms
            else:
                del self._queues[queue], self._looks[queue]
            for message in messages:
                post = self._post(queue, message, now_ms)
                self._posts.append(post)
                begun += post.attempts
                for item in message.items:
                    if item.attempt in self._first:
                        load.told(now_ms)
            self._first -= out
            self._repeats -= out
        return begun

    def next_ms(self) -> int | None:
        """When there is something to plan next."""
        return min(self._looks.values(), default=None)

    def go(self) -> None:
        """Send what is planned."""
        posts, self._posts = self._posts, []
        for post in posts:
            task = asyncio.get_running_loop().create_task(self._send(post))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    def answers(self) -> list[tuple[Attempt, Answer]]:
        """What channels have answered since the last time."""
        found: list[tuple[Attempt, Answer]] = []
        while self._results:
            post, answer = self._results.popleft()
            found += [(attempt, answer) for attempt in post.attempts]
        return found

    async def try_out(self, channel: Channel) -> Answer:
        """Send a test message through a channel, kept or not yet kept: the test button."""
        await asyncio.to_thread(self._book.read)
        person = self._book.person(channel.person)
        message = Message(
            id=f"test-{self._clock_ms()}",
            text=trial(person.language if person else "zh", self._site),
            person=channel.person,
        )
        return await self._carrier(channel.kind).send(self._book.filled(channel), message)

    async def close(self) -> None:
        """End what is under way; it is made again after the next start."""
        for task in list(self._sending):
            task.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)
        await self._tools.close()

    def _post(self, queue: Queue, outgoing: Outgoing, now_ms: int) -> Post:
        person_id, channel_id = queue
        person = self._book.person(person_id)
        channel = self._book.channel(channel_id, person_id)
        items = outgoing.items
        bundle = items[0].attempt
        repeat = any(item.attempt in self._repeats for item in items)
        attempts = tuple(
            Attempt(
                id=item.attempt,
                page=item.page.id,
                incident=item.page.incident,
                grid=item.page.grid,
                role=item.page.role,
                person=person_id,
                channel=channel_id,
                kind=channel.kind if channel else "",
                started_ms=now_ms,
                repeat=item.attempt in self._repeats,
                bundle=bundle,
            )
            for item in items
        )
        text = compose(
            [item.page for item in items],
            outgoing.sort,
            language=person.language if person else "zh",
            zone=self._zone,
            site=self._site,
            answer_link=self._links.answer_address(bundle),
            desk_link=f"{self._links.address}/" if self._links.address else "",
            repeat=repeat,
            say_fever=self.rows.say_fever,
        )
        message = Message(id=bundle, text=text, pages=tuple(item.page for item in items), person=person_id)
        gone = Channel(id=channel_id, person=person_id, order=0, kind="desk", enabled=False)
        return Post(channel or gone, message, attempts)

    async def _send(self, post: Post) -> None:
        if not post.channel.enabled:
            answer = Answer("gave-up", "the channel was taken away")
        else:
            async with self._room:
                answer = await self._carrier(post.channel.kind).send(post.channel, post.message)
        self._results.append((post, answer))
        self._wanted()
        await self._told_of(post, answer)

    async def _told_of(self, post: Post, answer: Answer) -> None:
        """The core hears what a channel answered, and of a kind of channel that fails."""
        if answer.outcome in ("accepted", "gave-up") and post.channel.id != AT_THE_DESK:
            for attempt, page in zip(post.attempts, post.message.pages, strict=True):
                await self._receipt(replace(attempt, outcome=answer.outcome, detail=answer.detail), page)
        kind = post.channel.kind
        if kind in ("desk", "siren"):
            return
        before = self._failing.get(kind, 0)
        if answer.outcome in ("accepted", "unknown"):
            first, self._failing[kind] = kind not in self._failing, 0
            if first or before >= FAILURES_TOLD:
                await self._report(f"channel-{kind}", True, "")
        else:
            self._failing[kind] = before + 1
            if before + 1 == FAILURES_TOLD:
                await self._report(f"channel-{kind}", False, Trouble.of("channel-failing", why=answer.detail))

    def _carrier(self, kind: ChannelKind) -> Carrier:
        found = self._carriers.get(kind)
        if found is None:
            found = self._carriers[kind] = carrier(kind, self._tools)
        return found
