from duty.people import ALL_GRIDS, case_id
from tests.duty.rosters import person


def test_whose_grids_hold_a_grid() -> None:
    assert person("x", grids="g017 g018").has_grid("g018")
    assert not person("x", grids="g017").has_grid("g0")
    assert not person("x", grids="g017").has_grid("")
    assert person("x", grids=ALL_GRIDS).has_grid("g999")


def test_a_case_is_named_by_its_household_and_its_beginning() -> None:
    assert case_id("g017/3/1203", 5) == "g017/3/1203@5"
