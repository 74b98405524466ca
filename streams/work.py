"""One step in the making: reads the records it was given, gathers the changed ones and the effects, writes nothing."""

from collections.abc import Mapping
from typing import TypeVar

import msgspec

from streams.effects import Effect
from streams.policy import Policy
from streams.state import Book, BridgeState, Building, Grid, Place, Record, Sensor, Suspicion

R = TypeVar("R", bound=Record)


class Step(msgspec.Struct, frozen=True):
    """What a step did: records changed (None: gone) and effects, in the order they were decided."""

    changes: dict[str, Record | None]
    effects: list[Effect]


class Work:
    """The records as this step sees them: those given, with its own changes before them."""

    __slots__ = ("changes", "effects", "now_ms", "policy", "view")

    def __init__(self, view: Mapping[str, Record], policy: Policy, now_ms: int) -> None:
        self.view = view
        self.policy = policy
        self.now_ms = now_ms
        self.changes: dict[str, Record | None] = {}
        self.effects: list[Effect] = []

    def get(self, key: str) -> Record | None:
        """The record of `key` as it stands in this step."""
        if key in self.changes:
            return self.changes[key]
        return self.view.get(key)

    def put(self, key: str, record: Record) -> None:
        """`key` is now `record`."""
        self.changes[key] = record

    def drop(self, key: str) -> None:
        """`key` is gone."""
        self.changes[key] = None

    def sensor(self, device: str) -> Sensor | None:
        """The record of a device."""
        record = self.get("d:" + device)
        return record if isinstance(record, Sensor) else None

    def place(self, place: str) -> Place | None:
        """The record of a household or checkpoint."""
        record = self.get("p:" + place)
        return record if isinstance(record, Place) else None

    def suspicion(self, subject: str) -> Suspicion | None:
        """The readings of one person at a checkpoint."""
        record = self.get("r:" + subject)
        return record if isinstance(record, Suspicion) else None

    def grid(self, grid: str) -> Grid:
        """The record of a grid, a new one if there is none."""
        record = self.get("g:" + grid)
        return record if isinstance(record, Grid) else Grid(grid)

    def building(self, building: str) -> Building:
        """The record of a building, a new one if there is none."""
        record = self.get("b:" + building)
        return record if isinstance(record, Building) else Building(building)

    def bridge(self, bridge: str) -> BridgeState | None:
        """The record of a bridge."""
        record = self.get("l:" + bridge)
        return record if isinstance(record, BridgeState) else None

    def book(self, subject: str) -> Book | None:
        """The incidents of a subject."""
        record = self.get("z:" + subject)
        return record if isinstance(record, Book) else None

    def put_sensor(self, sensor: Sensor) -> None:
        """Keep a device's record."""
        self.changes["d:" + sensor.device] = sensor

    def put_place(self, place: Place) -> None:
        """Keep a place's record."""
        self.changes["p:" + place.place] = place

    def put_suspicion(self, suspicion: Suspicion) -> None:
        """Keep a suspicion's record."""
        self.changes["r:" + suspicion.subject] = suspicion

    def put_grid(self, grid: Grid) -> None:
        """Keep a grid's record."""
        self.changes["g:" + grid.grid] = grid

    def put_building(self, building: Building) -> None:
        """Keep a building's record."""
        self.changes["b:" + building.building] = building

    def put_bridge(self, bridge: BridgeState) -> None:
        """Keep a bridge's record."""
        self.changes["l:" + bridge.bridge] = bridge

    def put_book(self, book: Book) -> None:
        """Keep a subject's incidents."""
        self.changes["z:" + book.subject] = book
