"""`lost-openings`: the device counted more openings than it reported.  Closed by a person."""

from streams.effects import Cause, Decision, Reason
from streams.incidents import raise_incident
from streams.openings import covered, watched
from streams.state import Place
from streams.work import Work

KIND = "lost-openings"


def counted(work: Work, place: Place, at_ms: int, late_ms: int, lost: int, cause: Cause) -> None:
    """`lost` openings were counted and never reported, found by a message of `at_ms`."""
    if lost <= 0 or not watched(place, at_ms):
        return
    cover = covered(place, at_ms, work.policy)
    if cover is not None:
        work.effects.append(
            Decision(
                t_ms=work.now_ms, decision="matched", grid=place.grid, subject=place.place, kind=KIND,
                reason=Reason("lost-" + cover.word, {"count": lost, "why": cover.why, "until_ms": cover.until_ms}),
                at_ms=None if at_ms == work.now_ms else at_ms, cause=cause, by=cover.by, where=place.where, count=lost,
            )
        )  # fmt: skip
        return
    limited = not watched(place, work.now_ms)
    reason = Reason("lost", {"count": lost})
    raise_incident(work, place.place, place.where, place.grid, KIND, reason, cause, at_ms=at_ms, limited=limited)
