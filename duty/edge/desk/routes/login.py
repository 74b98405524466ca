"""Logging in and out, the second factor, one's own password, language and look."""

import io
from typing import Annotated

import segno
from fastapi import FastAPI, Form, Request
from fastapi.responses import HTMLResponse
from starlette.responses import Response

from duty.edge.auth import LoggedIn, NotLoggedIn, Who
from duty.edge.desk import look
from duty.edge.desk.entry import LANGUAGE_COOKIE, Entered, LogInFirst, Visit, With, parts_of
from duty.edge.desk.look import LOOK_COOKIE, LOOKS, local_address
from duty.edge.desk.texts import text

SESSION_MAX_AGE_S = 12 * 3600
YEAR_S = 365 * 24 * 3600

Name = Annotated[str, Form(max_length=64)]
Secret = Annotated[str, Form(max_length=256)]
Next = Annotated[str, Form(alias="next", max_length=500)]


def login_page(request: Request, visit: Entered, next: str = "/", ended: bool = False) -> HTMLResponse:
    problem = text("common.login_ended", visit.language) if ended else ""
    return _form(request, visit, problem=problem, next_=next, step="password", status=200)


def code_page(request: Request, visit: Entered, next: str = "/") -> HTMLResponse:
    return _form(request, visit, problem="", next_=next, step="code", status=200)


def _form(request: Request, visit: Visit, *, problem: str, next_: str, step: str, status: int) -> HTMLResponse:
    return look.page(
        request, visit, "login.html", status, problem=problem, next=local_address(next_), step=step, bar=[], more=[]
    )


def _why(visit: Visit, answer: NotLoggedIn) -> str:
    if answer.why == "throttled":
        return text("common.login_slow_down", visit.language, s=answer.wait_s)
    return text("common.login_wrong", visit.language)


def _let_in(request: Request, answer: LoggedIn, next_: str) -> Response:
    """Set the cookie of a fresh session and go where it may go."""
    if answer.wants_totp:
        address = "/login/code"
    elif answer.wants_new_password:
        address = "/me"
    elif answer.wants_totp_set_up:
        address = "/me/totp"
    else:
        address = local_address(next_)
    response = look.go_to(address)
    name = parts_of(request).auth.cookie_name
    response.set_cookie(
        name,
        answer.token,
        max_age=SESSION_MAX_AGE_S,
        httponly=True,
        samesite="lax",
        secure=name.startswith("__Host-"),
        path="/",
    )
    return response


def log_in(request: Request, visit: Entered, parts: With, name: Name, password: Secret, next_: Next = "/") -> Response:
    answer = parts.auth.log_in(name.strip(), password, visit.address, visit.now_ms)
    if isinstance(answer, NotLoggedIn):
        status = 429 if answer.why == "throttled" else 401
        return _form(request, visit, problem=_why(visit, answer), next_=next_, step="password", status=status)
    return _let_in(request, answer, next_)


def second_factor(
    request: Request, visit: Entered, parts: With, code: Annotated[str, Form(max_length=12)], next_: Next = "/"
) -> Response:
    token = request.cookies.get(parts.auth.cookie_name, "")
    answer = parts.auth.second_factor(token, code.strip().replace(" ", ""), visit.address, visit.now_ms)
    if isinstance(answer, NotLoggedIn):
        if answer.why == "ended":
            raise LogInFirst
        status = 429 if answer.why == "throttled" else 401
        return _form(request, visit, problem=_why(visit, answer), next_=next_, step="code", status=status)
    return _let_in(request, answer, next_)


def log_out(request: Request, visit: Entered, parts: With) -> Response:
    parts.auth.log_out(request.cookies.get(parts.auth.cookie_name, ""), visit.now_ms)
    response = look.go_to("/login")
    response.delete_cookie(parts.auth.cookie_name, path="/")
    return response


def _who(visit: Visit) -> Who:
    if visit.who is None:
        raise LogInFirst
    return visit.who


def me(request: Request, visit: Entered) -> HTMLResponse:
    return _me(request, visit, problem="", done="", status=200)


