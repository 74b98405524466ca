"""A policy tried on the site's own log: started here, looked on, compared side by side, kept for later."""

from typing import Annotated, Any

from fastapi import FastAPI, Request
from fastapi.params import Query
from fastapi.responses import HTMLResponse
from starlette.datastructures import UploadFile
from starlette.responses import Response

from duty.edge.desk import look
from duty.edge.desk.entry import Entered, NotYours, Visit, With
from duty.edge.desk.happened import happened
from duty.edge.desk.moments import Moments
from duty.edge.desk.names import Names
from duty.edge.desk.places import address_of, name_of, short_grid
from duty.edge.desk.routes.board import grids_of
from duty.edge.desk.say import Say
from duty.edge.desk.texts import text
from duty.edge.parts import Parts
from duty.edge.trials import LARGEST_POLICY, LONGEST_DAYS, Busy, Trial, Trials
from duty.people import ALL_GRIDS
from streams.trial import Change, Count, Report, total

SHOWN = 50
DAYS = (1, 3, 7, 14, 30)
ROLES = ("worker", "police", "doctor", "guard", "supervisor")
_SITE = frozenset({"system", ""})


def of(request: Request) -> Trials:
    """The desk's tries."""
    found: Trials = request.app.state.trials
    return found


def show_all(request: Request, visit: Entered, parts: With) -> HTMLResponse:
    moments = Moments(visit.language, parts.zone, visit.now_ms)
    names: Names = request.app.state.names
    try:
        in_force = parts.settings.policy_path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        in_force = ""
    return look.page(
        request,
        visit,
        "trials.html",
        rows=[_row(trial, moments, names) for trial in of(request).all()],
        in_force=in_force,
        days=DAYS,
    )


def _row(trial: Trial, moments: Moments, names: Names) -> dict[str, Any]:
    t = moments.language
    told = text("review.trial_of", t, days=trial.days, by=names(trial.by), time=moments.full(trial.at_ms))
    tones = {"done": "good", "running": "warn"}
    return {
        "id": trial.id,
        "name": trial.name or text("review.trial_unnamed", t),
        "text": told,
        "state": trial.state,
        "said": text(f"review.state_{trial.state}", t),
        "tone": tones.get(trial.state, "bad"),
    }


async def start(request: Request, visit: Entered, parts: With) -> Response:
    form = await request.form(max_files=1, max_fields=10)
    upload = form.get("file")
    data = await upload.read(LARGEST_POLICY + 1) if isinstance(upload, UploadFile) else b""
    data = data or str(form.get("policy") or "").encode()
    name = " ".join(str(form.get("name") or "").split())[:80]
    days = str(form.get("days") or "7")
    return await look.in_thread(_start, request, visit, parts, data, name, days)


