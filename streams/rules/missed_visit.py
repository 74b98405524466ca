"""`missed-visit`: a case's morning (by 12:00) or afternoon (by 18:00) visit was not recorded."""

from msgspec.structs import replace

from streams.calendar import at_minute, minute_of_day, next_minute
from streams.effects import Cause, Reason
from streams.incidents import clear_incident, raise_incident
from streams.openings import case_at
from streams.policy import Policy
from streams.state import Place
from streams.work import Work

KIND = "missed-visit"


def next_due_ms(after_ms: int, policy: Policy) -> int:
    """The first deadline after `after_ms`."""
    return min(
        next_minute(after_ms, policy.visit_morning_min, policy.zone),
        next_minute(after_ms, policy.visit_afternoon_min, policy.zone),
    )


def visited(work: Work, place: Place, by: str) -> Place:
    """A visit was recorded."""
    clear_incident(work, place.place, KIND, Reason("visited", {"by": by}), Cause(by=by))
    return replace(place, visit_ms=work.now_ms)


def on_wake(work: Work, place: Place) -> Place:
    """A deadline has come."""
    due = place.visit_due_ms
    if due is None or due > work.now_ms:
        return place
    policy = work.policy
    place = replace(place, visit_due_ms=next_due_ms(due, policy))
    case = case_at(place, due)
    if case is None or not case.visits:
        return replace(place, visit_due_ms=None)
    morning = minute_of_day(due, policy.zone) == policy.visit_morning_min
    from_ms = at_minute(due, 0 if morning else policy.visit_morning_min, policy.zone)
    if place.visit_ms is None or place.visit_ms < from_ms:
        reason = Reason("visit-morning" if morning else "visit-afternoon")
        raise_incident(work, place.place, place.where, place.grid, KIND, reason, Cause())
    return place
