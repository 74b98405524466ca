"""A compound for tests of the screens: the real core decides, its effects stand in real outbox files.

`Story` is the gateway and the streams process in one: it writes what came in to `inbox.db`, lets the core decide, and
writes what it decided to `streams.db`, with the real writers.  Its clock is the test's.
"""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from devices.edge.settings import Data, Settings, Site
from devices.events import Event
from devices.ids import event_id
from streams.commands import BadCommand, parse_command
from streams.edge import policy_file
from streams.edge.doorbell import Bell
from streams.edge.sqlite_log import SqliteWriter
from streams.effects import Effect
from streams.engine import Engine
from streams.frames import DeviceRow, InboxRecord, encode_inbox, encode_outbox
from streams.policy import Policy
from streams.state import Record

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
# The night of 16 February 2020 in Shanghai, 02:14.
NIGHT_MS = 1_581_790_440_000

POLICY = Path(__file__).parents[1] / "deploy" / "policy.toml"


@cache
def policy() -> Policy:
    return policy_file.load(POLICY)


class Story:
    """A site in `folder`, at `now_ms`."""

    def __init__(self, folder: Path, now_ms: int = NIGHT_MS, records: Iterable[tuple[str, Record]] = ()) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.now_ms = now_ms
        self.engine = Engine(policy(), records)
        self.inbox = SqliteWriter(folder / "inbox.db", "inbox", clock=lambda: self.now_ms)
        self.outbox = SqliteWriter(folder / "streams.db", "outbox", clock=lambda: self.now_ms)
        self.bell = Bell(folder / "bell", "outbox")
        self.inbox_bell = Bell(folder / "bell", "inbox")
        self.told: list[Effect] = []
        self.number = 0
        self._together: list[tuple[SqliteWriter, bytes]] | None = None
        self.lock = threading.RLock()  # a test tells it in one thread while the desk is served in another

    def close(self) -> None:
        for each in (self.inbox, self.outbox, self.bell, self.inbox_bell):
            each.close()

    def settings(self) -> Settings:
        """The settings of this site: everything in its folder."""
        fleet = self.folder / "fleet.toml"
        if not fleet.exists():
            fleet.write_text(FLEET, "utf-8")
        file = self.folder / "threshold.toml"
        if not file.exists():
            # For what reads it in a process of its own.
            file.write_text(
                f'[site]\nname = "惠民小区"\nfleet = "{fleet}"\npolicy = "{POLICY}"\n'
                f'[data]\nfolder = "{self.folder}"\n',
                "utf-8",
            )
        return Settings(
            site=Site(name="惠民小区", fleet=str(fleet), policy=str(POLICY)), data=Data(folder=str(self.folder)),
            file=str(file),
        )  # fmt: skip

    def apply(self, *records: InboxRecord) -> list[Effect]:
        """Take records in; what the core decided.  Both are on disk before this returns."""
        with self.lock:
            effects: list[Effect] = []
            for record in records:
                effects += self.engine.apply(record)
            self._write(self.inbox, encode_inbox(list(records)))
            self._out(effects)
            return effects

    def wait(self, minutes: float) -> list[Effect]:
        """Let time pass."""
        with self.lock:
            self.now_ms += round(minutes * MINUTE_MS)
            effects = self.engine.advance(self.now_ms)
            self._out(effects)
            return effects

    def _out(self, effects: list[Effect]) -> None:
        self.engine.take_changes()
        self.told += effects
        if effects:
            self._write(self.outbox, encode_outbox(effects))

    def _write(self, writer: SqliteWriter, frame: bytes) -> None:
        if self._together is not None:
            self._together.append((writer, frame))
            return
        writer.append([(0, frame)])
        (self.inbox_bell if writer is self.inbox else self.bell).ring()

    @contextmanager
    def together(self) -> Iterator[None]:
        """What is told inside goes to disk in one transaction: a long story is told quickly."""
        self._together = []
        yield
        kept, self._together = self._together, None
        for writer in (self.inbox, self.outbox):
            writer.append([(0, frame) for of, frame in kept if of is writer])

    def command(self, command: dict[str, object], command_id: str = "") -> list[Effect] | BadCommand:
        """A person's command, as the gateway's door takes it."""
        with self.lock:
            self.number += 1
            parsed = parse_command(dict(command), self.now_ms, command_id or f"c{self.number}")
            return parsed if isinstance(parsed, BadCommand) else self.apply(parsed)

    def sensor(self, household: str, device: str = "") -> str:
        """A door sensor is fitted at `household`; its device id."""
        device = device or "door-" + household.replace("/", "-")
        self.apply(
            DeviceRow(
                at_ms=self.now_ms, grid=household.partition("/")[0], device=device, where="household", place=household,
                report_every_s=3600,
            )
        )  # fmt: skip
        return device

    def case(self, household: str, *, days: int = 14, day: int = 6, **more: object) -> str:
        """`household` is in the `day`-th of `days` days of isolation, its door known to be closed."""
        device = self.sensor(household)
        begun = self.now_ms - (day - 1) * DAY_MS - self.now_ms % HOUR_MS
        self.command(
            {"command": "open-case", "household": household, "from": begun, "until": begun + days * DAY_MS,
             "by": "w-001", "role": "worker"} | more
        )  # fmt: skip
        self.door(household, open=False)
        return device

    def event(self, device: str, place: str, where: str, kind: str, **facets: object) -> list[Effect]:
        """One canonical event at the present time."""
        with self.lock:
            self.number += 1
            return self.apply(
                Event(
                    id=event_id(device, f"seq {self.number}", b""),
                    device=device,
                    grid=place.partition("/")[0],
                    where=where,
                    place=place,
                    received_ms=self.now_ms,
                    kind=kind,  # type: ignore[arg-type]
                    has_cause=True,
                    **facets,  # type: ignore[arg-type]
                )
            )

    def door(self, household: str, *, open: bool) -> list[Effect]:
        """The door of `household` opens or closes."""
        device = "door-" + household.replace("/", "-")
        return self.event(device, household, "household", "door", open=open, battery_percent=87.0, signal=-71.0)

    def gun(self, checkpoint: str, celsius: float, *, pass_id: str = "", site: str = "forehead") -> list[Effect]:
        """The gun of `checkpoint` measures somebody."""
        grid, _, name = checkpoint.partition("/")
        device = f"gun-{name}-1"
        if f"d:{device}" not in self.engine.records:
            self.apply(
                DeviceRow(at_ms=self.now_ms, grid=grid, device=device, where="checkpoint", place=checkpoint, site=site)
            )
        return self.event(
            device, checkpoint, "checkpoint", "temperature", celsius=celsius, site=site, pass_id=pass_id,
            implausible=not 35.0 <= celsius <= 42.5,
        )  # fmt: skip


