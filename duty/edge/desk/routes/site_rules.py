"""The policy in words, read-only: who is paged about what and when, and what every number means."""

from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse

from duty.edge.desk import look
from duty.edge.desk.entry import Entered, With
from duty.edge.desk.files import PolicyRow, SiteFiles
from duty.edge.desk.say import Say
from duty.edge.desk.texts import Language, text
from duty.edge.desk.texts import policy as policy_texts


def show(request: Request, visit: Entered, parts: With) -> HTMLResponse:
    files: SiteFiles = request.app.state.files
    policy = files.policy()
    say = Say(visit.language, parts.zone)
    tables: dict[str, list[dict[str, str]]] = {}
    for row in policy.rows:
        if not row.table.startswith("ladder"):
            tables.setdefault(row.table, []).append(_row(row, visit.language))
    return look.page(
        request,
        visit,
        "policy.html",
        ladders=[
            {"kind": say.kind(kind), "lines": _ladder(row, visit.language, say)} for kind, row in policy.ladders.items()
        ],
        tables=[{"name": _named(table, visit.language), "rows": rows} for table, rows in tables.items()],
    )


def _row(row: PolicyRow, language: Language) -> dict[str, str]:
    """A row in words: those of this desk, or for a row it does not know what the file says beside it."""
    name = f"{row.table}.{row.key}" if row.table else row.key
    words = text(f"policy.{name}", language) if name in policy_texts.ROWS else row.comment
    # The unit stands last in a row's name; the limits have it in the name of their table.
    units = [f"unit_{each.rpartition('_')[2]}" for each in (row.key, row.table)]
    value = row.value.strip('"')
    if unit := next((each for each in units if each in policy_texts.ROWS), ""):
        value = text(f"policy.{unit}", language, n=value)
    return {"key": row.key, "value": value, "words": words}


def _named(table: str, language: Language) -> str:
    if not table:
        return text("admin.policy_general", language)
    return text(f"policy.{table}", language) if table in policy_texts.ROWS else table


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
