import pytest

from gateway.duplicates import Duplicates


@pytest.mark.parametrize(
    ("has_cause", "redelivered", "duplicate"),
    [(True, False, True), (True, True, True), (False, True, True), (False, False, False)],
)
def test_what_makes_a_second_message_a_duplicate(has_cause, redelivered, duplicate):
    seen = Duplicates()
    assert not seen.is_duplicate("a", has_cause, False, 0)
    assert seen.is_duplicate("a", has_cause, redelivered, 1) is duplicate


def test_the_first_one_is_none_though_it_is_marked_as_sent_again():
    assert not Duplicates().is_duplicate("a", False, True, 0)


def test_a_number_used_again_after_the_window_is_another_message():
    seen = Duplicates(window_ms=1000)
    assert not seen.is_duplicate("a", True, False, 0)
    assert seen.is_duplicate("a", True, False, 1000)
    assert not seen.is_duplicate("a", True, False, 1001)
    assert seen.is_duplicate("a", True, False, 1002)


def test_memory_is_bounded_and_keeps_the_newest():
    seen = Duplicates(most=10)
    for n in range(1000):
        seen.is_duplicate(str(n), True, False, n)
        assert len(seen) <= 10
    assert all(seen.is_duplicate(str(n), True, False, 1000) for n in range(995, 1000))
    assert not seen.is_duplicate("1", True, False, 1000)


def test_what_an_earlier_run_took_is_remembered():
    seen = Duplicates(most=10)
    for n in range(20):
        seen.remember(str(n), n)
    assert len(seen) <= 10
    assert seen.is_duplicate("19", False, True, 20)
    assert not seen.is_duplicate("0", False, True, 20)


def test_the_time_of_the_last_one_counts():
    seen = Duplicates(window_ms=1000)
    seen.is_duplicate("packet 1", False, False, 0)
    seen.is_duplicate("packet 1", False, False, 5000)
    assert seen.is_duplicate("packet 1", False, True, 5500)
