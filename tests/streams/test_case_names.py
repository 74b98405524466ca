"""Names for one case: linked while the secret is kept, and never again."""

import re
from itertools import count

import pytest

from streams.case_names import CaseNames, kept_first
from streams.effects import HouseholdSeen

HOME = "g017/3/1203"
DAY_MS = 86_400_000
T0_MS = 1_581_816_600_000


def seen(t_ms: int, from_ms: int | None, until_ms: int | None, *, watched: bool = True) -> HouseholdSeen:
    return HouseholdSeen(t_ms, "g017", HOME, watched, from_ms, until_ms, None, None, None, False, False, False, [])


@pytest.fixture
def names():
    numbers = count(1)
    return CaseNames(new_secret=lambda: next(numbers).to_bytes(16, "big"), kept={})


def test_a_case_has_a_name_from_its_start_to_its_end(names):
    assert names.seen(seen(T0_MS, T0_MS, T0_MS + DAY_MS))
    assert names.case_at(HOME, T0_MS - 1) is None
    assert names.case_at(HOME, T0_MS + DAY_MS) is None
    case = names.case_at(HOME, T0_MS + DAY_MS - 1)
    assert re.fullmatch("[0-9a-f]{16}", case.household)
    assert re.fullmatch("[0-9a-f]{16}", case.device("door-1"))
    assert len({case.household, case.device("door-1"), case.device("door-2")}) == 3


def test_the_same_again_changes_nothing(names):
    names.seen(seen(T0_MS, T0_MS, T0_MS + DAY_MS))
    names.take_changes()
    assert not names.seen(seen(T0_MS + 5, T0_MS, T0_MS + DAY_MS))
    assert names.take_changes() == {}


def test_two_cases_of_a_household_share_no_name(names):
    names.seen(seen(T0_MS, T0_MS, T0_MS + DAY_MS))
    names.seen(seen(T0_MS + 2 * DAY_MS, T0_MS + 2 * DAY_MS, T0_MS + 3 * DAY_MS))
    first, second = names.case_at(HOME, T0_MS), names.case_at(HOME, T0_MS + 2 * DAY_MS)
    assert first.household != second.household
    assert first.device("door-1") != second.device("door-1")


def test_a_household_never_isolated_has_none(names):
    assert not names.seen(seen(T0_MS, None, None, watched=False))
    assert not names.has_any(HOME)
    assert names.case_at(HOME, T0_MS) is None


def test_what_is_forgotten_is_gone_from_what_is_kept(names):
    names.seen(seen(T0_MS, T0_MS, T0_MS + DAY_MS))
    kept = names.take_changes()
    assert names.ended(T0_MS + DAY_MS) == []
    (case,) = names.ended(T0_MS + DAY_MS + 1)
    names.forget(case)
    kept.update(names.take_changes())
    assert {key: value for key, value in kept.items() if value is not None} == {}
    assert names.ended(2**62) == []


def test_a_case_seen_again_after_a_crash_keeps_its_name(names):
    """Only the secret was kept; where we were was not."""
    names.seen(seen(T0_MS, T0_MS, T0_MS + DAY_MS))
    first = kept_first(names.take_changes())
    assert len(first) == 1
    again = CaseNames(new_secret=lambda: b"x" * 16, kept=first)
    assert again.case_at(HOME, T0_MS) is None, "the case is not known before it is seen"
    again.seen(seen(T0_MS, T0_MS, T0_MS + DAY_MS))
    assert again.case_at(HOME, T0_MS) == names.case_at(HOME, T0_MS)
    assert kept_first(again.take_changes()) == {}
