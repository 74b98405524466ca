"""Which of several gateways on one broker publishes the pages there: the one that a Kafka group gives its partition to.

The group has members and nothing else: what it is given is the one partition of `fleet`, which nobody consumes by it.
When that gateway goes, the broker of Kafka gives the partition to another within the session time-out.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener
from aiokafka.errors import KafkaError

from gateway.edge.say import Seldom, say

_SESSION_MS = 10_000
_POLL_MS = 1_000
_AGAIN_S = 2.0


class Teller:
    """Calls `begin` when this gateway is the one, and `end` when it no longer is."""

    def __init__(
        self, options: dict[str, Any], topic: str, group: str, *, begin: Callable[[], Awaitable[None]],
        end: Callable[[], None],
    ) -> None:  # fmt: skip
        self._options = options
        self._topic = topic
        self._group = group
        self._begin = begin
        self._end = end
        self._tells = False
        self._failed: KafkaError | OSError | None = None
        self._seldom = Seldom()

    async def run(self) -> None:
        """Until it is cancelled; then another gateway is given the pages at once."""
        while True:
            try:
                await self._run()
            except (KafkaError, OSError) as error:
                self._lose()
                self._seldom.say("who publishes pages cannot be settled, trying on", self._group, trouble=str(error))
                await asyncio.sleep(_AGAIN_S)

    async def _run(self) -> None:
        self._failed = None
        consumer = AIOKafkaConsumer(
            **self._options,
            group_id=self._group,
            enable_auto_commit=False,
            auto_offset_reset="latest",
            session_timeout_ms=_SESSION_MS,
            heartbeat_interval_ms=_SESSION_MS // 4,
        )
        try:
            await consumer.start()
            consumer.subscribe([self._topic], listener=_Listener(self, consumer))
            while True:
                # Nothing comes, for it is paused; being asked is what keeps us a member.
                await consumer.getmany(timeout_ms=_POLL_MS)
                if self._failed is not None:
                    raise self._failed
                await asyncio.sleep(_POLL_MS / 1000)
        finally:
            self._lose()
            await consumer.stop()

    def _lose(self) -> None:
        if self._tells:
            self._tells = False
            say("this gateway no longer publishes the pages", group=self._group)
            self._end()

    async def given(self) -> None:
        """The partition is ours."""
        if self._tells:
            return
        try:
            await self._begin()
        except (KafkaError, OSError) as error:
            # aiokafka only logs what its listeners raise: we would hold the partition, and nobody would publish.
            self._failed = error
            return
        self._tells = True
        say("this gateway publishes the pages", group=self._group)

    def taken(self) -> None:
        """It may be another's from now on."""
        self._lose()


class _Listener(ConsumerRebalanceListener):
    def __init__(self, teller: Teller, consumer: AIOKafkaConsumer) -> None:
        self._teller = teller
        self._consumer = consumer

    async def on_partitions_revoked(self, revoked: Any) -> None:
        if revoked:
            self._teller.taken()

    async def on_partitions_assigned(self, assigned: Any) -> None:
        if assigned:
            self._consumer.pause(*assigned)
            await self._teller.given()
