"""Figures for the supervisor: percentiles, and how many alarms a person has (ISA-18.2)."""

from duty.edge.desk.figures import AlarmRate, alarm_rates, percentile

MINUTE = 60_000
NOW_MS = 100 * 24 * 60 * MINUTE


def test_percentiles_are_of_the_nearest_rank() -> None:
    assert percentile([], 50) is None
    assert percentile([7], 99) == 7
    assert percentile(list(range(1, 101)), 50) == 50
    assert percentile(list(range(1, 101)), 99) == 99
    assert percentile([3, 1, 2], 90) == 3


def test_alarms_are_counted_by_person_of_the_last_day() -> None:
    told = [("w1", NOW_MS - n * 30 * MINUTE) for n in range(4)] + [("w2", NOW_MS), ("w1", NOW_MS - 25 * 60 * MINUTE)]
    rows = alarm_rates(told, NOW_MS)
    assert [(row.person, row.alarms, row.busiest_hour) for row in rows] == [("w1", 4, 2), ("w2", 1, 1)]


def test_a_flood_lasts_until_fewer_than_five() -> None:
    slot = 10 * MINUTE
    counts = [0, 11, 5, 4, 11]  # from old to new
    told = [
        ("w1", NOW_MS - (len(counts) - 1 - n) * slot - MINUTE) for n, count in enumerate(counts) for _ in range(count)
    ]
    (row,) = alarm_rates(told, NOW_MS)
    assert row == AlarmRate(person="w1", alarms=31, busiest_hour=31, busiest_slot=11, flood_share=3 / 144)


def test_nobody_told_is_nobody_in_the_table() -> None:
    assert alarm_rates([], NOW_MS) == []
