"""What happened and what was decided, as points of the time series (`measurements.py` is the table).

A `Projector` is fed the records of `inbox` and `outbox` in order and remembers the little it must: each device's
clock, the names of cases (`case_names.py`), and which pages wait for an answer.  What it remembers is handed out as
small values under text keys, to be kept with the reader's place: reading on after a crash then gives the same points.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any
from zlib import crc32

import msgspec

from devices.events import Event
from streams.case_names import CaseNames, NamedCase, NewSecret
from streams.commands import ROLES, Command
from streams.device_clock import trust
from streams.effects import Answer, Decision, HouseholdSeen
from streams.frames import InboxRecord, OutboxRecord, Receipt, SystemReport
from streams.measurements import Point
from streams.policy import DAY_MS, HOUR_MS, KINDS, Policy
from streams.state import DeviceClock

# How long an unanswered page and an unclosed incident are remembered for the latency of their answer.
_PAGE_KEPT_MS = DAY_MS
_INCIDENT_KEPT_MS = 40 * DAY_MS

_LARGEST_INT = 2**63 - 1
_EVER_MS = 1 << 62
_STEADY_MS = 1_000
_LEARN_EVERY_MS = 6 * HOUR_MS
_kinds = frozenset(KINDS)
_roles = frozenset(ROLES)
_NOT_A_TAG = re.compile(r"[^\w.:/-]")
_encode = msgspec.msgpack.Encoder().encode
_decode_int = msgspec.msgpack.Decoder(int).decode
_decode_clock = msgspec.msgpack.Decoder(DeviceClock).decode


class _Place:
    """Where a device's points stand, while its place and its case stay the same."""

    __slots__ = (
        "building",
        "checkpoint",
        "device",
        "device_tags",
        "door_tags",
        "from_ms",
        "household",
        "place",
        "until_ms",
    )

    def __init__(self, event: Event, case: NamedCase | None, always: bool) -> None:
        self.place = event.place
        self.from_ms, self.until_ms = (-_EVER_MS, _EVER_MS) if always else (0, 0)
        self.building = self.checkpoint = self.household = self.device = ""
        if event.where == "household":
            self.building = event.place.split("/", 2)[1]
            if case is not None:
                self.from_ms, self.until_ms = case.from_ms, case.until_ms
                self.household, self.device = case.household, case.device(event.device)
        else:
            self.device = _tag(event.device)
            if event.where == "checkpoint":
                self.checkpoint = _below(event.place)
        self.door_tags: dict[str, tuple[str, ...]] = {}
        self.device_tags = (event.grid, self.building, self.checkpoint, self.household, self.device, event.where)


