"""What the time series tell of a household, a checkpoint and a grid, drawn by the desk, each with its table."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

from fastapi import FastAPI, Request
from fastapi.params import Query
from fastapi.responses import HTMLResponse

from devices.edge.complaints import Complaint
from duty.access import Allowed, may
from duty.edge.desk import look
from duty.edge.desk.charts import Chart, bars, boxes, lines
from duty.edge.desk.entry import Entered, NotYours, Visit, With
from duty.edge.desk.files import SiteFiles
from duty.edge.desk.moments import Moments
from duty.edge.desk.places import address_of, name_of, short_grid
from duty.edge.desk.routes.board import known_grids
from duty.edge.desk.routes.household import find
from duty.edge.desk.say import Say
from duty.edge.desk.texts import Language, text
from duty.edge.parts import Parts
from streams.edge.case_lookup import cases_of
from streams.edge.export import has_parquet
from streams.edge.series import HourCount, SeriesDown, SeriesReader
from streams.edge.series_reader import open_reader
from streams.measurements import BY_NAME, Point
from streams.review import GunDrift, gun_drift, readings_by_hour
from streams.trial import is_night

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
SPANS = (1, 7, 14, 30)
LIMIT_CELSIUS = 37.3
DRIFT_SHOWN = 0.3
_GAP_MS = 26 * HOUR_MS  # two readings a day: a day without one is a gap
_ROWS_SHOWN = 400
MEASUREMENTS = tuple(name for name, row in BY_NAME.items() if "grid" in row.tags)
_FIELDS = {field.name: n for n, field in enumerate(BY_NAME["device"].fields)}
_DEVICE = BY_NAME["device"].tags.index("device")

Days = Annotated[int, Query(ge=1, le=30)]


@contextmanager
def series(parts: Parts) -> Iterator[SeriesReader]:
    """The time series.  Raises SeriesDown whatever ails it."""
    try:
        reader = open_reader(parts.settings)
    except (OSError, Complaint) as error:
        raise SeriesDown(str(error)) from error
    try:
        yield reader
    finally:
        reader.close()


class _Span:
    """The days a page is about, in words, and its figures made."""

    def __init__(self, visit: Visit, parts: Parts, days: int) -> None:
        self.moments = Moments(visit.language, parts.zone, visit.now_ms)
        self.language: Language = visit.language
        self.days = days
        self.until_ms = visit.now_ms + 1
        self.from_ms = self.moments.day_start_ms(visit.now_ms, days - 1)
        starts = [self.moments.day_start_ms(visit.now_ms, back) for back in range(days - 1, -1, -1)]
        self.starts = [(at_ms, self._short(at_ms)) for at_ms in starts]
        self.figures: list[dict[str, Any]] = []

    def marks(self) -> list[tuple[int, str]]:
        """What stands below a line: days, or the hours of a single one."""
        if self.days > 1:
            return self.starts
        hours = range(self.from_ms, self.until_ms, 3 * HOUR_MS)
        return [(at_ms, f"{self.moments.local(at_ms):%H}") for at_ms in hours]

    def _short(self, at_ms: int) -> str:
        moment = self.moments.local(at_ms)
        return f"{moment.month}-{moment.day}"

    def t(self, key: str, **values: object) -> str:
        return text(f"review.{key}", self.language, **values)

    def add(
        self, id: str, chart: Chart, heads: list[str], rows: list[tuple[Any, ...]], *, count: int, says: str = "",
        key: tuple[str, ...] = (),
    ) -> None:  # fmt: skip
        title = self.t(f"chart_{id}")
        told = self.t(
            "says", title=title, from_=self.moments.full(self.from_ms), until=self.moments.full(self.until_ms), n=count
        )
        self.figures.append(
            {"id": id, "title": title, "says": f"{told} {says}".strip(), "chart": chart, "heads": heads, "rows": rows,
             "what": says, "key": key}
        )  # fmt: skip

    def line(
        self,
        id: str,
        points: list[list[tuple[int, float]]],
        *,
        rule: float | None = None,
        about: tuple[float, ...] = (),
    ) -> None:
        """A line a series, its table the newest values first."""
        chart = lines(points, self.from_ms, self.until_ms, self.marks(), gap_ms=_GAP_MS, rule=rule, about=about)
        told = sorted((point for each in points for point in each), reverse=True)
        rows = [(self.moments.full(at_ms), f"{value:g}") for at_ms, value in told[:_ROWS_SHOWN]]
        self.add(id, chart, [self.t("time"), self.t(f"chart_{id}")], rows, count=len(told))


def _tone(gun: GunDrift) -> str:
    """How a gun's drift is shown: of two alone either may be the one that is off."""
    if abs(gun.drift) <= DRIFT_SHOWN:
        return "good"
    return "bad" if gun.against > 1 else "warn"


