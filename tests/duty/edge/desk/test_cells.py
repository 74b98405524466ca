"""The picture of the buildings: what a cell shows, and where a home is drawn."""

import pytest

from duty.edge.desk.cells import draw, floor_and_door, state_of
from streams.effects import HouseholdSeen

NOW_MS = 1_000_000


def seen(**changes: object) -> HouseholdSeen:
    fields: dict[str, object] = {
        "t_ms": 0, "grid": "g017", "household": "g017/3/1203", "watched": True, "case_from_ms": 0,
        "case_until_ms": 2 * NOW_MS, "open": False, "open_since_ms": None, "declared_until_ms": None, "silent": False,
        "battery_low": False, "tamper": False, "incidents": [],
    }  # fmt: skip
    return HouseholdSeen(**(fields | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, "calm"),
        ({"open": None}, "calm"),
        ({"open": True}, "open"),
        ({"open": True, "declared_until_ms": NOW_MS + 1}, "declared"),
        ({"open": True, "declared_until_ms": NOW_MS}, "open"),
        ({"declared_until_ms": NOW_MS + 1}, "declared"),
        ({"silent": True, "open": True}, "silent"),
        ({"silent": True, "incidents": ["sensor-silent"]}, "silent"),
        ({"silent": True, "incidents": ["sensor-silent", "tamper"]}, "incident"),
        ({"incidents": ["undeclared-opening"], "open": True}, "incident"),
        ({"watched": False}, "none"),
        ({"watched": False, "open": True}, "none"),
        ({"watched": False, "incidents": ["fever"]}, "incident"),
    ],
)
def test_a_cell_shows_the_most_urgent_of_what_is_so(changes: dict[str, object], state: str) -> None:
    assert state_of(seen(**changes), NOW_MS) == state


def test_a_home_never_heard_of_is_not_watched() -> None:
    assert state_of(None, NOW_MS) == "none"


@pytest.mark.parametrize(
    ("unit", "spot"),
    [("1203", (12, 3)), ("0402", (4, 2)), ("402", (4, 2)), ("2404", (24, 4)), ("A1", None), ("0003", None), ("1", None),
     ("99999", None), ("1200", None)],
)  # fmt: skip
def test_floor_and_door_are_read_from_the_number(unit: str, spot: tuple[int, int] | None) -> None:
    assert floor_and_door(unit) == spot


def test_a_building_has_its_floors_from_the_top_and_gaps_where_no_home_is() -> None:
    drawn = draw("3", {"0201": seen(), "0103": seen(incidents=["fever"]), "shop": seen(watched=False)}, NOW_MS)
    assert [floor.number for floor in drawn.floors] == [2, 1]
    assert [[cell.unit for cell in floor.cells] for floor in drawn.floors] == [["0201", "", ""], ["", "", "0103"]]
    assert [cell.unit for cell in drawn.others] == ["shop"]
    assert (drawn.homes, drawn.watched, drawn.incidents) == (3, 2, 1)


def test_two_spellings_of_one_door_are_both_shown() -> None:
    drawn = draw("3", {"0402": seen(), "402": seen()}, NOW_MS)
    assert {cell.unit for cell in drawn.others} | {c.unit for f in drawn.floors for c in f.cells} >= {"0402", "402"}


def test_an_empty_building_is_drawn_empty() -> None:
    drawn = draw("3", {}, NOW_MS)
    assert (drawn.floors, drawn.others, drawn.homes) == ([], [], 0)
