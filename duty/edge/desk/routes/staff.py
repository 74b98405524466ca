"""The staff: who works here, in which roles and grids; one-time passwords; whoever is disabled is out at once."""

import re
import secrets
from typing import Annotated

import msgspec
from fastapi import FastAPI, Form, Request
from fastapi.responses import HTMLResponse
from starlette.responses import Response

from devices.places import is_grid
from duty.access import Allowed, may
from duty.edge.desk import look
from duty.edge.desk.entry import Entered, NotYours, Visit, With
from duty.edge.desk.say import Say
from duty.edge.desk.texts import text
from duty.edge.parts import Parts
from duty.people import ALL_GRIDS, STAFF_ROLES, Person, StaffRole

_LOGIN = re.compile(r"[a-z0-9][a-z0-9._\-]{1,39}\Z")
_GRIDS_MAX = 200


def show(request: Request, visit: Entered, parts: With) -> HTMLResponse:
    return _page(request, visit, parts)


def _page(request: Request, visit: Visit, parts: Parts, *, problem: str = "", status: int = 200) -> HTMLResponse:
    say = Say(visit.language, parts.zone)
    rows = [
        {
            "id": person.id,
            "name": person.name,
            "login": person.login,
            "roles": " · ".join(map(say.role, person.roles)),
            "grids": text("common.all_grids", visit.language) if ALL_GRIDS in person.grids else ", ".join(person.grids),
            "disabled": person.disabled,
            "totp": person.has_totp,
        }
        for person in parts.store.people()
    ]
    return look.page(
        request, visit, "staff.html", status, rows=rows, problem=problem, roles=STAFF_ROLES,
        may_edit=isinstance(may(visit.me, "edit-staff"), Allowed),
    )  # fmt: skip


def one(request: Request, visit: Entered, parts: With, person: str) -> HTMLResponse:
    return _one(request, visit, parts, _find(parts, person))


def _find(parts: Parts, person: str) -> Person:
    found = parts.store.person(person)
    if found is None:
        raise NotYours
    return found


def _one(
    request: Request,
    visit: Visit,
    parts: Parts,
    who: Person,
    *,
    problem: str = "",
    password: str = "",
    status: int = 200,
) -> HTMLResponse:
    return look.page(
        request, visit, "person.html", status, who=who, roles=STAFF_ROLES, problem=problem, password=password,
        sessions=len(parts.store.sessions_of(who.id)), itself=who.id == visit.me.id,
    )  # fmt: skip


def _read(name: str, roles: list[str], grids: str) -> tuple[str, tuple[StaffRole, ...], tuple[str, ...]] | None:
    """Name, roles and grids as typed, or None when something of it cannot be."""
    listed = tuple(dict.fromkeys(part for part in re.split(r"[\s,;，；、]+", grids.strip()) if part))
    chosen: tuple[StaffRole, ...] = tuple(role for role in STAFF_ROLES if role in roles)
    well = name.strip() and chosen and listed and len(listed) <= _GRIDS_MAX
    if not well or not all(grid == ALL_GRIDS or is_grid(grid) for grid in listed):
        return None
    return name.strip(), chosen, listed


def add(
    request: Request, visit: Entered, parts: With,
    login: Annotated[str, Form(max_length=40)], name: Annotated[str, Form(max_length=80)],
    grids: Annotated[str, Form(max_length=4000)], role: Annotated[list[str] | None, Form(max_length=10)] = None,
) -> HTMLResponse:  # fmt: skip
    told = _read(name, role or [], grids)
    login = login.strip().lower()
    if told is None or not _LOGIN.match(login):
        return _page(request, visit, parts, problem=text("admin.staff_bad", visit.language), status=422)
    person = Person(
        id=f"p-{secrets.token_hex(4)}", login=login, name=told[0], roles=told[1], grids=told[2], created_ms=visit.now_ms
    )
    with parts.store.together():  # of two who add the same login in one moment the second is told so
        taken = parts.store.account(login) is not None
        if not taken:
            parts.store.save_person(person)
            _record(visit, parts, "add-staff", person.id, " ".join((*told[1], *told[2])))
    if taken:
        return _page(request, visit, parts, problem=text("admin.staff_taken", visit.language), status=409)
    password = parts.auth.new_password_for(person.id, by=visit.me.id, now_ms=visit.now_ms)
    request.app.state.names.forget()
    return _one(request, visit, parts, _find(parts, person.id), password=password)


def change(
    request: Request, visit: Entered, parts: With, person: str,
    name: Annotated[str, Form(max_length=80)], grids: Annotated[str, Form(max_length=4000)],
    role: Annotated[list[str] | None, Form(max_length=10)] = None,
) -> Response:  # fmt: skip
    before = _find(parts, person)
    told = _read(name, role or [], grids)
    if told is None:
        return _one(request, visit, parts, before, problem=text("admin.staff_bad", visit.language), status=422)
    if before.id == visit.me.id and "admin" not in told[1]:
        return _one(request, visit, parts, before, problem=text("admin.staff_self", visit.language), status=409)
    after = msgspec.structs.replace(before, name=told[0], roles=told[1], grids=told[2])
    parts.store.save_person(after)
    _record(visit, parts, "change-staff", person, " ".join((*told[1], *told[2])))
    request.app.state.names.forget()
    return look.go_to("/staff")


def disable(
    request: Request, visit: Entered, parts: With, person: str, enabled: Annotated[str, Form(max_length=3)] = "no"
) -> Response:
    """Disable (their sessions and live streams end), or enable again."""
    before = _find(parts, person)
    if before.id == visit.me.id:
        return _one(request, visit, parts, before, problem=text("admin.staff_self", visit.language), status=409)
    if enabled == "yes":
        parts.store.save_person(msgspec.structs.replace(before, disabled=False))
    else:
        parts.store.disable(person)
    _record(visit, parts, "enable-staff" if enabled == "yes" else "disable-staff", person, "")
    return look.go_to(f"/staff/{person}")


def new_password(request: Request, visit: Entered, parts: With, person: str) -> HTMLResponse:
    """A one-time password, shown once; sessions so far end."""
    who = _find(parts, person)
    password = parts.auth.new_password_for(person, by=visit.me.id, now_ms=visit.now_ms)
    return _one(request, visit, parts, who, password=password)


def end_sessions(request: Request, visit: Entered, parts: With, person: str) -> Response:
    who = _find(parts, person)
    parts.auth.end_all(who.id, visit.me.id, visit.now_ms)
    return look.go_to("/login" if who.id == visit.me.id else f"/staff/{person}")


def reset_totp(request: Request, visit: Entered, parts: With, person: str) -> Response:
    who = _find(parts, person)
    parts.auth.take_totp_away(who.id, by=visit.me.id, now_ms=visit.now_ms)
    return look.go_to("/login" if who.id == visit.me.id else f"/staff/{person}")


def _record(visit: Visit, parts: Parts, action: str, person: str, detail: str) -> None:
    parts.store.audit(
        at_ms=visit.now_ms, actor=visit.me.id, action=action, object=person, detail=detail, address=visit.address
    )


def add_to(app: FastAPI) -> None:
    app.get("/staff")(show)
    app.post("/staff")(add)
    app.get("/staff/{person}")(one)
    app.post("/staff/{person}")(change)
    app.post("/staff/{person}/disable")(disable)
    app.post("/staff/{person}/password")(new_password)
    app.post("/staff/{person}/sessions")(end_sessions)
    app.post("/staff/{person}/totp")(reset_totp)
