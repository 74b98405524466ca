"""The core's memory on disk: whatever was moved or not, and whatever failed, what is read is the newest of each key."""

from random import Random

import apsw
import pytest

from streams.edge.log import LogFull
from streams.edge.memory_table import AT_REST, TABLES, MemoryTable, memory, some_of
from streams.edge.sqlite_log import SqliteWriter


@pytest.fixture
def writer(tmp_path):
    made = SqliteWriter(tmp_path / "streams.db", "outbox", tables=TABLES)
    yield made
    made.close()


def write(writer: SqliteWriter, table: MemoryTable, *changes, move_from: int = 10**9) -> None:
    plan = table.plan(changes, move_from)
    writer.append([], plan.statements)
    table.done(plan)


def rows(writer: SqliteWriter, table: str) -> int:
    return writer.query(f"SELECT count(*) FROM {table}")[0][0]


def test_the_newest_counts_and_what_is_gone_is_gone(writer):
    table = MemoryTable(writer.query)
    write(writer, table, (0, [("a", b"1"), ("b", b"1")]))
    write(writer, table, (0, [("a", b"2"), ("b", None), ("c", b"3")]), (1, [("z", b"9")]))
    assert memory(writer.query, 0) == {"a": b"2", "c": b"3"}
    assert memory(writer.query, 1) == {"z": b"9"}


def test_moving_ends_with_everything_in_its_place(writer):
    table = MemoryTable(writer.query)
    for n in range(300):
        write(writer, table, (0, [(f"key-{n % 70}", b"%d" % n)]))
    assert rows(writer, "changes") == 300
    assert rows(writer, "records") == 0
    expected = memory(writer.query, 0)
    while (plan := table.plan([], AT_REST)).statements:
        writer.append([], plan.statements)
        table.done(plan)
        assert memory(writer.query, 0) == expected
    assert rows(writer, "changes") == 0
    assert rows(writer, "records") == 70


def test_a_few_rows_are_not_worth_moving(writer):
    table = MemoryTable(writer.query)
    write(writer, table, (0, [("a", b"1")]))
    assert table.plan([], AT_REST).statements == []


@pytest.mark.parametrize("seed", range(5))
def test_restarts_and_failures_anywhere_lose_nothing(writer, seed):
    random = Random(seed)
    table = MemoryTable(writer.query)
    expected: dict[int, dict[str, bytes]] = {0: {}, 1: {}}
    for n in range(600):
        partition = random.randrange(2)
        changed = [
            (f"key-{partition}-{random.randrange(40)}", None if random.random() < 0.2 else b"%d" % n)
            for _ in range(random.randrange(4))
        ]
        plan = table.plan([(partition, changed)] if changed else [], random.choice((5, 20, 10**9)))
        if random.random() < 0.1:
            # The disk does not take it: the same is planned again.
            again = table.plan([(partition, changed)] if changed else [], 10**9)
            assert again.last == plan.last
            plan = again
        writer.append([], plan.statements)
        for key, record in changed:
            if record is None:
                expected[partition].pop(key, None)
            else:
                expected[partition][key] = record
        if random.random() < 0.1:
            table = MemoryTable(writer.query)  # killed right after the commit
        else:
            table.done(plan)
        if n % 50 == 0:
            assert {p: memory(writer.query, p) for p in (0, 1)} == expected
    assert {p: memory(writer.query, p) for p in (0, 1)} == expected


def test_a_key_that_changes_while_it_is_moved_keeps_its_newest_value(writer):
    table = MemoryTable(writer.query)
    for n in range(100):
        write(writer, table, (0, [(f"key-{n:03}", b"old")]))
    while True:
        plan = table.plan([(0, [("key-000", b"new"), ("key-099", None)])], 50)
        writer.append([], plan.statements)
        table.done(plan)
        if rows(writer, "records") >= 99 and not plan.moved:
            break
    assert memory(writer.query, 0)["key-000"] == b"new"
    assert "key-099" not in memory(writer.query, 0)


def test_a_locked_disk_leaves_it_as_it_was(writer, tmp_path):
    table = MemoryTable(writer.query)
    write(writer, table, (0, [("a", b"1")]))
    connection = apsw.Connection(str(tmp_path / "streams.db"))
    connection.execute("BEGIN IMMEDIATE")
    plan = table.plan([(0, [("a", b"2")])], 1)
    with pytest.raises(LogFull):
        writer.append([], plan.statements)
    connection.execute("ROLLBACK")
    connection.close()
    plan = table.plan([(0, [("a", b"2")])], 1)
    writer.append([], plan.statements)
    table.done(plan)
    assert memory(writer.query, 0) == {"a": b"2"}


def test_what_is_moved_while_somebody_reads_is_missed_by_nobody(writer):
    """The writer moves and clears between any two questions of a reader."""
    table = MemoryTable(writer.query)
    write(writer, table, (0, [("a", b"1"), ("b", b"1")]))

    def query(sql, bindings):
        found = writer.query(sql, bindings)
        write(writer, table, move_from=1)
        write(writer, table, move_from=1)
        return found

    assert memory(query, 0) == {"a": b"1", "b": b"1"}
    write(writer, table, (0, [("a", b"2")]))
    assert some_of(query, 0, "a") == {"a": b"2"}
    assert rows(writer, "changes") == 0


@pytest.mark.parametrize("broken", [None, b"", b"\xc1 torn"])
def test_a_row_the_disk_lost_is_said_with_its_remedy(tmp_path, broken):
    """A torn page reads as NULL or as other bytes: nothing is remembered wrongly, and nobody sees a traceback."""
    loose = "CREATE TABLE changes (id INTEGER PRIMARY KEY, partition INTEGER NOT NULL, changed BLOB)"
    writer = SqliteWriter(tmp_path / "streams.db", "outbox", tables=(TABLES[0], loose))
    writer.append([], [("INSERT INTO changes VALUES (1, 0, ?)", [(broken,)])])
    with pytest.raises(LogFull, match=r"damaged .*put it aside or restore a copy"):
        MemoryTable(writer.query)
    with pytest.raises(LogFull, match="damaged"):
        memory(writer.query, 0)
    writer.close()
