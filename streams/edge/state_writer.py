"""Writes flushes to Kafka: state first, then what was decided.  One writer a tenure; it goes with it."""

import asyncio
from typing import Any, NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.protocol.produce import ProduceRequest

from streams.edge.cluster_part import Mark, Write
from streams.edge.kafka import LARGEST_BATCH, Names
from streams.edge.tenure import Over, Tenure

_FOR_EVER_S = 10.0**9


class Written(NamedTuple):
    """Where a flush stands in its changelog, and when the broker took it by its own clock."""

    first: int
    last: int
    at_ms: int


class TooLarge(RuntimeError):
    """A flush does not fit into one batch."""


class StateWriter:
    """Everything of a flush is acknowledged by all replicas in sync before `write` returns.

    The producer is idempotent and tries on for as long as the broker is away, but only within the tenure: the last
    thing before bytes go out is the question whether we may.
    """

    def __init__(self, options: dict[str, Any], names: Names, tenure: Tenure) -> None:
        self._names = names
        self._tenure = tenure
        self._producer = AIOKafkaProducer(
            **options,
            acks="all",
            enable_idempotence=True,
            linger_ms=0,
            max_batch_size=LARGEST_BATCH,
            max_request_size=LARGEST_BATCH,
        )
        # A batch that finds no leader for as long as a request may take is given up, idempotent or not: a broker that
        # is away for longer would end every worker.
        self._producer._message_accumulator._batch_ttl = _FOR_EVER_S
        self._under_way = 0
        client = self._producer.client
        send = client.send

        async def send_if_ours(node_id: Any, request: Any, **keywords: Any) -> Any:
            if not isinstance(request, ProduceRequest):
                return await send(node_id, request, **keywords)
            # To connect may take long.  Once connected, nothing waits between the question and the bytes.
            while await client.ready(node_id, **keywords) and not tenure.holds:
                await tenure.held()
            self._under_way += 1
            try:
                return await send(node_id, request, **keywords)
            finally:
                self._under_way -= 1

        # What waits inside the producer would go out whenever the process wakes up: there is no later place to ask.
        client.send = send_if_ours

    @property
    def under_way(self) -> bool:
        """Whether the broker has been sent something that it has not answered: it may yet be written."""
        return self._under_way > 0

    async def start(self) -> None:
        """Connect.  Raises KafkaError."""
        await self._producer.start()

    async def stop(self, within_s: float = 3.0) -> None:
        """Let go of the connection; what is still under way may be lost."""
        try:
            await asyncio.wait_for(self._producer.stop(), within_s)
        except (KafkaError, TimeoutError):
            pass

    async def state(self, partition: int, writes: list[Write]) -> Written:
        """Put records of the state into the changelog, all or none.  Raises Over, TooLarge, KafkaError."""
        record = await self._batch(self._names.state, partition, writes)
        return Written(record.offset, record.offset + len(writes) - 1, record.timestamp)

    async def decisions(self, partition: int, mark: Mark) -> None:
        """Put what was decided into `outbox`, all or none, under the number of its flush.  Raises as `state`."""
        number = emitted_key(mark.emitted)
        await self._batch(self._names.outbox, partition, [(number, frame) for frame in mark.frames])

    async def rejects(self, frames: list[bytes]) -> None:
        """Put aside for people.  Raises as `state`."""
        await self._batch(self._names.rejects, 0, [(None, frame) for frame in frames])

    async def _batch(self, topic: str, partition: int, rows: list[Any]) -> Any:
        await self._tenure.held()
        batch = self._producer.create_batch()
        for key, value in rows:
            if batch.append(key=key, value=value, timestamp=None) is None:
                raise TooLarge(
                    f"partition {partition}: {len(rows)} records for {topic} are more than {LARGEST_BATCH} bytes"
                )
        batch.close()
        sent = await self._producer.send_batch(batch, topic, partition=partition)
        over = asyncio.ensure_future(self._tenure.over.wait())
        try:
            await asyncio.wait({sent, over}, return_when=asyncio.FIRST_COMPLETED)
            if not sent.done():
                sent.add_done_callback(_heard)
                raise Over("the partitions of this worker were taken back while it wrote")
            return await sent
        finally:
            over.cancel()


def _heard(future: "asyncio.Future[Any]") -> None:
    """Its failure is known."""
    if not future.cancelled():
        future.exception()


def emitted_key(number: int) -> bytes:
    """Under what key the frames of a flush stand in `outbox`."""
    return number.to_bytes(8, "big")
