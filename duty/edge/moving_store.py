"""The desk's store, copied into another database: table by table, in one transaction of the target, counted; or left
where it is and only sent to its places in other logs.

Contacts, channels and second factors stay sealed as they are: the desk's key goes with them.
"""

from collections.abc import Callable, Mapping

from sqlalchemy import Connection, func, select

from duty.edge import tables
from duty.edge.rows.base import StoreTrouble
from duty.edge.store import Store

_ROWS = 500
_MOVED = "moved"

# What every fresh store has of its own.
_OWN = {"kept": 1}


def rows_in(source: Store) -> int:
    """How many rows `copy_store` has to copy.  Raises StoreTrouble."""
    with source.together() as old:
        return sum(_counts(old).values())


def _counts(of: Connection) -> dict[str, int]:
    return {
        table.name: of.execute(select(func.count()).select_from(table)).scalar() or 0
        for table in tables.metadata.sorted_tables
        if table is not tables.cursors
    }


def copy_store(
    source: Store,
    target: Store,
    *,
    move: str,
    cursors: Mapping[tuple[str, int], int],
    moved: Callable[[str, int], None] = lambda _table, _rows: None,
) -> dict[str, int]:
    """Copy everything; table → rows, which are the same in both.

    `move` names this move: a target that holds what it copied before is left as it is.  `cursors`: where the desk goes
    on in the new logs.  Raises StoreTrouble for a target that holds anything else.
    """
    with source.together() as old, target.together() as new:
        counts = _counts(old)
        there = {
            table.name: new.execute(select(func.count()).select_from(table)).scalar() or 0
            for table in tables.metadata.sorted_tables
        }
        done = new.execute(select(tables.kept.c.value).where(tables.kept.c.name == _MOVED)).scalar()
        if done == move.encode():
            return counts
        foreign = [name for name, count in there.items() if count > _OWN.get(name, 0)]
        if foreign:
            raise StoreTrouble(
                f"the desk's new store holds something already ({', '.join(foreign)}): name an empty database"
            )
        new.execute(tables.kept.delete())
        for table in tables.metadata.sorted_tables:
            if table is tables.cursors:
                continue
            found = old.execution_options(yield_per=_ROWS).execute(select(table))
            for some in found.mappings().partitions(_ROWS):
                new.execute(table.insert(), [dict(row) for row in some])
                moved(table.name, len(some))
            copied = new.execute(select(func.count()).select_from(table)).scalar() or 0
            if copied != counts[table.name]:
                raise StoreTrouble(f"of {counts[table.name]} rows of {table.name} {copied} were copied")
        _go_on_at(new, cursors, move)
    return counts


def turn_store(store: Store, *, move: str, cursors: Mapping[tuple[str, int], int]) -> None:
    """Let the desk that has this store go on at `cursors`, in the logs that `move` has made: once."""
    with store.together() as connection:
        done = connection.execute(select(tables.kept.c.value).where(tables.kept.c.name == _MOVED)).scalar()
        if done != move.encode():
            connection.execute(tables.cursors.delete())
            _go_on_at(connection, cursors, move)


def _go_on_at(connection: Connection, cursors: Mapping[tuple[str, int], int], move: str) -> None:
    rows = [{"log": log, "partition": partition, "offset": at} for (log, partition), at in cursors.items()]
    if rows:
        connection.execute(tables.cursors.insert(), rows)
    # What was moved may have been moved before.
    connection.execute(tables.kept.delete().where(tables.kept.c.name == _MOVED))
    connection.execute(tables.kept.insert().values(name=_MOVED, value=move.encode()))
