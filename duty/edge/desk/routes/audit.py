"""The audit log: newest first, searched by who and what, checked as a chain, taken away as CSV."""

import csv
import io
from collections.abc import Iterator

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse
from starlette.responses import StreamingResponse

from duty.audit import AuditRow
from duty.edge.desk import look
from duty.edge.desk.entry import Entered, With
from duty.edge.desk.moments import Moments
from duty.edge.desk.names import Names

SHOWN = 100
COLUMNS = ("number", "at", "actor", "action", "object", "grid", "well", "detail", "address", "hash")


def show(
    request: Request, visit: Entered, parts: With, before: int | None = None, actor: str = "", object: str = "",
    check: str = "",
) -> HTMLResponse:  # fmt: skip
    moments = Moments(visit.language, parts.zone, visit.now_ms)
    names: Names = request.app.state.names
    rows = parts.store.newest_audit_rows(limit=SHOWN, before=before, actor=actor[:100], object=object[:200])
    return look.page(
        request,
        visit,
        "audit.html",
        rows=[
            {
                "number": row.number,
                "time": moments.clock(row.at_ms, seconds=True),
                "actor": names(row.actor),
                "action": row.action,
                "object": row.object,
                "well": row.well,
                "detail": row.detail,
                "address": row.address,
            }
            for row in rows
        ],
        older=rows[-1].number if len(rows) == SHOWN else None,
        actor=actor,
        object=object,
        checked=bool(check),
        bad=parts.store.verify_audit() if check else None,
    )


def export(request: Request, visit: Entered, parts: With) -> StreamingResponse:
    """Everything, as a table that a spreadsheet opens."""
    parts.store.audit(at_ms=visit.now_ms, actor=visit.me.id, action="export-audit", address=visit.address)
    moments = Moments("en", parts.zone, visit.now_ms)
    return StreamingResponse(
        _lines(parts.store.all_audit_rows(), moments),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="audit.csv"'},
    )


def _lines(rows: Iterator[AuditRow], moments: Moments) -> Iterator[str]:
    yield "\ufeff" + ",".join(COLUMNS) + "\r\n"
    for row in rows:
        out = io.StringIO(newline="")
        well = "yes" if row.well else "no"
        values = (
            row.number, moments.iso(row.at_ms), row.actor, row.action, row.object, row.grid, well, row.detail,
            row.address, row.hash,
        )  # fmt: skip
        csv.writer(out).writerow([_inert(str(value)) for value in values])
        yield out.getvalue()


def _inert(cell: str) -> str:
    # A spreadsheet takes these as the beginning of a formula.
    return "'" + cell if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell


def add_to(app: FastAPI) -> None:
    app.get("/audit")(show)
    app.get("/audit.csv")(export)
