"""The team board, one incident, and its three answers: I am going, done, later."""

from typing import Annotated

from fastapi import FastAPI, Form, Request
from fastapi.responses import HTMLResponse
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from duty.access import Allowed, closing_action, grids_seen, may
from duty.edge.desk import look
from duty.edge.desk.cards import PRESETS, CardMaker, answering_role, command_id, group_of, incident_address
from duty.edge.desk.entry import Entered, NotYours, Visit, With, WrongRole, parts_of
from duty.edge.desk.history import attempt_rows, history_of
from duty.edge.desk.moments import Moments
from duty.edge.desk.orders import Turns, answer, order, who_and_when
from duty.edge.desk.places import name_of, short_grid
from duty.edge.desk.say import Say
from duty.edge.desk.texts import text
from duty.edge.parts import Parts
from duty.people import ALL_GRIDS, Person
from duty.picture import Incident
from streams.effects import HouseholdSeen

CLOSED_SHOWN = 20
CLOSED_SHOWN_MS = 8 * 3_600_000


def grids_of(visit: Visit, parts: Parts, action: str = "see-board") -> list[str]:
    """The grids whose incidents this visitor sees, sorted."""
    return grids_seen(visit.me, action, known_grids(parts, visit.me))


def known_grids(parts: Parts, person: Person) -> list[str]:
    """The grids there are, as far as this person is concerned, sorted."""
    if ALL_GRIDS not in person.grids:
        return sorted(person.grids)
    picture = parts.projection.picture
    found = {seen.grid for seen in picture.all_households()}
    return sorted(found | {each.grid for each in picture.all_incidents() if each.state != "closed"})


def maker(request: Request, visit: Visit, *, many_grids: bool) -> CardMaker:
    """Cards as this visitor reads them."""
    zone = parts_of(request).zone
    return CardMaker(
        Moments(visit.language, zone, visit.now_ms),
        Say(visit.language, zone, request.app.state.names),
        request.app.state.names,
        many_grids=many_grids,
    )


def household_of(parts: Parts, incident: Incident) -> HouseholdSeen | None:
    """How the household of an incident stands, where it is about one."""
    return parts.projection.picture.households.get(incident.subject)


def sums(parts: Parts, grids: list[str], now_ms: int) -> dict[str, int]:
    """The four figures above the board."""
    chosen = set(grids)
    moments = Moments("zh", parts.zone, now_ms)
    open_now = parts.projection.picture.open_incidents(chosen)
    midnight = moments.day_start_ms(now_ms)
    taken = sum(
        1
        for each in open_now
        if any(view.acknowledged_ms is not None for view in each.roles) or (each.snoozed_until_ms or 0) > now_ms
    )
    return {
        "todo": len(open_now) - taken,
        "taken": taken,
        "watched": sum(1 for seen in parts.projection.picture.all_households() if seen.watched and seen.grid in chosen),
        "today": sum(
            1 for each in parts.projection.picture.all_incidents() if each.grid in chosen and each.raised_ms >= midnight
        ),
    }


def card_html(request: Request, visit: Visit, making: CardMaker, incident: Incident) -> tuple[str, str]:
    """(rank, html) of one card."""
    card = making.make(incident, visit.me, household_of(parts_of(request), incident))
    return card.rank, look.fragment(request, visit, "card.html", card=card)


def _draw(request: Request, visit: Visit, parts: Parts, grid: str | None) -> HTMLResponse:
    mine = grids_of(visit, parts)
    shown = [grid] if grid else mine
    after = parts.projection.position()
    making = maker(request, visit, many_grids=len(shown) > 1)
    picture = parts.projection.picture
    cards = sorted(card_html(request, visit, making, each) for each in picture.open_incidents(set(shown)))
    closed = [
        each
        for each in picture.all_incidents()
        if each.state == "closed" and each.grid in shown and (each.closed_ms or 0) > visit.now_ms - CLOSED_SHOWN_MS
    ]
    closed.sort(key=lambda each: -(each.closed_ms or 0))
    roles = " / ".join(making.say.role(role) for role in visit.me.roles)
    where = (
        text("common.grid", visit.language, grid=short_grid(shown[0]))
        if len(shown) == 1
        else text("common.all_grids", visit.language)
    )
    return look.page(
        request,
        visit,
        "board.html",
        heading=f"{where} · {roles}",
        active="nav_board",
        after=after,
        grid=grid,
        grids=mine,
        sums=sums(parts, shown, visit.now_ms),
        cards=[look.safe(html) for _, html in cards],
        groups=list(PRESETS.items()),
        closed=[
            {
                "address": incident_address(each),
                "title": making.title(each),
                "place": name_of(each.subject, each.where, visit.language),
                "text": making.closing(each),
            }
            for each in closed[:CLOSED_SHOWN]
        ],
    )


async def board(request: Request, visit: Entered, parts: With) -> HTMLResponse:
    return _draw(request, visit, parts, None)


async def grid_board(request: Request, visit: Entered, parts: With, grid: str) -> HTMLResponse:
    return _draw(request, visit, parts, grid)


def find(parts: Parts, grid: str, incident: str) -> Incident:
    """The incident of this grid, live or from the store.  One of another grid does not exist here."""
    found = parts.projection.picture.incidents.get(incident) or parts.store.incident(incident)
    if found is None or found.grid != grid:
        raise NotYours
    return found