def _start(request: Request, visit: Visit, parts: Parts, data: bytes, name: str, days: str) -> Response:
    def refused(key: str, status: int, **values: object) -> Response:
        sentence = text(f"review.{key}", visit.language, **values)
        return look.said(request, visit, sentence, well=False, back="/trials", status=status)

    if not data.strip():
        return refused("trial_empty", 422)
    if len(data) > LARGEST_POLICY:
        return refused("trial_large", 422, kb=LARGEST_POLICY // 1024)
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return refused("trial_no_text", 422)
    wanted = int(days) if days.isascii() and days.isdigit() and len(days) < 4 else 7
    wanted = min(max(wanted, 1), LONGEST_DAYS)
    try:
        trial = of(request).start(data, days=wanted, by=visit.me.id, name=name, at_ms=visit.now_ms)
    except Busy:
        return refused("trial_busy", 409)
    except OSError as problem:
        return refused("trial_disk", 503, why=problem.strerror or "")
    parts.store.audit(
        at_ms=visit.now_ms, actor=visit.me.id, action="try-policy", object=trial.id, detail=f"{wanted} d {name}",
        address=visit.address,
    )  # fmt: skip
    return look.go_to(f"/trials/{trial.id}")


def _find(request: Request, trial: str) -> Trial:
    found = of(request).get(trial)
    if found is None:
        raise NotYours
    return found


def show(
    request: Request, visit: Entered, parts: With, trial: str, page: Annotated[int, Query(ge=0, le=10_000)] = 0
) -> HTMLResponse:
    found = _find(request, trial)
    moments = Moments(visit.language, parts.zone, visit.now_ms)
    names: Names = request.app.state.names
    report = of(request).report(trial)
    return look.page(
        request,
        visit,
        "trial.html",
        trial=found,
        row=_row(found, moments, names),
        percent=round(100 * found.share),
        compared=None if report is None else _compared(report, visit, parts, moments, names, page),
        policy=of(request).policy(trial),
    )


def _compared(report: Report, visit: Visit, parts: Parts, moments: Moments, names: Names, page: int) -> dict[str, Any]:
    """What this visitor may see of a report: their own grids."""
    grids = frozenset(grids_of(visit, parts, "try-policy"))
    whole = ALL_GRIDS in visit.me.grids

    def mine(grid: str) -> bool:
        return whole or grid in grids or grid in _SITE

    say = Say(visit.language, parts.zone)
    counts = [count for count in report.counts if mine(count.grid)]
    pages = [count for count in counts if count.decision == "page"]
    raised = [count for count in counts if count.decision == "raised"]
    changes = [change for change in report.changes if mine(change.decision.grid)]
    shown = changes[page * SHOWN : (page + 1) * SHOWN]
    hours = [total(c for c in pages if c.hour == hour) for hour in range(24)]
    return {
        "span": text(
            "review.trial_span",
            visit.language,
            from_=moments.full(report.since_ms),
            until=moments.full(report.until_ms),
            events=f"{report.events:,}",
            took=moments.short(report.took_s * 1000),
        ),
        "unreadable": report.unreadable,
        "sums": [
            ("raised_all", *total(raised)),
            ("pages_all", *total(pages)),
            ("pages_night", *total(c for c in pages if c.at_night)),
        ],
        "kinds": _table(raised, pages, lambda c: c.kind, say.kind),
        "roles": [
            (say.role(role), *_both(of_role), *_both([c for c in of_role if c.at_night]))
            for role in ROLES
            if (of_role := [c for c in pages if c.role == role])
        ],
        "hours": hours,
        "most": max((n for both in hours for n in both), default=0),
        "changes": [_change(change, moments, say, names) for change in shown],
        "count": len(changes),
        "first": page * SHOWN,
        "more": report.more if whole else 0,
        "page": page,
        "has_more": len(changes) > (page + 1) * SHOWN,
    }


def _both(counts: list[Count]) -> tuple[int, int]:
    new, current = total(counts)
    return current, new


def _table(raised: list[Count], pages: list[Count], key_of: Any, said: Any) -> list[tuple[Any, ...]]:
    keys = dict.fromkeys(key_of(count) for count in [*raised, *pages])
    return [
        (said(key), *_both([c for c in raised if key_of(c) == key]), *_both([c for c in pages if key_of(c) == key]))
        for key in keys
    ]


def _change(change: Change, moments: Moments, say: Say, names: Names) -> dict[str, Any]:
    t = moments.language
    decision = change.decision
    if change.new is None:
        how, tone = text("review.change_gone", t), "good"
    elif change.current is None:
        how, tone = text("review.change_added", t), "bad"
    else:
        moved_ms = change.new.t_ms - change.current.t_ms
        key = "review.change_later" if moved_ms > 0 else "review.change_sooner"
        how, tone = text(key, t, long=moments.long(abs(moved_ms))), "warn"
    what = text(f"review.decided_{decision.decision}", t, role=say.role(decision.role) if decision.role else "")
    events = []
    for record in change.events:
        told = happened(record, say, moments, names)
        at_ms = getattr(record, "received_ms", None) or getattr(record, "at_ms", 0)
        events.append({"time": moments.clock(at_ms, seconds=True), "told": told})
    return {
        "time": moments.full(change.t_ms),
        "how": how,
        "tone": tone,
        "what": what,
        "kind": say.kind(decision.kind),
        "place": name_of(decision.subject, decision.where, t),
        "grid": text("common.grid", t, grid=short_grid(decision.grid)) if decision.grid else "",
        "address": address_of(decision.subject, decision.where, decision.grid),
        "reason": say.reason(decision.reason),
        "events": events,
    }


def cancel(request: Request, visit: Entered, parts: With, trial: str) -> Response:
    _find(request, trial)
    well = of(request).cancel(trial)
    said = text("review.trial_cancelled" if well else "review.trial_not_running", visit.language)
    return look.said(request, visit, said, well=well, back=f"/trials/{trial}")


def delete(request: Request, visit: Entered, parts: With, trial: str) -> Response:
    _find(request, trial)
    of(request).delete(trial)
    parts.store.audit(at_ms=visit.now_ms, actor=visit.me.id, action="delete-trial", object=trial, address=visit.address)
    return look.said(request, visit, text("review.trial_deleted", visit.language), well=True, back="/trials")


def add_to(app: FastAPI) -> None:
    app.get("/trials")(show_all)
    app.post("/trials")(start)
    app.get("/trials/{trial}")(show)
    app.post("/trials/{trial}/cancel")(cancel)
    app.post("/trials/{trial}/delete")(delete)
