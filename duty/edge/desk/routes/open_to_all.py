"""What needs no account: whether the desk is up, the words of the scripts, what a phone needs to install the page."""

from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, JSONResponse

from duty.edge.desk import look
from duty.edge.desk.entry import Entered, NotYours, With
from duty.edge.desk.texts import LANGUAGES, SCREENS, for_scripts


async def health(visit: Entered, parts: With) -> JSONResponse:
    """Up, and how old the picture is.  Nothing about anybody."""
    behind_ms = visit.now_ms - parts.projection.live_since_ms()
    return JSONResponse({"well": behind_ms < 15_000, "behind_ms": max(0, behind_ms)})


async def script_texts(screen: str, language: str) -> JSONResponse:
    if screen not in SCREENS or language not in LANGUAGES:
        raise NotYours
    rows = for_scripts("common", language) | for_scripts(screen, language)
    return JSONResponse(rows, headers={"Cache-Control": "public, max-age=60"})


async def worker_script() -> FileResponse:
    """The service worker lives in the scripts' folder and may serve the whole desk."""
    return FileResponse(
        look.HERE / "static" / "worker.js", media_type="text/javascript", headers={"Cache-Control": "no-cache"}
    )


async def manifest(request: Request, parts: With) -> JSONResponse:
    described: dict[str, Any] = {
        "name": parts.settings.site.name,
        "short_name": parts.settings.site.name[:12],
        "start_url": "/",
        "display": "standalone",
        "background_color": "#f4f5f7",
        "theme_color": "#ffffff",
        "icons": [{"src": "/static/icon.svg", "sizes": "any", "type": "image/svg+xml"}],
    }
    return JSONResponse(described, media_type="application/manifest+json")


def add_to(app: FastAPI) -> None:
    app.get("/health")(health)
    app.get("/texts/{screen}.{language}.json")(script_texts)
    app.get("/worker.js")(worker_script)
    app.get("/manifest.webmanifest")(manifest)