class Projector:
    """Turns records into points.  `new_secret` gives 16 random bytes, from the edge.

    `kept` is what earlier `take_changes` handed out, by key.
    """

    def __init__(self, *, policy: Policy, new_secret: NewSecret, kept: Mapping[str, bytes]) -> None:
        self._policy = policy
        self.cases = CaseNames(new_secret=new_secret, kept=kept)
        self._clocks: dict[str, DeviceClock] = {}
        self._waiting: dict[str, int] = {}
        self._changed: dict[str, bytes | None] = {}
        self._places: dict[str, _Place] = {}
        self._swept_ms = 0
        for key, value in kept.items():
            sort, _, name = key.partition(":")
            if sort == "clock":
                self._clocks[name] = _decode_clock(value)
            elif sort in ("page", "first", "raised"):
                self._waiting[key] = _decode_int(value)

    def take_changes(self) -> dict[str, bytes | None]:
        """What is to be kept (None: forgotten) since the last call."""
        changed, self._changed = self._changed, {}
        changed.update(self.cases.take_changes())
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
                if self.cases.seen(record):
                    self._places.clear()
            elif isinstance(record, Answer):
                site = self._site(record.site)
                tags = (record.grid, _below(record.checkpoint), _tag(record.device), site, record.verdict)
                at_ns = _ns(record.t_ms, record.subject + record.device)
                points.append(Point("verdict", tags, (record.celsius, record.limit_celsius), at_ns))
        return points

    def forget_case(self, case: NamedCase) -> None:
        """The case is long over: from now on nothing links its points to the household."""
        self.cases.forget(case)
        self._places.clear()

    # ── what devices say ──

    def _event(self, event: Event, points: list[Point]) -> None:
        at_ms, late_ms, skew_ms = event.received_ms, None, None
        if event.device_ms is not None:
            at_ms, late_ms, skew_ms = self._time(event, event.device_ms)
        at_ns = at_ms * 1_000_000 + crc32(event.id.encode()) % 1_000_000
        place = self._places.get(event.device)
        if place is None or place.place != event.place or not place.from_ms <= at_ms < place.until_ms:
            place = self._place(event, at_ms)
        if event.open is not None:
            tags = place.door_tags.get(event.report)
            if tags is None:
                tags = (event.grid, place.building, place.household, place.device, event.report)
                place.door_tags[event.report] = tags
            fields = (int(event.open), _whole(event.opens_counted), late_ms)
            points.append(Point("door", tags, fields, at_ns))
        if event.celsius is not None:
            site = self._site(event.site)
            tags = (event.grid, place.building, place.checkpoint, place.household, place.device, site)
            fields = (event.celsius, event.ambient_celsius, int(event.implausible) or None)
            points.append(Point("temperature", tags, fields, at_ns))
        if (
            event.battery_percent is not None
            or event.signal is not None
            or event.battery_low is not None
            or event.tamper is not None
            or event.online is not None
            or skew_ms is not None
            or (event.open is None and event.celsius is None)
        ):
            fields = (
                1,
                event.battery_percent,
                None if event.battery_low is None else int(event.battery_low),
                event.signal,
                None if event.tamper is None else int(event.tamper),
                None if event.online is None else int(event.online),
                skew_ms,
            )
            points.append(Point("device", place.device_tags, fields, at_ns))

    def _time(self, event: Event, device_ms: int) -> tuple[int, int | None, int | None]:
        """The time trusted, how late the message was (None: not), how far the clock is behind (when learnt anew)."""
        known = self._clocks.get(event.device)
        if known is not None and known.skew_ms is not None and known.least:
            off_ms = event.received_ms - device_ms - known.skew_ms
            # A clock that keeps to what is known of it is learnt anew now and then, not at every message.
            if -_STEADY_MS <= off_ms <= _STEADY_MS and event.received_ms - known.least[-1][0] < _LEARN_EVERY_MS:
                return device_ms + known.skew_ms, None, None
        known = known or DeviceClock()
        live = event.report == "live"
        at_ms, late_ms, clock = trust(known, device_ms, event.received_ms, live, self._policy)
        if clock is not known:
            self._clocks[event.device] = clock
            self._changed["clock:" + event.device] = _encode(clock)
        return at_ms, late_ms or None, clock.skew_ms

    def _place(self, event: Event, at_ms: int) -> _Place:
        case = self.cases.case_at(event.place, at_ms) if event.where == "household" else None
        always = event.where != "household" or not self.cases.has_any(event.place)
        place = self._places[event.device] = _Place(event, case, always)
        return place

    def _home_temperature(self, command: Command, points: list[Point]) -> None:
        case = self.cases.case_at(command.household, command.at_ms)
        building = command.household.split("/", 2)[1]
        household = "" if case is None else case.household
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

    def _site(self, site: str) -> str:
        """A payload may name any site: tags are bounded."""
        return site if site in self._policy.limits_celsius else ""


def _ns(at_ms: int, made_of: str) -> int:
    return at_ms * 1_000_000 + crc32(made_of.encode("utf-8", "surrogatepass")) % 1_000_000


def _tag(text: str) -> str:
    """Free text as a tag of any store."""
    return _NOT_A_TAG.sub("_", text)[:40]


def _below(place: str) -> str:
    return place.partition("/")[2]


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
