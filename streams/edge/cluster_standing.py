"""The same for a cluster: the changelog of the partition that `system` is on tells what the core remembers of it.

It is read once from its beginning, of which only what is about `system` is kept, and from then on where it grew.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import CancelledError

import msgspec
from aiokafka.errors import KafkaError

from devices.edge.settings import Settings
from devices.ids import partition_of
from streams.edge.asker import Asker
from streams.edge.cluster_part import MARK, Write, read_mark
from streams.edge.kafka import Background, connection, names
from streams.edge.log import LogFull
from streams.edge.standing import GRID, PREFIX, Standing, is_open
from streams.frames import FrameError

_GOODBYE_S = 5.0
_READ_S = 300.0
_LOOKS = 12
_LOOK_S = 0.25


class ClusterStanding(Standing):
    """Reads what the workers write, and belongs to no group.

    `go_on` is asked while an answer is looked for: where it says no there is none, and what was read stays read.
    """

    def __init__(self, settings: Settings, *, go_on: Callable[[], bool] = lambda: True) -> None:
        """Connects to nothing.  Raises OSError for a password file or certificate that cannot be read."""
        called = names(settings.cluster.topic_prefix)
        self._inbox, self._state = called.inbox, called.state
        self._partition = partition_of(GRID, settings.streams.partitions)
        self._options = connection(settings.cluster)
        self._asker: Asker | None = None
        self._background: Background | None = None
        self._records: dict[str, bytes] = {}
        self._next = 0  # offset of the changelog to read on from
        self._taken_in = 0  # frames of `inbox`, by the newest mark seen
        self._closing = False
        self._wanted = go_on

    def stands(self, part: str) -> bool | None:
        background = self._background = self._background or Background("standing reports")
        asker = self._asker = self._asker or Asker(self._options)
        try:
            known = background.call(self._caught_up(asker), _READ_S)
        except (KafkaError, TimeoutError, OSError, FrameError, msgspec.MsgspecError, CancelledError) as error:
            # aiokafka may let out the cancelling of a task of its own where it is stopped: ask with fresh connections.
            self._let_go()
            raise LogFull(f"Kafka does not say what stands open: {error or type(error).__name__}") from error
        return is_open(self._records, part) if known else None

    async def _caught_up(self, asker: Asker) -> bool:
        """Whether what was in `inbox` when this was asked is taken in, and its outcome read."""
        wanted = await self._end(asker, self._inbox)
        for _ in range(_LOOKS):
            await self._read_on(asker)
            if self._taken_in >= wanted or not self._go_on():
                return self._taken_in >= wanted
            await asyncio.sleep(_LOOK_S)
        return False

    async def _read_on(self, asker: Asker) -> None:
        end = await self._end(asker, self._state)
        first = max(self._next, (await asker.firsts(self._state, [self._partition]))[self._partition])
        if first < end:
            await asker.read(self._state, {self._partition: (first, end)}, self._take, self._go_on)

    async def _end(self, asker: Asker, topic: str) -> int:
        return (await asker.ends(topic, [self._partition]))[self._partition]

    def _take(self, _partition: int, rows: list[Write], offset: int) -> None:
        for key, value in rows:
            if key == MARK:
                self._taken_in = read_mark(value).offset
            elif key.startswith(PREFIX.encode()):
                name = key.decode()
                if value is None:
                    self._records.pop(name, None)
                else:
                    self._records[name] = value
        self._next = offset + 1

    def _go_on(self) -> bool:
        return not self._closing and self._wanted()

    def stop(self) -> None:
        """Let a question that is under way end soon, unanswered."""
        self._closing = True

    def close(self) -> None:
        self.stop()
        if self._background is not None:
            self._let_go()
            self._background.close()

    def _let_go(self) -> None:
        asker, self._asker = self._asker, None
        if asker is not None and self._background is not None:
            try:
                self._background.call(asker.close(), _GOODBYE_S)
            except (KafkaError, TimeoutError, CancelledError):
                pass  # it cannot say goodbye to a broker that is away
