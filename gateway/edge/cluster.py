"""What a gateway keeps in a cluster: everything in Kafka, so that any other gateway can take its place.

Frames go to `inbox`, refused messages to `rejects`, and what the gateways share (what the core was told, which sensors
are lent, what formats remember, how far hearers were served) to the compacted topic `fleet`.  They are written in this
order, and only then is anything acknowledged: a gateway that dies between two of them leaves frames whose messages are
sent again, with the ids they had.  See docs/decisions/0051-gateway-on-kafka.md.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from secrets import token_hex
from typing import Any, assert_never

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from devices.edge.settings import Broker, Settings
from devices.events import Event
from gateway.edge.kafka_outbox import KafkaOutbox
from gateway.edge.keeping import (
    Fed,
    HeardTo,
    InboxWriter,
    Keeping,
    Kept,
    Learnt,
    Lent,
    Note,
    Outbox,
    Refused,
    Rejects,
    Served,
    Told,
)
from gateway.edge.pages_out import BROKER
from gateway.edge.shared import Shared
from gateway.edge.teller import Teller
from gateway.intake import Intake
from gateway.rejects import encode_reject
from gateway.shared_keys import Row, heard_rows, lent_rows, memory_rows, told_rows
from streams.edge.doorbell import Bell, Doorbell
from streams.edge.kafka import connection, names
from streams.edge.kafka_log import KafkaWriter
from streams.edge.kafka_rejects import RejectsReader, fed_mark
from streams.edge.log import LogFull
from streams.edge.topics import Unreachable, prepare
from streams.frames import FrameError, NewerFrame, RejectRecord, decode_inbox

# Longer than a broker's successor needs to take over; then it is said, and nothing is read any more.
_WAIT_S = 4.0
# Of all partitions together: what devices and brokers send again after a restart was among the last they sent.
_FRAMES_REMEMBERED = 4000
_MOST_REJECTS = 200_000


class ClusterInbox(InboxWriter):
    """Writes in the committer's thread."""

    def __init__(self, settings: Settings, me: str, lent: Mapping[str, str]) -> None:
        """Connects to nothing."""
        options, called = connection(settings.cluster), names(settings.cluster.topic_prefix)
        self.salvaged: list[str] = []
        self._me = me
        self._broker = settings.gateway.broker
        self._lent = dict(lent)
        self._inbox = KafkaWriter(options, called.inbox, wait_s=_WAIT_S)
        self._rejects = KafkaWriter(options, called.rejects, wait_s=_WAIT_S)
        self._fleet = KafkaWriter(options, called.fleet, wait_s=_WAIT_S)
        self._under_way: list[tuple[int, bytes]] | None = None
        self._offsets: list[int] | None = None
        self._has_rejects = False

    def write(self, frames: list[tuple[int, bytes]], notes: Sequence[Note]) -> list[int]:
        """As the port says.  Raises LogFull; what of it was written then is not written again."""
        if self._under_way is not frames:
            self._under_way, self._offsets, self._has_rejects = frames, None, False
        if self._offsets is None:
            self._offsets = self._inbox.append(frames)
        if notes:
            if not self._has_rejects:
                self._rejects.append([(0, frame) for note in notes for frame in rejects_of(note)])
                self._has_rejects = True
            self._fleet.put([row for note in notes for row in self._rows(note)])
            for note in notes:
                if isinstance(note, Lent):
                    self._lent = dict(note.bindings)
        self._under_way = None
        return self._offsets

    def _rows(self, note: Note) -> list[Row]:
        match note:
            case Told():
                return told_rows(note.records)
            case Learnt():
                return memory_rows(note.memory, self._me)
            case Lent():
                return lent_rows(self._lent, note.bindings, self._me)
            case HeardTo():
                return heard_rows({(hearer_name(self._broker, name), p): at for (name, p), at in note.places.items()})
            case Refused() | Fed():
                return []
            case _:
                assert_never(note)

    def tend(self) -> None:
        """Nothing: Kafka looks after its own disks."""

    def forget(self, log: str, before_ms: int, read_to: Mapping[int, int], most: int) -> int:
        """Nothing: what is old goes by the topics' retention."""
        return 0

    def close(self) -> None:
        for writer in (self._inbox, self._rejects, self._fleet):
            writer.close()


