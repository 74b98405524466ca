"""Reads what partitions remember from their changelog: for their owner to its end, for a standby on and on.

Faust would do both, record by record, and in rebalances it drops what it has read (decision 0055).  Here each partition
is read by a consumer that belongs to no group, on from the last record that the table holds; what was read goes into
the table only while it is ours to keep.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from streams.edge.asker import READ_BYTES, READ_RECORDS, Asker, let_go
from streams.edge.state_table import StateTable, Write

_AGAIN_S = 1.0
# A standby may be this far behind: the broker gathers for so long, and is asked so much less often.
_GATHER_MS = 500
_GATHER_BYTES = 256 * 1024


class Restoring:
    """`restored` and `behind` may be looked at from any thread."""

    def __init__(self, options: dict[str, Any], topic: str, table: StateTable, asker: Asker) -> None:
        self.restored: dict[int, int] = {}  # partition → the last record of its changelog that was read for its owner
        self.read = 0  # records of changelogs, for owners
        self.behind: dict[int, int] = {}  # partition that is stood by for → records of its changelog not read yet
        self._options = options
        self._topic = topic
        self._table = table
        self._asker = asker

    async def catch_up(self, partitions: Sequence[int], ours: Callable[[], bool]) -> bool:
        """Read what the table lacks to the end of the changelog; whether the partitions were ours to the end of it.

        Since they became ours nobody else writes, so the end is the end.  Raises KafkaError, TimeoutError.
        """
        ends = await self._asker.ends(self._topic, partitions)
        for partition in partitions:
            if self._table.restored_to(partition) >= ends[partition]:
                self._table.forget(partition)  # of a changelog that was, before its topic was made anew
        lacking = {
            partition: (first, ends[partition])
            for partition in partitions
            if (first := self._table.restored_to(partition) + 1) < ends[partition]
        }

        def take(partition: int, rows: list[Write], offset: int) -> None:
            self._table.wrote(partition, rows, offset)
            self.restored[partition] = offset
            self.read += len(rows)

        if lacking:
            await self._asker.read(self._topic, lacking, take, ours)
        return ours()

    async def stand_by(self, partitions: Sequence[int], ours: Callable[[], bool]) -> None:
        """Keep the table up to date with these partitions while they are ours to stand by for.

        A help and no duty: while Kafka does not answer it is not up to date, and whoever takes over reads the rest.
        """
        self.behind = {}
        while partitions and ours():
            try:
                await self._follow(partitions, ours)
            except (KafkaError, OSError, TimeoutError):
                await asyncio.sleep(_AGAIN_S)

    async def _follow(self, partitions: Sequence[int], ours: Callable[[], bool]) -> None:
        tps = [TopicPartition(self._topic, partition) for partition in partitions]
        consumer = AIOKafkaConsumer(
            **self._options,
            enable_auto_commit=False,
            auto_offset_reset="none",
            fetch_max_wait_ms=_GATHER_MS,
            fetch_min_bytes=_GATHER_BYTES,
            max_partition_fetch_bytes=READ_BYTES,
        )
        await consumer.start()
        try:
            consumer.assign(tps)
            for tp in tps:
                consumer.seek(tp, self._table.restored_to(tp.partition) + 1)
            while True:
                try:
                    found = await consumer.getmany(timeout_ms=2 * _GATHER_MS, max_records=READ_RECORDS)
                except OffsetOutOfRangeError as error:
                    if ours():
                        await self._begin_anew(consumer, error)
                    continue
                if not ours():
                    return
                for tp, records in found.items():
                    rows = [(record.key or b"", record.value) for record in records]
                    self._table.wrote(tp.partition, rows, records[-1].offset)
                for tp in tps:
                    if (end := consumer.highwater(tp)) is not None:
                        self.behind[tp.partition] = max(0, end - 1 - self._table.restored_to(tp.partition))
        finally:
            await let_go(consumer)

    async def _begin_anew(self, consumer: AIOKafkaConsumer, error: OffsetOutOfRangeError) -> None:
        """The changelog does not have what follows on what we hold: it was cut, or made anew."""
        for tp in error.args[0]:
            self._table.forget(tp.partition)
            await consumer.seek_to_beginning(tp)
