"""The present picture, told by the outbox: incidents with their histories, households, checkpoints' answers, notes.

Every value handed out is frozen: a change puts a new value in its place, so that a reader in another thread always
holds something whole; whoever walks through all of something walks through what `all_…` hands out.  Doing an effect
twice changes nothing the second time.
"""

from collections.abc import Container
from typing import Literal, assert_never

import msgspec

from duty.incident import Incident, Line, RoleView, State, after_decision, after_note, line_of, line_of_note
from duty.urgency import ORDER, urgency_of
from streams.effects import Answer, Cause, Decision, Effect, HouseholdSeen, Noted, Reason

__all__ = ["CommandOutcome", "Incident", "Line", "Page", "Picture", "RoleView", "State", "Touched"]

ANSWERS_KEPT = 50
NOTES_KEPT = 100


class Page(msgspec.Struct, frozen=True, array_like=True):
    """One page: a role of a grid is to be told about an incident.  What delivery starts from."""

    id: str
    incident: str
    kind: str
    subject: str
    where: str
    grid: str
    role: str
    step: int
    t_ms: int
    reason: Reason
    cause: Cause
    count: int = 1


class CommandOutcome(msgspec.Struct, frozen=True, array_like=True):
    """What became of a command.  `decision` is `rejected`, `noted`, or what it did (`acknowledged`, `closed`, …)."""

    command_id: str
    t_ms: int
    done: bool
    decision: str
    reason: Reason
    subject: str = ""
    kind: str = ""
    incident: str = ""
    by: str = ""


class Touched(msgspec.Struct, frozen=True, array_like=True):
    """What an effect changed: the key of a thing in the picture.  `detail` is the decision or the note's word."""

    what: Literal["incident", "household", "checkpoint", "note", "command", "delivery", "device", "people"]
    key: str
    grid: str
    t_ms: int
    detail: str = ""


class Picture:
    """Everything that is live.  Closed incidents stay until `forget`; older ones are in the store."""

    def __init__(self) -> None:
        self.incidents: dict[str, Incident] = {}
        self.households: dict[str, HouseholdSeen] = {}
        self.answers: dict[str, tuple[Answer, ...]] = {}  # checkpoint → its answers, newest last
        self.notes: dict[str, tuple[Line, ...]] = {}  # subject → lines that belong to no incident, newest last

    def apply(self, effect: Effect) -> list[Touched]:
        """Take one effect in; what it changed.  Nothing, when it was known already."""
        match effect:
            case Decision():
                return self._decision(effect)
            case Noted():
                return self._noted(effect)
            case HouseholdSeen():
                if self.households.get(effect.household) == effect:
                    return []
                self.households[effect.household] = effect
                return [Touched("household", effect.household, effect.grid, effect.t_ms)]
            case Answer():
                before = self.answers.get(effect.checkpoint, ())
                if effect in before:
                    return []
                self.answers[effect.checkpoint] = (*before, effect)[-ANSWERS_KEPT:]
                return [Touched("checkpoint", effect.checkpoint, effect.grid, effect.t_ms, effect.verdict)]
            case _:
                assert_never(effect)

    def _decision(self, decision: Decision) -> list[Touched]:
        touched: list[Touched] = []
        if decision.command_id:
            touched.append(Touched("command", decision.command_id, decision.grid, decision.t_ms, decision.decision))
        if not decision.incident or decision.decision in ("matched", "rejected"):
            return touched + self._note(decision.subject, decision.grid, line_of(decision))
        before = self.incidents.get(decision.incident)
        after = after_decision(before, decision)
        if after is None or after == before:
            return touched
        self.incidents[after.id] = after
        return [*touched, Touched("incident", after.id, after.grid, decision.t_ms, decision.decision)]

    def _noted(self, noted: Noted) -> list[Touched]:
        touched: list[Touched] = []
        if noted.command_id:
            touched.append(Touched("command", noted.command_id, noted.grid, noted.t_ms, noted.reason.word))
        before = self.incidents.get(noted.incident) if noted.incident else None
        if before is None:
            return touched + self._note(noted.subject, noted.grid, line_of_note(noted))
        after = after_note(before, noted)
        if after == before:
            return touched
        self.incidents[after.id] = after
        return [*touched, Touched("incident", after.id, after.grid, noted.t_ms, noted.reason.word)]

    def _note(self, subject: str, grid: str, line: Line) -> list[Touched]:
        before = self.notes.get(subject, ())
        if not subject or line in before:
            return []
        self.notes[subject] = (*before, line)[-NOTES_KEPT:]
        return [Touched("note", subject, grid, line.t_ms, line.what)]

    def all_incidents(self) -> list[Incident]:
        """Those in memory, in a list of their own: a dictionary may grow under whoever walks through it."""
        # Values, not items: while pairs are made, another thread may get its turn.
        return list(self.incidents.values())

    def all_households(self) -> list[HouseholdSeen]:
        """The same of the households."""
        return list(self.households.values())

    def open_incidents(self, grids: Container[str] | None = None) -> list[Incident]:
        """Incidents not closed (of `grids`; None: all), the most urgent first."""
        found = [i for i in self.all_incidents() if i.state != "closed" and (grids is None or i.grid in grids)]
        return sorted(found, key=by_urgency)

    def incidents_of(self, subject: str) -> list[Incident]:
        """Incidents in memory about `subject` or what lies below it (a checkpoint's passes), newest first."""
        below = subject + "/"
        found = [i for i in self.all_incidents() if i.subject == subject or i.subject.startswith(below)]
        return sorted(found, key=lambda i: (-i.raised_ms, i.id))

    def forget(self, before_ms: int) -> list[str]:
        """Drop incidents closed before `before_ms` and notes older than that; the incidents' ids."""
        old = [i.id for i in self.incidents.values() if i.closed_ms is not None and i.closed_ms < before_ms]
        for incident in old:
            del self.incidents[incident]
        for subject, lines in list(self.notes.items()):
            kept = tuple(line for line in lines if line.t_ms >= before_ms)
            if not kept:
                del self.notes[subject]
            elif len(kept) < len(lines):
                self.notes[subject] = kept
        return old


def page_of(decision: Decision, count: int = 1) -> Page:
    """The page a `page` decision asks for."""
    return Page(
        id=decision.page,
        incident=decision.incident,
        kind=decision.kind,
        subject=decision.subject,
        where=decision.where,
        grid=decision.grid,
        role=decision.role,
        step=decision.step,
        t_ms=decision.t_ms,
        reason=decision.reason,
        cause=decision.cause,
        count=decision.count or count,
    )


def outcome_of(effect: Effect) -> CommandOutcome | None:
    """What `effect` says became of a command, or None when it came from no command."""
    if not isinstance(effect, Decision | Noted) or not effect.command_id:
        return None
    decision = effect.decision if isinstance(effect, Decision) else "noted"
    return CommandOutcome(
        command_id=effect.command_id,
        t_ms=effect.t_ms,
        done=decision != "rejected",
        decision=decision,
        reason=effect.reason,
        subject=effect.subject,
        kind=effect.kind,
        incident=effect.incident,
        by=effect.by,
    )


def by_urgency(incident: Incident) -> tuple[int, int, int, str]:
    """Sort key of a board: the urgent first, then what nobody has answered, then the oldest."""
    return (ORDER[urgency_of(incident.kind)], incident.state != "open", incident.raised_ms, incident.id)
