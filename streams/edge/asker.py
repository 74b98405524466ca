"""Questions to Kafka about its logs, by a consumer that belongs to no group and reads nothing else."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, TypeVar

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

_T = TypeVar("_T")

_TIMEOUT_S = 5.0
READ_BYTES = 4 * 1024 * 1024
READ_RECORDS = 10_000


async def let_go(consumer: AIOKafkaConsumer) -> None:
    """Give its connections back.  aiokafka may let out there the cancelling of a task of its own, which would end ours
    without a word."""
    try:
        await consumer.stop()
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise


class Asker:
    """Connects at the first question.  Every question raises KafkaError, or TimeoutError where none answers in time."""

    def __init__(self, options: dict[str, Any], timeout_s: float = _TIMEOUT_S) -> None:
        self._options = options
        self._timeout_s = timeout_s
        self._consumer: AIOKafkaConsumer | None = None
        self._admin: AIOKafkaAdminClient | None = None
        self._one_at_a_time = asyncio.Lock()

    async def ends(self, topic: str, partitions: Iterable[int]) -> dict[int, int]:
        """Partition → the offset its next record will have."""
        tps = [TopicPartition(topic, partition) for partition in partitions]
        found = await self._ask(lambda consumer: consumer.end_offsets(tps))
        return {tp.partition: offset for tp, offset in found.items()}

    async def committed(self, group: str, topic: str) -> dict[int, int]:
        """Partition → the offset a group has committed, for those where it has."""
        async with self._one_at_a_time, asyncio.timeout(self._timeout_s):
            if self._admin is None:
                admin = AIOKafkaAdminClient(**self._options)
                try:
                    await admin.start()
                except BaseException:
                    await admin.close()
                    raise
                self._admin = admin
            found: Any = await self._admin.list_consumer_group_offsets(group)
        return {tp.partition: row.offset for tp, row in found.items() if tp.topic == topic and row.offset >= 0}

    async def firsts(self, topic: str, partitions: Iterable[int]) -> dict[int, int]:
        """Partition → the offset of the oldest record there is, or of the next one where there is none."""
        tps = [TopicPartition(topic, partition) for partition in partitions]
        found = await self._ask(lambda consumer: consumer.beginning_offsets(tps))
        return {tp.partition: offset for tp, offset in found.items()}

    async def last_key(self, topic: str, partition: int) -> bytes | None:
        """The key of the newest record, None where there is none."""
        tp = TopicPartition(topic, partition)

        async def asked(consumer: AIOKafkaConsumer) -> bytes | None:
            end = (await consumer.end_offsets([tp]))[tp]
            if end <= (await consumer.beginning_offsets([tp]))[tp]:
                return None
            consumer.assign([tp])
            consumer.seek(tp, end - 1)
            return (await consumer.getone(tp)).key

        return await self._ask(asked)

    async def records(self, topic: str, partition: int, first: int, until: int) -> list[tuple[bytes, bytes | None]]:
        """Key and value of the records from offset `first` to before `until`."""
        tp = TopicPartition(topic, partition)

        async def asked(consumer: AIOKafkaConsumer) -> list[tuple[bytes, bytes | None]]:
            consumer.assign([tp])
            consumer.seek(tp, first)
            found: list[tuple[bytes, bytes | None]] = []
            while await consumer.position(tp) < until:
                records = (await consumer.getmany(tp, timeout_ms=200)).get(tp, [])
                found += [(record.key or b"", record.value) for record in records if record.offset < until]
            return found

        return await self._ask(asked)

    async def read(
        self,
        topic: str,
        places: Mapping[int, tuple[int, int]],
        take: Callable[[int, list[tuple[bytes, bytes | None]], int], None],
        go_on: Callable[[], bool],
    ) -> None:
        """Much at once: of each partition the records from its first offset to before its end, in order.  `take` is
        given the partition, key and value of some, and the offset of the last; `go_on` is asked before each."""
        consumer = AIOKafkaConsumer(
            **self._options,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=READ_BYTES,
        )
        await consumer.start()
        try:
            left = {TopicPartition(topic, partition): end for partition, (_, end) in places.items()}
            consumer.assign(list(left))
            for tp in left:
                consumer.seek(tp, places[tp.partition][0])
            quiet_s = 0.0
            # Asked only after a look: aiokafka cannot be stopped cleanly in the moment in which it was started.
            while left:
                found = await consumer.getmany(*left, timeout_ms=500, max_records=READ_RECORDS)
                if not go_on():
                    return
                quiet_s = 0.0 if found else quiet_s + 0.5
                if quiet_s > self._timeout_s:
                    raise TimeoutError(f"{topic} gives nothing more")
                for tp, records in found.items():
                    rows = [(record.key or b"", record.value) for record in records if record.offset < left[tp]]
                    take(tp.partition, rows, min(records[-1].offset, left[tp] - 1))
                # What was compacted away at the end is passed over without a record.
                for tp in [tp for tp, end in left.items() if await consumer.position(tp) >= end]:
                    take(tp.partition, [], left.pop(tp) - 1)
        finally:
            await let_go(consumer)

    async def _ask(self, question: Callable[[AIOKafkaConsumer], Awaitable[_T]]) -> _T:
        async with self._one_at_a_time, asyncio.timeout(self._timeout_s):
            if self._consumer is None:
                consumer = AIOKafkaConsumer(**self._options, enable_auto_commit=False, auto_offset_reset="earliest")
                try:
                    await consumer.start()
                except BaseException:
                    await let_go(consumer)
                    raise
                self._consumer = consumer
            return await question(self._consumer)

    async def close(self) -> None:
        """Give the connection back."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await let_go(consumer)
        admin, self._admin = self._admin, None
        if admin is not None:
            await admin.close()
