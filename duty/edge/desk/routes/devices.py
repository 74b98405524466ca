"""Devices and cases: fit a sensor (one that showed within two minutes that it opens and closes is armed); release."""

import secrets
from collections import OrderedDict
from datetime import date
from typing import Annotated, Any

import msgspec
from fastapi import FastAPI, Form, Request
from fastapi.responses import HTMLResponse
from starlette.responses import Response

from devices.fleet import Device
from devices.places import is_household
from duty.edge.desk import look
from duty.edge.desk.cards import command_id
from duty.edge.desk.entry import Entered, NotYours, Visit, With
from duty.edge.desk.files import SiteFiles
from duty.edge.desk.moments import Moments
from duty.edge.desk.orders import order, why_refused
from duty.edge.desk.places import address_of, name_of
from duty.edge.desk.routes.board import grids_of
from duty.edge.desk.texts import Language, text
from duty.edge.parts import Parts
from duty.fitting import TEST_MS, Verdict, judge, only_opens
from duty.people import CaseRow, case_id
from duty.roster import local_ms
from streams.commands import parse_clock_min

FITTINGS_KEPT = 500
LONGEST_DAYS = 60
SHOWN = 400


class Fitting(msgspec.Struct, frozen=True, kw_only=True):
    """A sensor being fitted: at `household`, by whom, since when its test runs."""

    id: str
    grid: str
    household: str
    device: str
    from_ms: int
    until_ms: int
    visits: bool
    wellbeing_call: str
    by: str
    begun_ms: int


