"""What people ask for, carried out or refused with a reason: one function a command, all in one table."""

from collections.abc import Callable

from msgspec.structs import replace

from devices.places import grid_of
from streams import cases, incidents
from streams.commands import DISPOSITIONS, TEAM, Command, CommandReason
from streams.effects import Cause, Decision, Noted, Reason
from streams.openings import declare
from streams.policy import FEVERS, KINDS, minutes_ms
from streams.rules import (
    fever_cluster,
    home_fever,
    left_open,
    missed_call,
    missed_visit,
    overdue_check,
    sensor_silent,
    suspect_reading,
    undeclared_opening,
)
from streams.state import Book, Carried, CaseTime, Declaration, Place
from streams.work import Work

Refusal = tuple[CommandReason, str] | None
_CARRIED_KEPT = 200


def asked(work: Work, command: Command) -> None:
    """Carry out one command; refused, it leaves a `rejected` behind, and nothing is changed."""
    if command.name == "tick":
        return
    carried = work.get("k:" + command.grid)
    ids = carried.ids if isinstance(carried, Carried) else ()
    # The fleet file tells a case again when its times changed; that is not a command sent twice.
    if command.id in ids and command.by != "fleet":
        return
    refusal = _TABLE[command.name](work, command)
    if refusal is None:
        if command.by == "fleet":
            return
        work.put("k:" + command.grid, Carried(command.grid, (*ids[-(_CARRIED_KEPT - 1) :], command.id)))
        return
    reason, detail = refusal
    work.effects.append(
        Decision(
            t_ms=work.now_ms, decision="rejected", grid=command.grid, subject=command.subject or command.household,
            kind=command.kind, reason=Reason(reason, {"detail": detail}), role=command.role, by=command.by,
            command=command.name, command_id=command.id,
        )
    )  # fmt: skip


def _known(work: Work, subject: str) -> bool:
    """Whether the subject of a command is anything we know."""
    if any(work.get(prefix + subject) is not None for prefix in ("z:", "p:", "r:", "g:", "b:")):
        return True
    return subject.startswith("bridge/") and work.bridge(subject.removeprefix("bridge/")) is not None


def _open(work: Work, command: Command) -> tuple[Book | None, Refusal]:
    """The book with the open incident a command names, or why not."""
    if command.kind not in KINDS:
        return None, ("malformed", f"there is no kind {command.kind[:40]!r}")
    if not _known(work, command.subject):
        return None, ("unknown-subject", f"nothing is known of {command.subject[:100]!r}")
    book = work.book(command.subject)
    if book is None or command.kind not in book.open:
        return None, ("no-open-incident", f"{command.subject} has no open {command.kind}")
    return book, None


def _acknowledge(work: Work, command: Command) -> Refusal:
    _, refusal = _open(work, command)
    if refusal is None:
        incidents.acknowledge(work, command.subject, command.kind, command.role, command.by, command.id)
    return refusal


def _close(work: Work, command: Command) -> Refusal:
    book, refusal = _open(work, command)
    if refusal is not None or book is None:
        return refusal
    may = ("doctor", "supervisor") if command.kind in FEVERS else (*TEAM, "supervisor")
    if command.role not in may:
        return "not-allowed", f"{command.kind} is closed by {' or '.join(may)}, not by {command.role}"
    if command.disposition not in DISPOSITIONS:
        return "malformed", f"there is no disposition {command.disposition[:40]!r}"
    incident = book.open[command.kind]
    subject = command.subject
    reason = Reason("closed-by", {"by": command.by, "disposition": command.disposition})
    incidents.end_incident(
        work, subject, command.kind, reason, by=command.by, role=command.role, disposition=command.disposition,
        note=command.note, command_id=command.id,
    )  # fmt: skip
    _closed(work, subject, command.kind, incident.number, command.disposition, incident.life == "standing")
    return None


def _closed(work: Work, subject: str, kind: str, number: int, disposition: str, standing: bool) -> None:
    """What a closing means to the rule behind the incident: where its condition stands, its clock starts again."""
    place = work.place(subject)
    match kind:
        case "undeclared-opening" if place is not None:
            place = undeclared_opening.closed_by_person(place, number, disposition)
            own = any(door.open and door.incident == number for door in place.doors.values())
            work.put_place(replace(left_open.start_again(work, place) if own else place, opening_clears_ms=None))
        case "left-open" if place is not None:
            work.put_place(left_open.start_again(work, place))
        case "sensor-silent" if place is not None and standing:
            for device in place.silent:
                sensor = work.sensor(device)
                if sensor is not None:
                    sensor_silent.start_again(work, replace(sensor, listed=False))
            work.put_place(replace(place, silent=()))
        case "area-silent" if standing:
            for device in work.grid(subject).area:
                sensor = work.sensor(device)
                grid = work.grid(subject)
                work.put_grid(replace(grid, area=(), missing=tuple(d for d in grid.missing if d != device)))
                if sensor is not None:
                    sensor_silent.start_again(work, sensor)
        case "chattering" if place is not None:
            doors = {d: replace(door, toggles=()) for d, door in place.doors.items()}
            work.put_place(replace(place, chattering=(), chatter_clears_ms=None, doors=doors))
        case "overdue-check":
            grid = work.grid(subject)
            checks = {c: t for c, t in grid.checks.items() if c not in grid.overdue}
            work.put_grid(replace(grid, checks=checks, overdue=()))
        case "suspect-reading":
            person = work.suspicion(subject)
            if person is not None:
                work.put_suspicion(replace(person, undecided=False, due_ms=None, closes_ms=None))
        case "fever" | "home-fever" if disposition in fever_cluster.NOT_COUNTED:
            person = work.suspicion(subject)
            household = subject if kind == "home-fever" else person.household if person is not None else ""
            if household:
                fever_cluster.not_counted(work, household, subject)
        case _:
            pass


