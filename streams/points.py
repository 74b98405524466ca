"""What happened and what was decided, as points of the time series (`measurements.py` is the table).

A `Projector` is fed the records of `inbox` and `outbox` in order and remembers the little it must: each device's
clock, which household has a case when, and which pages wait for an answer.  What it remembers is handed out as small
values under text keys, to be kept with the reader's place, so that reading on after a crash gives the same points.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, get_args
from zlib import crc32

import msgspec

from devices.events import Event
from streams.commands import ROLES, Command
from streams.device_clock import trust
from streams.effects import Answer, Choice, Decision, HouseholdSeen
from streams.frames import InboxRecord, OutboxRecord, Receipt, SystemReport
from streams.measurements import Point
from streams.policy import DAY_MS, HOUR_MS, KINDS, Policy
from streams.state import DeviceClock

Pseudonym = Callable[[str], str]

# How long an unanswered page and an unclosed incident are remembered for the latency of their answer.
_PAGE_KEPT_MS = DAY_MS
_INCIDENT_KEPT_MS = 40 * DAY_MS

_LARGEST_INT = 2**63 - 1
_kinds = frozenset(KINDS)
_roles = frozenset(ROLES)
_choices = frozenset(get_args(Choice))
_NOT_A_TAG = re.compile(r"[^\w.:/-]")
_encode = msgspec.msgpack.Encoder().encode
_decode_int = msgspec.msgpack.Decoder(int).decode
_decode_clock = msgspec.msgpack.Decoder(DeviceClock).decode
_decode_cases = msgspec.msgpack.Decoder(tuple[tuple[int, int], ...]).decode


class EndedCase(msgspec.Struct, frozen=True):
    """A case that is over: the household, its start, and the pseudonym its points carry."""

    household: str
    from_ms: int
    pseudonym: str


def case_key(household: str, case_from_ms: int) -> str:
    """What the pseudonym of a household's case is made of.  Another case of the same household has another one."""
    return f"{household}@{case_from_ms}"