def show_incident(request: Request, visit: Entered, parts: With, grid: str, id: str = "") -> HTMLResponse:
    after = parts.projection.position()
    incident = find(parts, grid, id)
    making = maker(request, visit, many_grids=True)
    card = making.make(incident, visit.me, household_of(parts, incident))
    return look.page(
        request,
        visit,
        "incident.html",
        active="nav_board",
        after=after,
        card=card,
        card_html=look.safe(look.fragment(request, visit, "card.html", card=card)),
        history=history_of(incident, making),
        attempts=attempt_rows(parts.store.attempts(incident=incident.id), making),
        groups=[(card.group, PRESETS[card.group])],
    )


async def _standing(
    request: Request, visit: Visit, parts: Parts, grid: str, incident_id: str, back: str
) -> Incident | Response:
    """The incident, when it is still open; else the answer that says who closed it."""
    incident = await run_in_threadpool(find, parts, grid, incident_id)
    if incident.state == "closed":
        who, when = who_and_when(request, visit, incident.closed_by, incident.closed_ms)
        sentence = text("board.already_closed", visit.language, who=who, time=when)
        return look.said(request, visit, sentence, well=False, back=back)
    return incident


async def acknowledge(
    request: Request,
    visit: Entered,
    parts: With,
    grid: str,
    incident: Annotated[str, Form(max_length=300)],
    basis: Annotated[str, Form(max_length=20)] = "",
) -> Response:
    turns: Turns = request.app.state.turns
    async with turns.of(incident):
        there = await _standing(request, visit, parts, grid, incident, "/board")
        if not isinstance(there, Incident):
            return there
        role = answering_role(there, visit.me) or visit.roles[0]
        view = there.role(role)
        if view is not None and view.acknowledged_ms is not None:
            return _answered_already(request, visit, view.acknowledged_by, view.acknowledged_ms)
        sent = await order(
            request,
            visit,
            {"command": "acknowledge", "subject": there.subject, "kind": there.kind, "role": role},
            command_id=command_id(visit.me.id, "acknowledge", incident, basis),
            grid=grid,
        )
    now = parts.projection.picture.incidents.get(incident)
    view = now.role(role) if now else None
    if sent.state == "done" and view is not None and view.acknowledged_by not in ("", visit.me.id):
        return _answered_already(request, visit, view.acknowledged_by, view.acknowledged_ms)
    return answer(request, visit, sent, back="/board", did="did_acknowledge")


def _answered_already(request: Request, visit: Visit, by: str, at_ms: int | None) -> Response:
    if by == visit.me.id:
        return look.said(request, visit, text("board.already_done", visit.language), well=True, back="/board")
    who, when = who_and_when(request, visit, by, at_ms)
    sentence = text("board.answered_by_other", visit.language, who=who, time=when)
    return look.said(request, visit, sentence, well=False, back="/board")


async def close(
    request: Request,
    visit: Entered,
    parts: With,
    grid: str,
    incident: Annotated[str, Form(max_length=300)],
    disposition: Annotated[str, Form(max_length=40)],
    basis: Annotated[str, Form(max_length=20)] = "",
    note: Annotated[str, Form(max_length=4000)] = "",
) -> Response:
    turns: Turns = request.app.state.turns
    async with turns.of(incident):
        there = await _standing(request, visit, parts, grid, incident, "/board")
        if not isinstance(there, Incident):
            return there
        allowed = may(visit.me, closing_action(there.kind), grid)
        if not isinstance(allowed, Allowed):
            raise WrongRole
        presets = dict(PRESETS[group_of(there.kind)])
        written = note.strip() or (
            text(f"board.{presets[disposition]}", visit.language) if disposition in presets else ""
        )
        paged = answering_role(there, visit.me)
        sent = await order(
            request,
            visit,
            {
                "command": "close",
                "subject": there.subject,
                "kind": there.kind,
                "role": paged if paged in allowed.roles else allowed.roles[0],
                "disposition": disposition,
                "note": written,
            },
            command_id=command_id(visit.me.id, "close", incident, basis),
            grid=grid,
        )
    return answer(request, visit, sent, back="/board", did="did_close")


async def snooze(
    request: Request,
    visit: Entered,
    parts: With,
    grid: str,
    incident: Annotated[str, Form(max_length=300)],
    minutes: Annotated[int, Form(ge=1, le=720)],
    reason: Annotated[str, Form(max_length=200)],
    basis: Annotated[str, Form(max_length=20)] = "",
) -> Response:
    there = await _standing(request, visit, parts, grid, incident, "/board")
    if not isinstance(there, Incident):
        return there
    sent = await order(
        request,
        visit,
        {
            "command": "snooze",
            "subject": there.subject,
            "kind": there.kind,
            "role": answering_role(there, visit.me) or visit.roles[0],
            "until": visit.now_ms + minutes * 60_000,
            "reason": reason.strip() or text("board.later_reason_default", visit.language),
        },
        command_id=command_id(visit.me.id, "snooze", incident, f"{basis}.{minutes}"),
        grid=grid,
    )
    return answer(request, visit, sent, back="/board", did="did_snooze")


def add_to(app: FastAPI) -> None:
    app.get("/board")(board)
    app.get("/g/{grid}/board")(grid_board)
    app.get("/g/{grid}/incident")(show_incident)
    app.post("/g/{grid}/acknowledge")(acknowledge)
    app.post("/g/{grid}/close")(close)
    app.post("/g/{grid}/snooze")(snooze)
