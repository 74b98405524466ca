"""Follows the topic `fleet`: what the gateways of a cluster share.  Read to its end at the start, then as it grows."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from gateway.edge.say import Seldom
from gateway.fleet_records import FleetRecord
from gateway.shared_keys import HeardRow, LentRow, MemoryRow, SharedRow, ToldRow, read_row
from streams.edge.log import LogFull

_POLL_MS = 500
_AGAIN_S = 1.0


class Shared:
    """`me` is who writes here: its own rows are passed over where it lives by them already."""

    def __init__(self, options: dict[str, Any], topic: str, me: str) -> None:
        self.told: dict[str, FleetRecord] = {}
        self.lent: dict[str, str] = {}
        self.memory: dict[str, bytes] = {}
        self.heard: dict[tuple[str, int], int] = {}
        self.raw: dict[bytes, bytes] = {}  # as loaded, for whoever mirrors it
        self._options = options
        self._tp = TopicPartition(topic, 0)
        self._me = me
        self._consumer: AIOKafkaConsumer | None = None
        self._seldom = Seldom()
        self._read_to = 0  # what stands before it was taken over
        self._moved = asyncio.Event()

    async def load(self) -> None:
        """Read everything there is.  Raises KafkaError, OSError, TimeoutError."""
        consumer = AIOKafkaConsumer(**self._options, enable_auto_commit=False, auto_offset_reset="earliest")
        try:
            await consumer.start()
            consumer.assign([self._tp])
            await consumer.seek_to_beginning(self._tp)
            end = (await consumer.end_offsets([self._tp]))[self._tp]
            while (place := await consumer.position(self._tp)) < end:
                pairs, _ = self._pairs(await consumer.getmany(self._tp, timeout_ms=_POLL_MS))
                self.take(pairs)
                self.raw.update(pairs)
            self._read_to = place
        except BaseException:
            await consumer.stop()
            raise
        self._consumer = consumer

    def _pairs(self, found: Any) -> tuple[list[tuple[bytes, bytes]], int]:
        """The rows, and how far has been read once they are taken over."""
        records = found.get(self._tp, [])
        read_to = records[-1].offset + 1 if records else self._read_to
        return [(record.key, record.value) for record in records if record.key and record.value is not None], read_to

    def take(self, pairs: Iterable[tuple[bytes, bytes]]) -> None:
        """Take rows over as if they had just been read."""
        for key, value in pairs:
            if (row := read_row(key, value)) is not None:
                self._keep(row)

    def _keep(self, row: SharedRow) -> None:
        match row:
            case ToldRow():
                self.told[row.key] = row.record
            case LentRow():
                if row.household:
                    self.lent[row.device] = row.household
                else:
                    self.lent.pop(row.device, None)
            case MemoryRow():
                self.memory[row.key] = row.memory
            case HeardRow():
                key = (row.hearer, row.partition)
                # Two may serve one hearer for a moment: what it has accepted from either it has.
                self.heard[key] = max(self.heard.get(key, 0), row.offset)

    async def follow(
        self,
        lent: Callable[[str, str], None],
        learnt: Callable[[str, bytes], None],
        mirror: Callable[[list[tuple[bytes, bytes]]], None] | None,
    ) -> None:
        """Until it is cancelled: `lent(device, household)` and `learnt(key, memory)` for what others changed; all that
        is new is mirrored, in a thread."""
        consumer = self._consumer
        assert consumer is not None
        unmirrored: dict[bytes, bytes] = {}
        while True:
            try:
                pairs, read_to = self._pairs(await consumer.getmany(self._tp, timeout_ms=_POLL_MS))
            except KafkaError as error:
                self._seldom.say("what other gateways change cannot be read, trying on", "fleet", trouble=str(error))
                await asyncio.sleep(_AGAIN_S)
                continue
            for key, value in pairs:
                match row := read_row(key, value):
                    case LentRow() if row.by != self._me:
                        lent(row.device, row.household)
                    case MemoryRow() if row.by != self._me:
                        learnt(row.key, row.memory)
                    case HeardRow():
                        self._keep(row)
                    case _:
                        pass
            self._read_to = read_to
            self._moved.set()
            if mirror is not None:
                unmirrored.update(pairs)
                if unmirrored:
                    await self._mirrored(mirror, unmirrored)

    async def _mirrored(self, mirror: Callable[[list[tuple[bytes, bytes]]], None], rows: dict[bytes, bytes]) -> None:
        """Take `rows` off once they are mirrored; where they cannot be now, they are tried again with the next."""
        try:
            await asyncio.to_thread(mirror, list(rows.items()))
        except LogFull as error:
            self._seldom.say("what gateways share cannot be mirrored, trying on", "mirror", trouble=str(error))
        else:
            rows.clear()

    async def caught_up(self) -> None:
        """Return when everything that stands there now was read.  Raises KafkaError."""
        assert self._consumer is not None
        end = (await self._consumer.end_offsets([self._tp]))[self._tp]
        while self._read_to < end:
            self._moved.clear()
            await self._moved.wait()

    async def close(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await consumer.stop()
