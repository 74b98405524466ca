"""The workers' table: Faust says which partitions are ours to keep; we restore (`restoring.py`) and write them.

Faust writes one record of the changelog for each key that is set, on its own time.  A flush must be there whole or not
at all, so it is sent as one batch of Kafka's (`state_writer.py`), and comes into the table here when it is durable.
Each partition of the table is kept apart: its keys are the core's own, which two partitions may share (a device that
moved from one grid to another).
"""

import gc
import shutil
import sys
from collections.abc import Callable, ItemsView, Iterable
from typing import Any

from faust.stores import memory, rocksdb
from faust.tables.table import Table
from faust.types import TP

from streams.edge.cluster_part import Kept

Write = tuple[bytes, bytes | None]


class MemoryStore(memory.Store):
    """Partitions in memory.  It knows how far each has come, and forgets one when Faust takes it away."""

    table: Any

    def __init__(self, app: Any, table: Any) -> None:
        super().__init__("memory://", app, table)
        self._parts: dict[int, dict[bytes, bytes]] = {}
        self._offsets: dict[int, int] = {}

    def persisted_offset(self, tp: TP) -> int | None:
        return self._offsets.get(tp.partition)

    def set_persisted_offset(self, tp: TP, offset: int) -> None:
        self._offsets[tp.partition] = offset

    def apply_changelog_batch(self, batch: Iterable[Any], to_key: Any, to_value: Any) -> None:
        """Faust restores nothing here: it is given nothing to read."""

    def write(self, partition: int, writes: Iterable[Write], offset: int) -> None:
        """Take in records of the changelog, of which `offset` is the last one's."""
        kept = self._parts.setdefault(partition, {})
        for key, value in writes:
            if value is None:
                kept.pop(key, None)
            else:
                kept[key] = value
        self._offsets[partition] = offset

    def kept(self, partition: int) -> Kept:
        """Everything a partition holds, now and after what is written later."""
        return self._parts.setdefault(partition, {})

    def forget(self, partition: int) -> None:
        """As if it had never been read."""
        self._parts.pop(partition, None)
        self._offsets.pop(partition, None)

    async def on_rebalance(
        self, assigned: set[TP], revoked: set[TP], newly_assigned: set[TP], generation_id: int = 0
    ) -> None:
        # Faust counts partitions that we are to stand by for among the assigned ones.
        ours = {tp.partition for tp in assigned if tp.topic == self.table.changelog_topic_name}
        for partition in set(self._parts) - ours:
            self.forget(partition)

    async def on_recovery_completed(self, active_tps: set[TP], standby_tps: set[TP]) -> None:
        """Nothing to forget."""


class _Rows:
    """A database as a partition's rows."""

    def __init__(self, store: "DiskStore", partition: int) -> None:
        self._store = store
        self._partition = partition

    def get(self, key: bytes, /) -> bytes | None:
        return self._store.database(self._partition).get(key)

    def items(self) -> Iterable[tuple[bytes, bytes]]:
        rows: ItemsView[bytes, bytes] = self._store.database(self._partition).items()
        return ((key, value) for key, value in rows if key != self._store.offset_key)


class DiskStore(rocksdb.Store):
    """Partitions in RocksDB, a database each: a worker that starts again reads only what was written since."""

    table: Any

    def __init__(self, app: Any, table: Any) -> None:
        # Faust's own defaults are for one table that has the machine to itself: 2 GB of cache for each partition.
        options = {"write_buffer_size": 16 * 2**20, "block_cache_size": 8 * 2**20, "max_write_buffer_number": 2}
        super().__init__("rocksdb://", app, table, table_name=table.name, options=options, driver="rocksdict")

    def apply_changelog_batch(self, batch: Iterable[Any], to_key: Any, to_value: Any) -> None:
        """As of the store in memory."""

    def _open_for_partition(self, partition: int) -> Any:
        try:
            return super()._open_for_partition(partition)
        except Exception as error:
            # What it holds is in Kafka.  A lock is another matter: somebody else has it open.
            if "corruption" not in str(error).lower():
                raise
            print(f"streams: partition {partition}: {error}: reading it anew", file=sys.stderr, flush=True)
            shutil.rmtree(self.partition_path(partition))
            return super()._open_for_partition(partition)

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
        self.database(partition).write(batch)

    def database(self, partition: int) -> Any:
        """The database of a partition, opened where it is not."""
        return self._db_for_partition(partition)

    def kept(self, partition: int) -> Kept:
        """Everything a partition holds, now and after what is written later."""
        return _Rows(self, partition)

    def forget(self, partition: int) -> None:
        """As if it had never been read."""
        self.database(partition).close()
        del self._dbs[partition]
        gc.collect()
        shutil.rmtree(self.partition_path(partition))


class StateTable(Table):
    """The table `state`.  Its changelog has as many partitions as `inbox`, and the same number means the same grids."""

    data: Any

    def __init__(self, app: Any, *, partitions: int, make_store: Callable[[Any, Any], Any], **kwargs: Any) -> None:
        super().__init__(app, name="state", key_type=bytes, value_type=bytes, partitions=partitions, **kwargs)
        self._make_store = make_store

    def _new_store(self) -> Any:
        return self._make_store(self.app, self)

    def kept(self, partition: int) -> Kept:
        """Everything a partition holds, now and after what is written later."""
        return self.data.kept(partition)

    def forget(self, partition: int) -> None:
        """As if it had never been read: what it holds is wrong, or the changelog no longer has what follows on it."""
        self.data.forget(partition)

    def wrote(self, partition: int, writes: Iterable[Write], offset: int) -> None:
        """A flush is durable in the changelog; `offset` is its last record's."""
        self.data.write(partition, writes, offset)

    def restored_to(self, partition: int) -> int:
        """The offset of the changelog's last record that is in the table, -1 where it holds none."""
        offset = self.data.persisted_offset(TP(self.changelog_topic_name, partition))
        return -1 if offset is None else offset
