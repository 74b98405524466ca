import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from duty.audit import Anchor
from duty.edge.store import Store, StoreTrouble

COPIED = "actor, action, object, grid, well, detail, address, hash"


def fill(store: Store, rows: int = 5) -> None:
    for number in range(rows):
        store.audit(at_ms=number, actor="wang", action="see-contacts", object=f"g017/3/{number}@1", grid="g017")


def test_rows_count_up_and_the_chain_is_whole(store: Store) -> None:
    assert store.verify_audit() is None
    assert store.audit_anchor() is None
    fill(store)
    assert [row.number for row in store.audit_rows(after=2)] == [3, 4, 5]
    assert [row.number for row in store.newest_audit_rows(limit=2)] == [5, 4]
    assert [row.number for row in store.newest_audit_rows(before=3, object="g017/3/1@1")] == [2]
    assert len(list(store.all_audit_rows())) == 5
    assert store.verify_audit() is None
    assert store.audit_anchor() == Anchor(5, store.audit_rows(after=4)[0].hash)


@pytest.mark.parametrize("statement", ["UPDATE audit SET actor = 'x'", "DELETE FROM audit WHERE number = 2"])
def test_the_database_itself_refuses_to_change_a_row(store: Store, statement: str) -> None:
    fill(store)

    def tamper() -> None:
        with store.together() as connection:
            connection.execute(text(statement))

    with pytest.raises((StoreTrouble, DBAPIError), match="append-only"):
        tamper()
    assert store.verify_audit() is None


@pytest.mark.parametrize(
    ("statement", "bad"),
    [
        ("UPDATE audit SET actor = 'x' WHERE number = 3", 3),
        ("UPDATE audit SET detail = 'x' WHERE number = 1", 1),
        ("DELETE FROM audit WHERE number = 2", 2),
        ("DELETE FROM audit WHERE number = 1", 1),
        ("DELETE FROM audit WHERE number >= 4", 4),  # seen against the anchor alone
        ("DELETE FROM audit", 1),
        ("UPDATE audit SET number = 9 WHERE number = 5", 5),
        (f"INSERT INTO audit SELECT 6, 6, {COPIED} FROM audit WHERE number = 5", 6),
    ],
)  # fmt: skip
def test_whoever_takes_the_guard_off_is_found_out(store: Store, statement: str, bad: int) -> None:
    fill(store)
    anchor = store.audit_anchor()
    assert anchor is not None
    with store.together() as connection:
        if connection.dialect.name == "sqlite":
            connection.execute(text("DROP TRIGGER audit_no_update"))
            connection.execute(text("DROP TRIGGER audit_no_delete"))
        else:
            connection.execute(text("DROP TRIGGER audit_append_only ON audit"))
        connection.execute(text(statement))
    assert store.verify_audit([anchor]) == bad


def test_a_row_holds_no_line_breaks_and_no_more_than_it_should(store: Store) -> None:
    row = store.audit(at_ms=1, actor="a\nb\0", action="x", detail="\ud800" + "y" * 9999)
    assert row.actor == "a b "
    assert len(row.detail) == 500
    assert store.verify_audit() is None
