from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duty.roster import Gap, Holiday, OnDuty, Plan, Roster, Swap, gaps, local_day, local_ms, on_duty
from tests.duty.rosters import BERLIN, SHANGHAI, ms, shift, swap

HOUR_MS = 3_600_000


def who(roster: Roster, at: str, *, grid: str = "g017", role: str = "worker", zone=SHANGHAI) -> list[str]:
    return [found.person for found in on_duty(roster, zone, grid, role, ms(at, zone))]


DAY_AND_NIGHT = Roster(shifts=(shift("wang", "08:00-20:00"), shift("li", "20:00-08:00")))


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2020-02-16 07:59:59.999", ["li"]),  # the night of the 15th
        ("2020-02-16 08:00", ["wang"]),
        ("2020-02-16 19:59:59.999", ["wang"]),
        ("2020-02-16 20:00", ["li"]),
        ("2020-02-16 23:59:59.999", ["li"]),
        ("2020-02-17 00:00", ["li"]),
        ("2020-02-17 02:10", ["li"]),
        ("2020-02-29 02:10", ["li"]),  # the leap day
        ("2020-03-01 07:59", ["li"]),  # the night that began on it
        ("2020-02-01 07:59", []),  # before the first row's first day: nobody
        ("2020-04-01 07:59", ["li"]),  # the last night ends in the morning after `last`
        ("2020-04-01 08:00", []),
    ],
)
def test_who_is_on_duty_by_the_clock(at: str, expected: list[str]) -> None:
    assert who(DAY_AND_NIGHT, at) == expected


def test_a_shift_of_equal_times_is_a_whole_day() -> None:
    roster = Roster(shifts=(shift("wang", "08:00-08:00", days=(6,)),))
    assert who(roster, "2020-02-16 08:00") == ["wang"]  # a Sunday
    assert who(roster, "2020-02-17 07:59") == ["wang"]
    assert who(roster, "2020-02-17 08:00") == []


def test_midnight_may_be_written_24_00() -> None:
    roster = Roster(shifts=(shift("wang", "08:00-24:00"), shift("li", "00:00-08:00")))
    assert who(roster, "2020-02-16 23:59") == ["wang"]
    assert who(roster, "2020-02-17 00:00") == ["li"]
    assert gaps(roster, SHANGHAI, ["g017"], ["worker"], ms("2020-02-10 00:00"), ms("2020-02-20 00:00")) == []


def test_the_first_is_called_first_and_each_person_once() -> None:
    roster = Roster(
        shifts=(
            shift("zhao", "08:00-20:00", order=2),
            shift("wang", "08:00-20:00", order=1),
            shift("wang", "00:00-24:00", order=3),
        )
    )
    assert who(roster, "2020-02-16 12:00") == ["wang", "zhao"]
    assert who(roster, "2020-02-16 22:00") == ["wang"]


def test_one_doctor_for_two_communities_and_one_person_in_several_grids() -> None:
    roster = Roster(shifts=(shift("chen", "00:00-24:00", role="doctor", grids="g017 g018 h001"),))
    for grid in ("g017", "g018", "h001"):
        assert who(roster, "2020-02-16 12:00", grid=grid, role="doctor") == ["chen"]
    assert who(roster, "2020-02-16 12:00", grid="g019", role="doctor") == []
    assert who(roster, "2020-02-16 12:00", grid="g017", role="worker") == []


def test_a_swap_replaces_one_person_for_its_time_only() -> None:
    roster = Roster(shifts=DAY_AND_NIGHT.shifts, swaps=(swap("li", "zhao", "2020-02-16 22:00", "2020-02-17 02:00"),))
    assert who(roster, "2020-02-16 21:59") == ["li"]
    assert on_duty(roster, SHANGHAI, "g017", "worker", ms("2020-02-16 22:00")) == [
        OnDuty("zhao", 1, ms("2020-02-17 02:00"), "li/worker/20:00-08:00/1", "li")
    ]
    assert who(roster, "2020-02-17 02:00") == ["li"]
    assert on_duty(roster, SHANGHAI, "g017", "worker", ms("2020-02-16 21:00"))[0].until_ms == ms("2020-02-16 22:00")


def test_two_who_exchange_their_turns_end_up_exchanged() -> None:
    start, end = "2020-02-16 00:00", "2020-02-18 00:00"
    swaps = (swap("wang", "li", start, end), swap("li", "wang", start, end))
    roster = Roster(shifts=DAY_AND_NIGHT.shifts, swaps=swaps)
    assert who(roster, "2020-02-16 12:00") == ["li"]
    assert who(roster, "2020-02-16 22:00") == ["wang"]


def test_a_swap_may_be_about_one_grid_or_one_role() -> None:
    base = (shift("wang", "08:00-20:00", grids="g017 g018"),)
    roster = Roster(shifts=base, swaps=(swap("wang", "li", "2020-02-16 00:00", "2020-02-17 00:00", grids="g018"),))
    assert who(roster, "2020-02-16 12:00", grid="g017") == ["wang"]
    assert who(roster, "2020-02-16 12:00", grid="g018") == ["li"]
    roster = Roster(shifts=base, swaps=(swap("wang", "li", "2020-02-16 00:00", "2020-02-17 00:00", role="doctor"),))
    assert who(roster, "2020-02-16 12:00", grid="g018") == ["wang"]