class Projector:
    """Turns records into points.  `pseudonym` is a keyed hash (text → 16 hexadecimal digits), given by the edge.

    `kept` is what earlier `take_changes` handed out, by key.
    """

    def __init__(self, *, policy: Policy, pseudonym: Pseudonym, kept: Mapping[str, bytes]) -> None:
        self._policy = policy
        self._pseudonym = pseudonym
        self._clocks: dict[str, DeviceClock] = {}
        self._cases: dict[str, tuple[tuple[int, int], ...]] = {}
        self._waiting: dict[str, int] = {}
        self._changed: dict[str, bytes | None] = {}
        self._names: dict[str, str] = {}
        self._swept_ms = 0
        for key, value in kept.items():
            sort, _, name = key.partition(":")
            if sort == "clock":
                self._clocks[name] = _decode_clock(value)
            elif sort == "case":
                self._cases[name] = _decode_cases(value)
            elif sort in ("page", "first", "raised"):
                self._waiting[key] = _decode_int(value)

    def take_changes(self) -> dict[str, bytes | None]:
        """What is to be kept (None: forgotten) since the last call."""
        changed, self._changed = self._changed, {}
        return changed

    def of_inbox(self, records: Iterable[InboxRecord]) -> list[Point]:
        """The points of a frame of `inbox`."""
        points: list[Point] = []
        for record in records:
            sort = type(record)
            if sort is Event:
                self._event(record, points)  # pyright: ignore[reportArgumentType]
            elif isinstance(record, Receipt):
                self._receipt(record, points)
            elif isinstance(record, Command):
                if record.name == "home-temperature" and record.celsius is not None:
                    self._home_temperature(record, points)
            elif isinstance(record, SystemReport):
                at_ns = _ns(record.at_ms, record.part)
                points.append(Point("system", (_tag(record.part),), (int(record.well),), at_ns))
        return points

    def of_outbox(self, records: Iterable[OutboxRecord]) -> list[Point]:
        """The points of a frame of `outbox`."""
        points: list[Point] = []
        for record in records:
            if isinstance(record, Decision):
                self._decision(record, points)
            elif isinstance(record, HouseholdSeen):
                self._case(record)
            elif isinstance(record, Answer):
                site = self._site(record.site)
                tags = (record.grid, _below(record.checkpoint), _tag(record.device), site, record.verdict)
                at_ns = _ns(record.t_ms, record.subject + record.device)
                points.append(Point("verdict", tags, (record.celsius, record.limit_celsius), at_ns))
        return points

    def ended_cases(self, before_ms: int) -> list[EndedCase]:
        """Cases that ended before `before_ms` and whose points may still be linked."""
        return [
            EndedCase(household, from_ms, self._name(case_key(household, from_ms)))
            for household, cases in self._cases.items()
            for from_ms, until_ms in cases
            if until_ms < before_ms
        ]

    def forget_case(self, case: EndedCase) -> None:
        """The case's points were erased: nothing here links to them any more."""
        left = tuple(c for c in self._cases.get(case.household, ()) if c[0] != case.from_ms)
        self._keep_cases(case.household, left)

    # ── what devices say ──

    def _event(self, event: Event, points: list[Point]) -> None:
        at_ms, late_ms, skew_ms = event.received_ms, 0, None
        if event.device_ms is not None:
            known = self._clocks.get(event.device) or DeviceClock()
            live = event.report == "live" and not event.redelivered
            at_ms, late_ms, clock = trust(known, event.device_ms, event.received_ms, live, self._policy)
            skew_ms = clock.skew_ms
            if clock is not known and clock != known:
                self._clocks[event.device] = clock
                self._changed["clock:" + event.device] = _encode(clock)
        at_ns = at_ms * 1_000_000 + crc32(event.id.encode()) % 1_000_000
        if event.where == "household":
            building = event.place.split("/", 2)[1]
            checkpoint = ""
            household = self._household(event.place, at_ms)
            device = self._name(f"{event.device}|{household}") if household else ""
        else:
            building, household, device = "", "", _tag(event.device)
            checkpoint = _below(event.place) if event.where == "checkpoint" else ""
        grid = event.grid
        if event.open is not None:
            fields = (int(event.open), _whole(event.opens_counted), late_ms or None)
            points.append(Point("door", (grid, building, household, device, event.report), fields, at_ns))
        if event.celsius is not None:
            tags = (grid, building, checkpoint, household, device, self._site(event.site))
            fields = (event.celsius, event.ambient_celsius, int(event.implausible) or None)
            points.append(Point("temperature", tags, fields, at_ns))
        if (
            event.battery_percent is not None
            or event.signal is not None
            or event.battery_low is not None
            or event.tamper is not None
            or event.online is not None
            or skew_ms
            or (event.open is None and event.celsius is None)
        ):
            tags = (grid, building, checkpoint, household, device, event.where)
            fields = (
                1,
                event.battery_percent,
                _flag(event.battery_low),
                event.signal,
                _flag(event.tamper),
                _flag(event.online),
                skew_ms,
            )
            points.append(Point("device", tags, fields, at_ns))

    def _home_temperature(self, command: Command, points: list[Point]) -> None:
        household = self._household(command.household, command.at_ms)
        building = command.household.split("/", 2)[1]
        tags = (command.grid, building, "", household, "", self._site(command.site))
        points.append(Point("temperature", tags, (command.celsius, None, None), _ns(command.at_ms, command.id)))

    # ── what was decided ──

    def _decision(self, decision: Decision, points: list[Point]) -> None:
        # A rejected command may carry any word in the place of a kind or a role: tags are bounded.
        kind = decision.kind if decision.kind in _kinds else ""
        role = decision.role if decision.role in _roles else ""
        choice = decision.decision
        building = decision.subject.split("/", 2)[1] if decision.where in ("household", "building") else ""
        t_ms = decision.t_ms
        at_ns = _ns(
            t_ms, f"{decision.incident}{choice}{role}{decision.step}{decision.command_id}{decision.cause.event}"
        )
        fields = (
            decision.count,
            decision.step if choice == "page" else None,
            None if decision.at_ms is None else t_ms - decision.at_ms,
        )
        tags = (decision.grid, building, kind, choice, role, decision.disposition)
        points.append(Point("incident", tags, fields, at_ns))

        def took(stage: str, ms: int) -> None:
            points.append(Point("latency", (decision.grid, kind, role, stage, ""), (ms,), at_ns))

        incident = decision.incident
        if choice == "raised":
            self._wait("raised:" + incident, t_ms)
        elif choice == "page":
            self._wait("page:" + decision.page, t_ms)
            if f"first:{incident}|{role}" not in self._waiting:
                self._wait(f"first:{incident}|{role}", t_ms)
            if decision.step == 0 and decision.cause.at_ms is not None:
                took("event-to-page", t_ms - decision.cause.at_ms)
        elif choice == "acknowledged":
            paged_ms = self._answered(f"first:{incident}|{role}")
            if paged_ms is not None:
                took("page-to-acknowledge", t_ms - paged_ms)
        elif choice == "closed":
            raised_ms = self._answered("raised:" + incident)
            if raised_ms is not None:
                took("raise-to-close", t_ms - raised_ms)
            for each in ROLES:
                self._answered(f"first:{incident}|{each}")
        if t_ms - self._swept_ms > HOUR_MS:
            self._sweep(t_ms)

    def _receipt(self, receipt: Receipt, points: list[Point]) -> None:
        kind, role, step, attempt = _page_parts(receipt.page)
        grid, channel = receipt.grid, _tag(receipt.channel)
        at_ns = _ns(receipt.at_ms, receipt.page + channel)
        points.append(Point("receipt", (grid, kind, role, channel, _tag(receipt.outcome)), (step, attempt), at_ns))
        if receipt.outcome != "accepted":
            return

        def took(stage: str, since_ms: int | None) -> None:
            if since_ms is not None:
                tags = (grid, kind, role, stage, channel)
                points.append(Point("latency", tags, (receipt.at_ms - since_ms,), at_ns))

        took("page-to-receipt", self._waiting.get("page:" + receipt.page))
        if step == 0 and attempt == 1:
            took("event-to-receipt", receipt.caused_at_ms)
            took("gateway-to-receipt", receipt.caused_received_ms)

    # ── what is remembered ──

    def _wait(self, key: str, t_ms: int) -> None:
        self._waiting[key] = t_ms
        self._changed[key] = _encode(t_ms)

    def _answered(self, key: str) -> int | None:
        since_ms = self._waiting.pop(key, None)
        if since_ms is not None:
            self._changed[key] = None
        return since_ms

    def _sweep(self, now_ms: int) -> None:
        self._swept_ms = now_ms
        for key, since_ms in list(self._waiting.items()):
            if now_ms - since_ms > (_PAGE_KEPT_MS if key.startswith("page:") else _INCIDENT_KEPT_MS):
                self._answered(key)

    def _case(self, seen: HouseholdSeen) -> None:
        cases = self._cases.get(seen.household, ())
        if seen.watched and seen.case_from_ms is not None:
            until_ms = _LARGEST_INT if seen.case_until_ms is None else seen.case_until_ms
            new = (*(c for c in cases if c[0] != seen.case_from_ms), (seen.case_from_ms, until_ms))
        else:
            # Ended before its time, or as planned: either way nothing later belongs to it.
            new = tuple((from_ms, min(until_ms, max(seen.t_ms, from_ms))) for from_ms, until_ms in cases)
        if new != cases:
            self._keep_cases(seen.household, new)

    def _keep_cases(self, household: str, cases: tuple[tuple[int, int], ...]) -> None:
        if cases:
            self._cases[household] = cases
        else:
            self._cases.pop(household, None)
        self._changed["case:" + household] = _encode(cases) if cases else None

    def _site(self, site: str) -> str:
        """A payload may name any site: tags are bounded."""
        return site if site in self._policy.limits_celsius else ""

    def _household(self, household: str, at_ms: int) -> str:
        for from_ms, until_ms in self._cases.get(household, ()):
            if from_ms <= at_ms < until_ms:
                return self._name(case_key(household, from_ms))
        return ""

    def _name(self, text: str) -> str:
        name = self._names.get(text)
        if name is None:
            if len(self._names) > 200_000:
                self._names.clear()
            name = self._names[text] = self._pseudonym(text)
        return name


def _ns(at_ms: int, made_of: str) -> int:
    return at_ms * 1_000_000 + crc32(made_of.encode("utf-8", "surrogatepass")) % 1_000_000


def _tag(text: str) -> str:
    """Free text as a tag of any store."""
    return _NOT_A_TAG.sub("_", text)[:40]


def _below(place: str) -> str:
    return place.partition("/")[2]


def _flag(value: bool | None) -> int | None:
    return None if value is None else int(value)


def _whole(value: int | None) -> int | None:
    return value if value is None or -_LARGEST_INT <= value <= _LARGEST_INT else None


def _page_parts(page: str) -> tuple[str, str, int, int]:
    """Kind, role, step and attempt of a page id; "" and 0 where it is not one of ours."""
    incident, _, tail = page.rpartition("#")
    kind: Any = incident.split("/")[-2:-1]
    parts = tail.split(".")
    if len(parts) != 3 or not kind or kind[0] not in _kinds or parts[1] not in _roles:
        return "", "", 0, 0
    if not (parts[0].isdecimal() and parts[2].isdecimal()):
        return kind[0], parts[1], 0, 0
    return kind[0], parts[1], int(parts[0]), int(parts[2])
