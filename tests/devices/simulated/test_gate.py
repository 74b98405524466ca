"""A gate in winter: mostly one plain reading, sometimes the wind, now and then a fever."""

from random import Random

import pytest

from devices.simulated import gate
from devices.simulated.compound import Grid, Gun


@pytest.fixture(scope="module")
def people():
    gun = Gun(grid=Grid("g001", worker="w", doctor="d"), checkpoint="g001/north", id="gun", topic="t")
    gun.ambient = 2.0
    rng = Random(7)
    return [gate.person(rng, gun) for _ in range(20_000)]


def test_nobody_is_measured_more_than_three_times_and_later_readings_come_later(people):
    for readings in people:
        assert 1 <= len(readings) <= 3
        times = [after_s for after_s, _ in readings]
        assert times[0] == 0
        assert times == sorted(set(times))


def test_most_people_pass_at_once(people):
    once = sum(len(r) == 1 and gate.IMPLAUSIBLE_CELSIUS <= r[0][1] < gate.LIMIT_CELSIUS for r in people)
    assert 0.9 < once / len(people) < 0.995


def test_the_wind_makes_readings_too_low_to_be_a_body_and_the_guard_measures_again(people):
    chilled = [r for r in people if r[0][1] < gate.IMPLAUSIBLE_CELSIUS]
    assert 50 < len(chilled) < 2000
    assert all(len(r) > 1 for r in chilled)


def test_a_few_have_a_fever(people):
    feverish = [r for r in people if sum(c >= gate.LIMIT_CELSIUS for _, c in r) >= 2 or r[-1][1] >= 38.5]
    assert 5 < len(feverish) < 100


def test_a_suspicion_is_measured_again_but_for_a_few_that_are_forgotten(people):
    suspected = [r for r in people if gate.LIMIT_CELSIUS <= r[0][1] < 38.5]
    again = [r for r in suspected if len(r) > 1]
    assert 0.9 < len(again) / len(suspected) <= 1
