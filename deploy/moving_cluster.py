"""What a move writes: topics of a cluster that were empty, and hold nothing but what the move has brought.

Frames go in an order that only hangs on the source, so that the end of each partition tells how far an earlier attempt
came.  A topic of its own says which move it is and whether it is finished; until then nothing of the cluster starts.
"""

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from devices.edge.complaints import Complaint
from devices.edge.settings import Settings
from streams.edge.cluster_part import MARK, Write
from streams.edge.kafka import LARGEST_BATCH, at_key, connection, names
from streams.edge.move import Moving, moving, say_moving

_UNDER_WAY = 1_000
_STATE_BYTES = 4 * 1024 * 1024
# What a killed attempt had on its way is there by then, or never.
_QUIET_S = 2.0


class Target:
    """Used as an asynchronous context.  Every method may raise KafkaError, TimeoutError."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._options = connection(settings.cluster)
        self._names = names(settings.cluster.topic_prefix)
        self.partitions = settings.streams.partitions
        self._producer: Any = AIOKafkaProducer(
            **self._options,
            acks="all",
            enable_idempotence=True,
            linger_ms=5,
            max_batch_size=1024 * 1024,
            max_request_size=LARGEST_BATCH,
        )

    async def __aenter__(self) -> "Target":
        await self._producer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._producer.stop()

    # ── which move this is ──

    async def claim(self, move: str) -> Moving:
        """Say that this move has begun, where nothing else has; how it stands.  Raises Complaint."""
        found = await moving(self._settings)
        if found is not None:
            if found.id != move:
                raise self._taken(f"another move went there ({found.id})")
            if not found.finished:
                await self._quiet()
            return found
        used = [name for name in (self._names.inbox, self._names.outbox, self._names.rejects, self._names.state)
                if any((await self.ends(name)).values())]  # fmt: skip
        if await self._fleet_holds_something():
            used.append(self._names.fleet)
        if used:
            raise self._taken(f"{', '.join(used)} hold something already")
        await self.say(begun := Moving(move, finished=False))
        return begun

    def _taken(self, why: str) -> Complaint:
        return at_key(
            self._settings,
            "topic_prefix",
            f"the cluster at {self._settings.cluster.kafka} is not empty: {why}",
            "choose another topic_prefix, or delete those topics if nothing in them is needed",
        )

    async def say(self, how: Moving) -> None:
        """Keep how the move stands."""
        await say_moving(self._settings, how)

    async def _fleet_holds_something(self) -> bool:
        """The check of the clocks leaves deletions there; anything else is somebody's."""
        return any(value is not None for _, value in await self.read(self._names.fleet, 0))

    async def _quiet(self) -> None:
        """Wait until nothing comes any more."""
        logs = (self._names.inbox, self._names.outbox, self._names.rejects)
        before: list[dict[int, int]] = []
        while (now := [await self.ends(log) for log in logs]) != before:
            before = now
            await asyncio.sleep(_QUIET_S)

    # ── the logs ──

    async def ends(self, topic: str) -> dict[int, int]:
        """Partition → how many records it has had."""
        async with AIOKafkaConsumer(**self._options) as consumer:
            known = consumer.partitions_for_topic(topic) or set((await self._producer.partitions_for(topic)) or ())
            tps = [TopicPartition(topic, number) for number in sorted(known)]
            return {tp.partition: end for tp, end in (await consumer.end_offsets(tps)).items()}

    async def append(self, log: str, frames: Iterable[tuple[int, bytes]]) -> dict[int, int]:
        """Bring frames of a log, (partition, frame) each, as far as they are not there yet; partition → how many they
        are.  Raises Complaint where there are more than that in the end."""
        topic = self._names.of(log)
        there = await self.ends(topic)
        counts = dict.fromkeys(there, 0)
        under_way: deque[Any] = deque()
        for partition, frame in frames:
            counts[partition] += 1
            if counts[partition] <= there[partition]:
                continue
            under_way.append(await self._producer.send(topic, frame, partition=partition))
            if len(under_way) > _UNDER_WAY:
                await under_way.popleft()
        for sent in under_way:
            await sent
        found = await self.ends(topic)
        if found != counts:
            raise self._taken(f"{topic} holds {sum(found.values())} frames and the source {sum(counts.values())}")
        return counts

    async def state(self, partition: int, rows: Sequence[Write], mark: bytes) -> None:
        """Bring what is remembered of a partition; its mark comes last.  Doing it again changes nothing."""
        await self._batches(partition, rows)
        await self._batches(partition, [(MARK, mark)])
        kept = dict(await self.read(self._names.state, partition))
        if kept != {**dict(rows), MARK: mark}:
            raise self._taken(f"partition {partition} of {self._names.state} holds something else")

    async def _batches(self, partition: int, rows: Sequence[Write]) -> None:
        at = 0
        while at < len(rows):
            batch = self._producer.create_batch()
            size = 0
            while at < len(rows) and (not size or size < _STATE_BYTES):
                key, value = rows[at]
                if batch.append(key=key, value=value, timestamp=None) is None:
                    break
                size += len(key) + len(value or b"")
                at += 1
            if not size:
                raise self._taken(f"a record of {len(rows[at][1] or b'')} bytes is more than a batch holds")
            batch.close()
            await (await self._producer.send_batch(batch, self._names.state, partition=partition))

    async def read(self, topic: str, partition: int) -> list[tuple[bytes | None, bytes | None]]:
        """Key and value of every record of a partition."""
        tp = TopicPartition(topic, partition)
        found: list[tuple[bytes | None, bytes | None]] = []
        async with AIOKafkaConsumer(**self._options, auto_offset_reset="earliest") as consumer:
            consumer.assign([tp])
            end = (await consumer.end_offsets([tp]))[tp]
            while await consumer.position(tp) < end:
                rows = await consumer.getmany(tp, timeout_ms=500)
                found += [(record.key, record.value) for record in rows.get(tp, [])]
        return found

    def unreachable(self, error: BaseException) -> Complaint:
        """Kafka did not answer in mid-move."""
        return at_key(
            self._settings,
            "kafka",
            f"kafka: {self._settings.cluster.kafka}: {error or type(error).__name__}",
            "see that it runs, and give the same command again: it goes on where it was",
        )
