import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.hearer import MOST_WAITING, Hearer
from gateway.pages import Page
from streams.effects import Decision


def page(name: str) -> Page:
    return Page(name, "t", b"{}", Decision(0, "page", "g017", page=name))


def hearer(place: int = 0) -> Hearer:
    return Hearer("siren-1/worker", {0: place})


def test_pages_go_out_in_order_and_the_place_moves_when_they_are_accepted():
    mine = hearer()
    mine.offer(0, 1, [page("a"), page("b")])
    mine.offer(0, 2, [])
    mine.offer(0, 3, [page("c")])
    for token, name in enumerate(("a", "b", "c"), start=10):
        following = mine.next()
        assert following is not None
        assert following.id == name
        mine.sent(token)
    assert mine.next() is None
    assert mine.moved() == {}
    mine.accepted(10)
    assert mine.moved() == {}
    mine.accepted(11)
    assert mine.moved() == {("siren-1/worker", 0): 2}
    mine.accepted(12)
    assert mine.moved() == {("siren-1/worker", 0): 3}
    assert mine.moved() == {}


def test_accepted_out_of_order_the_place_waits_for_the_first():
    mine = hearer()
    mine.offer(0, 1, [page("a")])
    mine.offer(0, 2, [page("b")])
    mine.sent(1)
    mine.sent(2)
    mine.accepted(2)
    assert mine.moved() == {}
    mine.accepted(1)
    assert mine.moved() == {("siren-1/worker", 0): 2}


def test_what_was_under_way_when_the_connection_went_goes_first_over_the_next():
    mine = hearer()
    mine.offer(0, 1, [page("a"), page("b"), page("c")])
    mine.sent(1)
    mine.sent(2)
    mine.accepted(1)
    mine.lost()
    following = mine.next()
    assert following is not None
    assert following.id == "b"
    assert mine.accepted(2) is None  # an answer over the connection that is gone
    mine.sent(7)
    following = mine.next()
    assert following is not None
    assert following.id == "c"


def test_a_token_of_nobody_is_nothing():
    assert hearer().accepted(99) is None


def test_a_page_passed_over_counts_as_done():
    mine = hearer(4)
    mine.offer(0, 5, [page("old")])
    assert mine.passed().id == "old"
    assert mine.moved() == {("siren-1/worker", 0): 5}


def test_partitions_move_apart():
    mine = Hearer("broker", {0: 0, 1: 0})
    mine.offer(0, 1, [page("a")])
    mine.offer(1, 2, [])
    assert mine.moved() == {("broker", 1): 2}


def test_no_more_is_read_ahead_than_the_bound():
    mine = hearer()
    assert mine.wants_more
    mine.offer(0, 1, [page(str(n)) for n in range(MOST_WAITING)])
    assert not mine.wants_more
    while mine.next():
        mine.passed()
    mine.moved()
    assert mine.wants_more


@given(st.lists(st.integers(0, 3), min_size=1, max_size=12), st.data())
def test_a_restart_at_any_moment_skips_no_page(frames, data):
    """Whatever is accepted in whatever order: what was not is behind the stored place."""
    mine = hearer()
    names: dict[str, int] = {}
    for offset, count in enumerate(frames, start=1):
        pages = [page(f"{offset}.{n}") for n in range(count)]
        names |= {one.id: offset for one in pages}
        mine.offer(0, offset, pages)
    tokens: dict[int, str] = {}
    place = 0
    accepted: set[str] = set()
    while mine.next() is not None or tokens:
        following = mine.next()
        if following is not None and (not tokens or data.draw(st.booleans())):
            token = len(tokens) + 1000 * len(accepted) + 1
            tokens[token] = following.id
            mine.sent(token)
        else:
            token = data.draw(st.sampled_from(sorted(tokens)))
            done = mine.accepted(token)
            assert done is not None
            accepted.add(tokens.pop(token))
        place = max([place, *mine.moved().values()])
        assert all(names[name] > place for name in names.keys() - accepted)
    assert place == len(frames) or frames[-1] == 0 or pytest.fail("everything was accepted, and the place did not move")