def _snooze(work: Work, command: Command) -> Refusal:
    _, refusal = _open(work, command)
    if refusal is not None:
        return refusal
    if command.kind in FEVERS:
        return "not-allowed", "a fever cannot be snoozed"
    if command.role not in (*TEAM, "supervisor"):
        return "not-allowed", f"a {command.role} cannot snooze"
    until_ms = command.until_ms or 0
    if until_ms <= work.now_ms:
        return "malformed", "until must be later than now"
    if until_ms - work.now_ms > minutes_ms(work.policy.snooze_most_min):
        return "not-allowed", f"at most {work.policy.snooze_most_min:g} min"
    incidents.snooze(work, command.subject, command.kind, until_ms, command.by, command.reason, command.id)
    return None


def _household(work: Work, command: Command, *, case: bool = True) -> tuple[Place | None, Refusal]:
    """The household a command names; with `case`, one that has a case now or later."""
    place = work.place(command.household)
    if place is None or place.where != "household":
        return None, ("unknown-subject", f"there is no household {command.household[:60]!r} in the fleet")
    if case and not any(c.until_ms > work.now_ms and not c.ended for c in place.cases):
        return None, ("unknown-subject", f"{command.household} has no case")
    return place, None


def _mute(work: Work, command: Command) -> Refusal:
    place, refusal = _household(work, command)
    if place is None:
        return refusal
    if command.role not in (*TEAM, "supervisor"):
        return "not-allowed", f"a {command.role} cannot mute"
    until_ms = command.until_ms or 0
    if until_ms <= work.now_ms:
        return "malformed", "until must be later than now"
    if until_ms - work.now_ms > minutes_ms(work.policy.mute_most_min):
        return "not-allowed", f"at most {work.policy.mute_most_min:g} min"
    incidents.mute(work, incidents.book_of(work, place.place, place.where, place.grid), until_ms)
    work.put_place(replace(place, muted_until_ms=until_ms))
    _note(work, command, Reason("muted", {"until_ms": until_ms, "why": command.reason}), until_ms)
    return None


def _declare(work: Work, command: Command) -> Refusal:
    place, refusal = _household(work, command)
    if place is None:
        return refusal
    policy = work.policy
    resident = command.by == "resident"
    role = "worker" if command.by == "worker" else command.role
    if not resident and role not in (*TEAM, "supervisor"):
        return ("not-allowed" if role else "malformed"), "declared by the resident, or by a role of the team"
    until_ms = command.until_ms or 0
    if until_ms <= work.now_ms:
        return "malformed", "until must be later than now"
    most_min = policy.resident_declares_min if resident else policy.worker_declares_min
    if until_ms - work.now_ms > minutes_ms(most_min):
        return "not-allowed", f"at most {most_min:g} min"
    declaration = Declaration(work.now_ms, until_ms, command.reason, command.by)
    place = replace(place, declarations=declare(place.declarations, declaration))
    work.put_place(left_open.declared(work, place, until_ms))
    _note(work, command, Reason("declared", {"why": command.reason, "until_ms": until_ms}), until_ms)
    _declared_late(work, place, command, until_ms, resident)
    return None


def _declared_late(work: Work, place: Place, command: Command, until_ms: int, resident: bool) -> None:
    """Made after an opening it can no longer cover: marked; a worker's, made soon after, stops the timed steps."""
    incident = incidents.open_incident(work, place.place, undeclared_opening.KIND)
    if incident is None:
        return
    _note(work, command, Reason("declared-late", {"why": command.reason}), until_ms, undeclared_opening.KIND)
    last_ms = max((o.at_ms for o in place.openings), default=0)
    if not resident and work.now_ms - last_ms <= minutes_ms(work.policy.declared_late_min):
        incidents.stop_steps(work, place.place, undeclared_opening.KIND, until_ms)


def _open_case(work: Work, command: Command) -> Refusal:
    place = work.place(command.household)
    if command.device and work.sensor(command.device) is None:
        return "unknown-subject", f"there is no device {command.device[:60]!r} in the fleet"
    if place is None:
        return "unknown-subject", f"no device of the fleet is at {command.household}"
    case = CaseTime(command.from_ms or 0, command.until_ms or 0, command.visits, command.wellbeing_call_min)
    if case.until_ms <= work.now_ms:
        return "malformed", "the case is over already"
    work.put_place(cases.open_case(work, place, case))
    if command.by != "fleet":
        _note(work, command, Reason("case-opened", {"until_ms": case.until_ms}), case.until_ms)
    return None