def _me(request: Request, visit: Visit, *, problem: str, done: str, status: int) -> HTMLResponse:
    owed = _who(visit).wants
    return look.page(request, visit, "me.html", status, problem=problem, done=done, owed=owed, me=_who(visit).person)


def change_password(
    request: Request, visit: Entered, parts: With, old: Secret, new: Secret, again: Secret
) -> HTMLResponse:
    if new != again:
        return _me(request, visit, problem=text("common.password_differs", visit.language), done="", status=422)
    wrong = parts.auth.change_password(_who(visit), old, new, visit.now_ms)
    if wrong is not None:
        problem = _why_not(visit, wrong)
        return _me(request, visit, problem=problem, done="", status=422)
    return look.page(
        request,
        visit,
        "said.html",
        sentence=text("common.password_changed", visit.language),
        well=True,
        back="/",
    )


def _why_not(visit: Visit, wrong: NotLoggedIn) -> str:
    if wrong.why == "throttled":
        return text("common.login_slow_down", visit.language, s=wrong.wait_s)
    key = f"password_{wrong.weakness}" if wrong.why == "weak" else "password_wrong"
    return text(f"common.{key}", visit.language)


def totp_page(request: Request, visit: Entered, parts: With) -> HTMLResponse:
    return _totp(request, visit, problem="", status=200)


def _totp(request: Request, visit: Visit, *, problem: str, status: int) -> HTMLResponse:
    secret, address = parts_of(request).auth.begin_totp(_who(visit))
    drawing = io.BytesIO()
    segno.make(address, error="m").save(drawing, kind="svg", xmldecl=False, svgns=True, scale=5, border=4, nl=False)
    return look.page(
        request,
        visit,
        "totp.html",
        status,
        problem=problem,
        secret=secret,
        address=address,
        drawing=look.safe(drawing.getvalue().decode()),
    )


def confirm_totp(
    request: Request,
    visit: Entered,
    parts: With,
    secret: Annotated[str, Form(max_length=64)],
    code: Annotated[str, Form(max_length=12)],
) -> HTMLResponse:
    if not parts.auth.confirm_totp(_who(visit), secret, code.strip().replace(" ", ""), visit.now_ms):
        return _totp(request, visit, problem=text("common.totp_wrong", visit.language), status=422)
    return look.page(request, visit, "said.html", sentence=text("common.totp_on", visit.language), well=True, back="/")


async def language(
    request: Request,
    visit: Entered,
    parts: With,
    to: Annotated[str, Form(max_length=5)],
    back: Annotated[str, Form(max_length=500)] = "/",
) -> Response:
    response = look.go_to(local_address(back))
    response.set_cookie(LANGUAGE_COOKIE, "en" if to == "en" else "zh", max_age=YEAR_S, samesite="lax", path="/")
    return response


async def appearance(
    request: Request,
    visit: Entered,
    to: Annotated[str, Form(max_length=5)],
    back: Annotated[str, Form(max_length=500)] = "/",
) -> Response:
    response = look.go_to(local_address(back))
    response.set_cookie(LOOK_COOKIE, to if to in LOOKS else "auto", max_age=YEAR_S, samesite="lax", path="/")
    return response


async def more(request: Request, visit: Entered, parts: With) -> HTMLResponse:
    return look.page(request, visit, "more.html", active="nav_more", looks=LOOKS)


async def home(request: Request, visit: Entered) -> Response:
    first = look.bar_for(visit.me)
    return look.go_to(first[0][0] if first else "/more")


def add_to(app: FastAPI) -> None:
    app.get("/login")(login_page)
    app.post("/login")(log_in)
    app.get("/login/code")(code_page)
    app.post("/login/code")(second_factor)
    app.post("/logout")(log_out)
    app.get("/me")(me)
    app.post("/me/password")(change_password)
    app.get("/me/totp")(totp_page)
    app.post("/me/totp")(confirm_totp)
    app.post("/language")(language)
    app.post("/look")(appearance)
    app.get("/more")(more)
    app.get("/")(home)
