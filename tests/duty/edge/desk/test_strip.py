"""A door's fortnight: what is counted on which day, and where a mark lies."""

from zoneinfo import ZoneInfo

from duty.edge.desk.moments import Moments
from duty.edge.desk.strip import DAYS, NARROWEST, WIDTH, Opening, days_of

HOUR = 3_600_000
NOW_MS = 1_581_791_640_000  # 2020-02-16 02:34 in Shanghai
MOMENTS = Moments("zh", ZoneInfo("Asia/Shanghai"), NOW_MS)
TODAY = MOMENTS.day_start_ms(NOW_MS)


def test_a_row_a_day_today_last() -> None:
    rows = days_of([], MOMENTS)
    assert len(rows) == DAYS
    assert (rows[-1].label, rows[-1].weekday) == ("2月16日", "周日")
    assert rows[0].label == "2月3日"


def test_a_mark_lies_where_the_hour_is_and_is_as_wide_as_it_was_long() -> None:
    rows = days_of([Opening(opened_ms=TODAY - 12 * HOUR, closed_ms=TODAY - 6 * HOUR)], MOMENTS)
    (mark,) = rows[-2].marks
    assert (mark.x, mark.width) == (WIDTH / 2, WIDTH / 4)
    assert rows[-2].undeclared == 1


def test_a_short_opening_is_still_to_be_seen() -> None:
    (mark,) = days_of([Opening(opened_ms=TODAY + HOUR, closed_ms=TODAY + HOUR + 1000, declared=True)], MOMENTS)[
        -1
    ].marks
    assert mark.width == NARROWEST
    assert mark.declared


def test_one_over_midnight_is_drawn_twice_and_counted_once() -> None:
    rows = days_of([Opening(opened_ms=TODAY - HOUR, closed_ms=TODAY + HOUR)], MOMENTS)
    assert [len(row.marks) for row in rows[-2:]] == [1, 1]
    assert [len(row.openings) for row in rows[-2:]] == [1, 0]


def test_one_that_still_stands_ends_now() -> None:
    (mark,) = days_of([Opening(opened_ms=TODAY)], MOMENTS)[-1].marks
    assert mark.x == 0
    assert round(mark.width) == round((NOW_MS - TODAY) / (24 * HOUR) * WIDTH)


def test_one_before_the_fortnight_is_left_out() -> None:
    rows = days_of([Opening(opened_ms=TODAY - 30 * 24 * HOUR, closed_ms=TODAY - 30 * 24 * HOUR + HOUR)], MOMENTS)
    assert all(not row.marks and not row.openings for row in rows)


def test_no_mark_leaves_its_row() -> None:
    rows = days_of([Opening(opened_ms=TODAY - 1, closed_ms=TODAY)], MOMENTS)
    assert all(mark.x >= 0 and mark.x + mark.width <= WIDTH for row in rows for mark in row.marks)
