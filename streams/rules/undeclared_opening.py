"""`undeclared-opening`: the door of an isolated household opened and nothing declared or permitted covers it.

The third within 30 min brings the whole team, by the openings' own time and over incidents already closed; not counted
are those a person closed as no true alarm.  It is cleared once the door has been closed and quiet for 10 min.
"""

from msgspec.structs import replace

from streams.effects import Cause, Reason
from streams.incidents import clear_incident, climb, open_incident, raise_incident
from streams.openings import watched
from streams.policy import DAY_MS, Policy, minutes_ms
from streams.state import Opening, Place
from streams.work import Work

KIND = "undeclared-opening"
NOT_COUNTED = frozenset({"false-alarm", "declared-late", "device-fault", "test"})
_MOST_KEPT = 64


def opened(work: Work, place: Place, at_ms: int, late_ms: int, reason: Reason, cause: Cause) -> tuple[Place, int]:
    """An opening that nothing covers; the place with it counted, and the number of its incident."""
    policy = work.policy
    # Long past, or past the case's end: for the worker to look into, not for the police to run to.
    limited = late_ms > minutes_ms(policy.late_page_only_min) or not watched(place, work.now_ms)
    number = raise_incident(
        work, place.place, place.where, place.grid, KIND, reason, cause, at_ms=at_ms, limited=limited
    )
    window_ms = _window_ms(policy)
    kept = [o for o in place.openings if o.at_ms > work.now_ms - DAY_MS - window_ms][-(_MOST_KEPT - 1) :]
    openings = (*kept, Opening(at_ms, number))
    place = replace(place, openings=openings, opening_clears_ms=None)
    if late_ms <= minutes_ms(policy.late_page_only_min):
        for step, rung in enumerate(policy.ladders[KIND].steps, start=1):
            if rung.openings is not None:
                count = most_within([o.at_ms for o in openings], at_ms, minutes_ms(rung.within_min or 0))
                if count >= rung.openings:
                    values = {"count": count, "minutes": rung.within_min or 0}
                    climb(work, place.place, KIND, step, Reason("opened-often", values))
    return quiet(work, place), number


def most_within(times_ms: list[int], at_ms: int, window_ms: int) -> int:
    """The most openings that any window of `window_ms` (its ends included) holds which holds `at_ms`, too."""
    near = sorted(t for t in times_ms if abs(t - at_ms) <= window_ms)
    most = 0
    for first in near:
        if first > at_ms:
            break
        if first + window_ms >= at_ms:
            most = max(most, sum(1 for t in near if first <= t <= first + window_ms))
    return most


def quiet(work: Work, place: Place) -> Place:
    """The place with the time at which its opening will have cleared: 10 min after the last closing."""
    incident = open_incident(work, place.place, KIND)
    if incident is None or incident.life == "cleared" or any(door.open for door in place.doors.values()):
        return replace(place, opening_clears_ms=None) if place.opening_clears_ms is not None else place
    closed = [door.changed_ms for door in place.doors.values()]
    opened_ms = [o.at_ms for o in place.openings if o.incident == incident.number]
    if not closed:
        return place
    last_ms = max(closed + opened_ms)
    return replace(place, opening_clears_ms=last_ms + minutes_ms(work.policy.opening_cleared_min))


def on_wake(work: Work, place: Place) -> Place:
    """The door has been closed and quiet long enough."""
    if place.opening_clears_ms is None or place.opening_clears_ms > work.now_ms:
        return place
    clear_incident(work, place.place, KIND, Reason("quiet", {"minutes": work.policy.opening_cleared_min}))
    return replace(place, opening_clears_ms=None)


def closed_by_person(place: Place, number: int, disposition: str) -> Place:
    """The incident `number` was closed; if it was no true alarm its openings do not count any more."""
    if disposition not in NOT_COUNTED:
        return place
    return replace(place, openings=tuple(o for o in place.openings if o.incident != number))


def _window_ms(policy: Policy) -> int:
    return max((minutes_ms(r.within_min or 0) for r in policy.ladders[KIND].steps), default=0)
