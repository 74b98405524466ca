"""The guard's screen: the gun's answers as they come, readings typed in or from Bluetooth, retest and register.

What the page sends carries an id of its own making, so that what waited for the network is taken in once however often
it is sent.
"""

import json
from typing import Annotated

from fastapi import FastAPI, Form, Request
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.responses import Response

from devices.places import grid_of, is_household
from duty.access import Allowed, may
from duty.edge.desk import look
from duty.edge.desk.answers import answer_row
from duty.edge.desk.cards import command_id
from duty.edge.desk.entry import Entered, NotYours, Visit, With
from duty.edge.desk.files import SiteFiles
from duty.edge.desk.moments import Moments
from duty.edge.desk.orders import answer, order
from duty.edge.desk.places import address_of, name_of, short_grid
from duty.edge.desk.routes.board import grids_of
from duty.edge.desk.texts import text
from duty.edge.parts import Parts

LAST_SHOWN = 12
SITES = ("axilla", "ear", "forehead", "wrist", "neck", "")
KeyId = Annotated[str, Form(pattern=r"[A-Za-z0-9\-]{8,64}")]


def known(request: Request, parts: Parts, grids: list[str]) -> list[str]:
    """Checkpoints of these grids: those of the fleet, and those that answered."""
    files: SiteFiles = request.app.state.files
    found = set(files.checkpoints()) | set(parts.projection.picture.answers)
    return sorted(each for each in found if each.partition("/")[0] in grids)


def choose(request: Request, visit: Entered, parts: With) -> Response:
    mine = grids_of(visit, parts, "see-checkpoint")
    found = known(request, parts, mine)
    if len(found) == 1:
        return look.go_to(address_of(found[0], "checkpoint", ""))
    rows = [
        {
            "address": address_of(each, "checkpoint", ""),
            "name": name_of(each, "checkpoint", visit.language),
            "grid": text("common.grid", visit.language, grid=short_grid(each.partition("/")[0])),
        }
        for each in found
    ]
    return look.page(request, visit, "checkpoints.html", active="nav_checkpoint", rows=rows)


def _there(request: Request, parts: Parts, grid: str, checkpoint: str) -> str:
    place = f"{grid}/{checkpoint}"
    if place not in known(request, parts, [grid]):
        raise NotYours
    return place


def show(request: Request, visit: Entered, parts: With, grid: str, checkpoint: str) -> HTMLResponse:
    after = parts.projection.position()
    place = _there(request, parts, grid, checkpoint)
    files: SiteFiles = request.app.state.files
    policy = files.policy()
    devices = files.checkpoint_devices(place)
    site = next((each.site for each in devices if each.site), "forehead")
    rules = {"limits": policy.limits, "plausible": policy.plausible, "at_once": policy.at_once, "site": site}
    return look.page(
        request,
        visit,
        "checkpoint.html",
        active="nav_checkpoint",
        after=after,
        grid=grid,
        checkpoint=place,
        name=name_of(place, "checkpoint", visit.language),
        rules=json.dumps(rules),
        gun_site=site,
        sites=SITES,
        answers=json.dumps(_rows(parts, place, visit)),
        today=_today(parts, place, visit),
        may_scan=True,
        may_chart=isinstance(may(visit.me, "see-temperatures", grid), Allowed),
    )


def _rows(parts: Parts, place: str, visit: Visit) -> list[dict[str, object]]:
    answers = parts.projection.picture.answers.get(place, ())[-LAST_SHOWN:]
    return [answer_row(each, visit.language, parts.zone) for each in answers]


def _today(parts: Parts, place: str, visit: Visit) -> int:
    midnight = Moments(visit.language, parts.zone, visit.now_ms).day_start_ms(visit.now_ms)
    return sum(1 for each in parts.projection.picture.answers.get(place, ()) if each.t_ms >= midnight)


def answers(request: Request, visit: Entered, parts: With, grid: str, checkpoint: str) -> JSONResponse:
    place = _there(request, parts, grid, checkpoint)
    return JSONResponse({"answers": _rows(parts, place, visit), "now_ms": visit.now_ms})


