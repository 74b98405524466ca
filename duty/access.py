"""Who may do what: one table of actions, asked by every route, the live stream and every command.

A row ends in its sentence.  An action about a grid is allowed to a person whose grids hold it; one about the whole
site ("" as grid) needs no grid.  What is not in the table is refused.
"""

from typing import Literal, get_args

import msgspec

from duty.people import Person, StaffRole
from streams.commands import TEAM

Action = Literal[
    "see-board",
    "see-buildings",
    "see-household",
    "see-temperatures",
    "see-contacts",
    "edit-contacts",
    "see-checkpoint",
    "scan",
    "acknowledge",
    "close",
    "close-fever",
    "snooze",
    "mute",
    "declare",
    "record-visit",
    "open-case",
    "close-case",
    "make-link",
    "see-figures",
    "see-roster",
    "edit-roster",
    "see-system",
    "replay-rejects",
    "see-staff",
    "edit-staff",
    "edit-own",
    "edit-channels",
    "edit-devices",
    "see-policy",
    "try-policy",
    "export-figures",
    "see-bulletin",
    "see-audit",
    "export-audit",
]
ACTIONS: tuple[Action, ...] = get_args(Action)

Why = Literal["disabled", "role", "grid", "unknown-action"]

_FIELD: tuple[StaffRole, ...] = ("worker", "police", "doctor", "supervisor")
_ALL: tuple[StaffRole, ...] = ("worker", "police", "doctor", "guard", "supervisor", "admin", "auditor")


class Row(msgspec.Struct, frozen=True):
    """One row: the roles that may, whether a grid must be theirs, and the sentence."""

    roles: tuple[StaffRole, ...]
    of_grid: bool
    sentence: str


ROWS: dict[Action, Row] = {
    "see-board": Row(_FIELD, True, "The team and the supervisor see the incidents of their grids."),
    "see-buildings": Row(_FIELD, True, "The team and the supervisor see the buildings of their grids."),
    "see-household": Row(_FIELD, True, "The team and the supervisor see a household of their grids."),
    "see-temperatures": Row(("worker", "doctor", "supervisor"), True, "Health figures are not for the police."),
    "see-contacts": Row(_FIELD, True, "A contact is opened on a press, and the look is recorded."),
    "edit-contacts": Row(("worker", "supervisor"), True, "The worker keeps the contacts of a case."),
    "see-checkpoint": Row(("guard", "worker", "doctor", "supervisor"), True, "The checkpoint's screen is the guard's."),
    "scan": Row(("guard", "worker", "doctor", "supervisor"), True, "Who stands at the gate may enter a reading."),
    "acknowledge": Row((*_FIELD, "guard"), True, "Each role answers for itself."),
    "close": Row(_FIELD, True, "Any role of the team, or the supervisor, closes."),
    "close-fever": Row(("doctor", "supervisor"), True, "A fever is closed by the doctor or the supervisor."),
    "snooze": Row(_FIELD, True, "Any role of the team may put an incident off, with an end."),
    "mute": Row(("worker", "supervisor"), True, "The worker or the supervisor mutes a case, at most 4 h."),
    "declare": Row(("worker", "supervisor"), True, "A worker declares an opening for a household."),
    "record-visit": Row(("worker", "doctor", "supervisor"), True, "Who visits or calls records it."),
    "open-case": Row(("worker", "supervisor"), True, "The worker fits a sensor and opens the case."),
    "close-case": Row(("worker", "supervisor"), True, "The worker releases the household."),
    "make-link": Row(("worker", "supervisor"), True, "The worker prints the resident's link."),
    "see-figures": Row(("supervisor",), True, "The supervisor sees the figures of their grids."),
    "see-roster": Row(_ALL, True, "Everyone may see who is on duty in their grids."),
    "edit-roster": Row(("supervisor", "admin"), True, "The supervisor plans the shifts."),
    "see-system": Row(("supervisor", "admin"), False, "Its own health is for the supervisor and administrator."),
    "replay-rejects": Row(("admin",), False, "The administrator feeds refused messages in again."),
    "see-staff": Row(("supervisor", "admin"), False, "The list of staff is for who plans with it."),
    "edit-staff": Row(("admin",), False, "The administrator keeps the staff."),
    "edit-own": Row(_ALL, False, "Everyone changes their own password, language and second factor."),
    "edit-channels": Row(("supervisor", "admin"), False, "Channels are set by who answers for being reached."),
    "edit-devices": Row(("worker", "supervisor", "admin"), True, "Sensors are fitted and taken back in own grids."),
    "see-policy": Row(_ALL, False, "The rules are no secret to those who work by them."),
    "export-figures": Row(("supervisor",), True, "The supervisor takes the figures of their grids away."),
    "try-policy": Row(("supervisor",), True, "The supervisor tries a policy on what happened in their grids."),
    "see-bulletin": Row(("supervisor", "admin"), False, "The daily bulletin is the supervisor's."),
    "see-audit": Row(("auditor",), False, "The audit log is read by the auditor, who administers nothing."),
    "export-audit": Row(("auditor",), False, "Only the auditor takes the audit log away."),
}

# Fevers are the doctor's: every other kind may be closed by any role of the team.
FEVERS = frozenset({"fever", "home-fever", "fever-cluster"})


class Allowed(msgspec.Struct, frozen=True):
    """May be done.  `roles` are the person's roles by which it may."""

    roles: tuple[StaffRole, ...]


class Refused(msgspec.Struct, frozen=True):
    """May not be done.  To the outside every refusal looks the same as something that does not exist."""

    why: Why


def may(person: Person, action: str, grid: str = "") -> Allowed | Refused:
    """Whether `person` may do `action` (about `grid`, "" for what belongs to the whole site)."""
    row = ROWS.get(action)  # type: ignore[call-overload]
    if row is None:
        return Refused("unknown-action")
    if person.disabled:
        return Refused("disabled")
    roles: tuple[StaffRole, ...] = tuple(role for role in row.roles if role in person.roles)
    if not roles:
        return Refused("role")
    if row.of_grid and not person.has_grid(grid):
        return Refused("grid")
    return Allowed(roles)


def grids_seen(person: Person, action: str, grids: list[str]) -> list[str]:
    """Those of `grids` about which `person` may do `action`: what a list or a live stream is filtered by."""
    return [grid for grid in grids if isinstance(may(person, action, grid), Allowed)]


def closing_action(kind: str) -> Action:
    """The action that closing an incident of `kind` needs."""
    return "close-fever" if kind in FEVERS else "close"


def may_speak_for(person: Person, role: str, grid: str) -> bool:
    """Whether `person` may give a command in the name of `role` in `grid`.

    A supervisor stands in for the roles of the team: where nobody is on duty, their pages fall to the supervisor.
    """
    stands_in = "supervisor" in person.roles and role in TEAM
    return not person.disabled and (role in person.roles or stands_in) and person.has_grid(grid)
