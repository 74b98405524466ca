"""The supervisor's overview: what is open and how old, how fast people answer, who is on duty, what cries wolf."""

from collections import Counter, defaultdict
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse

from duty.alarm_rate import Verdict, rates
from duty.edge.desk import look
from duty.edge.desk.entry import Entered, Visit, With
from duty.edge.desk.figures import first_answer_ms, latencies, percentile, recent, started_ms
from duty.edge.desk.moments import Moments
from duty.edge.desk.names import Names
from duty.edge.desk.places import name_of, short_grid
from duty.edge.desk.routes.board import grids_of
from duty.edge.desk.say import Say
from duty.edge.desk.site_health import site_health
from duty.edge.desk.texts import text
from duty.edge.parts import Parts
from duty.picture import Incident
from duty.roster import Plan
from duty.urgency import ORDER, urgency_of

MINUTE_MS = 60_000
DAY_MS = 86_400_000
AGES: tuple[tuple[str, int], ...] = (
    ("age_5", 5 * MINUTE_MS),
    ("age_30", 30 * MINUTE_MS),
    ("age_60", 60 * MINUTE_MS),
    ("age_day", DAY_MS),
    ("age_more", 1 << 62),
)
ROLES = ("worker", "police", "doctor", "guard", "supervisor")
GAPS_AHEAD_MS = 72 * 3_600_000
FALSE_DAYS = 30
FALSE = ("false-alarm", "device-fault")
DEVICES_SHOWN = 12


def show(request: Request, visit: Entered, parts: With) -> HTMLResponse:
    after = parts.projection.position()
    grids = grids_of(visit, parts, "see-figures")
    moments = Moments(visit.language, parts.zone, visit.now_ms)
    say = Say(visit.language, parts.zone)
    names: Names = request.app.state.names
    month = recent(parts, visit.now_ms - FALSE_DAYS * DAY_MS, grids)
    open_now = parts.projection.picture.open_incidents(set(grids) | {"system"})
    plan = Plan(parts.store.roster(), parts.zone)
    health = site_health(parts)
    return look.page(
        request,
        visit,
        "overview.html",
        active="nav_overview",
        after=after,
        ages=[text(f"supervisor.{key}", visit.language) for key, _ in AGES],
        open_rows=_by_age(open_now, visit.now_ms, say),
        open_total=len(open_now),
        old_total=sum(1 for each in open_now if visit.now_ms - each.raised_ms > DAY_MS),
        answers=_answer_times([each for each in month if each.raised_ms > visit.now_ms - 7 * DAY_MS], say, moments),
        latencies=latencies(parts, moments),
        duty=_on_duty(plan, grids, visit, moments, names, say),
        roles=[say.role(role) for role in ROLES],
        gaps=[
            {
                "grid": text("common.grid", visit.language, grid=short_grid(gap.grid)),
                "role": say.role(gap.role),
                "from": moments.full(gap.from_ms),
                "until": moments.full(gap.until_ms),
                "long": moments.long(gap.until_ms - gap.from_ms),
            }
            for gap in plan.gaps(grids, list(ROLES), visit.now_ms, visit.now_ms + GAPS_AHEAD_MS)
        ],
        false_kinds=_false_rates(month, lambda each: say.kind(each.kind)),
        false_devices=_false_rates(month, lambda each: each.cause.device)[:DEVICES_SHOWN],
        rates=_rates(parts, visit, names),
        not_told=_not_told(parts, visit, grids, moments, say),
        rejects=sum(health.reject_counts().values()),
        processes_bad=[each.name for each in health.processes() if not each.ready],
        put_aside=core.put_aside if (core := health.core()) else 0,
    )


def _by_age(open_now: list[Incident], now_ms: int, say: Say) -> list[dict[str, Any]]:
    counts: dict[str, Counter[int]] = defaultdict(Counter)
    for each in open_now:
        column = next(n for n, (_, most) in enumerate(AGES) if now_ms - each.raised_ms < most)
        counts[each.kind][column] += 1
    kinds = sorted(counts, key=lambda kind: (ORDER[urgency_of(kind)], kind))
    return [
        {
            "kind": say.kind(kind),
            "urgent": ORDER[urgency_of(kind)] <= ORDER["high"],
            "cells": [counts[kind][n] for n in range(len(AGES))],
            "total": sum(counts[kind].values()),
        }
        for kind in kinds
    ]


