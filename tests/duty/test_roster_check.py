import pytest

from duty.people import Person
from duty.roster import Roster
from duty.roster_check import conflicts
from tests.duty.rosters import SHANGHAI, ms, person, shift, swap

STAFF = [
    person("wang", "worker"),
    person("li", "worker", "police", grids="*"),
    person("chen", "doctor", grids="g017 g018"),
    person("zhao", "worker"),
    person("gone", "worker", disabled=True),
]
MON, TUE = ms("2020-02-17 00:00"), ms("2020-02-18 00:00")


def found(roster: Roster, people: list[Person] = STAFF) -> list[tuple[str, str, str]]:
    return [(c.word, c.person, c.role) for c in conflicts(roster, SHANGHAI, people, MON, TUE)]


SOUND = (shift("wang", "08:00-20:00"), shift("li", "20:00-08:00"), shift("chen", "08:00-18:00", role="doctor"))


def test_a_sound_plan_has_none() -> None:
    assert found(Roster(shifts=SOUND)) == []


def test_one_doctor_in_two_communities_is_no_conflict() -> None:
    assert found(Roster(shifts=(shift("chen", "08:00-18:00", role="doctor", grids="g017 g018"),))) == []


@pytest.mark.parametrize(
    ("shifts", "expected"),
    [
        ([shift("nobody", "08:00-20:00")], ("unknown-person", "nobody", "")),
        ([shift("gone", "08:00-20:00")], ("disabled", "gone", "")),
        ([shift("wang", "08:00-20:00", role="doctor")], ("no-role", "wang", "doctor")),
        ([shift("wang", "08:00-20:00", grids="g018")], ("no-grid", "wang", "")),
        ([shift("wang", "08:00-20:00"), shift("wang", "19:00-21:00", order=2)], ("twice", "wang", "worker")),
        ([shift("wang", "08:00-20:00"), shift("li", "19:00-08:00")], ("same-order", "li", "worker")),
        (
            [shift("li", "08:00-20:00"), shift("li", "10:00-12:00", role="police")],
            ("two-roles", "li", "police"),
        ),
        (
            [shift("wang", "08:00-20:00"), shift("wang", "20:00-20:00", days=(0,))],
            ("too-long", "wang", ""),
        ),
    ],
)
def test_each_conflict(shifts, expected) -> None:
    assert expected in found(Roster(shifts=tuple(shifts)))


def test_a_whole_day_on_duty_is_allowed_and_every_second_day_too() -> None:
    assert found(Roster(shifts=(shift("wang", "08:00-08:00", days=(0, 2, 4)),))) == []


def test_two_people_of_different_order_stand_side_by_side() -> None:
    assert found(Roster(shifts=(shift("wang", "08:00-20:00"), shift("li", "08:00-20:00", order=2)))) == []


def test_swaps_are_checked_too() -> None:
    day = ("2020-02-17 08:00", "2020-02-17 20:00")
    assert found(Roster(shifts=SOUND, swaps=(swap("wang", "zhao", *day),))) == []
    assert found(Roster(shifts=SOUND, swaps=(swap("chen", "zhao", *day, role="worker"),))) == [
        ("idle-swap", "chen", "worker")
    ]
    assert ("unknown-person", "nobody", "") in found(Roster(shifts=SOUND, swaps=(swap("wang", "nobody", *day),)))
    assert ("disabled", "gone", "") in found(Roster(shifts=SOUND, swaps=(swap("wang", "gone", *day),)))


def test_a_swap_that_makes_a_day_and_a_night_without_rest_is_told() -> None:
    swaps = (swap("wang", "li", "2020-02-17 08:00", "2020-02-17 20:00"),)
    assert ("too-long", "li", "") in found(Roster(shifts=SOUND, swaps=swaps))