def test_of_two_swaps_the_later_one_holds_and_leave_of_who_comes_instead_is_a_gap() -> None:
    start, end = "2020-02-16 08:00", "2020-02-16 20:00"
    twice = (swap("wang", "li", start, end), swap("wang", "zhao", start, end))
    roster = Roster(shifts=DAY_AND_NIGHT.shifts, swaps=twice)
    assert who(roster, "2020-02-16 12:00") == ["zhao"]
    leave = swap("zhao", "", "2020-02-16 10:00", "2020-02-16 11:00")
    roster = Roster(shifts=DAY_AND_NIGHT.shifts, swaps=(swap("wang", "zhao", start, end), leave))
    assert who(roster, "2020-02-16 10:30") == []
    assert gaps(roster, SHANGHAI, ["g017"], ["worker"], ms("2020-02-16 00:00"), ms("2020-02-17 00:00")) == [
        Gap("g017", "worker", ms("2020-02-16 10:00"), ms("2020-02-16 11:00"))
    ]


def test_holidays_and_weekdays() -> None:
    weekdays = (0, 1, 2, 3, 4)
    roster = Roster(
        shifts=(
            shift("wang", "08:00-20:00", days=weekdays, holidays="not"),
            shift("li", "08:00-20:00", days=(5, 6)),
            shift("zhao", "08:00-20:00", days=weekdays, holidays="only"),
        ),
        holidays=(Holiday(day=date(2020, 2, 18), name="an extra day off"),),
    )
    assert who(roster, "2020-02-17 12:00") == ["wang"]  # Monday
    assert who(roster, "2020-02-18 12:00") == ["zhao"]  # Tuesday, a holiday
    assert who(roster, "2020-02-22 12:00") == ["li"]  # Saturday


def test_gaps_are_listed_with_their_ends() -> None:
    roster = Roster(shifts=(shift("wang", "08:00-20:00", last="2020-02-17"), shift("li", "21:00-08:00")))
    found = gaps(roster, SHANGHAI, ["g017", "g018"], ["worker"], ms("2020-02-16 12:00"), ms("2020-02-18 12:00"))
    assert [(g.grid, g.from_ms, g.until_ms) for g in found] == [
        ("g018", ms("2020-02-16 12:00"), ms("2020-02-18 12:00")),
        ("g017", ms("2020-02-16 20:00"), ms("2020-02-16 21:00")),
        ("g017", ms("2020-02-17 20:00"), ms("2020-02-17 21:00")),
        ("g017", ms("2020-02-18 08:00"), ms("2020-02-18 12:00")),
    ]


NIGHT_IN_BERLIN = Roster(
    shifts=(
        shift("anna", "22:00-02:30", first="2020-01-01", last="2020-12-31"),
        shift("bert", "02:30-22:00", first="2020-01-01", last="2020-12-31"),
    )
)


@pytest.mark.parametrize("night", ["2020-03-28", "2020-10-24"])
def test_no_hour_falls_between_two_shifts_when_the_clocks_change(night: str) -> None:
    day = date.fromisoformat(night)
    from_ms = local_ms(day, 20 * 60, BERLIN)
    found = gaps(NIGHT_IN_BERLIN, BERLIN, ["g017"], ["worker"], from_ms, from_ms + 30 * HOUR_MS)
    assert found == []
    plan = Plan(NIGHT_IN_BERLIN, BERLIN)
    for step in range(0, 30 * 60, 7):
        assert len(plan.on_duty("g017", "worker", from_ms + step * 60_000)) == 1


def test_a_shift_is_as_long_as_its_clock_says_also_when_the_clocks_change() -> None:
    plan = Plan(Roster(shifts=(shift("anna", "20:00-08:00", first="2020-01-01", last="2020-12-31"),)), BERLIN)

    def hours(night: str) -> float:
        at_ms = local_ms(date.fromisoformat(night), 21 * 60, BERLIN)
        span = plan.spans("g017", "worker", at_ms, at_ms + 1)[0]
        return (span.until_ms - span.from_ms) / HOUR_MS

    assert [hours("2020-03-27"), hours("2020-03-28"), hours("2020-10-24")] == [12, 11, 13]


@settings(max_examples=150, deadline=None)
@given(
    starts=st.lists(st.integers(0, 23), min_size=1, max_size=4, unique=True),
    swapped=st.lists(st.tuples(st.integers(0, 70), st.integers(1, 30), st.booleans()), max_size=3),
    at_h=st.integers(0, 71),
)
def test_a_time_is_in_a_gap_exactly_when_nobody_is_on_duty(starts, swapped, at_h) -> None:
    begin = ms("2020-02-16 00:00")
    shifts = tuple(shift(f"p{n}", f"{n:02d}:00-{(n + 6) % 24:02d}:00") for n in starts)
    swaps = tuple(
        Swap(
            id=str(number),
            person=shifts[0].person,
            instead="zhao" if comes else "",
            from_ms=begin + start * HOUR_MS,
            until_ms=begin + (start + length) * HOUR_MS,
        )
        for number, (start, length, comes) in enumerate(swapped)
    )
    roster = Roster(shifts=shifts, swaps=swaps)
    found = gaps(roster, SHANGHAI, ["g017"], ["worker"], begin, begin + 72 * HOUR_MS)
    at_ms = begin + at_h * HOUR_MS + 1_800_000
    in_gap = any(gap.from_ms <= at_ms < gap.until_ms for gap in found)
    assert in_gap == (on_duty(roster, SHANGHAI, "g017", "worker", at_ms) == [])
    for one, other in pairwise(found):
        assert one.until_ms < other.from_ms


def test_local_time_before_1970_and_after_2038() -> None:
    assert local_ms(date(1969, 12, 31), 8 * 60, SHANGHAI) == -24 * HOUR_MS
    assert local_day(local_ms(date(2099, 2, 28), 1439, SHANGHAI), SHANGHAI) == date(2099, 2, 28)
