"""Figures for those who answer for the whole: latencies and answer times."""

from collections.abc import Iterable, Sequence
from typing import Any

from duty.edge.desk.moments import Moments
from duty.edge.desk.texts import text
from duty.edge.parts import Parts
from duty.picture import Incident

WINDOW_MS = 24 * 3_600_000
# A cause that is older than that did not raise the incident: a timer did, that had waited on purpose.
_RAISED_AT_ONCE_MS = 60_000


def percentile(values: Sequence[float], percent: float) -> float | None:
    """Nearest rank; None without values."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100).__int__() - 1)]


def recent(parts: Parts, since_ms: int, grids: Iterable[str] | None = None) -> list[Incident]:
    """Incidents raised since then, live and stored, newest first."""
    chosen = None if grids is None else list(grids)
    found = {each.id: each for each in parts.store.incidents(grids=chosen, since_ms=since_ms, limit=5000)}
    for each in parts.projection.picture.all_incidents():
        if each.raised_ms >= since_ms and (chosen is None or each.grid in chosen):
            found[each.id] = each
    return sorted(found.values(), key=lambda each: -each.raised_ms)


def started_ms(incident: Incident) -> int:
    """When its cause reached the gateway; when it was raised, where a timer did (a door left open, a silent sensor)."""
    received_ms = incident.cause.received_ms
    if received_ms is None or incident.raised_ms - received_ms > _RAISED_AT_ONCE_MS:
        return incident.raised_ms
    return received_ms


def first_answer_ms(incident: Incident) -> int | None:
    """When the first of its roles answered."""
    return min((view.answered_ms for view in incident.roles if view.answered_ms is not None), default=None)


def latencies(parts: Parts, moments: Moments) -> list[dict[str, Any]]:
    """Door to page, to the first answer, to the closing, over the last day."""
    since_ms = moments.now_ms - WINDOW_MS
    incidents = recent(parts, since_ms)
    by_page = {page: each for each in incidents for view in each.roles for page in view.pages}
    sent: dict[str, float] = {}
    for attempt in parts.store.attempts(since_ms=since_ms, limit=5000):
        incident = by_page.get(attempt.page)
        if incident is None or attempt.outcome != "accepted" or attempt.finished_ms is None:
            continue
        # Only the page of the raising: a later step waits on purpose.
        view = incident.role(attempt.role)
        if view is None or view.first_paged_ms is None or view.first_paged_ms - incident.raised_ms > 1000:
            continue
        took = attempt.finished_ms - started_ms(incident)
        sent[attempt.page] = min(took, sent.get(attempt.page, took))
    answered = [first - started_ms(each) for each in incidents if (first := first_answer_ms(each)) is not None]
    closed = [each.closed_ms - started_ms(each) for each in incidents if each.closed_ms is not None and each.closed_by]
    rows = (("stage_page", list(sent.values())), ("stage_answer", answered), ("stage_close", closed))
    return [
        {
            "name": text(f"supervisor.{key}", moments.language),
            "count": len(values),
            "p50": moments.short(percentile(values, 50)),
            "p99": moments.short(percentile(values, 99)),
        }
        for key, values in rows
    ]