async def reading(
    request: Request,
    visit: Entered,
    parts: With,
    grid: str,
    checkpoint: str,
    id: KeyId,
    celsius: Annotated[float, Form(ge=0, le=60)],
    at: Annotated[int, Form(ge=0)],
    site: Annotated[str, Form(max_length=10)] = "",
    pass_id: Annotated[str, Form(max_length=60)] = "",
    source: Annotated[str, Form(pattern="typed|bluetooth")] = "typed",
) -> Response:
    """A reading that no gun sent: goes the way of a device's message, so that the rules see no difference."""
    place = await look.in_thread(_there, request, parts, grid, checkpoint)
    files: SiteFiles = request.app.state.files
    devices = files.checkpoint_devices(place)
    by_page = next((each for each in devices if each.format == "native" and each.id.startswith("screen-")), None)
    device = by_page or next((each for each in devices if each.format == "native"), None)
    if device is None:
        said = text("checkpoint.no_device", visit.language)
        return look.said(request, visit, said, well=False, back=request.url.path, status=409)
    body: dict[str, object] = {"celsius": celsius, "at": min(at, visit.now_ms), "id": id, "by": source}
    if site in SITES and site:
        body["site"] = site
    if pass_id.strip():
        body["pass"] = pass_id.strip()
    taken = await parts.door.message(
        client=device.id, topic=f"{device.topic.removesuffix('/temperature')}/temperature", payload=json.dumps(body)
    )
    back = address_of(place, "checkpoint", grid)
    if taken is None:
        return look.said(request, visit, text("common.door_closed", visit.language), well=False, back=back, status=503)
    await look.in_thread(
        parts.store.audit, at_ms=visit.now_ms, actor=visit.me.id, action="scan", object=place, grid=grid,
        detail=source, address=visit.address,
    )  # fmt: skip
    return look.said(request, visit, text("common.saved", visit.language), well=True, back=back)


async def register(
    request: Request,
    visit: Entered,
    parts: With,
    grid: str,
    checkpoint: str,
    id: KeyId,
    pass_id: Annotated[str, Form(min_length=1, max_length=60)],
    household: Annotated[str, Form(max_length=100)] = "",
) -> Response:
    place = await look.in_thread(_there, request, parts, grid, checkpoint)
    home = household.strip()
    if home and home.count("/") == 1:
        home = f"{grid}/{home}"
    back = address_of(place, "checkpoint", grid)
    # Whose home is in another grid passes without it: what is said here must not count in a building over there.
    if home and not (is_household(home) and grid_of(home) == grid):
        said = text("checkpoint.bad_household", visit.language)
        return look.said(request, visit, said, well=False, back=back, status=422)
    command = {"command": "register", "checkpoint": place, "pass": pass_id.strip()} | (
        {"household": home} if home else {}
    )
    sent = await order(request, visit, command, command_id=command_id(visit.me.id, "register", place, id), grid=grid)
    return answer(request, visit, sent, back=back)


async def retest(
    request: Request,
    visit: Entered,
    parts: With,
    grid: str,
    checkpoint: str,
    id: KeyId,
    subject: Annotated[str, Form(max_length=300)],
) -> Response:
    place = await look.in_thread(_there, request, parts, grid, checkpoint)
    if not subject.startswith(f"{place}/"):
        raise NotYours
    sent = await order(
        request,
        visit,
        {"command": "retest", "subject": subject},
        command_id=command_id(visit.me.id, "retest", subject, id),
        grid=grid,
    )
    return answer(request, visit, sent, back=address_of(place, "checkpoint", grid))


def add_to(app: FastAPI) -> None:
    base = "/g/{grid}/c/{checkpoint}"
    app.get("/checkpoints")(choose)
    app.get(base)(show)
    app.get(f"{base}/answers")(answers)
    app.post(f"{base}/reading")(reading)
    app.post(f"{base}/register")(register)
    app.post(f"{base}/retest")(retest)
