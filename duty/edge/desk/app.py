"""The desk's web app, wired in one place.  `build` starts nothing: the runner serves what it returns."""

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from duty.edge.desk import live, look
from duty.edge.desk.entry import (
    LogInFirst,
    NotYours,
    StepFirst,
    Visit,
    WrongRole,
    check_rights,
    enter,
    parts_of,
)
from duty.edge.desk.files import SiteFiles
from duty.edge.desk.guard import Limits, SameOrigin, SecurityHeaders
from duty.edge.desk.names import Names
from duty.edge.desk.orders import Turns
from duty.edge.desk.routes import (
    answer,
    audit,
    board,
    buildings,
    channels,
    charts,
    checkpoint,
    devices,
    export,
    handover,
    household,
    login,
    open_to_all,
    overview,
    resident,
    roster,
    site_rules,
    staff,
    story,
    system,
    trials,
)
from duty.edge.desk.texts import text
from duty.edge.parts import Parts
from duty.edge.trials import Trials

SCREENS = (
    open_to_all, login, board, buildings, household, checkpoint, resident, answer, overview, handover, roster, devices,
    channels, staff, site_rules, system, audit, trials, story, charts, export,
    live,
)  # fmt: skip


def build(parts: Parts) -> FastAPI:
    """The app over `parts`.  Raises RuntimeError when a route has no row in the table of rights."""
    app = FastAPI(
        title="Threshold duty desk",
        dependencies=[Depends(enter)],
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
    )
    app.state.parts = parts
    app.state.templates = look.environment()
    app.state.names = Names(parts.store.people)
    app.state.turns = Turns()
    app.state.files = SiteFiles(parts.settings.fleet_path, parts.settings.policy_path)
    app.state.trials = Trials(parts.settings)
    for screen in SCREENS:
        screen.add_to(app)
    check_rights(app)
    app.mount("/static", _Static(directory=look.HERE / "static"), name="static")
    _answer_errors(app)
    # The last added stands first.
    app.add_middleware(GZipMiddleware, minimum_size=1000)
    app.add_middleware(SameOrigin)
    app.add_middleware(Limits)
    app.add_middleware(SecurityHeaders)
    return app


class _Static(StaticFiles):
    """Our own scripts and styles: kept by a browser for a minute, then asked about by their tag."""

    def file_response(self, *args: object, **kwargs: object) -> Response:
        response = super().file_response(*args, **kwargs)  # type: ignore[arg-type]
        response.headers["Cache-Control"] = "public, max-age=60"
        return response


def _visit_of(request: Request) -> Visit:
    """The visit of a request that failed: its own, or a stranger's."""
    parts = parts_of(request)
    stranger = Visit(
        person=None, who=None, roles=(), language=parts.settings.desk.language, now_ms=parts.clock_ms(), address=""
    )
    return getattr(request.state, "visit", stranger)


def _wrong(request: Request, status: int, key: str, **values: object) -> Response:
    visit = _visit_of(request)
    sentence = text(f"common.{key}", visit.language, **values)
    if look.wants_json(request):
        return JSONResponse({"well": False, "text": sentence}, status)
    return look.page(request, visit, "wrong.html", status, sentence=sentence)


def _answer_errors(app: FastAPI) -> None:
    """Every refusal is answered in words; a stranger learns nothing from it."""

    async def log_in_first(request: Request, error: Exception) -> Response:
        if look.wants_json(request) or request.url.path == "/live":
            return _wrong(request, 401, "login_ended")
        if request.method != "GET":
            return look.go_to("/login?ended=1")
        path = request.url.path
        return look.go_to("/login" if path == "/" else f"/login?next={path}")

    async def step_first(request: Request, error: Exception) -> Response:
        assert isinstance(error, StepFirst)
        return look.go_to(error.address) if not look.wants_json(request) else _wrong(request, 401, "login_ended")

    async def not_yours(request: Request, error: Exception) -> Response:
        return _wrong(request, 404, "not_found")

    async def wrong_role(request: Request, error: Exception) -> Response:
        return _wrong(request, 403, "forbidden")

    async def malformed(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        fields = ", ".join(sorted({str(each["loc"][-1]) for each in error.errors()}))
        return _wrong(request, 422, "bad_request", detail=fields)

    async def other(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if error.status_code == 404:
            return _wrong(request, 404, "not_found")
        return _wrong(request, error.status_code, "bad_request", detail=str(error.status_code))

    app.add_exception_handler(LogInFirst, log_in_first)
    app.add_exception_handler(StepFirst, step_first)
    app.add_exception_handler(NotYours, not_yours)
    app.add_exception_handler(WrongRole, wrong_role)
    app.add_exception_handler(RequestValidationError, malformed)
    app.add_exception_handler(HTTPException, other)
