"""Numbers become drawing units; nothing is drawn beside the sheet."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duty.edge.desk.charts import HEIGHT, LEFT, TOP, WIDTH, Chart, bars, boxes, lines, steps

values = st.floats(-1000, 1000, allow_nan=False)


@pytest.mark.parametrize(
    ("least", "most", "told"),
    [(0, 1, [0, 0.5, 1]), (0, 7, [0, 2, 4, 6, 8]), (35.4, 37.9, [35, 36, 37, 38]), (0, 0, [0]), (-90, -60, [-90, -80])],
)
def test_steps_are_round_and_hold_all(least: float, most: float, told: list[float]) -> None:
    found = steps(least, most)
    assert found[0] <= least and found[-1] >= most and found[-1] > found[0]
    assert set(told) <= set(found) and len(found) <= 8


@given(values, values)
def test_steps_hold_whatever_there_is(one: float, other: float) -> None:
    found = steps(min(one, other), max(one, other))
    assert found[0] <= min(one, other) + 1e-3 and found[-1] >= max(one, other) - 1e-3 and len(found) < 12


def on_the_sheet(chart: Chart) -> bool:
    places = [(r.x, r.y) for r in chart.rects] + [(r.x + r.width, r.y + r.height) for r in chart.rects]
    places += [(b.x, y) for b in chart.boxes for y in (b.least, b.lower, b.median, b.upper, b.greatest)] + chart.dots
    pens = re.compile(r"[ML]([\d.e+-]+) ([\d.e+-]+)")
    places += [(float(x), float(y)) for path in chart.paths for x, y in pens.findall(path)]
    places += [(t.at, TOP) for t in chart.x_ticks] + [(LEFT, t.at) for t in chart.y_ticks]
    return all(LEFT - 0.2 <= x <= WIDTH and TOP - 0.2 <= y <= HEIGHT for x, y in places)


def test_parts_stand_on_one_another() -> None:
    chart = bars(["a", "b"], [(2, 3), (0, 0)])
    low, high = chart.rects
    assert (low.part, high.part) == (0, 1)
    assert high.y + high.height == pytest.approx(low.y, abs=0.2)
    assert high.height == pytest.approx(low.height * 1.5, abs=0.2)
    assert on_the_sheet(chart) and not chart.is_empty
    assert all("." not in tick.text for tick in chart.y_ticks), "nobody is paged half a time"


def test_labels_that_have_no_room_are_left_out() -> None:
    assert len(bars([str(n) for n in range(200)], [(1,)] * 200).x_ticks) <= 9


def test_a_box_has_its_median_between_its_quartiles() -> None:
    chart = boxes(["8", "9", "10"], [(35.2, 36.1, 36.4, 36.6, 38.9), None, (36.0, 36.0, 36.0, 36.0, 36.0)], rule=37.3)
    first, second = chart.boxes
    assert first.greatest < first.upper < first.median < first.lower < first.least
    assert second.least == second.greatest
    assert chart.rule is not None and first.greatest < chart.rule < first.upper
    assert on_the_sheet(chart)


def test_a_line_is_broken_where_nothing_was_said() -> None:
    chart = lines([[(0, 1.0), (10, 2.0), (100, 3.0)]], 0, 100, [(0, "a"), (50, "b")], gap_ms=20)
    assert [piece[0] for piece in re.findall(r"[ML]", chart.paths[0])] == ["M", "L", "M"]
    assert len(chart.dots) == 3 and [tick.text for tick in chart.x_ticks] == ["a", "b"]
    assert on_the_sheet(chart)


@given(st.lists(st.tuples(st.integers(0, 10_000), values), max_size=50))
def test_whatever_is_drawn_is_on_the_sheet(points: list[tuple[int, float]]) -> None:
    chart = lines([sorted(points)], 0, 10_000, [(0, "a")], gap_ms=5000)
    assert on_the_sheet(chart) and chart.is_empty is (not points)


def test_a_long_line_keeps_its_least_and_greatest() -> None:
    points = [(n, float(n % 7)) for n in range(20_000)]
    points[12_345] = (12_345, 99.0)
    chart = lines([points], 0, 20_000, [], gap_ms=1000)
    assert chart.dots == [] and len(re.findall(r"[ML]", chart.paths[0])) <= 700
    assert f" {TOP + 1:g}" in chart.paths[0] or min(float(y) for y in re.findall(r" ([\d.]+)", chart.paths[0])) < 15


def test_nothing_is_an_empty_chart() -> None:
    assert bars([], []).is_empty and boxes([], []).is_empty and lines([], 0, 1, [], gap_ms=1).is_empty
    assert boxes(["8"], [None], rule=37.3).rule is None
