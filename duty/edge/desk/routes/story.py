"""An incident told event by event: what came in, what was decided upon it by the rules of then, and why."""

from typing import Annotated, Any

from fastapi import FastAPI, Request
from fastapi.params import Query
from fastapi.responses import HTMLResponse

from duty.edge.desk import look
from duty.edge.desk.cards import incident_address
from duty.edge.desk.entry import Entered, With
from duty.edge.desk.happened import happened
from duty.edge.desk.moments import Moments
from duty.edge.desk.names import Names
from duty.edge.desk.places import address_of, name_of
from duty.edge.desk.routes.board import find, maker
from duty.edge.desk.say import Say
from duty.edge.desk.texts import text
from duty.edge.logs import open_log
from streams.edge.incident_lookup import BEFORE_MS, story_of
from streams.edge.log import LogFull
from streams.effects import Answer, Decision, Effect, Noted
from streams.incident_story import Moment

DAY_MS = 86_400_000
MOST = 1000
_TONES = {"raised": "bad", "repeated": "bad", "page": "warn", "acknowledgement-expired": "warn", "acknowledged": "good",
          "cleared": "good", "closed": "good"}  # fmt: skip


def show(
    request: Request, visit: Entered, parts: With, grid: str, id: Annotated[str, Query(max_length=300)]
) -> HTMLResponse:
    incident = find(parts, grid, id)
    making = maker(request, visit, many_grids=False)
    moments = making.moments
    settings = parts.settings
    last_ms = max([line.t_ms for line in incident.lines] or [visit.now_ms])
    until_ms = incident.closed_ms if incident.closed_ms is not None else max(last_ms, visit.now_ms)
    told: list[Moment] = []
    down = ""
    inbox, outbox = open_log(settings, "inbox"), open_log(settings, "outbox")
    try:
        told = story_of(
            inbox, outbox, settings.streams.partitions, incident.id, grid=incident.grid,
            from_ms=incident.raised_ms, until_ms=until_ms,
        )  # fmt: skip
    except LogFull as error:
        down = text("review.story_down", visit.language, why=error)
    finally:
        inbox.close()
        outbox.close()
    names: Names = request.app.state.names
    raw_from_ms = visit.now_ms - settings.data.raw_days * DAY_MS
    return look.page(
        request,
        visit,
        "story.html",
        active="nav_board",
        title=making.title(incident),
        place=name_of(incident.subject, incident.where, visit.language),
        place_address=address_of(incident.subject, incident.where, incident.grid),
        back=incident_address(incident),
        id=incident.id,
        down=down,
        beyond=max(0, len(told) - MOST),
        most=MOST,
        moments_told=[_told(each, moments, making.say, names) for each in told[:MOST]],
        gone=moments.full(raw_from_ms) if incident.raised_ms - BEFORE_MS < raw_from_ms else "",
    )


def _told(moment: Moment, moments: Moments, say: Say, names: Names) -> dict[str, Any]:
    came = None if moment.happened is None else happened(moment.happened, say, moments, names)
    return {
        "time": moments.clock(moment.t_ms, seconds=True),
        "came": came,
        "decided": [_effect(effect, say) for effect in moment.effects],
    }


def _effect(effect: Effect, say: Say) -> dict[str, str]:
    t = say.language
    if isinstance(effect, Decision):
        role = say.role(effect.role) if effect.role else ""
        what = text(f"review.decision_{effect.decision}", t, role=role, step=effect.step, n=effect.count)
        if effect.disposition:
            what += f" · {say.disposition(effect.disposition)}"
        beside = " · ".join(part for part in (say.person(effect.by) if effect.by else "", effect.note) if part)
        return {"what": what, "why": say.reason(effect.reason), "beside": beside,
                "tone": _TONES.get(effect.decision, "")}  # fmt: skip
    if isinstance(effect, Answer):
        return {"what": text(f"review.answered_{effect.verdict}", t), "why": say.reason(effect.reason), "beside": "",
                "tone": ""}  # fmt: skip
    assert isinstance(effect, Noted)
    return {
        "what": say.reason(effect.reason),
        "why": "",
        "beside": say.person(effect.by) if effect.by else "",
        "tone": "",
    }


def add_to(app: FastAPI) -> None:
    app.get("/g/{grid}/story")(show)
