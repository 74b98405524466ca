"""The roster: this week by grid and role, its gaps and conflicts, shifts, swaps, holidays, and the table as CSV."""

import secrets
from datetime import date
from typing import Annotated, Any

from fastapi import FastAPI, Form, Request, UploadFile
from fastapi.responses import HTMLResponse, PlainTextResponse
from starlette.responses import Response

from devices.places import is_grid
from duty import roster_csv
from duty.access import Allowed, may
from duty.edge.desk import look
from duty.edge.desk.entry import Entered, NotYours, Visit, With
from duty.edge.desk.moments import Moments
from duty.edge.desk.names import Names
from duty.edge.desk.places import short_grid
from duty.edge.desk.routes.board import grids_of
from duty.edge.desk.say import Say
from duty.edge.desk.texts import text
from duty.edge.parts import Parts
from duty.people import ALL_GRIDS, Person
from duty.picture import Touched
from duty.roster import ALL_DAYS, Holiday, Plan, Roster, Shift, Swap, local_ms
from duty.roster_check import conflicts
from streams.commands import ROLES, parse_clock_min

DAY_MS = 86_400_000
GAPS_AHEAD_MS = 72 * 3_600_000
DAYS_SHOWN = 7
Day = Annotated[str, Form(pattern=r"\d{4}-\d{2}-\d{2}")]
Clock = Annotated[str, Form(pattern=r"\d{2}:\d{2}")]


def _grids(visit: Visit, parts: Parts, roster: Roster) -> list[str]:
    """The grids of this person's that are in the plan or in the picture."""
    named = {grid for shift in roster.shifts for grid in shift.grids}
    mine = set(grids_of(visit, parts, "see-roster"))
    return sorted(mine | named if ALL_GRIDS in visit.me.grids else mine)


def _may_edit(visit: Visit, grids: tuple[str, ...]) -> bool:
    return bool(grids) and all(isinstance(may(visit.me, "edit-roster", grid), Allowed) for grid in grids)


def show(request: Request, visit: Entered, parts: With, grid: str = "") -> HTMLResponse:
    return _page(request, visit, parts, grid)


def _page(
    request: Request, visit: Visit, parts: Parts, grid: str, *, problem: str = "",
    complaints: list[roster_csv.LineComplaint] | None = None, status: int = 200,
) -> HTMLResponse:  # fmt: skip
    roster = parts.store.roster()
    grids = _grids(visit, parts, roster)
    chosen = grid if grid in grids else (grids[0] if grids else "")
    shown = [chosen] if chosen else []
    moments = Moments(visit.language, parts.zone, visit.now_ms)
    say = Say(visit.language, parts.zone)
    names: Names = request.app.state.names
    people = parts.store.people()
    plan = Plan(roster, parts.zone)
    ahead = visit.now_ms + GAPS_AHEAD_MS
    t = visit.language

    def span(from_ms: int, until_ms: int) -> str:
        return f"{moments.full(from_ms)} – {moments.full(until_ms)}" if from_ms else ""

    return look.page(
        request,
        visit,
        "roster.html",
        status,
        grid=chosen,
        grids=grids,
        problem=problem,
        complaints=complaints or [],
        gaps=[
            {"role": say.role(gap.role), "span": span(gap.from_ms, gap.until_ms)}
            for gap in plan.gaps(shown, list(ROLES), visit.now_ms, ahead)
        ],
        conflicts=[
            {
                "text": text(f"admin.conflict_{each.word}", t, person=names(each.person), role=say.role(each.role)),
                "span": span(each.from_ms, each.until_ms),
            }
            for each in conflicts(roster, parts.zone, people, visit.now_ms, visit.now_ms + 7 * DAY_MS)
            if not each.grid or each.grid in shown
        ],
        week=_week(plan, chosen, moments, names, say) if chosen else [],
        roles=ROLES,
        shifts=[
            {
                "id": shift.id,
                "person": names(shift.person),
                "role": say.role(shift.role),
                "grids": " ".join(map(short_grid, shift.grids)),
                "days": _days(shift.days, t),
                "hours": f"{_clock(shift.starts_min)}–{_clock(shift.ends_min)}",
                "dates": f"{shift.first.isoformat()} … {shift.last.isoformat()}",
                "order": shift.order,
                "may_edit": _may_edit(visit, shift.grids),
            }
            for shift in sorted(roster.shifts, key=lambda each: (each.role, each.order, each.starts_min, each.id))
            if chosen in shift.grids
        ],
        swaps=[
            {
                "id": swap.id,
                "text": text("admin.swap_row" if swap.instead else "admin.leave_row", t, person=names(swap.person),
                             instead=names(swap.instead)),
                "span": span(swap.from_ms, swap.until_ms),
                "reason": swap.reason,
            }
            for swap in roster.swaps
            if not swap.grids or chosen in swap.grids
        ],
        holidays=[{"day": each.day.isoformat(), "name": each.name} for each in roster.holidays],
        people=[each for each in people if not each.disabled and each.has_grid(chosen)] if chosen else [],
        may_edit=_may_edit(visit, (chosen,)),
        may_import=_may_edit(visit, ("",)),
        today=moments.local(visit.now_ms).date().isoformat(),
    )  # fmt: skip


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _days(days: tuple[int, ...], language: Any) -> str:
    if days == ALL_DAYS:
        return text("admin.every_day", language)
    return " ".join(text(f"common.weekday_{day}", language) for day in days)


