"""Figures of a grid taken away: CSV, or Parquet where pyarrow is installed.  Streamed, recorded in the audit log."""

import os
import tempfile
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Annotated, Literal

from fastapi import FastAPI, Request
from fastapi.params import Query
from starlette.background import BackgroundTask
from starlette.responses import FileResponse, Response, StreamingResponse

from duty.edge.desk import look
from duty.edge.desk.entry import Entered, NotYours, Visit, With
from duty.edge.desk.routes.board import known_grids
from duty.edge.desk.routes.charts import MEASUREMENTS, series
from duty.edge.desk.texts import text
from duty.edge.parts import Parts
from streams.edge.export import NoParquet, csv_pieces, write_parquet
from streams.edge.series import SeriesDown
from streams.measurements import Point

MOST_DAYS = 400


def take(
    request: Request,
    visit: Entered,
    parts: With,
    grid: str,
    measurement: Annotated[str, Query(max_length=40)],
    since: Annotated[str, Query(max_length=10)],
    until: Annotated[str, Query(max_length=10)],
    form: Literal["csv", "parquet"] = "csv",
) -> Response:
    """Whole days of the site's zone, the last one included."""
    if grid not in known_grids(parts, visit.me) or measurement not in MEASUREMENTS:
        raise NotYours
    days = _days(since, until)
    if days is None:
        sentence = text("review.export_bad", visit.language, days=MOST_DAYS)
        return look.said(request, visit, sentence, well=False, back=f"/g/{grid}/charts", status=422)
    first, last = days
    from_ms, until_ms = (_midnight_ms(day, parts) for day in (first, last + timedelta(days=1)))
    name = f"{measurement}-{grid}-{first}-{last}.{form}"
    where = {"grid": grid}
    try:
        points = _points(parts, measurement, where, from_ms, until_ms)
        answer = _csv(points, measurement, parts) if form == "csv" else _parquet(points, measurement, parts)
    except SeriesDown as error:
        return _refused(request, visit, grid, text("review.series_down", visit.language, why=error))
    except NoParquet:
        return _refused(request, visit, grid, text("review.export_no_parquet", visit.language))
    parts.store.audit(
        at_ms=visit.now_ms, actor=visit.me.id, action="export-figures", object=measurement, grid=grid,
        detail=f"{first} {last} {form}", address=visit.address,
    )  # fmt: skip
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _refused(request: Request, visit: Visit, grid: str, sentence: str) -> Response:
    return look.said(request, visit, sentence, well=False, back=f"/g/{grid}/charts", status=503)


def _days(since: str, until: str) -> tuple[date, date] | None:
    try:
        first, last = date.fromisoformat(since), date.fromisoformat(until)
    except ValueError:
        return None
    well = first <= last and (last - first).days < MOST_DAYS and first.year > 1970 and last.year < 2200
    return (first, last) if well else None


def _midnight_ms(day: date, parts: Parts) -> int:
    return round(datetime(day.year, day.month, day.day, tzinfo=parts.zone).timestamp() * 1000)


def _points(parts: Parts, measurement: str, where: dict[str, str], from_ms: int, until_ms: int) -> Iterator[Point]:
    """The points, the store asked when the first is wanted, and given back after the last."""
    with series(parts) as reader:
        yield from reader.rows(measurement, where, from_ms, until_ms)


def _csv(points: Iterator[Point], measurement: str, parts: Parts) -> Response:
    pieces = csv_pieces(points, measurement, zone=parts.zone)
    # The first is made before the answer begins: a store that is away is told in words, not by a broken file.
    first = next(pieces, "")
    return StreamingResponse(chain(["\ufeff", first], pieces), media_type="text/csv; charset=utf-8")


def _parquet(points: Iterator[Point], measurement: str, parts: Parts) -> Response:
    handle, name = tempfile.mkstemp(suffix=".parquet", dir=parts.settings.data_path)
    os.close(handle)
    path = Path(name)
    try:
        write_parquet(points, measurement, path)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    away = BackgroundTask(path.unlink, missing_ok=True)
    return FileResponse(path, media_type="application/vnd.apache.parquet", background=away)


def add_to(app: FastAPI) -> None:
    app.get("/g/{grid}/export")(take)
