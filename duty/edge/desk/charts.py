"""Charts as numbers a template draws: bars, lines and boxes in drawing units, with the ticks of both axes.

Drawn small, 360 wide, so that their words can be read on a phone; the page beside each has the same as a table.  What
two series mean is told by shape and lightness, never by hue alone.
"""

import math
from collections.abc import Sequence

import msgspec

WIDTH, HEIGHT = 360.0, 190.0
LEFT, RIGHT, TOP, BOTTOM = 34.0, 6.0, 8.0, 22.0
_INNER_W, _INNER_H = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
_LABEL_W = 40.0
_DOTS_UP_TO = 120
_MOST_POINTS = 600


class Tick(msgspec.Struct, frozen=True):
    """A line across and its word."""

    at: float
    text: str


class Rect(msgspec.Struct, frozen=True):
    """A piece of a bar; `part` 0 stands at the bottom."""

    x: float
    y: float
    width: float
    height: float
    part: int


class Box(msgspec.Struct, frozen=True):
    """Least, quartiles, median and greatest at `x`."""

    x: float
    width: float
    least: float
    lower: float
    median: float
    upper: float
    greatest: float


class Chart(msgspec.Struct, frozen=True, kw_only=True):
    """What the template draws."""

    x_ticks: list[Tick]
    y_ticks: list[Tick]
    rects: list[Rect] = []
    boxes: list[Box] = []
    paths: list[str] = []
    dots: list[tuple[float, float]] = []
    rule: float | None = None  # a limit, drawn across

    @property
    def is_empty(self) -> bool:
        return not (self.rects or self.boxes or self.paths or self.dots)


def steps(least: float, most: float, count: int = 4) -> list[float]:
    """Round values from at or below `least` to at or above `most`."""
    span = max(most - least, 0.4)
    raw = span / count
    size = 10.0 ** math.floor(math.log10(raw))
    step = next(size * n for n in (1, 2, 5, 10) if size * n >= raw * 0.999)
    first, last = math.floor(least / step + 1e-9), math.ceil(most / step - 1e-9)
    return [round(n * step, 6) for n in range(first, max(last, first + 1) + 1)]


def _steps_of(told: Sequence[float], rule: float | None, about: Sequence[float] = ()) -> list[float]:
    """Steps that hold what is told, the rule, and what is always shown."""
    whole = [*told, *about] if rule is None else [*told, *about, rule]
    return steps(min(whole, default=0), max(whole, default=1))


def _y(value: float, low: float, high: float) -> float:
    return round(TOP + _INNER_H * (1 - (value - low) / (high - low)), 1)


def _y_ticks(values: Sequence[float]) -> list[Tick]:
    low, high = values[0], values[-1]
    return [Tick(_y(value, low, high), f"{value:g}") for value in values]


def _x_ticks(labels: Sequence[str], place: float) -> list[Tick]:
    """As many labels as have room."""
    every = max(1, math.ceil(len(labels) * _LABEL_W / _INNER_W))
    return [Tick(round(LEFT + (n + 0.5) * place, 1), label) for n, label in enumerate(labels) if n % every == 0]


def bars(labels: Sequence[str], values: Sequence[Sequence[int]]) -> Chart:
    """A bar a label; its parts stand on one another, the first at the bottom."""
    top = max((sum(parts) for parts in values), default=0)
    ticks = [value for value in steps(0, max(top, 1)) if value == int(value)]
    place = _INNER_W / max(1, len(labels))
    width = round(place * 0.72, 1)
    rects: list[Rect] = []
    for n, parts in enumerate(values):
        below = 0
        for part, value in enumerate(parts):
            if value:
                y, foot = _y(below + value, 0, ticks[-1]), _y(below, 0, ticks[-1])
                rects.append(Rect(round(LEFT + n * place + place * 0.14, 1), y, width, round(foot - y, 1), part))
                below += value
    return Chart(x_ticks=_x_ticks(labels, place), y_ticks=_y_ticks(ticks), rects=rects)


def boxes(labels: Sequence[str], values: Sequence[Sequence[float] | None], *, rule: float | None = None) -> Chart:
    """Least, lower quartile, median, upper quartile, greatest for each label; None where there is nothing."""
    told = [value for each in values if each for value in each]
    ticks = _steps_of(told, rule)
    low, high = ticks[0], ticks[-1]
    place = _INNER_W / max(1, len(labels))
    made = [
        Box(round(LEFT + (n + 0.5) * place, 1), round(min(place * 0.6, 14), 1), *(_y(v, low, high) for v in each))
        for n, each in enumerate(values)
        if each
    ]
    return Chart(
        x_ticks=_x_ticks(labels, place), y_ticks=_y_ticks(ticks), boxes=made,
        rule=None if rule is None or not told else _y(rule, low, high),
    )  # fmt: skip


def lines(
    series: Sequence[Sequence[tuple[int, float]]], from_ms: int, until_ms: int, days: Sequence[tuple[int, str]], *,
    gap_ms: int, rule: float | None = None, about: Sequence[float] = (),
) -> Chart:  # fmt: skip
    """A line for each series of (at_ms, value), broken where nothing was said for `gap_ms`.  `days` mark the time, and
    the values of `about` are always on the sheet."""
    thinned = [_thin(each) for each in series if each]
    told = [value for each in thinned for _, value in each]
    ticks = _steps_of(told, rule, about)
    low, high = ticks[0], ticks[-1]

    def x(at_ms: int) -> float:
        return round(LEFT + _INNER_W * (at_ms - from_ms) / max(1, until_ms - from_ms), 1)

    paths: list[str] = []
    dots: list[tuple[float, float]] = []
    for each in thinned:
        path, before_ms = "", None
        for at_ms, value in each:
            pen = "M" if before_ms is None or at_ms - before_ms > gap_ms else "L"
            path += f"{pen}{x(at_ms):g} {_y(value, low, high):g}"
            before_ms = at_ms
        paths.append(path)
        if len(each) <= _DOTS_UP_TO:
            dots += [(x(at_ms), _y(value, low, high)) for at_ms, value in each]
    every = max(1, math.ceil(len(days) * _LABEL_W / _INNER_W))
    x_ticks = [Tick(x(at_ms), label) for n, (at_ms, label) in enumerate(days) if n % every == 0 and at_ms >= from_ms]
    return Chart(
        x_ticks=x_ticks, y_ticks=_y_ticks(ticks), paths=paths, dots=dots,
        rule=None if rule is None or not told else _y(rule, low, high),
    )  # fmt: skip


def _thin(points: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    """At most some hundreds, the least and the greatest of each stretch among them."""
    if len(points) <= _MOST_POINTS:
        return list(points)
    size = math.ceil(len(points) / (_MOST_POINTS // 2))
    kept: list[tuple[int, float]] = []
    for start in range(0, len(points), size):
        some = points[start : start + size]
        two = {min(some, key=lambda p: p[1]), max(some, key=lambda p: p[1])}
        kept += sorted(two)
    return kept
