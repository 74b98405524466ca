"""Where Faust is reached into: what of its own ideas is taken out, and what of its connection is used.

Everything here names things of Faust's and aiokafka's that are not promised to stay; the version is pinned, and
`tests/live/test_chaos.py` holds them to it.  Why each of it: docs/decisions/0055-the-mark-is-the-place.md.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from faust.types import TP

from streams.edge.tenure import running_s

_COMMIT_S = 3.0

# asked_s, generation: the broker answered a heartbeat that was sent then.
Beaten = Callable[[float, int], None]


class _NoPlaces(dict[TP, int | None]):
    """In the place of Faust's memory of what it has handed out.  By that it passes over what it reads again after a
    seek, and never says so; a part knows its own place, and passes over what it has."""

    def __getitem__(self, _key: TP) -> None:
        return None


class InsideFaust:
    """Of one app, once it is finalized."""

    def __init__(self, app: Any) -> None:
        self._app = app
        consumer = app.consumer
        consumer._read_offset = _NoPlaces()
        consumer.ack = self._forget
        self._leave_restoring_to_us(app.tables.recovery)

    @property
    def _consumer(self) -> Any:
        """aiokafka's, which lives in Faust's thread."""
        return self._app.consumer._thread._consumer

    def _forget(self, message: Any) -> bool:
        """In the place of Faust's acknowledging, which commits.  We commit what is written; it has only to forget."""
        self._app.consumer._unacked_messages.discard(message)
        return True

    def _leave_restoring_to_us(self, recovery: Any) -> None:
        """Have Faust restore nothing, neither what is ours nor what we stand by for (`restoring.py`)."""
        build = recovery._build_highwaters

        async def highwaters(consumer: Any, tps: set[TP], destination: Any, title: str) -> None:
            await build(consumer, tps, destination, title)
            for tp in tps:
                destination[tp] = -1  # a Counter's `update` would add

        recovery._build_highwaters = highwaters
        recovery.add_standby = lambda _table, _tp: None

    def standbys(self, topic: str) -> list[int]:
        """The partitions of a changelog that Faust has us stand by for: whoever does is given them when their owner
        goes."""
        return sorted(tp.partition for tp in self._app.assignor.assigned_standbys() if tp.topic == topic)

    async def seek(self, topic: str, places: Mapping[int, int]) -> None:
        """Have the frames come that follow on these."""
        await self._app.consumer._thread.seek_wait({TP(topic, number): offset for number, offset in places.items()})

    async def commit(self, topic: str, places: Mapping[int, int]) -> bool:
        """Whether Kafka took them."""

        async def commit() -> bool:
            offsets = {TopicPartition(topic, number): offset for number, offset in places.items()}
            try:
                await asyncio.wait_for(self._consumer.commit(offsets), _COMMIT_S)
            except (KafkaError, TimeoutError):
                return False
            return True

        try:
            return await self._app.consumer._thread.call_thread(commit)
        except asyncio.CancelledError:
            # Faust's thread is going, and takes with it what it had to do; that is no reason for us to go.
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            return False

    def listen_to_heartbeats(self, beaten: Beaten) -> None:
        """Have `beaten` called, from Faust's thread, at each heartbeat that the broker answered well."""
        coordinator = self._consumer._coordinator
        beat = coordinator._do_heartbeat
        if getattr(beat, "listened_to", False):
            return

        async def heartbeat() -> bool:
            asked_s, generation = running_s(), coordinator.generation
            good = await beat()
            if good:
                beaten(asked_s, generation)
            return good

        heartbeat.listened_to = True  # type: ignore[attr-defined]
        coordinator._do_heartbeat = heartbeat

    async def beat(self) -> None:
        """Ask at once whether we are still the owner: the first beat of a generation would come a little later."""
        with suppress(KafkaError):
            await self._app.consumer._thread.call_thread(self._consumer._coordinator._do_heartbeat)
