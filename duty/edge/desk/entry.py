"""The one place where a request is let in: session, second factor, role and grid, by the table in `rights.py`.

Every route of the app runs `enter` first (it is a dependency of the app itself, not of each route).  What it found out
is the route's `Visit`.
"""

from typing import Annotated, Any, cast

import msgspec
from fastapi import Depends, FastAPI, Request
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool

from duty.access import Allowed, may
from duty.edge.auth import Who
from duty.edge.desk.rights import RIGHTS, WITHOUT_SESSION, Somewhere
from duty.edge.desk.texts import Language
from duty.edge.parts import Parts
from duty.people import Person, StaffRole

LANGUAGE_COOKIE = "threshold_language"


class Visit(msgspec.Struct, frozen=True, kw_only=True):
    """Whose request it is and in which language.  `roles` are those by which the route's action is allowed."""

    person: Person | None
    who: Who | None
    roles: tuple[StaffRole, ...]
    language: Language
    now_ms: int
    address: str

    @property
    def me(self) -> Person:
        """The person; only where the route asks for one."""
        assert self.person is not None
        return self.person


class LogInFirst(Exception):
    """There is no session, or it ended."""


class StepFirst(Exception):
    """Something is still owed to the log-in: the address of the page where it is done."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self.address = address


class NotYours(Exception):
    """To the outside the same as a thing that does not exist."""


class WrongRole(Exception):
    """The person's roles may not do this anywhere."""


_STEPS = {"totp": "/login/code", "new-password": "/me", "totp-set-up": "/me/totp"}


def parts_of(request: Request) -> Parts:
    """What the app was built from."""
    return cast(Parts, request.app.state.parts)


def _language(request: Request, person: Person | None, default: str) -> Language:
    asked = request.cookies.get(LANGUAGE_COOKIE) or (person.language if person else default)
    return "en" if asked == "en" else "zh"


async def enter(request: Request) -> Visit:
    """Let the request in, or raise why not."""
    parts = parts_of(request)
    route = cast(APIRoute, request.scope["route"])
    right = RIGHTS[request.method if request.method != "HEAD" else "GET", route.path]
    now_ms = parts.clock_ms()
    token = request.cookies.get(parts.auth.cookie_name, "")
    who = await run_in_threadpool(parts.auth.who, token, now_ms) if token else None
    person = who.person if who else None
    visit = Visit(
        person=person if who and (who.full or right == "half") else None,
        who=who,
        roles=(),
        language=_language(request, person, parts.settings.desk.language),
        now_ms=now_ms,
        address=request.client.host if request.client else "",
    )
    # Before anything is refused, so that what is forbidden looks to the last letter like what does not exist.
    request.state.visit = visit
    if right in WITHOUT_SESSION:
        return visit
    if who is None or person is None:
        raise LogInFirst
    if not who.full and right != "half":
        raise StepFirst(_STEPS.get(who.wants, "/login"))
    if right != "half":
        visit = msgspec.structs.replace(visit, roles=roles_for(person, right, request.path_params.get("grid", "")))
    return visit


def roles_for(person: Person, right: str | Somewhere, grid: str) -> tuple[StaffRole, ...]:
    """The roles by which `person` may.  Raises NotYours or WrongRole."""
    if isinstance(right, Somewhere):
        for mine in person.grids:
            answer = may(person, right.action, mine)
            if isinstance(answer, Allowed):
                return answer.roles
        raise WrongRole
    answer = may(person, right, grid)
    if isinstance(answer, Allowed):
        return answer.roles
    if answer.why == "grid":
        raise NotYours
    raise WrongRole


Entered = Annotated[Visit, Depends(enter)]
With = Annotated[Parts, Depends(parts_of)]


def every_route(app: FastAPI) -> list[APIRoute]:
    """The routes of `app` that people and programs call (mounted static files are not among them)."""
    found: list[APIRoute] = []
    pending: list[Any] = list(app.routes)
    while pending:
        route = pending.pop(0)
        if isinstance(route, APIRoute):
            found.append(route)
    return found


def check_rights(app: FastAPI) -> None:
    """Every route has its row and every row its route.  Raises RuntimeError naming those that do not."""
    there = {(method, route.path) for route in every_route(app) for method in route.methods or ()}
    without, unused = there - RIGHTS.keys(), RIGHTS.keys() - there
    if without or unused:
        raise RuntimeError(
            f"duty/edge/desk/rights.py: routes without a row {sorted(without)}, rows without {sorted(unused)}"
        )