class Fittings:
    """Those under way.  In memory: a test of two minutes is begun again after a restart."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Fitting] = OrderedDict()

    def add(self, fitting: Fitting) -> None:
        self._kept[fitting.id] = fitting
        while len(self._kept) > FITTINGS_KEPT:
            self._kept.popitem(last=False)

    def get(self, id: str, grid: str) -> Fitting:
        found = self._kept.get(id)
        if found is None or found.grid != grid:
            raise NotYours
        return found


def _fleet(request: Request) -> dict[str, Device]:
    files: SiteFiles = request.app.state.files
    return files.fleet().devices


def show(request: Request, visit: Entered, parts: With, grid: str = "") -> HTMLResponse:
    return _page(request, visit, parts, grid)


def _page(
    request: Request, visit: Visit, parts: Parts, grid: str, *, problem: str = "", status: int = 200
) -> HTMLResponse:
    grids = grids_of(visit, parts, "edit-devices")
    chosen = grid if grid in grids else (grids[0] if grids else "")
    moments = Moments(visit.language, parts.zone, visit.now_ms)
    fleet = _fleet(request)
    picture = parts.projection.picture
    here = [
        row
        for id, each in sorted(fleet.items())
        if (row := _row(parts, each, moments)) is not None and row["grid"] == chosen
    ]
    return look.page(
        request,
        visit,
        "devices.html",
        status,
        grid=chosen,
        grids=grids,
        problem=problem,
        rows=here[:SHOWN],
        left_out=max(0, len(here) - SHOWN),
        pool=[id for id, each in sorted(fleet.items()) if each.where == "pool" and not _lent(parts, id)],
        fitted=[
            {"household": seen.household, "name": name_of(seen.household, "household", visit.language),
             "until": moments.full(seen.case_until_ms), "address": address_of(seen.household, "household", chosen)}
            for seen in sorted(picture.all_households(), key=lambda seen: seen.household)
            if seen.grid == chosen and seen.watched
        ],
        today=moments.local(visit.now_ms).date().isoformat(),
        in_14_days=moments.local(visit.now_ms + 14 * 86_400_000).date().isoformat(),
    )  # fmt: skip


def _lent(parts: Parts, device: str) -> str:
    """Where a sensor of the pool is now, by what it last said; "" in the drawer."""
    health = parts.projection.device(device)
    return health.place if health is not None else ""


def _row(parts: Parts, device: Device, moments: Moments) -> dict[str, Any] | None:
    health = parts.projection.device(device.id)
    place = device.place or (health.place if health else "")
    heard_ms = health.heard_ms if health else 0
    # As the rules have it: two and a half intervals, at least ten minutes.
    quiet_ms = max(600_000, 2500 * (device.report_every_s or 3600))
    silent = device.where != "checkpoint" and bool(heard_ms) and moments.now_ms - heard_ms > quiet_ms
    battery = health.battery_percent if health else None
    return {
        "id": device.id,
        "grid": place.partition("/")[0],
        "format": device.format,
        "place": name_of(place, device.where if device.where != "pool" else "household", moments.language),
        "address": address_of(place, device.where if device.where != "pool" else "household", ""),
        "heard": moments.clock(heard_ms) if heard_ms else text("household.door_never", moments.language),
        "tone": "bad" if silent else "" if heard_ms else "warn",
        "battery": f"{battery:g} %" if battery is not None else "—",
        "battery_tone": "bad" if battery is not None and battery <= 15 else "",
    }


def begin(
    request: Request, visit: Entered, parts: With, grid: str,
    household: Annotated[str, Form(max_length=100)], device: Annotated[str, Form(max_length=64)],
    first: Annotated[str, Form(pattern=r"\d{4}-\d{2}-\d{2}")], last: Annotated[str, Form(pattern=r"\d{4}-\d{2}-\d{2}")],
    visits: Annotated[str, Form(max_length=3)] = "", wellbeing_call: Annotated[str, Form(max_length=5)] = "",
) -> Response:  # fmt: skip
    """Begin to fit: from now on the sensor has two minutes to show that it opens and closes."""
    home = household.strip()
    home = f"{grid}/{home}" if home.count("/") == 1 else home
    row = _fleet(request).get(device)
    well = is_household(home) and home.startswith(f"{grid}/") and row is not None
    if not well or row is None or (row.where != "pool" and row.place != home):
        return _page(request, visit, parts, grid, problem=text("admin.fit_bad", visit.language), status=422)
    lent = _lent(parts, device) if row.where == "pool" else ""
    if lent not in ("", home):
        return _page(request, visit, parts, grid, problem=text("admin.fit_lent", visit.language), status=409)
    try:
        from_ms = max(local_ms(date.fromisoformat(first), 0, parts.zone), 0)
        until_ms = local_ms(date.fromisoformat(last), 0, parts.zone)
        if wellbeing_call:
            parse_clock_min(wellbeing_call)
    except ValueError:
        from_ms = until_ms = 0
    if not from_ms < until_ms <= from_ms + LONGEST_DAYS * 86_400_000 or until_ms <= visit.now_ms:
        return _page(request, visit, parts, grid, problem=text("admin.fit_bad", visit.language), status=422)
    fitting = Fitting(
        id=secrets.token_urlsafe(12), grid=grid, household=home, device=device, from_ms=from_ms, until_ms=until_ms,
        visits=visits == "yes", wellbeing_call=wellbeing_call, by=visit.me.id, begun_ms=visit.now_ms,
    )  # fmt: skip
    fittings: Fittings = request.app.state.fittings
    fittings.add(fitting)
    parts.store.audit(
        at_ms=visit.now_ms, actor=visit.me.id, action="fit-sensor", object=home, grid=grid, detail=device,
        address=visit.address,
    )  # fmt: skip
    return look.go_to(f"/g/{grid}/devices/fit/{fitting.id}")


def _verdict(request: Request, visit: Visit, parts: Parts, fitting: Fitting) -> Verdict:
    """What the sensor has shown since."""
    row = _fleet(request).get(fitting.device)
    return judge(
        parts.projection.words_of(fitting.device),
        fitting.begun_ms,
        visit.now_ms,
        may_never_close=row is not None and only_opens(row),
    )


def _took(verdict: Verdict, language: Language) -> list[str]:
    """How long its word took, in sentences."""
    said: list[str] = []
    if verdict.own_clock_ms is not None:
        said.append(text("admin.fit_own_clock", language, s=f"{verdict.own_clock_ms / 1000:.1f}"))
    if verdict.to_desk_ms is not None:
        said.append(text("admin.fit_to_desk", language, s=f"{verdict.to_desk_ms / 1000:.1f}"))
    return said


def fitting_page(request: Request, visit: Entered, parts: With, grid: str, fitting: str) -> HTMLResponse:
    fittings: Fittings = request.app.state.fittings
    there = fittings.get(fitting, grid)
    left_ms = there.begun_ms + TEST_MS - visit.now_ms
    verdict = _verdict(request, visit, parts, there)
    row = _fleet(request).get(there.device)
    return look.page(
        request,
        visit,
        "fitting.html",
        grid=grid,
        fitting=there,
        place=name_of(there.household, "household", visit.language),
        state=verdict.state,
        says_open=verdict.says_open,
        took=_took(verdict, visit.language),
        way=f"{row.format} · {row.topic}" if row is not None else "",
        left=max(0, left_ms // 1000),
        until=Moments(visit.language, parts.zone, visit.now_ms).full(there.until_ms),
    )


async def arm(request: Request, visit: Entered, parts: With, grid: str, fitting: str) -> Response:
    """The test is passed: open the case, and the household is watched."""
    fittings: Fittings = request.app.state.fittings
    there = fittings.get(fitting, grid)
    back = f"/g/{grid}/devices/fit/{fitting}"
    if _verdict(request, visit, parts, there).state != "passed":
        said = text("admin.fit_untested", visit.language)
        return look.said(request, visit, said, well=False, back=back)
    command: dict[str, Any] = {
        "command": "open-case", "household": there.household, "device": there.device, "from": there.from_ms,
        "until": there.until_ms, "visits": there.visits, "role": visit.roles[0],
    }  # fmt: skip
    if command["role"] not in ("worker", "supervisor"):
        del command["role"]
    if there.wellbeing_call:
        command["wellbeing_call"] = there.wellbeing_call
    sent = await order(
        request, visit, command, command_id=command_id(visit.me.id, "open-case", there.household, there.id), grid=grid
    )
    if sent.state == "rejected":
        return look.said(request, visit, why_refused(request, visit, sent), well=False, back=back)
    if sent.state == "unreachable":
        return look.said(request, visit, text("common.door_closed", visit.language), well=False, back=back, status=503)
    row = CaseRow(
        id=case_id(there.household, there.from_ms), household=there.household, grid=grid, from_ms=there.from_ms,
        until_ms=there.until_ms,
    )  # fmt: skip
    await look.in_thread(parts.store.save_case, row)
    address = address_of(there.household, "household", grid)
    return look.said(request, visit, text("admin.fit_armed", visit.language), well=True, back=address)


async def release(
    request: Request, visit: Entered, parts: With, grid: str, household: Annotated[str, Form(max_length=100)]
) -> Response:
    """The case ends: disarmed, its link void, its sensor back in the pool; its contacts' key is destroyed when due."""
    if not household.startswith(f"{grid}/") or not is_household(household):
        raise NotYours
    back = f"/devices?grid={grid}"
    sent = await order(
        request,
        visit,
        {"command": "close-case", "household": household, "reason": "released"},
        command_id=command_id(visit.me.id, "close-case", household, str(visit.now_ms // 60_000)),
        grid=grid,
    )
    if sent.state in ("done", "kept"):
        await look.in_thread(_released, parts, household, visit.now_ms)
        said = text("admin.released", visit.language, place=name_of(household, "household", visit.language))
        return look.said(request, visit, said, well=True, back=back)
    if sent.state == "unreachable":
        return look.said(request, visit, text("common.door_closed", visit.language), well=False, back=back, status=503)
    return look.said(request, visit, why_refused(request, visit, sent), well=False, back=back)


def _released(parts: Parts, household: str, now_ms: int) -> None:
    for case in parts.store.cases(household=household):
        if case.released_ms is None:
            parts.store.save_case(msgspec.structs.replace(case, released_ms=now_ms))
    parts.store.withdraw_links(household, now_ms)


def add_to(app: FastAPI) -> None:
    app.state.fittings = Fittings()
    app.get("/devices")(show)
    app.post("/g/{grid}/devices/fit")(begin)
    app.get("/g/{grid}/devices/fit/{fitting}")(fitting_page)
    app.post("/g/{grid}/devices/fit/{fitting}/arm")(arm)
    app.post("/g/{grid}/devices/release")(release)
