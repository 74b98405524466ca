import threading
from pathlib import Path

import pytest

from duty.edge.rows.cases import ResidentLink
from duty.edge.store import Store, StoreTrouble
from duty.people import CaseRow, Contact, case_id
from tests.duty.edge.conftest import MASTER_KEY

DAY_MS = 86_400_000
HOUSEHOLD = "g017/3/1203"
CASE = case_id(HOUSEHOLD, 10 * DAY_MS)
CONTACTS = [Contact(name="Zhang Xiaoming 张小明", phone="13912345678", note="hard of hearing")]


def a_case(**changes: object) -> CaseRow:
    fields = {
        "id": CASE, "household": HOUSEHOLD, "grid": "g017", "from_ms": 10 * DAY_MS, "until_ms": 24 * DAY_MS,
    } | changes  # fmt: skip
    return CaseRow(**fields)  # type: ignore[arg-type]


def test_a_look_at_contacts_is_recorded_with_the_look(store: Store) -> None:
    store.save_case(a_case())
    assert store.cases(household=HOUSEHOLD)[0].has_contacts is False
    assert store.save_contacts(CASE, CONTACTS)
    assert store.cases(grid="g017")[0].has_contacts
    assert store.open_contacts(CASE, actor="wang", at_ms=5, address="10.0.0.1", why="board") == CONTACTS
    (row,) = store.audit_rows()
    assert (row.actor, row.action, row.object, row.grid, row.well) == ("wang", "see-contacts", CASE, "g017", True)
    assert store.open_contacts("g017/9/9@1", actor="wang", at_ms=6) is None


def test_contacts_are_replaced_as_a_whole(store: Store) -> None:
    store.save_case(a_case())
    store.save_contacts(CASE, CONTACTS)
    store.save_contacts(CASE, [])
    assert store.open_contacts(CASE, actor="w", at_ms=1) == []
    assert not store.save_contacts("unknown", CONTACTS)


def test_changing_a_case_keeps_its_key(store: Store) -> None:
    store.save_case(a_case())
    store.save_contacts(CASE, CONTACTS)
    store.save_case(a_case(until_ms=30 * DAY_MS))
    assert store.open_contacts(CASE, actor="w", at_ms=1) == CONTACTS


@pytest.mark.parametrize(
    ("released_day", "day", "destroyed"),
    [(None, 30.9, False), (None, 31, True), (20, 26.9, False), (20, 27, True), (28, 31, True)],
)
def test_the_key_goes_seven_days_after_the_release(store: Store, released_day, day, destroyed) -> None:
    store.save_case(a_case(released_ms=None if released_day is None else released_day * DAY_MS))
    store.save_contacts(CASE, CONTACTS)
    gone = store.destroy_due_keys(keep_days=7, now_ms=round(day * DAY_MS))
    assert gone == ([CASE] if destroyed else [])
    contacts = store.open_contacts(CASE, actor="w", at_ms=1)
    assert contacts == (None if destroyed else CONTACTS)
    if destroyed:
        assert store.cases()[0].key_destroyed_ms == round(day * DAY_MS)
        recorded = [(row.action, row.well) for row in store.audit_rows()]
        assert recorded == [("destroy-key", True), ("see-contacts", False)]
        assert not store.save_contacts(CASE, CONTACTS)
        assert store.destroy_due_keys(keep_days=7, now_ms=99 * DAY_MS) == []


def test_after_the_destruction_nothing_of_the_key_or_the_contacts_is_on_disk(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "desk.db", master_key=MASTER_KEY)
    store.save_case(a_case())
    store.save_contacts(CASE, CONTACTS)
    with store.together() as connection:
        wrapped, sealed = connection.exec_driver_sql(
            'SELECT wrapped_key, sealed FROM cases JOIN contacts ON cases.id = contacts."case"'
        ).one()
    store.scrub()

    def on_disk(what: bytes) -> bool:
        return any(what in path.read_bytes() for path in tmp_path.iterdir())

    assert on_disk(wrapped)
    assert on_disk(sealed)
    assert not on_disk("张小明".encode())
    assert not on_disk(b"13912345678")
    store.destroy_due_keys(keep_days=7, now_ms=31 * DAY_MS)
    assert not on_disk(wrapped)
    assert not on_disk(sealed)
    store.close()


def test_what_another_thread_does_in_that_moment_is_no_reason_to_leave_something_behind(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "desk.db", master_key=MASTER_KEY)
    store.save_case(a_case())
    log = tmp_path / "desk.db-wal"
    assert log.stat().st_size
    writing, goes_on = threading.Event(), threading.Event()

    def write() -> None:
        with store.together():
            writing.set()
            goes_on.wait(60)

    writer, scrubber = threading.Thread(target=write), threading.Thread(target=store.scrub)
    writer.start()
    assert writing.wait(60)
    scrubber.start()
    scrubber.join(0.2)  # it waits for the other
    goes_on.set()
    writer.join(60)
    scrubber.join(60)
    assert log.stat().st_size == 0
    store.close()


def test_a_store_under_another_master_key_is_not_opened_at_all(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "desk.db", master_key=MASTER_KEY)
    store.save_case(a_case())
    store.save_contacts(CASE, CONTACTS)
    store.close()
    with pytest.raises(StoreTrouble, match=r"another key: put back its desk\.key"):
        Store.open(tmp_path / "desk.db", master_key=bytes(32))
    store = Store.open(tmp_path / "desk.db", master_key=MASTER_KEY)
    assert store.open_contacts(CASE, actor="w", at_ms=1) == CONTACTS
    store.close()


def test_links_of_a_household(store: Store) -> None:
    for name, at in (("a", 1), ("b", 2)):
        store.add_link(ResidentLink(id=name, household=HOUSEHOLD, grid="g017", case=CASE, created_ms=at, until_ms=99))
    assert [link.id for link in store.links_of(HOUSEHOLD)] == ["b", "a"]
    assert store.withdraw_links(HOUSEHOLD, 50) == 2
    assert store.withdraw_links(HOUSEHOLD, 60) == 0
    link = store.link("a")
    assert link is not None
    assert link.withdrawn_ms == 50
    assert store.link("c") is None