def _page(request: Request, visit: Visit, span: _Span, place: str, back: str, **more: Any) -> HTMLResponse:
    return look.page(
        request, visit, "charts_page.html", place=place, back=back, figures=span.figures, days=span.days, spans=SPANS,
        **{"down": "", "note": "", "guns": None, "export": None, "gates": [], "active": ""} | more,
    )  # fmt: skip


def household(
    request: Request, visit: Entered, parts: With, grid: str, building: str, unit: str, days: Days = 14
) -> HTMLResponse:
    home, _ = find(parts, grid, building, unit)
    span = _Span(visit, parts, days)
    warm: list[list[tuple[int, float]]] = []
    battery: dict[str, list[tuple[int, float]]] = defaultdict(list)
    signal: dict[str, list[tuple[int, float]]] = defaultdict(list)
    down, note = "", ""
    may_see_health = isinstance(may(visit.me, "see-temperatures", grid), Allowed)
    try:
        with series(parts) as reader:
            cases = cases_of(parts.settings.data_path / "series.db", home)
            note = "" if cases else span.t("no_names")
            for case in cases:
                where = {"household": case.household}
                if may_see_health:
                    read = reader.rows("temperature", where, span.from_ms, span.until_ms)
                    warm.append([(p.at_ns // 1_000_000, float(p.fields[0] or 0)) for p in read if not p.fields[2]])
                for point in reader.rows("device", where, span.from_ms, span.until_ms):
                    _keep(battery, point, "battery_percent")
                    _keep(signal, point, "signal")
    except SeriesDown as error:
        down = span.t("series_down", why=error)
    if may_see_health:
        span.line("temperature", warm, rule=LIMIT_CELSIUS, about=(36.0, 38.0))
    span.line("battery", list(battery.values()), about=(0, 100))
    span.line("signal", list(signal.values()))
    place = name_of(home, "household", visit.language)
    return _page(request, visit, span, place, address_of(home, "household", grid), down=down, note=note,
                 active="nav_households")  # fmt: skip


def _keep(into: dict[str, list[tuple[int, float]]], point: Point, field: str) -> None:
    value = point.fields[_FIELDS[field]]
    if value is not None:
        into[point.tags[_DEVICE]].append((point.at_ns // 1_000_000, float(value)))


def checkpoint(
    request: Request, visit: Entered, parts: With, grid: str, checkpoint: str, days: Days = 1
) -> HTMLResponse:
    files: SiteFiles = request.app.state.files
    place = f"{grid}/{checkpoint}"
    if place not in files.checkpoints() and place not in parts.projection.picture.answers:
        raise NotYours
    span = _Span(visit, parts, days)
    say = Say(visit.language, parts.zone)
    where = {"grid": grid, "checkpoint": checkpoint}
    hours: dict[int, tuple[int, tuple[float, ...]]] = {}
    guns: list[dict[str, Any]] = []
    down = ""
    try:
        with series(parts) as reader:
            for each in readings_by_hour(reader.rows("temperature", where, span.from_ms, span.until_ms)):
                hours[each.hour_ms] = each.count, (each.least, each.lower, each.median, each.upper, each.greatest)
            guns = [
                {"device": each.device, "site": say.site(each.site), "count": each.count,
                 "median": f"{each.median:.2f}", "drift": f"{each.drift:+.2f}", "tone": _tone(each)}
                for each in gun_drift(reader.rows("temperature", where, span.from_ms, span.until_ms))
            ]  # fmt: skip
    except SeriesDown as error:
        down = span.t("series_down", why=error)
    wanted = range(span.from_ms // HOUR_MS * HOUR_MS, span.until_ms, HOUR_MS)
    labels = [f"{span.moments.local(at_ms):%H}" if days == 1 else span._short(at_ms) for at_ms in wanted]
    chart = boxes(labels, [hours[at_ms][1] if at_ms in hours else None for at_ms in wanted], rule=LIMIT_CELSIUS)
    heads = ["time", "count", "chart_least", "chart_lower", "chart_median", "chart_upper", "chart_greatest"]
    rows = [
        (span.moments.full(at_ms), count, *(f"{value:.2f}" for value in values))
        for at_ms, (count, values) in sorted(hours.items(), reverse=True)
    ]
    count = sum(n for n, _ in hours.values())
    span.add("readings", chart, [span.t(head) for head in heads], rows, count=count,
             says=span.t("chart_readings_what"))  # fmt: skip
    name = name_of(place, "checkpoint", visit.language)
    back = address_of(place, "checkpoint", grid)
    return _page(request, visit, span, name, back, down=down, guns=guns, active="nav_checkpoint")


def grid(request: Request, visit: Entered, parts: With, grid: str, days: Days = 7) -> HTMLResponse:
    if grid not in known_grids(parts, visit.me):
        raise NotYours
    span = _Span(visit, parts, days)
    say = Say(visit.language, parts.zone)
    from_ms, until_ms = span.from_ms, span.until_ms
    openings: list[HourCount] = []
    raised: list[HourCount] = []
    pages: list[HourCount] = []
    answers: list[list[float]] = []
    down = ""
    try:
        with series(parts) as reader:
            door = {"grid": grid, "kind": "undeclared-opening"}
            openings = reader.counts_by_hour("incident", door, from_ms, until_ms, "decision")
            raised = reader.counts_by_hour("incident", {"grid": grid, "decision": "raised"}, from_ms, until_ms, "kind")
            pages = reader.counts_by_hour("incident", {"grid": grid, "decision": "page"}, from_ms, until_ms, "role")
            taken = {"grid": grid, "stage": "page-to-acknowledge"}
            for start_ms, _ in span.starts:
                # A day of 23 or 25 hours ends an hour from its neighbour: nobody reads that off a median.
                found = reader.percentiles("latency", "ms", taken, start_ms, start_ms + DAY_MS, (50, 90))
                answers.append([value / 60_000 for value in found])
    except SeriesDown as error:
        down = span.t("series_down", why=error)
    _openings(span, openings)
    _by_kind(span, raised, say)
    _pages(span, pages, say)
    _answers(span, answers)
    files: SiteFiles = request.app.state.files
    gates = [
        (f"{address_of(each, 'checkpoint', grid)}/charts", name_of(each, "checkpoint", visit.language))
        for each in files.checkpoints()
        if each.partition("/")[0] == grid
    ]
    name = text("common.grid", visit.language, grid=short_grid(grid))
    export = None
    if isinstance(may(visit.me, "export-figures", grid), Allowed):
        day = span.moments.local(from_ms).date(), span.moments.local(until_ms).date()
        export = {"measurements": MEASUREMENTS, "from": day[0].isoformat(), "until": day[1].isoformat(),
                  "parquet": has_parquet(), "address": f"/g/{grid}/export"}  # fmt: skip
    return _page(request, visit, span, name, "/overview", down=down, export=export, gates=gates, active="nav_overview")


def _slots(span: _Span) -> tuple[list[str], Any]:
    """Hours of one day, or days of several: their labels, and the slot of a time."""
    if span.days == 1:
        return [f"{hour:02d}" for hour in range(24)], lambda at_ms: span.moments.local(at_ms).hour
    place = {label: n for n, (_, label) in enumerate(span.starts)}
    return list(place), lambda at_ms: place.get(span._short(at_ms), 0)


def _head(span: _Span) -> str:
    return span.t("hour" if span.days == 1 else "day")


def _two(span: _Span, id: str, counts: list[tuple[int, int, int]], key: tuple[str, str]) -> None:
    """Bars of two parts out of (at_ms, part, count)."""
    labels, slot = _slots(span)
    values = [[0, 0] for _ in labels]
    for at_ms, part, count in counts:
        values[slot(at_ms)][part] += count
    said = (span.t(key[0]), span.t(key[1]))
    rows = [(label, *each) for label, each in zip(labels, values, strict=True)]
    total = sum(count for _, _, count in counts)
    span.add(id, bars(labels, values), [_head(span), *said], rows, count=total, key=said)


def _openings(span: _Span, counts: list[HourCount]) -> None:
    parts = {"raised": 0, "repeated": 0, "matched": 1}
    told = [(each.hour_ms, parts[each.value], each.count) for each in counts if each.value in parts]
    _two(span, "openings", told, ("chart_undeclared", "chart_declared"))


def _by_kind(span: _Span, counts: list[HourCount], say: Say) -> None:
    labels, slot = _slots(span)
    values = [[0] for _ in labels]
    kinds: Counter[str] = Counter()
    table: dict[str, Counter[str]] = defaultdict(Counter)
    for each in counts:
        values[slot(each.hour_ms)][0] += each.count
        table[labels[slot(each.hour_ms)]][each.value] += each.count
        kinds[each.value] += each.count
    names = [kind for kind, _ in kinds.most_common()]
    rows = [(label, *(table[label][kind] for kind in names)) for label in labels if table[label]]
    span.add("incidents", bars(labels, values), [_head(span), *map(say.kind, names)], rows, count=kinds.total())


def _pages(span: _Span, counts: list[HourCount], say: Say) -> None:
    told = [(e.hour_ms, int(is_night(span.moments.local(e.hour_ms).hour)), e.count) for e in counts]
    _two(span, "pages", told, ("chart_by_day", "chart_by_night"))
    roles: Counter[str] = Counter()
    for each in counts:
        roles[each.value] += each.count
    span.figures[-1]["what"] = " · ".join(f"{say.role(role)} {count}" for role, count in roles.most_common())


def _answers(span: _Span, answers: list[list[float]]) -> None:
    labels = [label for _, label in span.starts]
    told = [(label, each) for label, each in zip(labels, answers, strict=False) if each]
    halves = [(at_ms, each[0]) for (at_ms, _), each in zip(span.starts, answers, strict=False) if each]
    nineties = [(at_ms, each[1]) for (at_ms, _), each in zip(span.starts, answers, strict=False) if each]
    chart = lines([halves, nineties], span.from_ms, span.until_ms, span.starts, gap_ms=2 * DAY_MS, about=(0, 5))
    said = (span.t("chart_half"), span.t("chart_ninety"))
    rows = [(label, *(f"{value:.1f}" for value in each)) for label, each in told]
    span.add("answers", chart, [span.t("day"), *said], rows, count=len(told), says=f"— {said[0]} · – – {said[1]}")


def add_to(app: FastAPI) -> None:
    app.get("/g/{grid}/charts")(grid)
    app.get("/g/{grid}/h/{building}/{unit}/charts")(household)
    app.get("/g/{grid}/c/{checkpoint}/charts")(checkpoint)