def rejects_of(note: Note) -> list[bytes]:
    """The frames of `rejects` that a note is."""
    match note:
        case Refused():
            return [encode_reject(record) for record in note.records]
        case Fed():
            return [fed_mark(offset, outcome, note.at_ms) for offset, outcome in note.outcomes.items()]
        case _:
            return []


def hearer_name(broker: Broker | None, name: str) -> str:
    """Under what name all gateways keep how far a hearer was served: those of one shared subscription are on one
    broker, and serve it together."""
    if name != BROKER or broker is None:
        return name
    return f"{BROKER}/{broker.share or broker.client_id}"


class ClusterRejects(Rejects):
    """Rejects in their topic."""

    def __init__(self, settings: Settings) -> None:
        self._reader = RejectsReader(settings)

    async def waiting(self, offsets: Iterable[int] | None, limit: int) -> list[tuple[int, RejectRecord]]:
        found = await asyncio.to_thread(self._reader.newest, _MOST_REJECTS)
        wanted = None if offsets is None else set(offsets)
        waiting = [each for each in found if each.outcome != "taken" and (wanted is None or each.offset in wanted)]
        return [(each.offset, each.record) for each in waiting[:limit]]

    def close(self) -> None:
        self._reader.close()


class ClusterKeeping(Keeping):
    """Nothing is open before `open`."""

    shared = True
    forgets = False

    def __init__(self, settings: Settings, loop: asyncio.AbstractEventLoop) -> None:
        """Raises OSError for a password file or certificate that cannot be read."""
        self.kept = Kept()
        self.rejects = ClusterRejects(settings)
        self._settings = settings
        self._loop = loop
        self._me = token_hex(8)
        self._options = connection(settings.cluster)
        self._names = names(settings.cluster.topic_prefix)
        self._broker = settings.gateway.broker
        self._writer: ClusterInbox | None = None
        self._shared: Shared | None = None
        self._outbox: KafkaOutbox | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._outbox_bell: Bell | None = None

    @property
    def writer(self) -> ClusterInbox:  # pyright: ignore[reportIncompatibleVariableOverride]
        assert self._writer is not None
        return self._writer

    async def open(self) -> None:
        """As the port says.  Raises LogFull while Kafka is away, Complaint for what must be mended, NewerFrame."""
        try:
            await asyncio.to_thread(prepare, self._settings)
        except Unreachable as trouble:
            raise LogFull(str(trouble)) from trouble
        shared = Shared(self._options, self._names.fleet, self._me)
        outbox = KafkaOutbox(self._options, self._names.outbox, self._settings.streams.partitions)
        try:
            await shared.load()
            await outbox.load()
            events, newest_ms = await last_events(self._options, self._names.inbox, self._settings.streams.partitions)
        except (KafkaError, TimeoutError) as error:
            await shared.close()
            await outbox.stop()
            raise LogFull(f"Kafka at {self._settings.cluster.kafka}: {error or type(error).__name__}") from error
        self._shared, self._outbox = shared, outbox
        self._writer = ClusterInbox(self._settings, self._me, shared.lent)
        self.kept = Kept(
            memory=shared.memory,
            bindings=shared.lent,
            told=shared.told,
            page_cursors=_Cursors(shared.heard, self._broker),
            events=events,
            newest_ms=newest_ms,
        )

    def bell(self) -> Bell:
        return Bell(self._settings.data_path / "bell", "inbox")

    def outbox(self) -> Outbox:
        assert self._outbox is not None
        return self._outbox

    def doorbell(self) -> Doorbell | None:
        return None

    def follow(self, intake: Intake, pages: Served | None, crashed: Callable[[str, BaseException], None]) -> None:
        assert self._shared is not None
        assert self._outbox is not None

        def lent(device: str, household: str) -> None:
            # The core was told by whoever lent it.
            if household:
                intake.bind(device, household, 0)
            else:
                intake.unbind(device, 0)

        if pages is not None:
            self._outbox.news.append(pages.wake)
        # The desk and the sink of this machine need not wait until they look by themselves.
        self._outbox_bell = Bell(self._settings.data_path / "bell", "outbox")
        self._outbox.news.append(self._outbox_bell.ring)
        self._watch(self._shared.follow(lent, intake.learn), "fleet", crashed)
        self._watch(self._outbox.follow(), "outbox", crashed)
        if pages is not None and self._broker is not None and self._broker.share:
            pages.hold(BROKER)
            self._watch(self._teller(pages, self._broker.share).run(), "teller", crashed)

    def _teller(self, pages: Served, share: str) -> Teller:
        shared = self._shared
        assert shared is not None

        async def begin() -> None:
            await shared.caught_up()
            pages.release(BROKER)

        group = f"{self._settings.cluster.topic_prefix}pages-{share}"
        return Teller(self._options, self._names.fleet, group, begin=begin, end=lambda: pages.hold(BROKER))

    def _watch(self, work: Any, what: str, crashed: Callable[[str, BaseException], None]) -> None:
        def ended(task: "asyncio.Task[None]") -> None:
            if not task.cancelled() and (fault := task.exception()) is not None:
                crashed(what, fault)

        task = self._loop.create_task(work)
        task.add_done_callback(ended)
        self._tasks.append(task)

    def seen(self) -> dict[str, Any]:
        return {}

    def abandon(self) -> None:
        if self._writer is not None:
            self._writer.close()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._shared is not None:
            await self._shared.close()
        if self._outbox is not None:
            await self._outbox.stop()
        if self._outbox_bell is not None:
            self._outbox_bell.close()
        await asyncio.to_thread(self.rejects.close)


