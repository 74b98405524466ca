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
from streams.edge.kafka import LARGEST_BATCH, Background, connection, names
from streams.edge.log import LogFull, LogReader, LogWriter

_T = TypeVar("_T")

_WAIT_S = 8.0
_LONGEST_STOP_S = 5.0
# One question at a time is out to a broker: a partition that is read for the first time waits for the one before.
_LONG_POLL_MS = 50


class Away(LogFull):
    """Kafka does not answer, or will not take what it was given."""


def _sentence(options: dict[str, Any], trouble: object) -> str:
    where = ", ".join(options["bootstrap_servers"])
    return f"Kafka at {where}: {trouble}: is it running, and is [cluster] right? Everything goes on by itself"


def _why(error: BaseException) -> str:
    return str(error) or type(error).__name__


class KafkaWriter(LogWriter):
    """The writer of `topic`.  One thread at a time."""

    def __init__(self, options: dict[str, Any], topic: str, *, wait_s: float = _WAIT_S) -> None:
        """Opens nothing: `append` connects."""
        self._options = options
        self._topic = topic
        self._wait_s = wait_s
        self._background = Background(f"kafka {topic}")
        self._producer: AIOKafkaProducer | None = None
        self._frames: list[tuple[int, bytes]] = []
        self._under_way: list[asyncio.Future[Any]] | None = None
        self._leaving: asyncio.Task[None] | None = None

    def append(self, frames: list[tuple[int, bytes]]) -> list[int]:
        """As the port says.  Tried again with the same frames after LogFull, those still under way are waited for."""
        if not frames:
            return []
        try:
            return self._background.call(self._append(frames), self._wait_s + 2)
        except (KafkaError, TimeoutError, OSError) as error:
            raise Away(_sentence(self._options, _why(error))) from error

    async def _append(self, frames: list[tuple[int, bytes]]) -> list[int]:
        async with asyncio.timeout(self._wait_s):
            producer = self._producer or await self._start()
            if self._under_way is None or self._frames != frames:
                # Other frames than those under way: their owner gave them up, but what was sent may still arrive.
                self._frames, self._under_way = frames, []
            for partition, frame in frames[len(self._under_way) :]:
                self._under_way.append(await producer.send(self._topic, frame, partition=partition))
            await asyncio.wait(self._under_way)
        under_way, self._under_way = self._under_way, None
        try:
            return [(await record).offset + 1 for record in under_way]
        except KafkaError:
            # What it cannot mend by trying again leaves a hole in its numbering: a new producer counts afresh.
            self._producer = None
            self._leaving = asyncio.create_task(producer.stop())
            raise

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


class KafkaReader(LogReader):
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


def open_reader(settings: Settings, log: str) -> KafkaReader:
    """A reader of `inbox`, `outbox`, `fleet` or `rejects` on the cluster the settings name.  Raises OSError."""
    return KafkaReader(connection(settings.cluster), names(settings.cluster.topic_prefix).of(log))


def open_writer(settings: Settings, log: str) -> KafkaWriter:
    """A writer of it.  Raises OSError."""
    return KafkaWriter(connection(settings.cluster), names(settings.cluster.topic_prefix).of(log))
