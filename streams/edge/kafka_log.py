"""The log port on Kafka.  Offsets of the port start at 1: a record's offset there plus one.

A frame counts as written when every replica in sync has it (`acks=all`); an idempotent producer tries on by itself, in
order and without doubles, for as long as the broker is away.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from devices.edge.settings import Settings
from streams.edge.kafka import LARGEST_BATCH, Background, connection, names, quiet
from streams.edge.log import LogFull, LogWriter, TimedReader
from streams.edge.sqlite_log import wall_clock_ms

_T = TypeVar("_T")

_WAIT_S = 8.0
_LONGEST_STOP_S = 5.0
# Looking for frames that may have been written.
_LOOK_S = 60.0
# The broker's clock and ours may differ by so much and a frame be older than its writer thinks.
_CLOCKS_APART_MS = 15_000
# One question at a time is out to a broker: a partition that is read for the first time waits for the one before.
_LONG_POLL_MS = 50


class Away(LogFull):
    """Kafka does not answer, or will not take what it was given."""


def _sentence(options: dict[str, Any], trouble: object) -> str:
    where = ", ".join(options["bootstrap_servers"])
    return f"Kafka at {where}: {trouble}: is it running, and is [cluster] right? Everything goes on by itself"


def _why(error: BaseException) -> str:
    return str(error) or type(error).__name__


# Partition, key, value: the value of None deletes what a compacted topic holds under the key.
_Row = tuple[int, bytes | None, bytes | None]


class KafkaWriter(LogWriter):
    """The writer of `topic`.  One thread at a time."""

    def __init__(self, options: dict[str, Any], topic: str, *, wait_s: float = _WAIT_S) -> None:
        """Opens nothing: `append` connects."""
        self._options = options
        self._topic = topic
        self._wait_s = wait_s
        self._background = Background(f"kafka {topic}")
        self._producer: AIOKafkaProducer | None = None
        self._rows: list[_Row] = []
        self._since_ms = 0
        self._offsets: dict[int, int] = {}  # of those rows that are written
        self._under_way: dict[int, asyncio.Future[Any]] = {}
        self._in_doubt = False
        self._leaving: asyncio.Task[None] | None = None

    def append(self, frames: list[tuple[int, bytes]]) -> list[int]:
        """As the port says.  Tried again with the same frames after LogFull, those still under way are waited for, and
        those that may have arrived although nobody said so are looked for before they are sent once more."""
        return self._write([(partition, None, frame) for partition, frame in frames])

    def put(self, rows: Sequence[tuple[bytes, bytes | None]]) -> None:
        """Write keyed rows of a compacted topic's one partition: the newest of a key counts.  Raises LogFull."""
        self._write([(0, key, value) for key, value in rows])

    def _write(self, rows: list[_Row]) -> list[int]:
        if not rows:
            return []
        try:
            return self._background.call(self._append(rows), self._wait_s + (_LOOK_S if self._in_doubt else 0) + 2)
        except (KafkaError, TimeoutError, OSError) as error:
            raise Away(_sentence(self._options, _why(error))) from error

    async def _append(self, rows: list[_Row]) -> list[int]:
        if self._rows != rows:
            # Other rows than those under way: their owner gave them up, but what was sent may still arrive.
            self._rows, self._since_ms, self._in_doubt = rows, wall_clock_ms(), False
            self._offsets, self._under_way = {}, {}
        if self._in_doubt:
            async with asyncio.timeout(_LOOK_S):
                await self._look()
            self._in_doubt = False
        async with asyncio.timeout(self._wait_s):
            producer = self._producer or await self._start()
            for number, (partition, key, value) in enumerate(rows):
                if number not in self._offsets and number not in self._under_way:
                    self._under_way[number] = await producer.send(self._topic, value, key=key, partition=partition)
            if self._under_way:
                await asyncio.wait(self._under_way.values())
        under_way, self._under_way = self._under_way, {}
        trouble: BaseException | None = None
        for number, record in under_way.items():
            if (error := record.exception()) is not None:
                trouble = error
            else:
                self._offsets[number] = record.result().offset + 1
        if trouble is not None:
            # What it cannot mend by trying again leaves a hole in its numbering: a new producer counts afresh.
            self._in_doubt = True
            self._producer = None
            self._leaving = asyncio.create_task(producer.stop())
            raise trouble
        self._rows = []
        return [self._offsets[number] for number in range(len(rows))]

    async def _look(self) -> None:
        """Find those frames that are written although the broker's answer did not come."""
        missing = {n: (p, value) for n, (p, key, value) in enumerate(self._rows) if n not in self._offsets and not key}
        found = await standing(self._options, self._topic, list(missing.values()), self._since_ms)
        for number, (partition, value) in missing.items():
            offset = found.get((partition, value or b""))
            if offset is not None:
                self._offsets[number] = offset

    async def _start(self) -> AIOKafkaProducer:
        producer = AIOKafkaProducer(
            **self._options, acks="all", enable_idempotence=True, max_request_size=LARGEST_BATCH, linger_ms=0
        )
        try:
            await producer.start()
        except BaseException:
            await producer.stop()
            raise
        self._producer = producer
        return producer

    def find(self, frames: Sequence[tuple[int, bytes]], since_ms: int) -> set[tuple[int, bytes]]:
        """Which of these frames stand there, written since about `since_ms`.  Raises LogFull when Kafka is away."""
        if not frames:
            return set()

        async def look() -> set[tuple[int, bytes]]:
            async with asyncio.timeout(_LOOK_S):
                return set(await standing(self._options, self._topic, frames, since_ms))

        try:
            return self._background.call(look(), _LOOK_S + 2)
        except (KafkaError, TimeoutError, OSError) as error:
            raise Away(_sentence(self._options, _why(error))) from error

    def tend(self) -> None:
        """Nothing to put away; here because a writer of files has it."""

    def close(self) -> None:
        """Give the connection back.  May be called twice."""
        producer, self._producer = self._producer, None
        if producer is not None:
            try:
                self._background.call(producer.stop(), _LONGEST_STOP_S)
            except (KafkaError, TimeoutError):
                pass  # it cannot say goodbye to a broker that is away; nothing it held was acknowledged
        self._background.close()


