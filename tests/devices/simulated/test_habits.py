"""The rows of habits hold together."""

import pytest

from devices.simulated import habits

ROWS = [*habits.ISOLATED, *habits.ORDINARY, habits.CHILD, habits.RESTLESS, habits.CARELESS]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_row_is_possible(row):
    assert 0 <= row.hours[0] < row.hours[1] <= 24
    assert 0 < row.open_s[0] <= row.open_s[1]
    assert 1 <= row.times[0] <= row.times[1]
    assert 0 < row.apart_s[0] <= row.apart_s[1]
    assert row.a_day > 0


@pytest.mark.parametrize("row", [row for row in ROWS if row.declared], ids=lambda row: row.name)
def test_what_is_declared_fits_into_a_residents_15_minutes(row):
    assert row.minutes <= 15
    assert row.open_s[1] < row.minutes * 60


def test_only_the_careless_leave_a_door_open_for_more_than_five_minutes():
    assert [row.name for row in ROWS if row.open_s[1] > 300] == [habits.CARELESS.name]
