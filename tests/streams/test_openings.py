from msgspec.structs import replace

from streams.openings import case_at, covered, declare, watched
from streams.policy import Window
from streams.state import CaseTime, Declaration, Place
from tests.streams.core import HOME, POLICY, ms, with_rows

PLACE = Place(HOME, "household", "g017", declarations=(Declaration(ms("09:00"), ms("09:10"), "rubbish", "resident"),))


def test_from_the_command_until_its_end() -> None:
    assert covered(PLACE, ms("08:59:59"), POLICY) is None
    assert covered(PLACE, ms("09:00"), POLICY) is not None
    assert covered(PLACE, ms("09:09:59"), POLICY) is not None
    assert covered(PLACE, ms("09:10"), POLICY) is None


def test_the_one_that_lasts_longest() -> None:
    second = Declaration(ms("09:05"), ms("09:30"), "parcel", "w1")
    cover = covered(replace(PLACE, declarations=(*PLACE.declarations, second)), ms("09:06"), POLICY)
    assert cover is not None and (cover.until_ms, cover.why) == (ms("09:30"), "parcel")


def test_a_permitted_window_of_its_grid() -> None:
    policy = with_rows(permitted=(Window(from_min=420, to_min=480, grid="g018"),))
    assert covered(PLACE, ms("07:30"), policy) is None
    policy = with_rows(permitted=(Window(from_min=420, to_min=480),))
    cover = covered(PLACE, ms("07:30"), policy)
    assert cover is not None and (cover.word, cover.until_ms) == ("permitted", ms("08:00"))


def test_watched() -> None:
    place = replace(PLACE, cases=(CaseTime(ms("09:00"), ms("10:00")),))
    assert [watched(place, ms(t)) for t in ("08:59:59", "09:00", "09:59:59", "10:00")] == [False, True, True, False]
    assert case_at(place, ms("09:30")) is place.cases[0]
    assert watched(Place("g017/north", "checkpoint", "g017"), 0)


def test_declarations_are_kept_a_day_and_no_more_than_forty() -> None:
    kept: tuple[Declaration, ...] = ()
    for n in range(100):
        kept = declare(kept, Declaration(ms("09:00") + n, ms("09:10") + n, "x", "w"))
    assert len(kept) == 40
    late = Declaration(ms("+3 09:00"), ms("+3 09:10"), "x", "w")
    assert declare(kept, late) == (late,)