class KafkaReader(TimedReader):
    """A reader of `topic`.  Reads ahead where it is asked for frames one after the other."""

    def __init__(self, options: dict[str, Any], topic: str, *, wait_s: float = _WAIT_S) -> None:
        """Opens nothing: the first question connects."""
        self._options = options
        self._topic = topic
        self._wait_s = wait_s
        self._background = Background(f"kafka {topic}")
        self._consumer: AIOKafkaConsumer | None = None
        self._ahead: dict[int, deque[tuple[int, bytes]]] = {}
        self._next: dict[int, int] = {}  # partition → the offset that what is read ahead follows on

    def read(self, partition: int, after: int, limit: int = 100) -> list[tuple[int, bytes]]:
        """As the port says; what retention has deleted is passed over.  Raises LogFull when Kafka is away."""
        ahead = self._ahead.get(partition)
        if ahead is not None:
            while ahead and ahead[0][0] <= after:
                self._next[partition] = ahead.popleft()[0]
        if ahead is None or self._next[partition] != after:
            ahead = self._ask(lambda: self._place(partition, after))
        if not ahead:
            self._ask(lambda: self._fill(partition, limit))
        # Left where they are: a reader that fails over them asks for them again.
        return [ahead[n] for n in range(min(limit, len(ahead)))]

    def end(self, partition: int) -> int:
        """As the port says.  Raises LogFull when Kafka is away."""
        return self._ask(lambda: self._end(partition))

    def ends(self, partitions: Sequence[int]) -> dict[int, int]:
        """The newest offset of each of `partitions`, asked for at once.  Raises LogFull when Kafka is away."""
        return self._ask(lambda: self._ends(partitions))

    def before(self, partition: int, at_ms: int) -> int:
        """As the port says, by the time the producer gave each record.  Raises LogFull when Kafka is away."""
        return self._ask(lambda: self._before(partition, at_ms))

    async def _before(self, partition: int, at_ms: int) -> int:
        consumer = await self._started()
        tp = TopicPartition(self._topic, partition)
        found = (await consumer.offsets_for_times({tp: max(0, at_ms)})).get(tp)
        # The port counts from 1: the number of the record found is that of the one before it.
        return found.offset if found is not None else await self._end(partition)

    def _ask(self, question: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
        async def within() -> _T:
            async with asyncio.timeout(self._wait_s):
                return await question()

        try:
            return self._background.call(within(), self._wait_s + 2)
        except (KafkaError, TimeoutError, OSError) as error:
            raise Away(_sentence(self._options, _why(error))) from error

    async def _started(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            consumer = AIOKafkaConsumer(
                **self._options, enable_auto_commit=False, auto_offset_reset="earliest", fetch_max_wait_ms=_LONG_POLL_MS
            )
            try:
                await consumer.start()
            except BaseException:
                await consumer.stop()
                raise
            self._consumer = consumer
        return self._consumer

    async def _place(self, partition: int, after: int) -> deque[tuple[int, bytes]]:
        """Read on after `after`."""
        consumer = await self._started()
        if partition not in self._next:
            # Assigned as they are asked for: a partition nobody reads is not fetched.
            self._next[partition] = after
            consumer.assign([TopicPartition(self._topic, number) for number in self._next])
            for number, follows in self._next.items():
                ahead = self._ahead.get(number)
                consumer.seek(TopicPartition(self._topic, number), ahead[-1][0] if ahead else follows)
        else:
            consumer.seek(TopicPartition(self._topic, partition), after)
        self._next[partition] = after
        self._ahead[partition] = deque()
        return self._ahead[partition]

    async def _fill(self, partition: int, limit: int) -> None:
        """Wait until there is something after what was read, unless that is the end."""
        consumer = await self._started()
        tp = TopicPartition(self._topic, partition)
        timeout_ms = 0
        while True:
            for record in (await consumer.getmany(tp, timeout_ms=timeout_ms, max_records=limit)).get(tp, []):
                self._ahead[partition].append((record.offset + 1, record.value or b""))
            if self._ahead[partition] or await self._end(partition) <= await consumer.position(tp):
                return
            timeout_ms = 200

    async def _end(self, partition: int) -> int:
        return (await self._ends([partition]))[partition]

    async def _ends(self, partitions: Sequence[int]) -> dict[int, int]:
        consumer = await self._started()
        found = await consumer.end_offsets([TopicPartition(self._topic, number) for number in partitions])
        return {tp.partition: end for tp, end in found.items()}

    def close(self) -> None:
        """Give the connection back.  May be called twice."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            try:
                self._background.call(consumer.stop(), _LONGEST_STOP_S)
            except (KafkaError, TimeoutError):
                pass
        self._ahead.clear()
        self._next.clear()
        self._background.close()


async def standing(
    options: dict[str, Any], topic: str, frames: Sequence[tuple[int, bytes | None]], since_ms: int
) -> dict[tuple[int, bytes], int]:
    """Which of (partition, frame) stand in `topic`, written since about `since_ms`, and at which offset."""
    wanted = {(partition, frame or b"") for partition, frame in frames}
    found: dict[tuple[int, bytes], int] = {}
    if not wanted:
        return found
    tps = [TopicPartition(topic, partition) for partition in sorted({partition for partition, _ in wanted})]
    consumer = AIOKafkaConsumer(**options, enable_auto_commit=False, auto_offset_reset="earliest")
    try:
        await consumer.start()
        ends = await consumer.end_offsets(tps)
        begins = await consumer.offsets_for_times(dict.fromkeys(tps, max(0, since_ms - _CLOCKS_APART_MS)))
        for tp in tps:
            begin = begins.get(tp)
            if begin is None or begin.offset >= ends[tp]:
                continue
            consumer.assign([tp])
            consumer.seek(tp, begin.offset)
            while await consumer.position(tp) < ends[tp]:
                for record in (await consumer.getmany(tp, timeout_ms=500)).get(tp, []):
                    at = (tp.partition, record.value or b"")
                    if at in wanted:
                        found.setdefault(at, record.offset + 1)
    finally:
        await consumer.stop()
    return found


def open_reader(settings: Settings, log: str) -> KafkaReader:
    """A reader of `inbox`, `outbox`, `fleet` or `rejects` on the cluster the settings name.  Raises OSError."""
    quiet()
    return KafkaReader(connection(settings.cluster), names(settings.cluster.topic_prefix).of(log))


def open_writer(settings: Settings, log: str) -> KafkaWriter:
    """A writer of it.  Raises OSError."""
    return KafkaWriter(connection(settings.cluster), names(settings.cluster.topic_prefix).of(log))