def _week(plan: Plan, grid: str, moments: Moments, names: Names, say: Say) -> list[dict[str, Any]]:
    """A row a role, a cell a day: who has a turn that begins that day."""
    starts = [moments.day_start_ms(moments.now_ms, -n) for n in range(DAYS_SHOWN)]
    rows = []
    for role in ROLES:
        cells = []
        for start in starts:
            day = moments.local(start).date()
            turns = [
                (span.from_ms, names(plan.instead(shift.person, grid, role, span.from_ms) or "—"), shift)
                for shift in plan.roster.shifts
                if shift.role == role and grid in shift.grids and shift.order == 1
                for span in plan.turns(shift, start, start + DAY_MS)
                if moments.local(span.from_ms).date() == day
            ]
            turns.sort(key=lambda turn: turn[0])
            cells.append([f"{who} {_clock(shift.starts_min)}–{_clock(shift.ends_min)}" for _, who, shift in turns])
        rows.append({"role": say.role(role), "cells": cells})
    heads = [f"{moments.weekday(start)} {moments.day(start)}" for start in starts]
    return [{"heads": heads, "rows": rows}]


def _changed(visit: Visit, parts: Parts, action: str, of: str, grids: tuple[str, ...], detail: str = "") -> None:
    parts.store.audit(
        at_ms=visit.now_ms, actor=visit.me.id, action=action, object=of, grid=grids[0] if grids else "",
        detail=detail, address=visit.address,
    )  # fmt: skip
    parts.projection.publish(Touched("people", of, grids[0] if grids else "", visit.now_ms, action))


def add_shift(
    request: Request, visit: Entered, parts: With, grid: str,
    person: Annotated[str, Form(max_length=60)], role: Annotated[str, Form(max_length=20)],
    first: Day, last: Day, starts: Clock, ends: Clock,
    order: Annotated[int, Form(ge=1, le=9)] = 1, day: Annotated[list[int] | None, Form(max_length=7)] = None,
    holidays: Annotated[str, Form(pattern="as-usual|only|not")] = "as-usual",
) -> Response:  # fmt: skip
    who = parts.store.person(person)
    try:
        row = Shift(
            id=f"s-{secrets.token_hex(6)}",
            person=person,
            role=role,
            grids=(grid,),
            first=date.fromisoformat(first),
            last=date.fromisoformat(last),
            starts_min=parse_clock_min(starts),
            ends_min=parse_clock_min(ends),
            days=tuple(sorted({each for each in day or ALL_DAYS if 0 <= each <= 6})) or ALL_DAYS,
            order=order,
            on_holidays=holidays,  # type: ignore[arg-type]
        )
    except ValueError:
        row = None
    if row is None or row.last < row.first or role not in ROLES or not _fits(who, role, grid):
        return _page(request, visit, parts, grid, problem=text("admin.shift_bad", visit.language), status=422)
    parts.store.save_shift(row)
    _changed(visit, parts, "add-shift", row.id, row.grids, f"{person} {role} {first} {last}")
    return look.go_to(f"/roster?grid={grid}")


def _fits(person: Person | None, role: str, grid: str) -> bool:
    return (
        person is not None and not person.disabled and role in person.roles and person.has_grid(grid) and is_grid(grid)
    )


def delete_shift(
    request: Request, visit: Entered, parts: With, grid: str, shift: Annotated[str, Form(max_length=400)]
) -> Response:
    row = next((each for each in parts.store.roster().shifts if each.id == shift and grid in each.grids), None)
    # A shift of several grids is taken away only by somebody who plans all of them.
    if row is None or not _may_edit(visit, row.grids):
        raise NotYours
    parts.store.delete_shift(shift)
    _changed(visit, parts, "delete-shift", shift, row.grids)
    return look.go_to(f"/roster?grid={grid}")


