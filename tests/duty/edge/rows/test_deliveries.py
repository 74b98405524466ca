from msgspec.structs import replace

from duty.attempts import Attempt
from duty.delivery import advance, begin, closed
from duty.edge.store import OwedPage, Store
from tests.duty.deliveries import ROWS, TEAM, page


def attempt(id: str, **more) -> Attempt:
    fields = {
        "page": "p", "incident": "i", "grid": "g017", "role": "worker", "person": "wang", "channel": "c",
        "kind": "sms", "started_ms": 5,
    } | more  # fmt: skip
    return Attempt(id=id, **fields)


def test_a_delivery_comes_back_as_it_was(store: Store) -> None:
    one, _ = advance(begin(page(), 0, TEAM, ROWS), 0, TEAM, ROWS)
    store.save_deliveries([one])
    assert store.open_deliveries() == [one]
    assert store.has_delivery(one.page.id)
    assert not store.has_delivery("other")
    over = closed(one, 9)
    store.save_deliveries([over])
    assert store.open_deliveries() == []
    assert store.deliveries(incident=one.page.incident) == [over]
    assert store.deliveries(grids=["g018"]) == []
    assert store.deliveries(grids=["g017"], since_ms=1) == []


def test_attempts_are_found_by_what_they_are_about(store: Store) -> None:
    rows = [attempt("a"), attempt("b", started_ms=6, person="li", page="q"), attempt("c", started_ms=7, incident="j")]
    store.save_attempts(rows)
    assert [a.id for a in store.attempts()] == ["c", "b", "a"]
    assert [a.id for a in store.attempts(incident="i")] == ["b", "a"]
    assert [a.id for a in store.attempts(page="q")] == ["b"]
    assert [a.id for a in store.attempts(person="wang", since_ms=6)] == ["c"]
    store.save_attempts([replace(rows[0], finished_ms=9, outcome="accepted", detail="x")])
    assert [a.id for a in store.attempts(unanswered=True)] == ["c", "b"]
    assert store.attempt("a") == replace(rows[0], finished_ms=9, outcome="accepted", detail="x")
    assert store.attempt("z") is None


def test_a_page_owed_is_taken_on_once(store: Store) -> None:
    owed = OwedPage(page="p", grid="g017", body=b"{}", began_ms=1, next_ms=5)
    store.owe_pages([owed])
    store.save_owed([replace(owed, tries=3, next_ms=50, detail="HTTP 500")])
    store.owe_pages([owed])
    assert store.owed_pages() == [replace(owed, tries=3, next_ms=50, detail="HTTP 500")]
    store.save_owed([replace(owed, ended_ms=60, outcome="accepted")])
    assert store.owed_pages() == []


def test_old_ones_are_forgotten_but_never_what_is_under_way(store: Store) -> None:
    one = begin(page(), 0, TEAM, ROWS)
    store.save_deliveries([one])
    store.save_attempts([attempt("a")])
    store.owe_pages([OwedPage(page="p", grid="g", body=b"", began_ms=1, ended_ms=2, outcome="accepted")])
    assert store.forget_deliveries(10) == 2
    assert store.open_deliveries() == [one]
