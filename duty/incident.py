"""One incident as people see it, and how each decision about it changes what they see.

The outbox tells; nothing is decided here.  Every value is frozen: a change makes a new one.
"""

from collections.abc import Callable
from typing import Any, Literal, assert_never

import msgspec
from msgspec.structs import replace

from streams.effects import Cause, Decision, Noted, Reason

State = Literal["open", "acknowledged", "closed"]

# A history is kept to its beginning and its newest lines: one that repeats all night stays small.
FIRST_LINES = 20
LAST_LINES = 180
PAGES_KEPT = 20
UNPAGED = "acknowledged-unpaged"  # the reason of an answer given before its role was paged: it counts for nothing


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
    count: int = 0


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


def after_decision(before: Incident | None, decision: Decision) -> Incident | None:
    """The incident after `decision` about it; None when nothing is known of it (its beginning was before our time)."""
    line = line_of(decision)
    if before is None:
        return _raised(decision) if decision.decision in ("raised", "repeated") else None
    if line in before.lines:
        return before
    changes: dict[str, Any] = {}
    match decision.decision:
        case "raised":
            return before
        case "repeated":
            changes = {"count": max(decision.count, before.count), "repeated_ms": decision.t_ms}
            if before.cleared:
                # It begins again: acknowledgements are void and every step may go out once more.
                changes |= {"cleared": False, "cleared_ms": None, "afresh_ms": decision.t_ms, "state": "open"}
                changes["roles"] = tuple(replace(view, acknowledged_ms=None) for view in before.roles)
        case "page":
            changes = {"roles": _with_role(before, decision.role, _paged, decision)}
        case "acknowledged" if decision.reason.word != UNPAGED:
            changes = {"roles": _with_role(before, decision.role, _answered, decision)}
            if before.state == "open":
                changes["state"] = "acknowledged"
        case "acknowledged":
            pass
        case "acknowledgement-expired":
            roles = _with_role(before, decision.role, _expired, decision)
            changes = {"roles": roles}
            if before.state == "acknowledged" and all(view.acknowledged_ms is None for view in roles):
                changes["state"] = "open"
        case "cleared":
            changes = {"cleared": True, "cleared_ms": decision.t_ms}
        case "closed":
            changes = {
                "state": "closed",
                "closed_ms": decision.t_ms,
                "closed_by": decision.by,
                "closed_role": decision.role,
                "disposition": decision.disposition,
                "note": decision.note,
                "snoozed_until_ms": None,
            }
        case "matched" | "rejected":
            pass
        case _:
            assert_never(decision.decision)
    return replace(before, **changes, **_with_line(before, line))


def after_note(before: Incident, noted: Noted) -> Incident:
    """The incident with the note as a line of its history; a snooze shows until when."""
    line = line_of_note(noted)
    if line in before.lines:
        return before
    changes: dict[str, Any] = _with_line(before, line)
    if noted.command == "snooze" and noted.until_ms is not None:
        changes["snoozed_until_ms"] = noted.until_ms
    return replace(before, **changes)


def _raised(decision: Decision) -> Incident:
    return Incident(
        id=decision.incident,
        kind=decision.kind,
        subject=decision.subject,
        grid=decision.grid,
        where=decision.where,
        state="open",
        raised_ms=decision.t_ms,
        reason=decision.reason,
        cause=decision.cause,
        at_ms=decision.at_ms,
        count=decision.count or 1,
        lines=(line_of(decision),),
    )


def line_of(decision: Decision) -> Line:
    return Line(
        t_ms=decision.t_ms,
        what=decision.decision,
        reason=decision.reason,
        role=decision.role,
        step=decision.step,
        by=decision.by or decision.cause.by,
        at_ms=decision.at_ms,
        disposition=decision.disposition,
        note=decision.note,
        page=decision.page,
        command=decision.command,
        count=decision.count,
    )


def line_of_note(noted: Noted) -> Line:
    return Line(
        t_ms=noted.t_ms,
        what="noted",
        reason=noted.reason,
        by=noted.by,
        command=noted.command,
        until_ms=noted.until_ms,
    )


def _with_line(before: Incident, line: Line) -> dict[str, Any]:
    lines = (*before.lines, line)
    if len(lines) <= FIRST_LINES + LAST_LINES:
        return {"lines": lines}
    return {
        "lines": lines[:FIRST_LINES] + lines[FIRST_LINES + 1 :],
        "lines_left_out": before.lines_left_out + 1,
    }


def _with_role(
    before: Incident, role: str, change: Callable[[RoleView, Decision], RoleView], decision: Decision
) -> tuple[RoleView, ...]:
    found = before.role(role)
    after = change(found or RoleView(role), decision)
    if found is None:
        return (*before.roles, after)
    return tuple(after if view is found else view for view in before.roles)


def _paged(view: RoleView, decision: Decision) -> RoleView:
    return replace(
        view,
        step=decision.step if view.first_paged_ms is None else min(view.step, decision.step),
        first_paged_ms=decision.t_ms if view.first_paged_ms is None else view.first_paged_ms,
        last_paged_ms=decision.t_ms,
        pages=(*view.pages, decision.page)[-PAGES_KEPT:],
    )


def _answered(view: RoleView, decision: Decision) -> RoleView:
    return replace(
        view,
        acknowledged_ms=decision.t_ms,
        acknowledged_by=decision.by or decision.cause.by,
        answered_ms=decision.t_ms if view.answered_ms is None else view.answered_ms,
    )


def _expired(view: RoleView, decision: Decision) -> RoleView:
    return replace(view, acknowledged_ms=None, expired_ms=decision.t_ms)
