"""Which openings were expected: declared by a person, or in a permitted window of the day."""

from typing import NamedTuple

from streams.calendar import window_end
from streams.policy import DAY_MS, Policy
from streams.state import CaseTime, Declaration, Place

_KEPT_MS = DAY_MS + 3_600_000
_MOST_KEPT = 40


class Cover(NamedTuple):
    """What covers an opening: until when, and the word and text that say why."""

    until_ms: int
    word: str
    why: str
    by: str


def covered(place: Place, at_ms: int, policy: Policy) -> Cover | None:
    """The declaration or permitted window that covers an opening at `at_ms`, the one that lasts longest."""
    best: Cover | None = None
    for d in place.declarations:
        # The end of a declaration is a timer: at that very instant it wins over the opening.
        if d.from_ms <= at_ms < d.until_ms and (best is None or d.until_ms > best.until_ms):
            best = Cover(d.until_ms, "declared", d.reason, d.by)
    for window in policy.permitted:
        if window.grid not in ("", place.grid):
            continue
        end_ms = window_end(at_ms, (window.from_min, window.to_min), policy.zone)
        if end_ms is not None and (best is None or end_ms > best.until_ms):
            best = Cover(end_ms, "permitted", "", "")
    return best


def ended(place: Place, since_ms: int, now_ms: int, policy: Policy) -> Cover | None:
    """What covered a door that has been open since `since_ms` and covers it no more, the one that ended last."""
    over = [
        Cover(d.until_ms, "declared", d.reason, d.by) for d in place.declarations if since_ms < d.until_ms <= now_ms
    ]
    window = covered(place, since_ms, policy)
    if window is not None and window.word == "permitted" and window.until_ms <= now_ms:
        over.append(window)
    return max(over, key=lambda cover: cover.until_ms, default=None)


def case_at(place: Place, at_ms: int) -> CaseTime | None:
    """The case that was isolating at `at_ms`, if any."""
    for case in place.cases:
        if case.from_ms <= at_ms < case.until_ms:
            return case
    return None


def watched(place: Place, at_ms: int) -> bool:
    """Whether what happens there at `at_ms` concerns anybody: a checkpoint always, a household in a case."""
    return place.where == "checkpoint" or case_at(place, at_ms) is not None


def declare(declarations: tuple[Declaration, ...], new: Declaration) -> tuple[Declaration, ...]:
    """The declarations with a new one; those no late opening can match any more are let go."""
    kept = [d for d in declarations if d.until_ms > new.from_ms - _KEPT_MS]
    return (*kept[-(_MOST_KEPT - 1) :], new)