def _close_case(work: Work, command: Command) -> Refusal:
    place, refusal = _household(work, command)
    if place is None:
        return refusal
    ended = cases.close_case(work, place)
    if ended is None:
        return "unknown-subject", f"{command.household} has no case"
    work.put_place(ended)
    _note(work, command, Reason("case-closed", {"why": command.reason}), None)
    return None


def _retest(work: Work, command: Command) -> Refusal:
    person = work.suspicion(command.subject)
    if person is None:
        return "unknown-subject", f"there is no suspicion {command.subject[:100]!r}"
    if not person.undecided:
        return "no-open-incident", f"{command.subject[:100]!r} is decided already"
    suspect_reading.confirmed(work, person, command.by)
    _note(work, command, Reason("retest", {"by": command.by}), None, suspect_reading.KIND)
    return None


def _register(work: Work, command: Command) -> Refusal:
    place = work.place(command.checkpoint)
    if place is None or place.where != "checkpoint":
        return "unknown-subject", f"there is no checkpoint {command.checkpoint[:60]!r} in the fleet"
    grid = grid_of(command.checkpoint)
    if command.household and grid_of(command.household) != grid:
        # What is said here would count in a building that another grid keeps.
        return "not-allowed", f"a pass at {command.checkpoint[:60]} is registered to a household of {grid}, or to none"
    suspect_reading.registered(work, command.checkpoint, command.pass_id, command.household)
    _note(work, command, Reason("registered", {"household": command.household}), None)
    return None


def _visit(work: Work, command: Command) -> Refusal:
    place, refusal = _household(work, command)
    if place is not None:
        work.put_place(missed_visit.visited(work, place, command.by))
        _note(work, command, Reason("visited", {"by": command.by}), None)
    return refusal


def _call(work: Work, command: Command) -> Refusal:
    place, refusal = _household(work, command)
    if place is not None:
        work.put_place(missed_call.called(work, place, command.by))
        _note(work, command, Reason("called", {"by": command.by}), None)
    return refusal


def _symptoms(work: Work, command: Command) -> Refusal:
    place, refusal = _household(work, command, case=False)
    if place is not None:
        home_fever.symptoms(work, place, command.symptoms, Cause(by=command.by, received_ms=work.now_ms))
        _note(work, command, Reason("symptoms", {"symptoms": ", ".join(command.symptoms)}), None)
    return refusal


def _home_temperature(work: Work, command: Command) -> Refusal:
    place, refusal = _household(work, command, case=False)
    if place is None:
        return refusal
    celsius, policy = command.celsius or 0.0, work.policy
    if not policy.plausible_low_celsius <= celsius <= policy.plausible_high_celsius:
        return "implausible", f"{celsius:g} is no body temperature: measure again"
    home_fever.read(work, place, celsius, command.site, work.now_ms, Cause(by=command.by, received_ms=work.now_ms))
    _note(work, command, Reason("home-temperature", {"celsius": celsius, "site": command.site}), None)
    return None


def _check_assigned(work: Work, command: Command) -> Refusal:
    if work.get("g:" + command.grid) is None:
        return "unknown-subject", f"there is no grid {command.grid[:40]!r} in the fleet"
    overdue_check.assigned(work, command.grid, command.check, command.due_ms or 0)
    _note(work, command, Reason("check-assigned", {"check": command.check}), command.due_ms)
    return None


def _check_returned(work: Work, command: Command) -> Refusal:
    grid = command.grid or _grid_of_check(work, command.check)
    if not grid or command.check not in work.grid(grid).checks:
        return "unknown-subject", f"no check {command.check[:60]!r} is assigned"
    overdue_check.returned(work, grid, command.check, command.by)
    _note(work, command, Reason("check-returned", {"check": command.check}), None)
    return None


def _grid_of_check(work: Work, check: str) -> str:
    for key in sorted(work.view):
        if key.startswith("g:") and check in work.grid(key[2:]).checks:
            return key[2:]
    return ""


def _note(work: Work, command: Command, reason: Reason, until_ms: int | None, kind: str = "") -> None:
    subject = command.subject or command.household or command.checkpoint or command.grid
    incident = incidents.open_incident(work, subject, kind) if kind else None
    name = f"{subject}/{kind}/{incident.number}" if incident is not None else ""
    grid = command.grid or grid_of(subject)
    work.effects.append(
        Noted(
            work.now_ms, grid, subject, kind, name, reason, by=command.by, command=command.name,
            command_id=command.id, until_ms=until_ms,
        )
    )  # fmt: skip


_TABLE: dict[str, Callable[[Work, Command], Refusal]] = {
    "acknowledge": _acknowledge,
    "close": _close,
    "snooze": _snooze,
    "mute": _mute,
    "declare": _declare,
    "open-case": _open_case,
    "close-case": _close_case,
    "retest": _retest,
    "register": _register,
    "visit": _visit,
    "call": _call,
    "symptoms": _symptoms,
    "home-temperature": _home_temperature,
    "check-assigned": _check_assigned,
    "check-returned": _check_returned,
}
