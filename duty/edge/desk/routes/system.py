"""What the system thinks of itself, and the messages it could not take in."""

from typing import Annotated, Any

from fastapi import FastAPI, Form, Request
from fastapi.responses import HTMLResponse
from starlette.responses import Response

from devices.events import REJECT_REASONS
from duty.access import Allowed, may
from duty.edge.desk import look
from duty.edge.desk.entry import Entered, Visit, With
from duty.edge.desk.figures import latencies
from duty.edge.desk.moments import Moments
from duty.edge.desk.site_health import site_health
from duty.edge.desk.texts import Language, text
from duty.edge.parts import Parts

OLD_MS = 15_000
MANY_BEHIND_MS = 60_000


def _tone(well: bool) -> str:
    return "good" if well else "bad"


async def show(request: Request, visit: Entered, parts: With) -> HTMLResponse:
    door = await parts.door.health()
    return await look.in_thread(_show, request, visit, parts, door)


def _show(request: Request, visit: Visit, parts: Parts, door: dict[str, Any] | None) -> HTMLResponse:
    moments = Moments(visit.language, parts.zone, visit.now_ms)
    health = site_health(parts)
    t = visit.language
    age_ms = visit.now_ms - parts.projection.live_since_ms()
    core = health.core()
    checks = [
        {"name": text("supervisor.picture", t), "tone": _tone(age_ms < OLD_MS),
         "text": text("supervisor.picture_age", t, age=moments.long(max(0, age_ms)))},
        *_door(door, t),
        {"name": text("supervisor.store", t), "tone": _tone(not parts.projection.trouble),
         "text": parts.projection.trouble or text("supervisor.well", t)},
    ]  # fmt: skip
    if core is not None:
        checks.append(
            {"name": text("supervisor.core", t), "tone": _tone(core.put_aside == 0),
             "text": text("supervisor.core_counts", t, events=core.events, decisions=core.decisions,
                          pages=core.pages, aside=core.put_aside)}
        )  # fmt: skip
    open_now = [each for each in parts.projection.picture.open_incidents({"system"}) if each.kind == "system"]
    return look.page(
        request,
        visit,
        "system.html",
        checks=checks,
        processes=[
            {
                "name": each.name,
                "tone": _tone(each.ready),
                "state": text("supervisor.ready" if each.ready else "supervisor.not_ready", t),
                "since": moments.full(each.started_ms),
                "restarts": each.restarts,
                "last_end": each.last_end,
            }
            for each in health.processes()
        ],
        readers=[
            {
                "log": each.log,
                "reader": each.reader,
                "behind": each.behind,
                "age": moments.long(each.behind_ms) if each.behind else "0",
                "tone": _tone(each.behind_ms < MANY_BEHIND_MS),
            }
            for each in health.readers(visit.now_ms)
        ],
        latencies=latencies(parts, moments),
        reports=[{"part": each.subject.partition("/")[2], "text": _reason(each.reason, t, parts),
                  "time": moments.clock(each.raised_ms)} for each in open_now],
        rejects=sum(health.reject_counts().values()),
        refused_points=health.refused_points(0)[0],
    )  # fmt: skip


def _door(health: dict[str, Any] | None, language: Language) -> list[dict[str, str]]:
    """What this desk's gateway says of itself: whether it takes in, and what waits on its disk for Kafka."""
    if health is None:
        said, well = text("supervisor.door_shut", language), False
    elif health.get("well", True):
        said, well = text("supervisor.door_open", language), True
    else:
        trouble = health["inbox"]["trouble"] or (health.get("broker") or {}).get("trouble", "")
        taking = health["inbox"]["well"]
        said = text("supervisor.door_broker" if taking else "supervisor.door_waits", language, why=trouble)
        well = False
    rows = [{"name": text("supervisor.door", language), "tone": _tone(well), "text": said}]
    buffer = (health or {}).get("inbox", {}).get("buffer")
    if buffer is not None:
        megabytes = f"{buffer['bytes'] / 1e6:.1f}"
        rows.append(
            {"name": text("supervisor.buffer", language), "tone": "warn" if buffer["parcels"] else "good",
             "text": text("supervisor.buffer_holds" if buffer["parcels"] else "supervisor.buffer_empty", language,
                          megabytes=megabytes, most=f"{buffer['most_bytes'] / 1e6:.0f}")}
        )  # fmt: skip
    return rows


def _reason(reason: object, language: str, parts: Parts) -> str:
    from duty.edge.desk.say import Say

    return Say(language, parts.zone).reason(reason)  # type: ignore[arg-type]


def rejects(request: Request, visit: Entered, parts: With) -> HTMLResponse:
    moments = Moments(visit.language, parts.zone, visit.now_ms)
    health = site_health(parts)
    counts = health.reject_counts()
    rows = [
        {
            "offset": each.offset,
            "time": moments.clock(each.at_ms, seconds=True),
            "reason": text(f"supervisor.reject_{each.reason}", visit.language)
            if each.reason in REJECT_REASONS
            else each.reason,
            "detail": each.detail,
            "topic": each.topic,
            "payload": each.payload.decode("utf-8", "backslashreplace"),
            "device": each.device,
            "outcome": each.outcome,
        }
        for each in health.rejects()
    ]
    refused_points, newest_refused = health.refused_points()
    return look.page(
        request,
        visit,
        "rejects.html",
        rows=rows,
        refused_points=refused_points,
        refused=[
            {"time": moments.clock(each.at_ms, seconds=True), "reason": each.reason, "what": each.what}
            for each in newest_refused
        ],
        counts=[(text(f"supervisor.reject_{reason}", visit.language), counts[reason]) for reason in REJECT_REASONS],
        may_replay=isinstance(may(visit.me, "replay-rejects"), Allowed),
    )


async def replay(
    request: Request,
    visit: Entered,
    parts: With,
    offset: Annotated[int | None, Form(ge=1)] = None,
) -> Response:
    """Feed one refused message in again, or all of them."""
    answer = await parts.door.replay_rejects([offset] if offset is not None else None)
    await look.in_thread(
        parts.store.audit, at_ms=visit.now_ms, actor=visit.me.id, action="replay-rejects",
        object=str(offset or "all"), well=answer is not None, address=visit.address,
    )  # fmt: skip
    if answer is None:
        said = text("common.door_closed", visit.language)
        return look.said(request, visit, said, well=False, back="/rejects", status=503)
    fed = text("supervisor.replayed", visit.language, taken=answer.get("taken", 0), refused=answer.get("refused", 0))
    return look.said(request, visit, fed, well=True, back="/rejects")


def add_to(app: FastAPI) -> None:
    app.get("/system")(show)
    app.get("/rejects")(rejects)
    app.post("/rejects/replay")(replay)
