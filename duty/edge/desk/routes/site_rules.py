"""The policy in words, read-only: who is paged about what and when, and every number with its comment."""

from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse

from duty.edge.desk import look
from duty.edge.desk.entry import Entered, With
from duty.edge.desk.files import SiteFiles
from duty.edge.desk.say import Say
from duty.edge.desk.texts import Language, text


def show(request: Request, visit: Entered, parts: With) -> HTMLResponse:
    files: SiteFiles = request.app.state.files
    policy = files.policy()
    say = Say(visit.language, parts.zone)
    tables: dict[str, list[dict[str, str]]] = {}
    for row in policy.rows:
        if not row.table.startswith("ladder"):
            tables.setdefault(row.table, []).append({"key": row.key, "value": row.value, "comment": row.comment})
    return look.page(
        request,
        visit,
        "policy.html",
        ladders=[
            {"kind": say.kind(kind), "lines": _ladder(row, visit.language, say)} for kind, row in policy.ladders.items()
        ],
        tables=tables,
    )


def _ladder(row: dict[str, Any], language: Language, say: Say) -> list[str]:
    """A ladder as sentences, one a step."""

    def roles(names: list[str]) -> str:
        return ("、" if language == "zh" else ", ").join(map(say.role, names))

    lines = [text("admin.step_0", language, roles=roles(row.get("page", [])))]
    if "hours" in row:
        lines.append(text("admin.step_hours", language, from_=row["hours"][0], until=row["hours"][1]))
    if "hold_s" in row:
        lines.append(text("admin.step_hold", language, s=row["hold_s"]))
    for step in row.get("steps", []):
        when = []
        if "after_min" in step:
            when.append(text("admin.step_after", language, m=step["after_min"]))
        if "openings" in step:
            when.append(text("admin.step_openings", language, n=step["openings"], m=step.get("within_min", "")))
        joined = when[0] if when else text("admin.step_by_rule", language)
        for other in when[1:]:
            joined = text("admin.step_or", language, one=joined, other=other)
        lines.append(text("admin.step_n", language, when=joined, roles=roles(step.get("roles", []))))
    return lines


def add_to(app: FastAPI) -> None:
    app.get("/policy")(show)
