"""The present picture, told by the outbox: incidents with their histories, households, checkpoints' answers, notes.

Every value handed out is frozen: a change puts a new value in its place, so that a reader in another thread always
holds something whole.  Doing an effect twice changes nothing the second time.
"""

from typing import Literal

import msgspec

from duty.urgency import ORDER, urgency_of
from streams.effects import Answer, Cause, Decision, Effect, HouseholdSeen, Noted, Reason

State = Literal["open", "acknowledged", "closed"]

# A history is kept to its beginning and its newest lines: one that repeats all night stays small.
FIRST_LINES = 20
LAST_LINES = 180
ANSWERS_KEPT = 50


class Line(msgspec.Struct, frozen=True, array_like=True):
    """One line of a history.  `what` is a decision (`raised`, `page`, …) or `noted`."""

    t_ms: int
    what: str
    reason: Reason
    role: str = ""
    step: int = 0
    by: str = ""
    at_ms: int | None = None  # the event's own time, where it differs
    disposition: str = ""
    note: str = ""
    page: str = ""
    command: str = ""
    until_ms: int | None = None


class RoleView(msgspec.Struct, frozen=True, array_like=True):
    """How one role stands to an incident.  `acknowledged_ms` is None while no acknowledgement of it is valid."""

    role: str
    step: int = 0
    first_paged_ms: int | None = None
    last_paged_ms: int | None = None
    pages: tuple[str, ...] = ()
    acknowledged_ms: int | None = None
    acknowledged_by: str = ""
    expired_ms: int | None = None
    answered_ms: int | None = None  # the first acknowledgement ever given, for the figures


class Incident(msgspec.Struct, frozen=True, array_like=True):
    """One incident as a person should see it.  `cleared` (the condition ended) is apart from `state`."""

    id: str
    kind: str
    subject: str
    grid: str
    where: str
    state: State
    raised_ms: int
    reason: Reason
    cause: Cause = Cause()
    at_ms: int | None = None
    count: int = 1
    repeated_ms: int | None = None
    afresh_ms: int | None = None  # when a repeat after it had cleared started it afresh
    cleared: bool = False
    cleared_ms: int | None = None
    closed_ms: int | None = None
    closed_by: str = ""
    closed_role: str = ""
    disposition: str = ""
    note: str = ""
    snoozed_until_ms: int | None = None
    roles: tuple[RoleView, ...] = ()
    lines: tuple[Line, ...] = ()
    lines_left_out: int = 0

    def role(self, role: str) -> RoleView | None:
        """How `role` stands to it, or None when that role was never paged and never answered."""
        return next((view for view in self.roles if view.role == role), None)


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
        self.notes: dict[str, tuple[Line, ...]] = {}  # household → lines that belong to no incident, newest last

    def apply(self, effect: Effect) -> list[Touched]:
        """Take one effect in; what it changed.  Nothing, when it was known already."""
        raise NotImplementedError

    def open_incidents(self, grids: set[str] | None = None) -> list[Incident]:
        """Incidents not closed (of `grids`; None: all), the most urgent first."""
        raise NotImplementedError

    def incidents_of(self, subject: str) -> list[Incident]:
        """Incidents in memory about `subject` or a pass or building of it, newest first."""
        raise NotImplementedError

    def forget(self, before_ms: int) -> list[str]:
        """Drop incidents closed before `before_ms`; their ids."""
        raise NotImplementedError


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
