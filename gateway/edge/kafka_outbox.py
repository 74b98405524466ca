"""`outbox` on Kafka, read ahead in the gateway's own event loop: whoever asks is answered from memory or woken later.

The newest frames of every partition are kept; what a hearer missed before them is fetched when it is asked for.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from gateway.edge.keeping import NotYet, Outbox
from gateway.edge.say import Seldom

# Of all partitions together.
_FRAMES_KEPT = 20_000
_POLL_MS = 500
_AGAIN_S = 1.0
_FETCHES_KEPT = 64

Frame = tuple[int, bytes]


class KafkaOutbox(Outbox):
    """`news` is called when there is something that was not there before.  Offsets are the log port's."""

    def __init__(self, options: dict[str, Any], topic: str, partitions: int) -> None:
        self.news: list[Callable[[], None]] = []
        self._options = options
        self._tps = [TopicPartition(topic, number) for number in range(partitions)]
        self._each = max(50, _FRAMES_KEPT // partitions)
        self._kept: list[deque[Frame]] = [deque(maxlen=self._each) for _ in range(partitions)]
        # After which offset what is kept begins: up to where nothing is known.
        self._begins = [0] * partitions
        self._ends = [0] * partitions
        self._fetched: OrderedDict[tuple[int, int], list[Frame]] = OrderedDict()
        self._wanted: set[tuple[int, int, int]] = set()
        self._fetching: asyncio.Task[None] | None = None
        self._consumer: AIOKafkaConsumer | None = None
        self._seldom = Seldom()

    async def load(self) -> None:
        """Read the newest frames of every partition.  Raises KafkaError, OSError, TimeoutError."""
        consumer = self._make()
        try:
            await consumer.start()
            consumer.assign(self._tps)
            ends = await consumer.end_offsets(self._tps)
            firsts = await consumer.beginning_offsets(self._tps)
            for tp in self._tps:
                begin = max(firsts[tp], ends[tp] - self._each)
                self._begins[tp.partition] = self._ends[tp.partition] = begin
                consumer.seek(tp, begin)
            while any(self._ends[tp.partition] < ends[tp] for tp in self._tps):
                self._take(await consumer.getmany(timeout_ms=_POLL_MS))
        except BaseException:
            await consumer.stop()
            raise
        self._consumer = consumer

    def _make(self) -> AIOKafkaConsumer:
        return AIOKafkaConsumer(**self._options, enable_auto_commit=False, auto_offset_reset="earliest")

    def _take(self, found: Any) -> None:
        for tp, records in found.items():
            kept = self._kept[tp.partition]
            for record in records:
                if len(kept) == self._each:
                    self._begins[tp.partition] = kept[0][0]
                kept.append((record.offset + 1, record.value or b""))
                self._ends[tp.partition] = record.offset + 1

    async def follow(self) -> None:
        """Until it is cancelled."""
        consumer = self._consumer
        assert consumer is not None
        while True:
            try:
                found = await consumer.getmany(timeout_ms=_POLL_MS)
            except KafkaError as error:
                self._seldom.say("outbox cannot be read, trying on", "outbox", trouble=str(error))
                await asyncio.sleep(_AGAIN_S)
                continue
            if found:
                self._take(found)
                self._tell()

    def _tell(self) -> None:
        for call in self.news:
            call()

    # The port.

    def end(self, partition: int) -> int:
        return self._ends[partition]

    def before(self, partition: int, end: int) -> list[Frame]:
        return [frame for frame in self._kept[partition] if frame[0] <= end]

    def count(self, partition: int, after: int, end: int) -> int:
        # Offsets of a topic have few gaps, and begin at 1 here.
        return max(0, end - after)

    def read(self, partition: int, after: int, limit: int) -> list[Frame]:
        """As the port says.  Raises NotYet."""
        if after >= self._ends[partition]:
            return []
        if after >= self._begins[partition]:
            kept = self._kept[partition]
            # Offsets of a topic have few gaps: the one wanted is near.
            start = max(0, len(kept) - (self._ends[partition] - after))
            found: list[Frame] = []
            for number in range(start, len(kept)):
                if kept[number][0] > after:
                    found.append(kept[number])
                    if len(found) == limit:
                        break
            return found
        found_before = self._fetched.pop((partition, after), None)
        if found_before is not None:
            return found_before[:limit]
        self._wanted.add((partition, after, limit))
        if self._fetching is None or self._fetching.done():
            self._fetching = asyncio.get_running_loop().create_task(self._fetch())
        raise NotYet

    def close(self) -> None:
        """Nothing: `stop` gives the connection back."""

    async def stop(self) -> None:
        if self._fetching is not None:
            self._fetching.cancel()
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await consumer.stop()

    # What was missed.

    async def _fetch(self) -> None:
        consumer = self._make()
        try:
            await consumer.start()
            while self._wanted:
                partition, after, limit = self._wanted.pop()
                tp = self._tps[partition]
                consumer.assign([tp])
                consumer.seek(tp, after)
                frames: list[Frame] = []
                end = self._ends[partition]
                while not frames and await consumer.position(tp) < end:
                    records = (await consumer.getmany(tp, timeout_ms=_POLL_MS, max_records=limit)).get(tp, [])
                    frames = [(record.offset + 1, record.value or b"") for record in records]
                self._fetched[partition, after] = frames
                if len(self._fetched) > _FETCHES_KEPT:
                    self._fetched.popitem(last=False)
                self._tell()
        except (KafkaError, OSError) as error:
            self._wanted.clear()  # whoever wants it looks again within a second
            self._seldom.say("outbox cannot be read, trying on", "outbox", trouble=str(error))
        finally:
            await consumer.stop()
