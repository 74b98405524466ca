"""`missed-call`: the household's wellbeing call is 15 min late.  The call that comes ends it."""

from msgspec.structs import replace

from streams.calendar import at_minute, next_minute
from streams.effects import Cause, Reason
from streams.incidents import clear_incident, raise_incident
from streams.openings import case_at
from streams.policy import Policy, minutes_ms
from streams.state import Place
from streams.work import Work

KIND = "missed-call"


def next_due_ms(after_ms: int, call_min: int, policy: Policy) -> int:
    """When a call at `call_min` of the day will be late next, strictly after `after_ms`."""
    late_ms = minutes_ms(policy.call_late_min)
    return next_minute(after_ms - late_ms, call_min, policy.zone) + late_ms


def called(work: Work, place: Place, by: str) -> Place:
    """A wellbeing call came."""
    clear_incident(work, place.place, KIND, Reason("called", {"by": by}), Cause(by=by))
    return replace(place, call_ms=work.now_ms)


def on_wake(work: Work, place: Place) -> Place:
    """A call is late, unless it came today."""
    due = place.call_due_ms
    if due is None or due > work.now_ms:
        return place
    policy = work.policy
    case = case_at(place, due)
    if case is None or case.wellbeing_call_min is None:
        return replace(place, call_due_ms=None)
    place = replace(place, call_due_ms=next_due_ms(due, case.wellbeing_call_min, policy))
    if place.call_ms is None or place.call_ms < at_minute(due, 0, policy.zone):
        reason = Reason("call-late", {"minutes": policy.call_late_min})
        raise_incident(work, place.place, place.where, place.grid, KIND, reason, Cause())
    return place
