"""The buildings as a picture: floors, doors, and the state each cell shows.  What needs no look is drawn as nothing."""

import re
from typing import Literal

import msgspec

from streams.effects import HouseholdSeen

State = Literal["none", "calm", "declared", "open", "incident", "silent"]
STATES: tuple[State, ...] = ("none", "calm", "declared", "open", "incident", "silent")

_FLOOR_AND_DOOR = re.compile(r"(\d{1,2}?)(\d{2})\Z")
FLOORS_MAX, DOORS_MAX = 60, 40


class Cell(msgspec.Struct, frozen=True):
    """One household, or a gap where no household is known ("" as unit)."""

    unit: str
    state: State = "none"


class Floor(msgspec.Struct, frozen=True):
    number: int
    cells: list[Cell]


class Drawn(msgspec.Struct, frozen=True, kw_only=True):
    """One building, its floors from the top; `others` are units whose name is no floor and door."""

    building: str
    floors: list[Floor]
    others: list[Cell]
    homes: int
    watched: int
    incidents: int


def state_of(seen: HouseholdSeen | None, now_ms: int) -> State:
    """What the cell of a household shows: the most urgent of what is so."""
    if seen is None:
        return "none"
    if seen.incidents and not (seen.silent and seen.incidents == ["sensor-silent"]):
        return "incident"
    if not seen.watched:
        return "none"
    if seen.silent:
        return "silent"
    declared = (seen.declared_until_ms or 0) > now_ms
    if seen.open:
        return "declared" if declared else "open"
    return "declared" if declared else "calm"


def floor_and_door(unit: str) -> tuple[int, int] | None:
    """`1203` → (12, 3), `0402` → (4, 2); None for a unit named otherwise."""
    match = _FLOOR_AND_DOOR.match(unit)
    if match is None:
        return None
    floor, door = int(match[1]), int(match[2])
    return (floor, door) if 1 <= floor <= FLOORS_MAX and 1 <= door <= DOORS_MAX else None


def draw(building: str, households: dict[str, HouseholdSeen], now_ms: int) -> Drawn:
    """The building of these households (unit → how it stands)."""
    placed: dict[tuple[int, int], str] = {}
    others: list[Cell] = []
    states: dict[str, State] = {unit: state_of(seen, now_ms) for unit, seen in households.items()}
    for unit in sorted(households):
        spot = floor_and_door(unit)
        if spot is None or spot in placed:
            others.append(Cell(unit, states[unit]))
        else:
            placed[spot] = unit
    doors = max((door for _, door in placed), default=0)
    top = max((floor for floor, _ in placed), default=0)
    floors = [
        Floor(floor, [_cell(placed.get((floor, door)), states) for door in range(1, doors + 1)])
        for floor in range(top, 0, -1)
    ]
    return Drawn(
        building=building,
        floors=floors,
        others=others,
        homes=len(households),
        watched=sum(1 for seen in households.values() if seen.watched),
        incidents=sum(1 for state in states.values() if state == "incident"),
    )


def _cell(unit: str | None, states: dict[str, State]) -> Cell:
    return Cell(unit, states[unit]) if unit is not None else Cell("")
