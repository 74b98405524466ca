"""The handover sheet of a shift: what is open, put off or silenced, what changed, told in the order it happened."""

from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse

from duty.edge.desk import look
from duty.edge.desk.cards import CardMaker, incident_address
from duty.edge.desk.cells import state_of
from duty.edge.desk.entry import Entered, Visit, With
from duty.edge.desk.figures import recent
from duty.edge.desk.moments import Moments
from duty.edge.desk.places import address_of, name_of, short_grid
from duty.edge.desk.routes.board import grids_of, maker
from duty.edge.desk.texts import text
from duty.edge.parts import Parts
from duty.picture import Incident
from duty.roster import Plan

HOUR_MS = 3_600_000
SHIFTS_BACK = 14
TEAM = ("worker", "police", "doctor")


def shift_bounds(moments: Moments, back: int) -> tuple[int, int]:
    """From and until of the shift `back` shifts ago: days are 08:00-20:00, nights 20:00-08:00."""
    midnight = moments.day_start_ms(moments.now_ms)
    hour = moments.local(moments.now_ms).hour
    start = midnight + (-4 if hour < 8 else 8 if hour < 20 else 20) * HOUR_MS
    start -= back * 12 * HOUR_MS
    return start, start + 12 * HOUR_MS


def _changed(incident: Incident, from_ms: int, until_ms: int) -> bool:
    return any(from_ms <= line.t_ms < until_ms for line in incident.lines)


def _story(incident: Incident, making: CardMaker, from_ms: int, until_ms: int) -> dict[str, Any]:
    """One incident as the one who takes over should hear it: only what happened in the shift, a line a thing."""
    clock = making.moments.clock
    told: list[str] = []
    for line in incident.lines:
        if not from_ms <= line.t_ms < until_ms:
            continue
        by = making.say.person(line.by) if line.by else ""
        match line.what:
            case "raised" | "repeated":
                told.append(f"{clock(line.at_ms or line.t_ms)} {making.say.reason(line.reason)}")
            case "page" if line.step > 0 or line.role == "supervisor":
                said = making.t("h_page", role=making.say.role(line.role))
                told.append(f"{clock(line.t_ms)} {said} ({making.say.reason(line.reason)})")
            case "acknowledged":
                told.append(f"{clock(line.t_ms)} {making.t('h_acknowledged', role=making.say.role(line.role), by=by)}")
            case "acknowledgement-expired":
                # Whoever said that they were going was called again: the shift that takes over should know.
                expired = making.t("h_acknowledgement-expired", role=making.say.role(line.role))
                again = making.t("h_page", role=making.say.role(line.role))
                told.append(f"{clock(line.t_ms)} {expired} · {again}")
            case "noted":
                told.append(making.note(line.reason, line.by, line.t_ms))
            case "closed":
                told.append(making.closing(incident))
            case _:
                continue
    return {
        "title": making.title(incident),
        "count": incident.count,
        "place": _place(incident.subject, incident.where, incident.grid, making),
        "address": incident_address(incident),
        "lines": told,
    }


def _place(subject: str, where: str, grid: str, making: CardMaker) -> str:
    """Where it is; with its grid on a sheet of several, whose buildings have the same numbers."""
    place = name_of(subject, where, making.language)
    return f"{place} · {text('common.grid', making.language, grid=short_grid(grid))}" if making.many_grids else place


def _sheet(request: Request, visit: Visit, parts: Parts, grid: str | None, back: int) -> HTMLResponse:
    mine = grids_of(visit, parts)
    shown = [grid] if grid else mine
    making = maker(request, visit, many_grids=len(shown) > 1)
    moments = making.moments
    from_ms, until_ms = shift_bounds(moments, back)
    seen = {each.id: each for each in recent(parts, from_ms - 7 * 86_400_000, shown)}
    seen |= {each.id: each for each in parts.projection.picture.open_incidents(set(shown))}
    began_by = [each for each in seen.values() if each.raised_ms < until_ms]
    began_by.sort(key=lambda each: each.raised_ms)
    then_open = [each for each in began_by if each.closed_ms is None or each.closed_ms >= until_ms]
    households = [each for each in parts.projection.picture.all_households() if each.grid in shown]
    plan = Plan(parts.store.roster(), parts.zone)
    on = [
        {
            "role": making.say.role(role),
            "who": sorted(
                {making.names(each.person) for one in shown for each in plan.on_duty(one, role, from_ms + 60_000)}
            ),
        }
        for role in TEAM
    ]

    def stories(incidents: list[Incident]) -> list[dict[str, Any]]:
        return [_story(each, making, from_ms, until_ms) for each in incidents]

    closed = [each for each in began_by if each.closed_ms is not None and from_ms <= each.closed_ms < until_ms]
    return look.page(
        request,
        visit,
        "handover.html",
        active="nav_handover",
        grid=grid,
        grids=mine,
        back=back,
        back_most=SHIFTS_BACK,
        heading=text(
            "supervisor.handover_of",
            visit.language,
            grid=text("common.grid", visit.language, grid=short_grid(shown[0]))
            if len(shown) == 1
            else text("common.all_grids", visit.language),
        ),
        span=f"{moments.full(from_ms)} – {moments.full(min(until_ms, visit.now_ms))}",
        on=on,
        open=stories([each for each in then_open if (each.snoozed_until_ms or 0) <= visit.now_ms]),
        put_off=[
            _story(each, making, from_ms, until_ms)
            | {"until": text("board.snoozed", visit.language, time=moments.clock(each.snoozed_until_ms))}
            for each in then_open
            if (each.snoozed_until_ms or 0) > visit.now_ms
        ],
        silenced=[
            {
                "place": _place(each.household, "household", each.grid, making),
                "address": address_of(each.household, "household", each.grid),
                "text": text("board.muted", visit.language, time=moments.clock(each.muted_until_ms))
                if (each.muted_until_ms or 0) > visit.now_ms
                else text("household.state_silent", visit.language),
            }
            for each in sorted(households, key=lambda each: each.household)
            if each.watched and ((each.muted_until_ms or 0) > visit.now_ms or state_of(each, visit.now_ms) == "silent")
        ],
        closed=stories(closed),
        counts={
            "raised": sum(1 for each in began_by if each.raised_ms >= from_ms),
            "pages": sum(
                1 for each in began_by for line in each.lines if line.what == "page" and from_ms <= line.t_ms < until_ms
            ),
            "closed": len(closed),
            "open": len(then_open),
        },
        cases=[
            {
                "place": _place(each.household, "household", each.grid, making),
                "text": text("supervisor.case_began" if begun else "supervisor.case_ended", visit.language),
            }
            for each in sorted(households, key=lambda each: each.household)
            for begun, at_ms in ((True, each.case_from_ms), (False, each.case_until_ms))
            if at_ms is not None and from_ms <= at_ms < min(until_ms, visit.now_ms)
        ],
    )


def all_grids(request: Request, visit: Entered, parts: With, back: int = 0) -> HTMLResponse:
    return _sheet(request, visit, parts, None, min(max(back, 0), SHIFTS_BACK))


def one_grid(request: Request, visit: Entered, parts: With, grid: str, back: int = 0) -> HTMLResponse:
    return _sheet(request, visit, parts, grid, min(max(back, 0), SHIFTS_BACK))


def add_to(app: FastAPI) -> None:
    app.get("/handover")(all_grids)
    app.get("/g/{grid}/handover")(one_grid)
