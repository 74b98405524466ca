"""The loop that every runtime shares: timers and records in one order.  Owns the records of its grids; no IO.

What is due at or before a record's time happens before that record.  A runtime feeds records in log order, lets time
pass when the log is drained, writes what `take_changes` hands it together with the effects and its cursor, and starts
again from those records after a crash: nothing else needs to survive.
"""

import heapq
from collections.abc import Iterable, Iterator

from devices.events import Event
from streams.effects import Effect
from streams.frames import InboxRecord
from streams.grid import Wake, step, time_of, wake_at
from streams.policy import Policy
from streams.quiet import still
from streams.state import Record

_MOST_AT_ONCE = 10_000


class Engine:
    """Holds `records` (key → Record) and a heap of wakes."""

    def __init__(self, policy: Policy, records: Iterable[tuple[str, Record]] = ()) -> None:
        self.policy = policy
        self.records: dict[str, Record] = dict(records)
        self.now_ms = 0
        self._changed: dict[str, Record | None] = {}
        self._wakes: dict[str, int] = {}
        self._heap: list[tuple[int, str]] = []
        for key, record in self.records.items():
            self._plan(key, record)

    def _plan(self, key: str, record: Record | None) -> None:
        due = None if record is None else wake_at(record, self.policy)
        if due is None:
            self._wakes.pop(key, None)
            return
        planned = self._wakes.get(key)
        # A later due time keeps the planned wake: it is looked at again when it comes.  Heartbeats move their timer
        # at every message, and would fill the heap otherwise.
        if planned is None or due < planned:
            self._wakes[key] = due
            heapq.heappush(self._heap, (due, key))

    def _run(self, item: InboxRecord | Wake) -> list[Effect]:
        if type(item) is Event:
            sensor = still(self.records, item, self.policy, self.now_ms)
            if sensor is not None:
                key = "d:" + item.device
                self.records[key] = self._changed[key] = sensor
                return []
        done = step(self.records, item, self.policy, self.now_ms)
        for key, record in done.changes.items():
            if record is None:
                self.records.pop(key, None)
            else:
                self.records[key] = record
            self._changed[key] = record
            self._plan(key, record)
        return done.effects

    def _due(self, until_ms: int) -> Iterator[tuple[int, str]]:
        """Timers due at or before `until_ms`, one after another, each told at its own time."""
        heap = self._heap
        fired, fired_at_ms = 0, -1
        while heap and heap[0][0] <= until_ms:
            fired, fired_at_ms = (fired + 1, fired_at_ms) if heap[0][0] <= fired_at_ms else (0, heap[0][0])
            if fired > _MOST_AT_ONCE + 10 * len(self.records):
                raise RuntimeError(f"the timer of {heap[0][1]!r} does not move on from {heap[0][0]}")
            due, key = heapq.heappop(heap)
            if self._wakes.get(key) != due:
                continue
            del self._wakes[key]
            record = self.records.get(key)
            true_due = None if record is None else wake_at(record, self.policy)
            if true_due is None:
                continue
            if true_due > due:
                self._wakes[key] = true_due
                heapq.heappush(heap, (true_due, key))
                continue
            yield due, key

    def advance(self, now_ms: int) -> list[Effect]:
        """Let time pass to `now_ms`: every timer due by then, in order of time, then subject, then incident."""
        effects: list[Effect] = []
        together: list[Effect] = []
        at_ms = -1
        for due, key in self._due(now_ms):
            self.now_ms = max(self.now_ms, due)
            if self.now_ms != at_ms:
                effects += _in_order(together)
                together, at_ms = [], self.now_ms
            together += self._run(Wake(key=key, at_ms=self.now_ms))
        effects += _in_order(together)
        self.now_ms = max(self.now_ms, now_ms)
        return effects

    def apply(self, record: InboxRecord) -> list[Effect]:
        """What follows from `record`, after everything that was due by its time."""
        # A record that is older than what time has passed already (a clock set back) is handled now.
        at_ms = max(self.now_ms, time_of(record))
        heap = self._heap
        effects: list[Effect] = self.advance(at_ms) if heap and heap[0][0] <= at_ms else []
        self.now_ms = at_ms
        effects += _in_order(self._run(record))
        if heap and heap[0][0] <= at_ms:
            effects += self.advance(at_ms)
        return effects

    @property
    def next_wake_ms(self) -> int | None:
        """When `advance` has something to do next, or None.  May be early, never late."""
        return self._heap[0][0] if self._heap else None

    def take_changes(self) -> dict[str, Record | None]:
        """Records changed (None: gone) since the last call, to be written with the effects and the cursor."""
        changed, self._changed = self._changed, {}
        return changed


def _in_order(effects: list[Effect]) -> list[Effect]:
    """Sorted by subject, then incident; what belongs to one incident stays in the order it was decided."""
    if len(effects) < 2:
        return effects
    return sorted(effects, key=_place)


def _place(effect: Effect) -> tuple[str, str]:
    return getattr(effect, "subject", "\U0010ffff"), getattr(effect, "incident", "")
