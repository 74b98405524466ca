import pytest

from duty.alarm_rate import HOUR_MS, MINUTE_MS, SLOT_MS, Load, rates, stale, top_share

DAY_MS = 24 * HOUR_MS


def minutes(*at: float) -> list[int]:
    return [round(m * MINUTE_MS) for m in at]


def test_a_load_counts_the_last_hour_and_the_last_ten_minutes() -> None:
    load = Load()
    for at_ms in minutes(0, 30, 55, 59):
        load.told(at_ms)
    assert load.per_hour(59 * MINUTE_MS) == 4
    assert load.in_ten_minutes(59 * MINUTE_MS) == 2
    assert load.per_hour(60 * MINUTE_MS) == 3
    assert load.per_hour(200 * MINUTE_MS) == 0


def test_a_flood_begins_with_the_eleventh_and_lasts_until_fewer_than_five() -> None:
    load = Load()
    for n in range(10):
        load.told(n * 1000)
    assert not load.is_flooded(10_000)
    load.told(10_000)
    assert load.is_flooded(10_000)
    # Ten minutes on they fall out of the window one after another; with four left it is over.
    assert load.is_flooded(SLOT_MS + 5_999)
    assert load.in_ten_minutes(SLOT_MS + 5_999) == 5
    assert not load.is_flooded(SLOT_MS + 6_000)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ([], (0, 0.0, 0, 0, 0, 0, "acceptable")),
        ([n * 10 * MINUTE_MS for n in range(144)], (144, 6.0, 6, 1, 0, 0, "acceptable")),
        ([n * 5 * MINUTE_MS for n in range(288)], (288, 12.0, 12, 2, 0, 0, "manageable")),
        ([n * 4 * MINUTE_MS for n in range(360)], (360, 15.0, 15, 3, 0, 0, "too-many")),
        ([n * 1000 for n in range(11)], (11, 11 / 24, 11, 11, 1, 1, "acceptable")),
    ],
)
def test_the_figures_of_a_day(told, expected) -> None:
    found = rates(told, 0, DAY_MS)
    assert (
        found.alarms, found.per_hour, found.worst_hour, found.worst_slot, found.slots_over, found.slots_in_flood,
        found.verdict,
    ) == expected  # fmt: skip
    assert found.slots == 144


def test_a_flood_goes_on_over_slots_that_are_not_calm() -> None:
    told = [n * 1000 for n in range(11)]
    told += [SLOT_MS + n for n in range(5)]
    told += [2 * SLOT_MS + n for n in range(4)]
    told += [3 * SLOT_MS + n for n in range(9)]
    found = rates(told, 0, HOUR_MS)
    assert (found.slots_over, found.slots_in_flood, found.flood_share) == (1, 2, 2 / 6)
    assert found.worst_hour == 29


def test_too_much_flood_is_too_many_whatever_the_mean() -> None:
    told = [slot * SLOT_MS + n for slot in (0, 50) for n in range(13)]
    assert rates(told, 0, DAY_MS).verdict == "too-many"


def test_only_what_lies_in_the_time_counts() -> None:
    assert rates([-1, 0, HOUR_MS - 1, HOUR_MS], 0, HOUR_MS).alarms == 2
    assert rates([], 0, 0).flood_share == 0


def test_old_ones_and_bad_actors() -> None:
    assert stale([0, DAY_MS, DAY_MS + 1], 2 * DAY_MS) == 1
    assert top_share([5, 1, 1, 1, 1, 1], first=1) == 0.5
    assert top_share([]) == 0
