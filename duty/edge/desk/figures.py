"""Figures for those who answer for the whole: latencies, answer times, how many alarms a person has."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from duty.edge.desk.moments import Moments
from duty.edge.desk.texts import text
from duty.edge.parts import Parts
from duty.picture import Incident

WINDOW_MS = 24 * 3_600_000
SLOT_MS = 10 * 60_000
FLOOD, FLOOD_OVER = 10, 5  # ISA-18.2: more than ten in ten minutes is a flood, until there are fewer than five


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
    for each in list(parts.projection.picture.incidents.values()):
        if each.raised_ms >= since_ms and (chosen is None or each.grid in chosen):
            found[each.id] = each
    return sorted(found.values(), key=lambda each: -each.raised_ms)


def started_ms(incident: Incident) -> int:
    """When its cause reached the gateway, or when it was raised where no message caused it."""
    return incident.cause.received_ms if incident.cause.received_ms is not None else incident.raised_ms


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


class AlarmRate(msgspec.Struct, frozen=True, kw_only=True):
    """One person's alarms of the last day.  `flood_share`: the part of its ten-minute slots that lie in a flood."""

    person: str
    alarms: int
    busiest_hour: int
    busiest_slot: int
    flood_share: float


def alarm_rates(told: Iterable[tuple[str, int]], now_ms: int) -> list[AlarmRate]:
    """(person, when) of the last 24 h → a row a person, the busiest first."""
    by_person: dict[str, list[int]] = defaultdict(list)
    for person, at_ms in told:
        if now_ms - WINDOW_MS < at_ms <= now_ms:
            by_person[person].append(at_ms)
    rows: list[AlarmRate] = []
    for person, times in by_person.items():
        slots = [0] * (WINDOW_MS // SLOT_MS)
        hours = [0] * 24
        for at_ms in times:
            back = now_ms - at_ms
            slots[-1 - back // SLOT_MS] += 1
            hours[back // 3_600_000] += 1
        flood, flooded = False, 0
        for count in slots:
            flood = count > FLOOD or (flood and count >= FLOOD_OVER)
            flooded += flood
        rows.append(
            AlarmRate(
                person=person,
                alarms=len(times),
                busiest_hour=max(hours),
                busiest_slot=max(slots),
                flood_share=flooded / len(slots),
            )
        )
    return sorted(rows, key=lambda row: (-row.alarms, row.person))