def _local_ms(told: str, parts: Parts) -> int:
    """`2020-02-16T08:00` of the site's zone.  Raises ValueError."""
    return local_ms(date.fromisoformat(told[:10]), parse_clock_min(told[11:]), parts.zone)


def add_swap(
    request: Request, visit: Entered, parts: With, grid: str,
    person: Annotated[str, Form(max_length=60)],
    from_: Annotated[str, Form(alias="from", pattern=r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}")],
    until: Annotated[str, Form(pattern=r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}")],
    instead: Annotated[str, Form(max_length=60)] = "", reason: Annotated[str, Form(max_length=200)] = "",
) -> Response:  # fmt: skip
    other = parts.store.person(instead) if instead else None
    try:
        from_ms, until_ms = _local_ms(from_, parts), _local_ms(until, parts)
    except ValueError:
        from_ms = until_ms = 0
    well = from_ms < until_ms and parts.store.person(person) is not None and instead != person
    if not well or (instead and (other is None or other.disabled or not other.has_grid(grid))):
        return _page(request, visit, parts, grid, problem=text("admin.swap_bad", visit.language), status=422)
    swap = Swap(
        id=f"x-{secrets.token_hex(6)}", person=person, instead=instead, from_ms=from_ms, until_ms=until_ms,
        grids=(grid,), reason=reason.strip(),
    )  # fmt: skip
    parts.store.save_swap(swap)
    _changed(visit, parts, "add-swap", swap.id, swap.grids, f"{person} {instead}")
    return look.go_to(f"/roster?grid={grid}")


def delete_swap(
    request: Request, visit: Entered, parts: With, grid: str, swap: Annotated[str, Form(max_length=400)]
) -> Response:
    row = next((each for each in parts.store.roster().swaps if each.id == swap), None)
    if row is None or not _may_edit(visit, row.grids or ("",)):
        raise NotYours
    parts.store.delete_swap(swap)
    _changed(visit, parts, "delete-swap", swap, row.grids)
    return look.go_to(f"/roster?grid={grid}")


def holiday(
    request: Request, visit: Entered, parts: With, day: Day, name: Annotated[str, Form(max_length=60)] = "",
    delete: Annotated[str, Form(max_length=3)] = "",
) -> Response:  # fmt: skip
    try:
        when = date.fromisoformat(day)
    except ValueError:
        return _page(request, visit, parts, "", problem=text("admin.shift_bad", visit.language), status=422)
    if delete:
        parts.store.delete_holiday(when)
    else:
        parts.store.save_holiday(Holiday(day=when, name=name.strip()))
    _changed(visit, parts, "delete-holiday" if delete else "add-holiday", day, ())
    return look.go_to("/roster")


async def import_csv(request: Request, visit: Entered, parts: With, file: UploadFile) -> Response:
    """The whole plan from a table: taken when nothing in it is wrong, else every mistake is named with its line."""
    data = await file.read()
    return await look.in_thread(_import, request, visit, parts, data)


def _import(request: Request, visit: Visit, parts: Parts, data: bytes) -> Response:
    shifts, complaints = roster_csv.read(roster_csv.decode(data), parts.store.people())
    if complaints or not shifts:
        said = text("admin.csv_bad", visit.language)
        return _page(request, visit, parts, "", problem=said, complaints=complaints[:100], status=422)
    parts.store.replace_shifts(shifts)
    _changed(visit, parts, "import-roster", "roster", (), f"{len(shifts)} shifts")
    said = text("admin.csv_taken", visit.language, n=len(shifts))
    return look.said(request, visit, said, well=True, back="/roster")


def export_csv(request: Request, visit: Entered, parts: With) -> PlainTextResponse:
    """The plan of the grids this person sees, as `import` takes it.  The mark at the front is for spreadsheets."""
    shifts = [
        each for each in parts.store.roster().shifts if all(visit.me.has_grid(grid) for grid in each.grids)
    ]  # fmt: skip
    body = "\ufeff" + roster_csv.write(shifts, parts.store.people())
    headers = {"Content-Disposition": 'attachment; filename="roster.csv"'}
    return PlainTextResponse(body, headers=headers, media_type="text/csv; charset=utf-8")


def add_to(app: FastAPI) -> None:
    app.get("/roster")(show)
    app.get("/roster.csv")(export_csv)
    app.post("/roster/import")(import_csv)
    app.post("/roster/holiday")(holiday)
    app.post("/g/{grid}/roster/shift")(add_shift)
    app.post("/g/{grid}/roster/shift/delete")(delete_shift)
    app.post("/g/{grid}/roster/swap")(add_swap)
    app.post("/g/{grid}/roster/swap/delete")(delete_swap)
