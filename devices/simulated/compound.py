"""Who lives in a simulated compound, and what hangs on their doors: built once from a plan and its seed."""

from collections.abc import Iterator
from hashlib import sha256
from random import Random
from typing import Literal

import msgspec

from devices.fleet import Bridge, Case, Device, Fleet, Subscriber

DAY_MS = 86_400_000

Vendor = Literal["native", "zigbee2mqtt", "shelly-gen1", "tasmota"]
# How many of a hundred doors have which sensor, and how often it checks in, in seconds.
_SENSORS: tuple[tuple[Vendor, int, int], ...] = (
    ("native", 40, 1800),
    ("zigbee2mqtt", 35, 3600),
    ("tasmota", 15, 300),
    ("shelly-gen1", 10, 43_200),
)
SIREN_ROLES = ("worker", "police", "doctor", "guard", "supervisor")
_FLOORS, _DOORS_A_FLOOR = 18, 4


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What compound to make.  The same plan gives the same compound and the same days, to the byte.

    `pace` lets people live faster, not clocks: at 60 an evening's rubbish of a whole day comes down within 24 minutes,
    while a door that stands open stands open for as long as ever.  Reports are as much more frequent.
    """

    households: int = 400
    seed: int = 7
    begins_ms: int = 1_581_782_400_000  # 2020-02-16, midnight in Shanghai
    zone_min: int = 480
    hour: float | None = None  # the hour of day in people's lives when it begins; None: what the clock says
    households_a_grid: int = 400
    isolated_share: float = 0.25
    pace: float = 1.0
    answered_share: float = 0.6  # how often somebody of the team acknowledges and closes by themselves
    guns: bool = True
    bridges: bool = True  # whether Zigbee sensors hang on a bridge; directly connected ones do not


def siren_of(grid: str) -> str:
    """The id of the siren in a grid's office: it hears every page of the grid."""
    return f"siren-{grid}"


class Home:
    """A household and its door sensor.  What changes while the compound lives is at the end."""

    __slots__ = (
        "answered_until_ms",
        "battery",
        "behind",
        "calls",
        "careless",
        "child",
        "clock_off_ms",
        "count",
        "dead",
        "declares",
        "every_s",
        "fever",
        "id",
        "isolated",
        "late_ms",
        "open",
        "place",
        "restless",
        "seq",
        "tells_time",
        "topic",
        "vendor",
        "worker",
    )

    def __init__(self, *, place: str, id: str, vendor: Vendor, topic: str, every_s: float, worker: str) -> None:
        self.place = place
        self.id = id
        self.vendor: Vendor = vendor
        self.topic = topic
        self.every_s = every_s
        self.worker = worker
        self.behind: Grid | None = None  # the grid whose Zigbee bridge it hangs on
        self.isolated = False
        self.calls = False
        self.declares = 0.85
        self.child = self.restless = self.careless = self.fever = False
        self.tells_time = True
        self.clock_off_ms = 0
        self.open = False
        self.count = 0
        self.seq = 0
        self.battery = 100.0
        self.dead = False
        self.late_ms = 0  # until then what it says waits in the sensor
        self.answered_until_ms = 0


class Gun:
    """A thermometer at a checkpoint and the guard who holds it."""

    __slots__ = ("ambient", "checkpoint", "grid", "id", "passes", "seq", "tells_ambient", "tells_pass", "topic")

    def __init__(self, *, grid: "Grid", checkpoint: str, id: str, topic: str) -> None:
        self.grid = grid
        self.checkpoint = checkpoint
        self.id = id
        self.topic = topic
        self.tells_pass = True
        self.tells_ambient = True
        self.ambient = 5.0
        self.passes = 0
        self.seq = 0


class Grid:
    """A grid: its homes, the guns at its gates, the worker who answers for it."""

    __slots__ = ("bridge_down", "doctor", "guns", "homes", "name", "worker")

    def __init__(self, name: str, *, worker: str, doctor: str) -> None:
        self.name = name
        self.worker = worker
        self.doctor = doctor
        self.homes: list[Home] = []
        self.guns: list[Gun] = []
        self.bridge_down = False

    @property
    def bridge_topic(self) -> str:
        return f"zigbee2mqtt-{self.name}/bridge/state"