class _Cursors(Mapping[tuple[str, int], int]):
    """The shared places as they stand, by the names that this gateway has for hearers."""

    def __init__(self, heard: Mapping[tuple[str, int], int], broker: Broker | None) -> None:
        self._heard = heard
        self._broker = broker

    def __getitem__(self, key: tuple[str, int]) -> int:
        return self._heard[hearer_name(self._broker, key[0]), key[1]]

    def __iter__(self) -> Iterator[tuple[str, int]]:
        return iter(self._heard)

    def __len__(self) -> int:
        return len(self._heard)


async def last_events(options: dict[str, Any], topic: str, partitions: int) -> tuple[list[Event], int]:
    """The events of the last frames of `inbox` in the order of time, and the newest time in them.

    Raises KafkaError, NewerFrame.
    """
    tps = [TopicPartition(topic, number) for number in range(partitions)]
    each = max(20, _FRAMES_REMEMBERED // partitions)
    consumer = AIOKafkaConsumer(**options, enable_auto_commit=False, auto_offset_reset="earliest")
    events: list[Event] = []
    newest_ms = 0
    try:
        await consumer.start()
        consumer.assign(tps)
        ends, firsts = await consumer.end_offsets(tps), await consumer.beginning_offsets(tps)
        places = {tp: max(firsts[tp], ends[tp] - each) for tp in tps}
        for tp, place in places.items():
            consumer.seek(tp, place)
        while any(places[tp] < ends[tp] for tp in tps):
            for tp, records in (await consumer.getmany(timeout_ms=500)).items():
                for record in records:
                    places[tp] = record.offset + 1
                    newest_ms = max(newest_ms, _remember(record.value or b"", events))
    finally:
        await consumer.stop()
    events.sort(key=lambda event: event.received_ms)
    return events, newest_ms


def _remember(frame: bytes, events: list[Event]) -> int:
    newest_ms = 0
    try:
        records = decode_inbox(frame)
    except NewerFrame:
        raise
    except FrameError:
        return 0  # it is the core's to put aside, and nothing here hangs on it
    for record in records:
        newest_ms = max(newest_ms, record.received_ms if isinstance(record, Event) else record.at_ms)
        if isinstance(record, Event):
            events.append(record)
    return newest_ms
