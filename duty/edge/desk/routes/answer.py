"""The one-tap link in a message: shows what it will do, and does it only when the button is pressed.

Whoever fetches the address (a chat's link preview, a virus scanner) acknowledges nothing.
"""

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse
from starlette.responses import Response

from duty.access import may_speak_for
from duty.edge.desk import look
from duty.edge.desk.cards import basis_of, command_id, incident_address
from duty.edge.desk.entry import Entered, Visit, With
from duty.edge.desk.moments import Moments
from duty.edge.desk.orders import Turns, why_refused
from duty.edge.desk.places import name_of
from duty.edge.desk.say import Say
from duty.edge.desk.texts import text
from duty.edge.parts import Parts
from duty.people import Person
from duty.picture import Incident


def _read(parts: Parts, token: str, now_ms: int) -> tuple[Incident, Person, str] | None:
    """(incident, person, role) of a good link."""
    told = parts.links.answer(token, now_ms)
    if told is None:
        return None
    incident = parts.projection.picture.incidents.get(told.incident) or parts.store.incident(told.incident)
    person = parts.store.person(told.person)
    if incident is None or person is None or not may_speak_for(person, told.role, incident.grid):
        return None
    return incident, person, told.role


def _void(request: Request, visit: Visit) -> HTMLResponse:
    return look.page(request, visit, "answer.html", 410, void=True, bar=[], more=[])


def _page(
    request: Request, visit: Visit, parts: Parts, incident: Incident, person: Person, role: str, *, said: str = "",
    well: bool = True, status: int = 200,
) -> HTMLResponse:  # fmt: skip
    say = Say(visit.language, parts.zone, request.app.state.names)
    return look.page(
        request,
        visit,
        "answer.html",
        status,
        void=False,
        bar=[],
        more=[],
        who=person.name,
        role=say.role(role),
        title=say.kind(incident.kind),
        place=name_of(incident.subject, incident.where, visit.language),
        what=say.reason(incident.reason),
        address=incident_address(incident),
        already=_already(request, visit, parts, incident, role),
        said=said,
        well=well,
    )


def _already(request: Request, visit: Visit, parts: Parts, incident: Incident, role: str) -> str:
    """Why there is nothing to answer any more, "" while there is."""
    names = request.app.state.names
    moments = Moments(visit.language, parts.zone, visit.now_ms)
    if incident.state == "closed":
        time = moments.clock(incident.closed_ms)
        return text("board.already_closed", visit.language, who=names(incident.closed_by), time=time)
    view = incident.role(role)
    if view is not None and view.acknowledged_ms is not None:
        who, time = names(view.acknowledged_by), moments.clock(view.acknowledged_ms)
        return text("board.answered_by_other", visit.language, who=who, time=time)
    return ""


def show(request: Request, visit: Entered, parts: With, token: str) -> HTMLResponse:
    found = _read(parts, token, visit.now_ms)
    return _void(request, visit) if found is None else _page(request, visit, parts, *found)


async def answer(request: Request, visit: Entered, parts: With, token: str) -> Response:
    found = await look.in_thread(_read, parts, token, visit.now_ms)
    if found is None:
        return _void(request, visit)
    incident, person, role = found
    turns: Turns = request.app.state.turns
    async with turns.of(incident.id):
        now = parts.projection.picture.incidents.get(incident.id, incident)
        if _already(request, visit, parts, now, role):
            return await look.in_thread(_page, request, visit, parts, now, person, role)
        sent = await parts.door.send(
            {"command": "acknowledge", "subject": now.subject, "kind": now.kind, "role": role, "by": person.id},
            command_id=command_id(person.id, "acknowledge", now.id, basis_of(now)),
        )
    well = sent.state in ("done", "kept")
    await look.in_thread(
        parts.store.audit, at_ms=visit.now_ms, actor=person.id, action="acknowledge", object=now.subject,
        grid=now.grid, well=well, detail="by link", address=visit.address,
    )  # fmt: skip
    said = text("board.answer_done" if well else "common.door_closed", visit.language)
    if sent.state == "rejected":
        said = why_refused(request, visit, sent)
    status = 200 if well else 503 if sent.state == "unreachable" else 409
    return await look.in_thread(_page, request, visit, parts, now, person, role, said=said, well=well, status=status)


def add_to(app: FastAPI) -> None:
    app.get("/a/{token}")(show)
    app.post("/a/{token}")(answer)
