"""The desk's store moved into another database: everything once, counted, sealed as it was."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from duty.edge import tables
from duty.edge.moving_store import copy_store, rows_in, turn_store
from duty.edge.store import Store, StoreTrouble
from tests.duty.edge.conftest import MASTER_KEY
from tests.duty.rosters import person, shift

CURSORS = {("inbox", 0): 7, ("inbox", 1): 9, ("outbox", 0): 3}


@pytest.fixture
def old(tmp_path: Path) -> Iterator[Store]:
    store = Store.open(tmp_path / "old.db", master_key=MASTER_KEY)
    for name in ("wang", "李", "o'neil"):
        store.save_person(person(name))
    store.replace_shifts([shift("wang", "08:00-20:00"), shift("李", "20:00-08:00")])
    for number in range(1200):
        store.audit(at_ms=number, actor="a", action="see-contacts", object=f"g017/3/{number}")
    store.save_cursor("inbox", 0, 1_600_000)
    yield store
    store.close()


def counts(store: Store) -> dict[str, int]:
    with store.together() as connection:
        return {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar() or 0
            for table in tables.metadata.sorted_tables
        }


def test_everything_is_there_once_and_says_the_same(old: Store, store: Store) -> None:
    seen: dict[str, int] = {}

    def moved(table: str, rows: int) -> None:
        seen[table] = seen.get(table, 0) + rows

    copied = copy_store(old, store, move="m1", cursors=CURSORS, moved=moved)
    assert rows_in(old) == sum(copied.values())
    assert (copied["staff"], copied["shifts"], copied["audit"]) == (3, 2, 1200)
    assert seen == {table: count for table, count in copied.items() if count}
    assert {name: count for name, count in counts(store).items() if name not in ("cursors", "kept")} == {
        name: count for name, count in counts(old).items() if name not in ("cursors", "kept")
    }
    assert store.people() == old.people()
    assert store.roster() == old.roster()
    # The chain of the audit log holds, and goes on.
    assert store.verify_audit() is None
    store.audit(at_ms=5000, actor="a", action="see-contacts")
    assert store.verify_audit() is None
    # The desk goes on where it was, by the places of the new logs.
    assert {(log, p): store.cursor(log, p) for log, p in CURSORS} == CURSORS
    assert store.cursor("outbox", 1) == 0


def test_moving_again_changes_nothing(old: Store, store: Store) -> None:
    copy_store(old, store, move="m1", cursors=CURSORS)
    store.save_cursor("inbox", 0, 99)
    before = counts(store)
    copy_store(old, store, move="m1", cursors=CURSORS)
    assert counts(store) == before
    assert store.cursor("inbox", 0) == 99


def test_a_store_that_holds_something_else_is_left_alone(old: Store, store: Store) -> None:
    store.save_person(person("zhao"))
    with pytest.raises(StoreTrouble, match=r"holds something already \(staff\): name an empty database"):
        copy_store(old, store, move="m1", cursors=CURSORS)
    assert [each.id for each in store.people()] == ["zhao"]


def test_half_a_copy_is_none(old: Store, store: Store) -> None:
    def fail(table: str, _rows: int) -> None:
        if table == "audit":
            raise RuntimeError("the power went")

    with pytest.raises(RuntimeError, match="power"):
        copy_store(old, store, move="m1", cursors=CURSORS, moved=fail)
    assert {name: count for name, count in counts(store).items() if count} == {"kept": 1}
    copy_store(old, store, move="m1", cursors=CURSORS)
    assert counts(store)["audit"] == 1200


def test_another_move_does_not_go_over_it(old: Store, store: Store) -> None:
    copy_store(old, store, move="m1", cursors=CURSORS)
    with pytest.raises(StoreTrouble, match="holds something already"):
        copy_store(old, store, move="m2", cursors=CURSORS)


def test_what_was_moved_before_moves_on(old: Store, store: Store, tmp_path: Path) -> None:
    copy_store(old, store, move="m1", cursors=CURSORS)
    third = Store.open(tmp_path / "third.db", master_key=MASTER_KEY)
    copy_store(store, third, move="m2", cursors={("inbox", 0): 4})
    assert (third.cursor("inbox", 0), third.cursor("inbox", 1)) == (4, 0)
    before = counts(third)
    copy_store(store, third, move="m2", cursors={})
    assert counts(third) == before
    third.close()


def test_a_store_that_stays_goes_on_in_other_logs_once(store: Store) -> None:
    store.save_person(person("wang"))
    store.save_cursor("inbox", 0, 70)
    store.save_cursor("outbox", 5, 80)
    turn_store(store, move="m1", cursors=CURSORS)
    assert {(log, p): store.cursor(log, p) for log, p in CURSORS} == CURSORS
    assert store.cursor("outbox", 5) == 0
    store.save_cursor("inbox", 0, 99)
    turn_store(store, move="m1", cursors=CURSORS)
    assert store.cursor("inbox", 0) == 99
    # Another move is another: its places count.
    turn_store(store, move="m2", cursors=CURSORS)
    assert store.cursor("inbox", 0) == CURSORS["inbox", 0]
    assert [each.id for each in store.people()] == ["wang"]
