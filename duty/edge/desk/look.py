"""Drawing a page: templates with the reader's language, the site's times, and what the frame around a page shows."""

from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from duty.access import Allowed, may
from duty.edge.desk import say
from duty.edge.desk.entry import Visit, parts_of
from duty.edge.desk.moments import Moments
from duty.edge.desk.places import address_of, name_of, short_grid
from duty.edge.desk.texts import Language, text
from duty.people import Person

HERE = Path(__file__).parent
LOOK_COOKIE = "threshold_look"
LOOKS = ("auto", "light", "dark")

# The bar at the bottom of a phone, the rail at the side of a desk: (action that must be allowed, address, text, icon).
BAR: tuple[tuple[str, str, str, str], ...] = (
    ("see-figures", "/overview", "nav_overview", "chart"),
    ("see-board", "/board", "nav_board", "bell"),
    ("see-buildings", "/buildings", "nav_buildings", "building"),
    ("see-household", "/households", "nav_households", "door"),
    ("scan", "/checkpoints", "nav_checkpoint", "gun"),
    ("see-board", "/handover", "nav_handover", "swap"),
    ("edit-own", "/more", "nav_more", "more"),
)
MORE: tuple[tuple[str, str, str, str], ...] = (
    ("see-roster", "/roster", "nav_roster", "calendar"),
    ("edit-devices", "/devices", "nav_devices", "sensor"),
    ("edit-channels", "/channels", "nav_channels", "send"),
    ("see-staff", "/staff", "nav_staff", "people"),
    ("see-policy", "/policy", "nav_policy", "book"),
    ("try-policy", "/trials", "nav_trials", "flask"),
    ("see-system", "/system", "nav_system", "pulse"),
    ("see-system", "/rejects", "nav_rejects", "block"),
    ("see-audit", "/audit", "nav_audit", "log"),
)


def environment() -> Environment:
    """Templates that escape everything and know no undefined name."""
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.globals.update(
        short_grid=short_grid, name_of=name_of, address_of=address_of, quote=lambda s: quote(s, safe="")
    )
    return made


def _reaches(person: Person, action: str) -> bool:
    """Whether `person` may do `action` in any grid of theirs."""
    return any(isinstance(may(person, action, grid), Allowed) for grid in (*person.grids, ""))


def bar_for(person: Person) -> list[tuple[str, str, str]]:
    """(address, text, icon) of the bar: at most five on a phone, the rest is on the last page."""
    rows = [(address, name, icon) for action, address, name, icon in BAR if _reaches(person, action)]
    # The bar of a phone has five places; what is left out here is on the last page.
    for spare in ("nav_checkpoint", "nav_households", "nav_handover"):
        if len(rows) > 5:
            rows = [row for row in rows if row[1] != spare]
    return _bar_with_more(person, rows) if len(rows) < 3 else rows


def _bar_with_more(person: Person, rows: list[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    """Whoever has few screens of their own (an administrator) has the others in the bar, up to five."""
    spare = [(address, name, icon) for action, address, name, icon in MORE if _reaches(person, action)]
    return [*rows[:-1], *spare[: max(0, 5 - len(rows))], rows[-1]]


def more_for(person: Person) -> list[tuple[str, str, str]]:
    """(address, text, icon) of everything that is not in the bar."""
    shown = {address for address, _, _ in bar_for(person)}
    rows = [(address, name, icon) for action, address, name, icon in BAR + MORE if _reaches(person, action)]
    return [row for row in rows if row[0] not in shown]


def around(request: Request, visit: Visit) -> dict[str, Any]:
    """What every template is given."""
    language: Language = visit.language
    parts = parts_of(request)
    person = visit.person
    look = request.cookies.get(LOOK_COOKIE, "auto")
    return {
        "visit": visit,
        "person": person,
        "language": language,
        "t": lambda key, **values: text(key, language, **values),
        "say": say.Say(language, parts.zone, request.app.state.names),
        "moments": Moments(language, parts.zone, visit.now_ms),
        "look": look if look in LOOKS else "auto",
        "site": parts.settings.site.name,
        "zone_min": _zone_min(visit.now_ms, parts.zone),
        "path": request.url.path,
        "bar": bar_for(person) if person else [],
        "more": more_for(person) if person else [],
        "fragment": False,
    }


def _zone_min(at_ms: int, zone: tzinfo) -> int:
    """How many minutes the site's clocks are ahead of UTC: a phone set to another zone shows the site's time, too."""
    ahead = datetime.fromtimestamp(at_ms // 1000, zone).utcoffset()
    return 0 if ahead is None else int(ahead.total_seconds() // 60)


def page(request: Request, visit: Visit, template: str, status: int = 200, **context: Any) -> HTMLResponse:
    """`template` drawn for this visit."""
    return HTMLResponse(fragment(request, visit, template, **context), status)


def fragment(request: Request, visit: Visit, template: str, **context: Any) -> str:
    """The text of `template` drawn for this visit."""
    made: Environment = request.app.state.templates
    return made.get_template(template).render(around(request, visit) | context)


def safe(html: str) -> Markup:
    """Text that one of our templates made, to be set into another as it is."""
    return Markup(html)


def wants_json(request: Request) -> bool:
    """Whether a script asked (our own set this header), so that it is answered with data and not with a page."""
    return "application/json" in request.headers.get("accept", "")


def said(
    request: Request, visit: Visit, sentence: str, *, well: bool, back: str, status: int | None = None, **more: Any
) -> Response:
    """The answer to a change: a sentence for a script, or a small page that says it and leads back."""
    code = status or (200 if well else 409)
    if wants_json(request):
        return JSONResponse({"well": well, "text": sentence, **more}, code)
    return page(request, visit, "said.html", code, sentence=sentence, well=well, back=back)


in_thread = run_in_threadpool  # for the store, whose methods wait for the disk


def go_to(address: str) -> RedirectResponse:
    """See `address` next (after a form was sent)."""
    return RedirectResponse(address, 303)


def local_address(address: str) -> str:
    """`address` where it is a page of this desk, else `/`: nobody is led away by a link."""
    well = address.startswith("/") and not address.startswith(("//", "/\\")) and "\n" not in address
    return address if well and len(address) < 500 else "/"
