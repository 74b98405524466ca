"""The resident's page behind the QR code on the door: announce an opening, report, say all is well, ask for help.

The link is the key: there is no account.  It ends with the case, and speaks for one household only.
"""

from collections import OrderedDict, deque
from typing import Annotated, Any

from fastapi import FastAPI, Form, Request
from fastapi.responses import HTMLResponse
from starlette.responses import Response

from duty.edge.desk import look
from duty.edge.desk.cards import case_days, command_id
from duty.edge.desk.entry import Entered, Visit, With
from duty.edge.desk.moments import Moments
from duty.edge.desk.orders import why_refused
from duty.edge.desk.routes.household import read_celsius
from duty.edge.desk.texts import text
from duty.edge.parts import Parts
from duty.edge.store import ResidentLink

DECLARE_MINUTES = (5, 10, 15)
REASONS = ("rubbish", "parcel", "meal", "sampling")
SYMPTOMS = ("fever", "cough", "breath", "throat", "tired", "diarrhoea")
POSTS_MAX, POSTS_WITHIN_MS = 20, 10 * 60_000
LINKS_KEPT = 5000


class Throttle:
    """So many posts a link within ten minutes: a lost phone must not flood the team."""

    def __init__(self) -> None:
        self._times: OrderedDict[str, deque[int]] = OrderedDict()

    def allows(self, link: str, now_ms: int) -> bool:
        times = self._times.setdefault(link, deque())
        self._times.move_to_end(link)
        while len(self._times) > LINKS_KEPT:
            self._times.popitem(last=False)
        while times and times[0] <= now_ms - POSTS_WITHIN_MS:
            times.popleft()
        if len(times) >= POSTS_MAX:
            return False
        times.append(now_ms)
        return True


def _void(request: Request, visit: Visit) -> HTMLResponse:
    return look.page(request, visit, "resident_void.html", 410, bar=[], more=[])


def show(request: Request, visit: Entered, parts: With, token: str) -> HTMLResponse:
    link = parts.links.resident(token, visit.now_ms)
    if link is None:
        return _void(request, visit)
    return _page(request, visit, parts, link, token)


def _page(
    request: Request, visit: Visit, parts: Parts, link: ResidentLink, token: str, *, said: str = "", well: bool = True,
    status: int = 200,
) -> HTMLResponse:  # fmt: skip
    moments = Moments(visit.language, parts.zone, visit.now_ms)
    _, building, unit = link.household.split("/")
    seen = parts.projection.picture.households.get(link.household)
    from_ms = seen.case_from_ms if seen is not None and seen.case_from_ms is not None else link.created_ms
    return look.page(
        request,
        visit,
        "resident.html",
        status,
        token=token,
        building=building,
        unit=unit,
        until=moments.full(link.until_ms),
        day=case_days(moments, from_ms, max(link.until_ms, from_ms + 1))[0],
        said=said,
        well=well,
        minutes=DECLARE_MINUTES,
        reasons=REASONS,
        symptoms=SYMPTOMS,
        bar=[],
        more=[],
    )


async def tell(
    request: Request,
    visit: Entered,
    parts: With,
    token: str,
    what: str,
    minutes: Annotated[int, Form(ge=1, le=15)] = 5,
    reason: Annotated[str, Form(max_length=40)] = "",
    celsius: Annotated[str, Form(max_length=8)] = "",
    symptom: Annotated[list[str] | None, Form(max_length=10)] = None,
    note: Annotated[str, Form(max_length=500)] = "",
) -> Response:
    link = await look.in_thread(parts.links.resident, token, visit.now_ms)
    if link is None:
        return _void(request, visit)
    throttle: Throttle = request.app.state.residents
    if not throttle.allows(link.id, visit.now_ms):
        said = text("common.login_slow_down", visit.language, s=60)
        return await look.in_thread(_page, request, visit, parts, link, token, said=said, well=False, status=429)
    asked = _asked(visit, parts, what, minutes, reason, celsius, symptom or [], note)
    if isinstance(asked, str):
        return await look.in_thread(_page, request, visit, parts, link, token, said=asked, well=False, status=422)
    command, done = asked
    basis = f"{visit.now_ms // 60_000}.{sorted(command.items())}"
    sent = await parts.door.send(
        command | {"household": link.household, "by": "resident"},
        command_id=command_id(link.id, what, link.household, basis),
    )
    await look.in_thread(
        parts.store.audit, at_ms=visit.now_ms, actor=f"resident:{link.id}", action=str(command["command"]),
        object=link.household, grid=link.grid, well=sent.state in ("done", "kept"), detail=what, address=visit.address,
    )  # fmt: skip
    if sent.state == "unreachable":
        done, well, status = text("common.door_closed", visit.language), False, 503
    elif sent.state == "rejected":
        done, well, status = why_refused(request, visit, sent, "resident.refused"), False, 409
    else:
        well, status = True, 200
    return await look.in_thread(_page, request, visit, parts, link, token, said=done, well=well, status=status)


def _asked(
    visit: Visit, parts: Parts, what: str, minutes: int, reason: str, celsius: str, symptoms: list[str], note: str
) -> tuple[dict[str, Any], str] | str:
    """The command and what to say when it is done, or what is wrong with what was filled in."""
    t = visit.language
    match what:
        case "declare":
            until_ms = visit.now_ms + minutes * 60_000
            why = text(f"resident.{reason}", "zh") if reason in REASONS else text("household.reason_other", "zh")
            clock = Moments(t, parts.zone, visit.now_ms).clock(until_ms)
            command = {"command": "declare", "until": until_ms, "reason": why}
            return command, text("resident.did_declare", t, time=clock)
        case "temperature":
            read = read_celsius(celsius)
            if read is None:
                return text("resident.bad_celsius", t)
            command = {"command": "home-temperature", "celsius": read, "site": "axilla"}
            return command, text("resident.did_temperature", t, celsius=read)
        case "symptoms":
            named = [text(f"resident.symptom_{each}", "zh") for each in symptoms if each in SYMPTOMS]
            if not named:
                return text("resident.choose_symptom", t)
            return {"command": "symptoms", "symptoms": named, "note": note}, text("resident.did_symptoms", t)
        case "well":
            return {"command": "call"}, text("resident.did_well", t)
        case "help":
            command = {"command": "symptoms", "symptoms": [text("resident.help_symptom", "zh")], "note": note}
            return command, text("resident.did_help", t)
        case _:
            return text("common.not_found", t)


def add_to(app: FastAPI) -> None:
    app.state.residents = Throttle()
    app.get("/r/{token}")(show)
    app.post("/r/{token}/{what}")(tell)
