"""The supervisor's overview: what is open and how old, how fast people answer, who is on duty, what cries wolf."""

from collections import Counter, defaultdict
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse

from duty.edge.desk import look
from duty.edge.desk.entry import Entered, Visit, With
from duty.edge.desk.figures import alarm_rates, first_answer_ms, latencies, percentile, recent, started_ms
from duty.edge.desk.moments import Moments
from duty.edge.desk.names import Names
from duty.edge.desk.places import short_grid
from duty.edge.desk.routes.board import grids_of
from duty.edge.desk.say import Say
from duty.edge.desk.site_health import SiteHealth
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
    grids = grids_of(visit, parts, "see-figures")
    moments = Moments(visit.language, parts.zone, visit.now_ms)
    say = Say(visit.language, parts.zone)
    names: Names = request.app.state.names
    month = recent(parts, visit.now_ms - FALSE_DAYS * DAY_MS, grids)
    open_now = parts.projection.picture.open_incidents(set(grids) | {"system"})
    plan = Plan(parts.store.roster(), parts.zone)
    health = SiteHealth(parts.settings.data_path)
    return look.page(
        request,
        visit,
        "overview.html",
        active="nav_overview",
        after=parts.projection.position(),
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
        rows.append({"grid": text("common.grid", visit.language, grid=short_grid(grid)), "cells": cells})
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


def _rates(parts: Parts, visit: Visit, names: Names) -> list[dict[str, Any]]:
    attempts = parts.store.attempts(since_ms=visit.now_ms - DAY_MS, limit=20_000)
    # What a person was interrupted by: one message, however many pages it bundles, on however many channels it went.
    told = {(each.person, each.bundle or each.page): each.started_ms for each in attempts}
    rates = alarm_rates(((person, at_ms) for (person, _), at_ms in told.items()), visit.now_ms)
    return [
        {
            "person": names(rate.person),
            "alarms": rate.alarms,
            "hour": rate.busiest_hour,
            "hour_tone": "bad" if rate.busiest_hour > 12 else "warn" if rate.busiest_hour > 6 else "good",
            "slot": rate.busiest_slot,
            "slot_tone": "bad" if rate.busiest_slot > 10 else "good",
            "flood": f"{100 * rate.flood_share:.1f} %",
            "flood_tone": "bad" if rate.flood_share >= 0.01 else "good",
        }
        for rate in rates
    ]


def add_to(app: FastAPI) -> None:
    app.get("/overview")(show)
