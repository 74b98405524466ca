"""The workers' table: Faust assigns it; we restore it from its changelog (`cluster_worker.py`) and write it.

Faust writes one record of the changelog for each key that is set, on its own time.  A flush must be there whole or not
at all, so it is sent as one batch of Kafka's (`state_writer.py`), and comes into the table here when it is durable.
Each partition of the table is kept apart: its keys are the core's own, which two partitions may share (a device that
moved from one grid to another).
"""

import time
from collections.abc import Callable, Iterable
from typing import Any

from faust.stores import memory, rocksdb
from faust.tables.table import Table
from faust.types import TP

Write = tuple[bytes, bytes | None]
_FRESH_S = 3600.0


class MemoryStore(memory.Store):
    """Partitions in memory.  It knows how far it has come, and forgets a partition when Faust takes it away: what it
    keeps over a rebalance is what we read and wrote ourselves."""

    table: Any

    def __init__(self, app: Any, table: Any) -> None:
        super().__init__("memory://", app, table)
        self._parts: dict[int, dict[bytes, bytes]] = {}
        self._offsets: dict[int, int] = {}
        self._assigned: set[int] = set()
        self._written_s: dict[int, float] = {}

    def persisted_offset(self, tp: TP) -> int | None:
        return self._offsets.get(tp.partition)

    def set_persisted_offset(self, tp: TP, offset: int) -> None:
        self._offsets[tp.partition] = offset

    def apply_changelog_batch(self, batch: Iterable[Any], to_key: Any, to_value: Any) -> None:
        """What Faust reads for a standby is not taken in: it may have dropped records before it, and a hole in what is
        remembered shows nowhere.  Whoever takes over reads on from what it wrote itself, or from the beginning."""

    def write(self, partition: int, writes: Iterable[Write], offset: int) -> None:
        """Take in records of the changelog, of which `offset` is the last one's."""
        kept = self._parts.setdefault(partition, {})
        for key, value in writes:
            if value is None:
                kept.pop(key, None)
            else:
                kept[key] = value
        self._offsets[partition] = offset
        self._written_s[partition] = time.monotonic()

    def rows(self, partition: int) -> list[tuple[bytes, bytes]]:
        """Everything a partition holds."""
        return list(self._parts.get(partition, {}).items())

    async def on_rebalance(
        self, assigned: set[TP], revoked: set[TP], newly_assigned: set[TP], generation_id: int = 0
    ) -> None:
        ours = {tp.partition for tp in assigned if tp.topic == self.table.changelog_topic_name}
        # What is old may hold keys whose deletion the changelog no longer tells.
        fresh = {number for number, at_s in self._written_s.items() if time.monotonic() - at_s < _FRESH_S}
        for partition in set(self._parts) - (ours & self._assigned & fresh):
            del self._parts[partition]
            self._offsets.pop(partition, None)
        self._assigned = ours

    async def on_recovery_completed(self, active_tps: set[TP], standby_tps: set[TP]) -> None:
        """Nothing to forget."""


class DiskStore(rocksdb.Store):
    """Partitions in RocksDB, a database each: a worker that starts again reads only what was written since."""

    table: Any

    def __init__(self, app: Any, table: Any) -> None:
        # Faust's own defaults are for one table that has the machine to itself: 2 GB of cache for each partition.
        options = {"write_buffer_size": 16 * 2**20, "block_cache_size": 8 * 2**20, "max_write_buffer_number": 2}
        super().__init__("rocksdb://", app, table, table_name=table.name, options=options, driver="rocksdict")

    def apply_changelog_batch(self, batch: Iterable[Any], to_key: Any, to_value: Any) -> None:
        """As of the store in memory: what Faust reads for a standby is not taken in."""

    def write(self, partition: int, writes: Iterable[Write], offset: int) -> None:
        """Take in records of the changelog, of which `offset` is the last one's."""
        import rocksdict

        batch = rocksdict.WriteBatch(raw_mode=True)
        for key, value in writes:
            if value is None:
                batch.delete(key)
            else:
                batch.put(key, value)
        batch.put(self.offset_key, str(offset).encode())
        self._db_for_partition(partition).write(batch)

    def rows(self, partition: int) -> list[tuple[bytes, bytes]]:
        """Everything a partition holds."""
        db: Any = self._db_for_partition(partition)
        return [(key, value) for key, value in db.items() if key != self.offset_key]


class StateTable(Table):
    """The table `state`.  Its changelog has as many partitions as `inbox`, and the same number means the same grids."""

    data: Any

    def __init__(self, app: Any, *, partitions: int, make_store: Callable[[Any, Any], Any], **kwargs: Any) -> None:
        super().__init__(app, name="state", key_type=bytes, value_type=bytes, partitions=partitions, **kwargs)
        self._make_store = make_store

    def _new_store(self) -> Any:
        return self._make_store(self.app, self)

    def rows(self, partition: int) -> list[tuple[bytes, bytes]]:
        """Everything a partition holds."""
        return self.data.rows(partition)

    def wrote(self, partition: int, writes: Iterable[Write], offset: int) -> None:
        """A flush is durable in the changelog; `offset` is its last record's."""
        self.data.write(partition, writes, offset)

    def restored_to(self, partition: int) -> int:
        """The offset of the changelog's last record that is in the table, -1 where it holds none."""
        offset = self.data.persisted_offset(TP(self.changelog_topic_name, partition))
        return -1 if offset is None else offset
