"""Who is paged next about an open incident, and when: reads an incident, decides nothing by itself.

Minutes count from the raising (`clock_ms`; for steps to the supervisor `supervisor_clock_ms`, which a mute does not
hold).  A timed step waits for nobody but the ladder's first role: while that role holds a valid acknowledgement the
step does not go out.  A step to the supervisor goes out always.
"""

from collections.abc import Iterator
from typing import NamedTuple

from streams.calendar import opens_at
from streams.policy import FEVERS, WANT_A_PERSON, Ladder, Policy, Rung, minutes_ms
from streams.state import Book, Incident

NEVER = 1 << 62
MUTE_HOLDS_NOT = FEVERS | {"tamper"}


class Due(NamedTuple):
    """A step that is due at `at_ms`: its number and the roles it pages."""

    at_ms: int
    step: int
    roles: tuple[str, ...]


def first_role(ladder: Ladder) -> str:
    """The role whose acknowledgement holds the ladder: the first one named at step 0."""
    return ladder.page[0]


def valid_until(incident: Incident, role: str, policy: Policy) -> int | None:
    """When a role's acknowledgement expires, or None if it holds none that counts."""
    answer = incident.answers.get(role)
    if answer is None or not answer.valid:
        return None
    return answer.at_ms + minutes_ms(policy.acknowledgement_min)


def released_ms(book: Book, kind: str, incident: Incident, role: str, now_ms: int, policy: Policy) -> int:
    """From when a page to `role` may go out: at once (<= now), or after a hold, a snooze, a mute, the quiet hours."""
    if incident.part_of_area:
        return NEVER
    at_ms = max(incident.hold_until_ms, incident.snoozed_until_ms)
    if role != "supervisor" and kind not in MUTE_HOLDS_NOT:
        at_ms = max(at_ms, book.muted_until_ms)
    hours = policy.ladders[kind].hours_min
    if hours is not None:
        at_ms = opens_at(max(at_ms, now_ms), hours, policy.zone)
    return at_ms


def roles_of(rung: Rung, incident: Incident) -> tuple[str, ...]:
    """Whom a step pages: only the supervisor where the incident climbs no further."""
    return tuple(r for r in rung.roles if r == "supervisor") if incident.limited else rung.roles


def closing_step(ladder: Ladder) -> int:
    """The number of the step that tells the supervisor of an incident nobody closed: after all others."""
    return len(ladder.steps) + 1


def timed_steps(kind: str, incident: Incident, policy: Policy) -> Iterator[Due]:
    """Steps not yet out that wait for their minutes, in order.  One held by an acknowledgement is not among them."""
    ladder = policy.ladders[kind]
    if incident.part_of_area:
        return
    held = valid_until(incident, first_role(ladder), policy) is not None
    for number, rung in enumerate(ladder.steps, start=1):
        if rung.after_min is None or number in incident.out:
            continue
        roles = roles_of(rung, incident)
        to_supervisor = roles == ("supervisor",)
        if not roles or (not to_supervisor and (held or incident.stopped_until_ms)):
            continue
        clock_ms = incident.supervisor_clock_ms if to_supervisor else incident.clock_ms
        yield Due(clock_ms + minutes_ms(rung.after_min), number, roles)
    step = closing_step(ladder)
    if kind in WANT_A_PERSON and "supervisor" not in incident.paged and step not in incident.out:
        yield Due(incident.supervisor_clock_ms + minutes_ms(policy.not_closed_min), step, ("supervisor",))


def next_ms(book: Book, policy: Policy) -> int | None:
    """When something is due in this book next, or None."""
    least = NEVER
    for kind, incident in book.open.items():
        for role, answer in incident.answers.items():
            if answer.valid:
                least = min(least, valid_until(incident, role, policy) or NEVER)
        for due in timed_steps(kind, incident, policy):
            least = min(least, due.at_ms)
        for _, _, until_ms in incident.pending:
            least = min(least, until_ms)
    return None if least == NEVER else least