class Compound:
    """The whole of it, and its fleet."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        rng = Random(f"compound {plan.seed} {plan.households}")
        self.grids = list(_grids(plan, rng))
        self.cases = [c for g in self.grids for h in g.homes if h.isolated for c in _case(h, plan, rng)]

    def homes(self) -> Iterator[Home]:
        """Every household, grid by grid."""
        for grid in self.grids:
            yield from grid.homes

    def secret(self, device: str) -> str:
        """The password of a simulated device: good for a demonstration, since whoever knows the seed knows it."""
        return sha256(f"{self.plan.seed}/{device}".encode()).hexdigest()[:24]

    def fleet(self) -> Fleet:
        """The fleet file's content: every sensor and gun, the bridges, the cases."""
        devices: dict[str, Device] = {}
        for grid in self.grids:
            for home in grid.homes:
                devices[home.id] = Device(
                    id=home.id,
                    format=home.vendor,
                    topic=home.topic,
                    where="household",
                    place=home.place,
                    grid=grid.name,
                    report_every_s=home.every_s,
                    open_is="ON" if home.vendor == "tasmota" else "",
                    secret_sha256=self._hash(home.id),
                )
            for gun in grid.guns:
                devices[gun.id] = Device(
                    id=gun.id,
                    format="native",
                    topic=gun.topic,
                    where="checkpoint",
                    place=gun.checkpoint,
                    grid=grid.name,
                    site="forehead",
                    secret_sha256=self._hash(gun.id),
                )
        bridges = {
            f"z2m-{grid.name}": Bridge(
                id=f"z2m-{grid.name}", topic=grid.bridge_topic, grid=grid.name, devices=f"zigbee2mqtt-{grid.name}/"
            )
            for grid in self.grids
            if any(home.behind for home in grid.homes)
        }
        sirens = {
            name: Subscriber(id=name, grid=grid.name, roles=SIREN_ROLES, secret_sha256=self._hash(name))
            for grid in self.grids
            if (name := siren_of(grid.name))
        }
        return Fleet(devices=devices, bridges=bridges, cases=tuple(self.cases), subscribers=sirens)

    def _hash(self, device: str) -> str:
        return sha256(self.secret(device).encode()).hexdigest()


def _grids(plan: Plan, rng: Random) -> Iterator[Grid]:
    left, number = plan.households, 0
    while left > 0:
        number += 1
        # 300 to 500 households, as the field has them; a last handful joins the grid before it.
        size = min(left, round(plan.households_a_grid * rng.uniform(0.75, 1.25)))
        if 0 < left - size < plan.households_a_grid // 4:
            size = left
        left -= size
        grid = Grid(f"g{number:03d}", worker=f"w-{number:03d}", doctor=f"d-{(number + 1) // 2:03d}")
        for n in range(size):
            grid.homes.append(_home(plan, rng, grid, n))
        if plan.guns:
            grid.guns = [_gun(rng, grid, "north")] + ([_gun(rng, grid, "south")] if size > 300 else [])
        yield grid


def _home(plan: Plan, rng: Random, grid: Grid, n: int) -> Home:
    building, door = divmod(n, _FLOORS * _DOORS_A_FLOOR)
    floor, side = divmod(door, _DOORS_A_FLOOR)
    place = f"{grid.name}/{building + 1}/{floor + 1}{side + 1:02d}"
    vendor, _, every_s = rng.choices(_SENSORS, [row[1] for row in _SENSORS])[0]
    short = f"{grid.name[1:]}-{building + 1}-{floor + 1}{side + 1:02d}"
    match vendor:
        case "native":
            id, topic = f"door-{short}", f"threshold/{grid.name}/door-{short}"
        case "zigbee2mqtt":
            id, topic = f"door-{short}", f"zigbee2mqtt-{grid.name}/door-{short}"
        case "tasmota":
            id, topic = f"tasmota-{short}", f"door_{short.replace('-', '_')}"
        case "shelly-gen1":
            id = f"shellydw2-{rng.randrange(1 << 16):04X}{n:04X}"
            topic = f"shellies/{id}"
    every_s = max(1.0, round(every_s / plan.pace, 3))
    home = Home(place=place, id=id, vendor=vendor, topic=topic, every_s=every_s, worker=grid.worker)
    home.behind = grid if vendor == "zigbee2mqtt" and plan.bridges else None
    home.battery = rng.choice((100.0, rng.uniform(40, 100), rng.uniform(40, 100), rng.uniform(15.2, 40)))
    home.tells_time = vendor == "native" or rng.random() < 0.5
    home.count = rng.randrange(2000)
    home.isolated = rng.random() < plan.isolated_share
    home.calls = home.isolated and rng.random() < 0.3
    home.child = rng.random() < 0.05
    home.restless = rng.random() < 0.03
    home.careless = rng.random() < 0.04
    home.fever = rng.random() < 0.015
    home.declares = 0.2 if home.restless else rng.uniform(0.7, 1.0)
    if vendor == "native" and rng.random() < 0.04:
        # Fast, slow, in another zone, or never set: such a clock counts from 1970.
        home.clock_off_ms = rng.choice((7 * 60_000, -45 * 60_000, -8 * 3_600_000, -plan.begins_ms))
    return home


def _gun(rng: Random, grid: Grid, gate: str) -> Gun:
    id = f"gun-{grid.name[1:]}-{gate}"
    gun = Gun(grid=grid, checkpoint=f"{grid.name}/{gate}", id=id, topic=f"threshold/{grid.name}/{id}/temperature")
    gun.tells_pass = rng.random() < 0.7
    gun.tells_ambient = rng.random() < 0.6
    gun.ambient = round(rng.uniform(-4, 12), 1)
    return gun


def _case(home: Home, plan: Plan, rng: Random) -> Iterator[Case]:
    from_ms = plan.begins_ms - rng.randrange(1, 10) * DAY_MS
    yield Case(
        household=home.place,
        from_ms=from_ms,
        until_ms=from_ms + rng.choice((14, 14, 21)) * DAY_MS,
        visits=True,
        wellbeing_call_min=570 if home.calls else None,
    )
