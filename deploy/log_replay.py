"""A site's own log through the core, once for each policy: an engine a partition, as the site itself runs them.

Decisions come by time, those of one moment by partition.
"""

import heapq
from collections.abc import Callable, Iterator, Sequence
from operator import itemgetter

from deploy.box_log import BoxLog
from devices.fleet import Fleet
from devices.formats import table
from devices.ids import partition_of
from gateway.fleet_records import FleetRecord, fleet_records
from streams.effects import Effect
from streams.engine import Engine
from streams.frames import InboxRecord
from streams.grid import time_of
from streams.policy import Policy

# Changes are for a store, which a replay has not: dropped now and then, or they would be kept for the whole log.
_FORGET_FRAMES = 64

Together = Iterator[list[list[Effect]]]
Watch = Callable[[float, int], None]


def _nobody(share: float, count: int) -> None:
    pass


class LogReplay:
    """`watch` is told, now and then, what share of the log is behind and how many records that is; `heard` of every
    record, those of the warm-up too, before it is decided."""

    def __init__(
        self,
        log: BoxLog,
        fleet: Fleet,
        policies: Sequence[Policy],
        since_ms: int,
        until_ms: int | None = None,
        *,
        heard: Callable[[InboxRecord], None] | None = None,
        watch: Watch = _nobody,
    ) -> None:
        """Raises LogFull."""
        self.until_ms = log.newest_ms() if until_ms is None else until_ms
        self._log = log
        self._fleet = fleet
        self._policies = policies
        self._since_ms = since_ms
        self._is_open_end = until_ms is None
        self._heard = heard
        self._watch = watch
        self._ends = log.ends()
        self._behind = [0] * log.partitions
        self._records = 0

    def effects(self) -> Together:
        """What was decided since then, a list for each policy.  Raises LogFull."""
        parts = [self._partition(number) for number in range(self._log.partitions)]
        for _, effects in parts[0] if len(parts) == 1 else heapq.merge(*parts, key=itemgetter(0)):
            yield effects

    def _partition(self, number: int) -> Iterator[tuple[int, list[list[Effect]]]]:
        engines = [Engine(policy) for policy in self._policies]
        since_ms, heard = self._since_ms, self._heard
        last_ms = (1 << 62) if self._is_open_end else self.until_ms
        begun = over = False
        for frames, (offset, records) in enumerate(self._log.frames(number, since_ms), 1):
            for record in records:
                at_ms = time_of(record)
                if at_ms > last_ms:
                    over = True
                    break
                if not begun:
                    begun = True
                    for row in self._rows(number, at_ms):
                        for engine in engines:
                            engine.apply(row)
                if heard is not None:
                    heard(record)
                effects = [engine.apply(record) for engine in engines]
                if any(effects) and at_ms >= since_ms:
                    yield from _by_instant(effects, since_ms)
            self._records += len(records)
            if over or frames % _FORGET_FRAMES == 0:
                self._tell(number, offset)
                for engine in engines:
                    engine.take_changes()
            if over:
                break
        if begun:
            yield from _by_instant([engine.advance(self.until_ms) for engine in engines], since_ms)

    def _rows(self, number: int, at_ms: int) -> Iterator[FleetRecord]:
        for row in fleet_records(self._fleet, table(), at_ms):
            if partition_of(row.grid, self._log.partitions) == number:
                yield row

    def _tell(self, number: int, offset: int) -> None:
        self._behind[number] = offset
        end = sum(self._ends)
        self._watch(min(1.0, sum(self._behind) / end) if end else 1.0, self._records)


def _by_instant(effects: list[list[Effect]], since_ms: int) -> Iterator[tuple[int, list[list[Effect]]]]:
    """The same a moment at a time: what timers brought before a record belongs before what other partitions did."""
    times = sorted({effect.t_ms for some in effects for effect in some})
    if len(times) == 1 and times[0] >= since_ms:
        yield times[0], effects
        return
    for at_ms in times:
        if at_ms >= since_ms:
            yield at_ms, [[effect for effect in some if effect.t_ms == at_ms] for some in effects]
