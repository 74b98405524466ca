"""A small world for tests of the core: an engine, a few devices, a clock that is told the time."""

from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from devices.events import Event
from streams.commands import BadCommand, parse_command, parse_time_ms
from streams.edge.policy_file import load
from streams.effects import Answer, Decision, Effect, HouseholdSeen, Noted
from streams.engine import Engine
from streams.frames import BridgeRow, DeviceRow, SystemReport
from streams.policy import Policy
from streams.state import Incident, Place, decode_record, encode_record

POLICY = load()
ZONE = ZoneInfo("Asia/Shanghai")
HOME = "g017/3/1203"


def ms(clock: str) -> int:
    """`09:30`, `09:30:15` or `+1 07:00` of the day of the tests → ms UTC."""
    days, _, rest = clock.rpartition(" ")
    seconds = rest if rest.count(":") == 2 else rest + ":00"
    return parse_time_ms(f"2020-02-16T{seconds}+08:00") + int(days or 0) * 86_400_000


class Core:
    """One household in a case (`HOME`, sensor `door`), one checkpoint (`g017/north`, gun `gun`)."""

    def __init__(self, policy: Policy = POLICY, *, case: bool = True, start: str = "08:00") -> None:
        self.engine = Engine(policy)
        self.now_ms = ms(start)
        self.effects: list[Effect] = []
        self.count = 0
        self.device("door", HOME)
        self.device("gun", "g017/north", every_s=None)
        if case:
            self.case(HOME)
        self.effects.clear()

    # What happens.

    def at(self, clock: str) -> "Core":
        """Time passes to `clock`."""
        self.now_ms = ms(clock)
        self.effects += self.engine.advance(self.now_ms)
        return self

    def device(
        self, device: str, place: str, *, every_s: float | None = 3600, bridge: str = "", present: bool = True
    ) -> None:
        where = "household" if place.count("/") == 2 else "checkpoint"
        row = DeviceRow(self.now_ms, place.split("/")[0], device, where, place, every_s, bridge, present=present)
        self.effects += self.engine.apply(row)

    def bridge(self, bridge: str, *, every_s: float | None = None, present: bool = True) -> None:
        self.effects += self.engine.apply(BridgeRow(self.now_ms, "g017", bridge, every_s, present))

    def case(self, household: str, start: str = "08:00", end: str = "+14 00:00", **more: Any) -> None:
        self.command("open-case", household=household, **{"from": ms(start), "until": ms(end)}, **more)

    def event(self, device: str = "door", kind: str = "door", **facets: Any) -> None:
        sensor = self.engine.records[f"d:{device}"]
        self.count += 1
        fields = {"id": f"{self.count:016x}"} | facets
        place, where, grid = sensor.place, sensor.where, sensor.grid  # type: ignore[union-attr]
        event = Event(device=device, grid=grid, where=where, place=place, received_ms=self.now_ms, kind=kind, **fields)  # type: ignore[arg-type]
        self.effects += self.engine.apply(event)

    def bridge_says(self, bridge: str, online: bool, **facets: Any) -> None:
        self.count += 1
        self.effects += self.engine.apply(
            Event(
                f"{self.count:016x}",
                bridge,
                "g017",
                "bridge",
                bridge,
                self.now_ms,
                "availability",
                online=online,
                **facets,
            )
        )

    def opens(self, device: str = "door", **facets: Any) -> None:
        self.event(device, open=True, **facets)

    def closes(self, device: str = "door", **facets: Any) -> None:
        self.event(device, open=False, **facets)

    def reads(self, celsius: float, pass_id: str = "", site: str = "forehead", **facets: Any) -> None:
        self.event("gun", "temperature", celsius=celsius, pass_id=pass_id, site=site, **facets)

    def report(self, part: str, well: bool, detail: str = "") -> None:
        self.effects += self.engine.apply(SystemReport(self.now_ms, part, well, detail))

    def command(self, name: str, *, id: str = "", by: str = "w1", **fields: Any) -> None:
        self.count += 1
        command = parse_command({"command": name, "by": by, **fields}, self.now_ms, id or f"c{self.count}")
        assert not isinstance(command, BadCommand), command
        self.effects += self.engine.apply(command)

    def acknowledges(self, kind: str, role: str = "worker", subject: str = HOME) -> None:
        self.command("acknowledge", subject=subject, kind=kind, role=role)

    def closes_incident(
        self, kind: str, disposition: str = "true-alarm", role: str = "worker", subject: str = HOME
    ) -> None:
        self.command("close", subject=subject, kind=kind, role=role, disposition=disposition)

    def dies(self) -> "Core":
        """The process ends and another goes on with what was written."""
        records = {key: decode_record(encode_record(record)) for key, record in self.engine.records.items()}
        now_ms = self.engine.now_ms
        self.engine = Engine(self.engine.policy, records.items())
        self.engine.now_ms = now_ms
        return self

    # What was decided.

    def decisions(self) -> list[Decision]:
        """Those since the last call, other effects dropped."""
        found = [effect for effect in self.effects if isinstance(effect, Decision)]
        self.effects.clear()
        return found

    def said(self) -> list[str]:
        """Decisions since the last call in short: `raised fever`, `page worker`, `rejected not-allowed`."""
        rows: list[str] = []
        for d in self.decisions():
            what = d.role if d.decision in ("page", "acknowledged", "acknowledgement-expired") else d.kind
            rows.append(f"{d.decision} {d.reason.word if d.decision == 'rejected' else what}")
        return rows

    def answers(self) -> list[str]:
        """Verdicts for the guard's screen since the last call."""
        found = [effect.verdict for effect in self.effects if isinstance(effect, Answer)]
        self.effects.clear()
        return found

    def notes(self) -> list[str]:
        found = [effect.reason.word for effect in self.effects if isinstance(effect, Noted)]
        self.effects.clear()
        return found

    def picture(self) -> HouseholdSeen | None:
        found = [effect for effect in self.effects if isinstance(effect, HouseholdSeen)]
        self.effects.clear()
        return found[-1] if found else None

    def incident(self, kind: str, subject: str = HOME) -> Incident | None:
        book = self.engine.records.get("z:" + subject)
        return book.open.get(kind) if book is not None else None  # type: ignore[union-attr]

    def place(self, place: str = HOME) -> Place:
        record = self.engine.records["p:" + place]
        assert isinstance(record, Place)
        return record


def with_rows(**rows: Any) -> Policy:
    """The default policy with other rows."""
    return msgspec.structs.replace(POLICY, **rows)
