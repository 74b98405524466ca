from pathlib import Path

from duty.edge import anchors
from duty.edge.store import Store

DAY_MS = 24 * 3_600_000


def fill(store: Store, rows: int) -> None:
    for number in range(rows):
        store.audit(at_ms=number, actor="wang", action="see-contacts")


def test_one_anchor_a_day_and_none_without_news(sqlite_store: Store, tmp_path: Path) -> None:
    assert anchors.write(tmp_path, sqlite_store, 0) is None
    fill(sqlite_store, 2)
    first = anchors.write(tmp_path, sqlite_store, 1)
    assert first is not None
    assert anchors.write(tmp_path, sqlite_store, 2) is None
    assert anchors.write(tmp_path, sqlite_store, 2 * DAY_MS) is None
    fill(sqlite_store, 1)
    assert anchors.write(tmp_path, sqlite_store, DAY_MS) is None
    second = anchors.write(tmp_path, sqlite_store, DAY_MS + 1)
    assert second is not None
    assert anchors.read(tmp_path) == [first, second]
    assert (tmp_path / anchors.FILE).stat().st_mode & 0o077 == 0


def test_rows_cut_off_at_the_end_are_seen(sqlite_store: Store, tmp_path: Path) -> None:
    fill(sqlite_store, 5)
    anchors.write(tmp_path, sqlite_store, 1)
    assert anchors.verify(tmp_path, sqlite_store) is None
    with sqlite_store.together() as connection:
        connection.exec_driver_sql("DROP TRIGGER audit_no_delete")
        connection.exec_driver_sql("DELETE FROM audit WHERE number > 3")
    assert sqlite_store.verify_audit() is None
    assert anchors.verify(tmp_path, sqlite_store) == 4


def test_a_line_that_is_no_anchor_is_passed_over(tmp_path: Path) -> None:
    assert anchors.read(tmp_path) == []
    (tmp_path / anchors.FILE).write_text("1 7 abc\nnonsense\n2 x abc\n")
    assert [anchor.number for anchor in anchors.read(tmp_path)] == [7]