def _answer_times(incidents: list[Incident], say: Say, moments: Moments) -> list[dict[str, Any]]:
    by_kind: dict[str, list[Incident]] = defaultdict(list)
    for each in incidents:
        by_kind[each.kind].append(each)
    rows = []
    for kind, of_kind in sorted(by_kind.items(), key=lambda row: (ORDER[urgency_of(row[0])], row[0])):
        answered = [first - started_ms(each) for each in of_kind if (first := first_answer_ms(each)) is not None]
        closed = [each.closed_ms - started_ms(each) for each in of_kind if each.closed_ms is not None]
        rows.append(
            {
                "kind": say.kind(kind),
                "count": len(of_kind),
                "answered": len(answered),
                "answer_50": moments.short(percentile(answered, 50)),
                "answer_90": moments.short(percentile(answered, 90)),
                "close_50": moments.short(percentile(closed, 50)),
                "close_90": moments.short(percentile(closed, 90)),
            }
        )
    return rows


def _on_duty(
    plan: Plan, grids: list[str], visit: Visit, moments: Moments, names: Names, say: Say
) -> list[dict[str, Any]]:
    rows = []
    for grid in grids:
        cells = []
        for role in ROLES:
            there = plan.on_duty(grid, role, visit.now_ms)
            cells.append(
                {
                    "role": say.role(role),
                    "who": [f"{names(each.person)} → {moments.clock(each.until_ms)}" for each in there],
                }
            )
        rows.append({"id": grid, "grid": text("common.grid", visit.language, grid=short_grid(grid)), "cells": cells})
    return rows


def _false_rates(incidents: list[Incident], key_of: Any) -> list[dict[str, Any]]:
    closed: Counter[str] = Counter()
    false: Counter[str] = Counter()
    for each in incidents:
        key = key_of(each)
        if not key or not each.disposition or each.disposition == "test":
            continue
        closed[key] += 1
        false[key] += each.disposition in FALSE
    rows = [
        {"key": key, "closed": closed[key], "false": false[key], "percent": round(100 * false[key] / closed[key])}
        for key in closed
    ]
    return sorted(rows, key=lambda row: (-row["percent"], -row["closed"], row["key"]))


_TONES: dict[Verdict, str] = {"acceptable": "good", "manageable": "warn", "too-many": "bad"}


def _rates(parts: Parts, visit: Visit, names: Names) -> list[dict[str, Any]]:
    """The last 24 h, a row a person, the busiest first."""
    told: dict[str, dict[str, int]] = defaultdict(dict)
    for each in parts.store.attempts(since_ms=visit.now_ms - DAY_MS, limit=20_000):
        if each.person:
            # Told once of a page, however many channels and tries it took; newest first, so the first try stays.
            told[each.person][each.page] = each.started_ms
    rows: list[dict[str, Any]] = []
    for person, pages in told.items():
        found = rates(pages.values(), visit.now_ms - DAY_MS, visit.now_ms + 1)
        rows.append(
            {
                "person": names(person),
                "alarms": found.alarms,
                "mean": f"{found.per_hour:.1f}",
                "hour": found.worst_hour,
                "slot": found.worst_slot,
                "flood": f"{100 * found.flood_share:.1f} %",
                "tone": _TONES[found.verdict],
                "verdict": text(f"supervisor.rate_{found.verdict}", visit.language),
            }
        )
    return sorted(rows, key=lambda row: (-row["alarms"], row["person"]))


def _not_told(parts: Parts, visit: Visit, grids: list[str], moments: Moments, say: Say) -> list[dict[str, str]]:
    """Pages that reached nobody, or that everyone was told of and nobody answered."""
    return [
        {
            "title": say.kind(each.page.kind),
            "place": name_of(each.page.subject, each.page.where, visit.language)
            + (f" · {text('common.grid', visit.language, grid=short_grid(each.page.grid))}" if len(grids) > 1 else ""),
            "text": text(
                "supervisor.told_unanswered" if each.is_told else "supervisor.told_nobody",
                visit.language,
                role=say.role(each.page.role),
                time=moments.clock(each.begun_ms),
            ),
        }
        for each in parts.dispatcher.not_told()
        if each.page.grid in grids or each.page.grid == "system"
    ]


def add_to(app: FastAPI) -> None:
    app.get("/overview")(show)