def night(story: Story) -> None:
    """02:14: a door that opened a third time, one left open past its declaration, one silent, a fever at the gate."""
    for building, floors, doors in ((1, 18, 4), (2, 18, 4), (3, 24, 4), (5, 11, 6), (6, 11, 6), (7, 6, 8)):
        for floor in range(1, floors + 1):
            for door in range(1, doors + 1):
                unit = f"{floor:02d}{door:02d}"
                if (floor * 7 + door * 3 + building) % 11 == 0:
                    story.case(f"g017/{building}/{unit}", day=1 + (floor + door) % 13)
                else:
                    story.sensor(f"g017/{building}/{unit}")
    for household in ("g017/3/1203", "g017/5/0402", "g017/2/0801", "g018/1/0101"):
        story.case(household)
    hero = "g017/3/1203"
    story.gun("g017/north", 36.3)
    story.wait(1)
    story.door(hero, open=True)
    story.wait(1)
    story.door(hero, open=False)
    story.wait(8)
    story.door(hero, open=True)
    story.wait(1)
    story.door(hero, open=False)
    story.command({"command": "declare", "household": "g017/5/0402", "until": story.now_ms + 9 * MINUTE_MS,
                   "reason": "倒垃圾", "by": "resident"})  # fmt: skip
    story.wait(2)
    story.door("g017/5/0402", open=True)
    story.wait(6)
    story.door(hero, open=True)
    story.command({"command": "acknowledge", "subject": hero, "kind": "undeclared-opening", "role": "worker",
                   "by": "w-001-night"})  # fmt: skip
    story.door("g018/1/0101", open=True)
    for celsius in (36.1, 36.4, 37.1):
        story.gun("g017/north", celsius)
    story.wait(1)
    story.door(hero, open=False)
    story.gun("g017/north", 38.9, pass_id="A-0193")
    story.wait(3)


FLEET = """\
[[device]]
id = "screen-north"
format = "native"
topic = "threshold/g017/screen-north/temperature"
checkpoint = "g017/north"
site = "forehead"

[[device]]
id = "gun-north-1"
format = "native"
topic = "threshold/g017/gun-north-1/temperature"
checkpoint = "g017/north"
site = "forehead"

[[device]]
id = "door-g017-3-1203"
format = "native"
topic = "threshold/g017/door-g017-3-1203/door"
household = "g017/3/1203"
report_every_s = 3600

[[device]]
id = "pool-01"
format = "native"
topic = "threshold/pool/pool-01/door"
household = "pool"
"""
