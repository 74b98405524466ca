"""What a gateway keeps in a cluster: everything in Kafka, so that any other gateway can take its place.

Frames go to `inbox`, refused messages to `rejects`, and what the gateways share (what the core was told, which sensors
are lent, what formats remember, how far hearers were served) to the compacted topic `fleet`.  They are written in this
order, and only then is anything acknowledged: a gateway that dies between two of them leaves frames whose messages are
sent again, with the ids they had.  See docs/decisions/0051-gateway-on-kafka.md.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from secrets import token_hex
from typing import Any, assert_never

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from devices.edge.settings import Broker, Settings
from devices.events import Event
from gateway.edge.buffer import Buffered, BufferFile, Carrier, Parcel, parcels
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
    ToldBy,
)
from gateway.edge.pages_out import BROKER
from gateway.edge.say import say
from gateway.edge.shared import Shared
from gateway.edge.teller import Teller
from gateway.intake import Intake
from gateway.rejects import encode_reject
from gateway.shared_keys import Row, heard_rows, lent_rows, memory_rows, told_rows
from streams.edge.doorbell import Bell, Doorbell
from streams.edge.kafka import connection, names, quiet
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
_KNOCK_S = 2.0


class ClusterInbox(Carrier):
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
        self._frames: list[tuple[int, bytes]] | None = None
        self._parcel = Parcel()
        self._under_way: Parcel | None = None
        self._offsets: list[int] | None = None
        self._has_rejects = False

    def write(self, frames: list[tuple[int, bytes]], notes: Sequence[Note]) -> list[int]:
        """As the port says.  Raises LogFull; what of it was written then is not written again."""
        if self._frames is not frames:
            self._frames, self._parcel = frames, self.parcel(frames, notes)
        return self.send(self._parcel)

    def parcel(self, frames: list[tuple[int, bytes]], notes: Sequence[Note]) -> Parcel:
        """What is to be written for a batch; asked once for each, in order."""
        if not notes:
            return Parcel(frames)
        parcel = Parcel(
            frames,
            [frame for note in notes for frame in rejects_of(note)],
            [row for note in notes for row in self._rows(note)],
        )
        for note in notes:
            if isinstance(note, Lent):
                self._lent = dict(note.bindings)
        return parcel

    def send(self, parcel: Parcel) -> list[int]:
        """Write it: frames, then rejects, then rows.  Raises LogFull: call it again with the very same."""
        if self._under_way is not parcel:
            self._under_way, self._offsets, self._has_rejects = parcel, None, False
        if self._offsets is None:
            self._offsets = self._inbox.append(parcel.frames)
        if not self._has_rejects:
            self._rejects.append([(0, frame) for frame in parcel.rejects])
            self._has_rejects = True
        self._fleet.put(parcel.rows)
        self._under_way = None
        return self._offsets

    def without_standing(self, parcel: Parcel, since_ms: int) -> Parcel:
        """The parcel without those frames that stand in Kafka, written since about `since_ms`.  Raises LogFull."""
        there = self._inbox.find(parcel.frames, since_ms)
        refused = self._rejects.find([(0, frame) for frame in parcel.rejects], since_ms)
        return Parcel(
            [frame for frame in parcel.frames if frame not in there],
            [frame for frame in parcel.rejects if (0, frame) not in refused],
            parcel.rows,
        )

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
        quiet()
        self.kept = Kept()
        self.rejects = ClusterRejects(settings)
        self._settings = settings
        self._loop = loop
        self._me = token_hex(8)
        self._options = connection(settings.cluster)
        self._names = names(settings.cluster.topic_prefix)
        self._broker = settings.gateway.broker
        self._writer: InboxWriter | None = None
        self._buffered: Buffered | None = None
        self._shared = Shared(self._options, self._names.fleet, self._me)
        self._outbox = KafkaOutbox(self._options, self._names.outbox, settings.streams.partitions)
        self._away = ""
        self._tasks: list[asyncio.Task[None]] = []
        self._outbox_bell: Bell | None = None
        self._file: BufferFile | None = None

    @property
    def writer(self) -> InboxWriter:  # pyright: ignore[reportIncompatibleVariableOverride]
        assert self._writer is not None
        return self._writer

    async def open(self) -> None:
        """As the port says.  Raises LogFull while Kafka is away, Complaint for what must be mended, NewerFrame.

        With a buffer that knows what the gateways share, this one begins without Kafka.
        """
        cluster = self._settings.cluster
        if cluster.buffer_mb and self._file is None:
            self._file = BufferFile(self._settings.data_path)
        mirrored = self._file.mirrored() if self._file is not None else []
        events: list[Event] = []
        newest_ms = 0
        try:
            await asyncio.to_thread(prepare, self._settings)
            await self._shared.load()
            await self._outbox.load()
            events, newest_ms = await last_events(self._options, self._names.inbox, self._settings.streams.partitions)
        except (Unreachable, KafkaError, TimeoutError) as trouble:
            await self._shared.close()
            await self._outbox.stop()
            why = str(trouble) if isinstance(trouble, Unreachable) else f"Kafka at {cluster.kafka}: {trouble!r}"
            if not mirrored:
                raise LogFull(why) from trouble
            self._away = why
            say("Kafka is away: beginning with what was known when it was last there", trouble=why)
            self._shared.take(mirrored)
        waiting = parcels(self._file) if self._file is not None else []
        for parcel in waiting:
            self._shared.take(parcel.rows)
            for _, frame in parcel.frames:
                newest_ms = max(newest_ms, _remember(frame, events))
        inbox = ClusterInbox(self._settings, self._me, self._shared.lent)
        self._writer = inbox
        if self._file is not None:
            self._buffered = Buffered(inbox, self._file, most_bytes=cluster.buffer_mb * 1_000_000, away=self._away)
            self._writer = self._buffered
            if not self._away:
                await asyncio.to_thread(self._buffered.mirror, list(self._shared.raw.items()))
        self._shared.raw.clear()
        self.kept = Kept(
            memory=self._shared.memory,
            bindings=self._shared.lent,
            told=self._shared.told,
            page_cursors=_Cursors(self._shared.heard, self._broker),
            events=events,
            newest_ms=newest_ms,
        )

    def bell(self) -> Bell:
        return Bell(self._settings.data_path / "bell", "inbox")

    def outbox(self) -> Outbox | None:
        return None if self._away else self._outbox

    def doorbell(self) -> Doorbell | None:
        return None

    def follow(self, intake: Intake, pages: Served | None, told: ToldBy) -> None:
        if self._buffered is not None:
            self._buffered.report = told.report
            self._buffered.start()
        if self._away:
            self._watch(self._until_kafka_is_back(told), "begin anew", told)
            return

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
        mirror = None if self._buffered is None else self._buffered.mirror
        self._watch(self._shared.follow(lent, intake.learn, mirror), "fleet", told)
        self._watch(self._outbox.follow(), "outbox", told)
        if pages is not None and self._broker is not None and self._broker.share:
            pages.hold(BROKER)
            self._watch(self._teller(pages, self._broker.share).run(), "teller", told)

    async def _until_kafka_is_back(self, told: ToldBy) -> None:
        while True:
            await asyncio.sleep(_KNOCK_S)
            try:
                await asyncio.to_thread(prepare, self._settings)
            except Unreachable:
                continue
            say("Kafka is back: beginning anew with what it holds")
            told.again()
            return

    def _teller(self, pages: Served, share: str) -> Teller:
        shared = self._shared

        async def begin() -> None:
            await shared.caught_up()
            pages.release(BROKER)

        group = f"{self._settings.cluster.topic_prefix}pages-{share}"
        return Teller(self._options, self._names.fleet, group, begin=begin, end=lambda: pages.hold(BROKER))

    def _watch(self, work: Any, what: str, told: ToldBy) -> None:
        def ended(task: "asyncio.Task[None]") -> None:
            if not task.cancelled() and (fault := task.exception()) is not None:
                told.crashed(what, fault)

        task = self._loop.create_task(work)
        task.add_done_callback(ended)
        self._tasks.append(task)

    def seen(self) -> dict[str, Any]:
        return {} if self._buffered is None else self._buffered.seen()

    def abandon(self) -> None:
        if self._writer is not None:
            self._writer.close()
        elif self._file is not None:
            self._file.close()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._shared.close()
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
