from zoneinfo import ZoneInfo

import pytest

from streams.calendar import at_minute, minute_of_day, next_minute, opens_at, window_end, within
from tests.streams.core import ZONE, ms


def test_minute_of_day_is_local() -> None:
    assert minute_of_day(ms("00:00"), ZONE) == 0
    assert minute_of_day(ms("23:59:59"), ZONE) == 23 * 60 + 59


@pytest.mark.parametrize(
    ("minute", "start", "end", "inside"),
    [(480, 480, 1200, True), (1200, 480, 1200, False), (479, 480, 1200, False), (10, 1320, 420, True),
     (420, 1320, 420, False), (1320, 1320, 420, True)],
)  # fmt: skip
def test_hours_begin_with_their_first_minute_and_end_before_their_last(
    minute: int, start: int, end: int, inside: bool
) -> None:
    assert within(minute, start, end) is inside


def test_next_minute_is_strictly_later() -> None:
    assert next_minute(ms("12:00"), 720, ZONE) == ms("+1 12:00")
    assert next_minute(ms("11:59:59"), 720, ZONE) == ms("12:00")


def test_quiet_hours_over_midnight() -> None:
    assert opens_at(ms("20:00"), (480, 1200), ZONE) == ms("+1 08:00")
    assert opens_at(ms("02:00"), (480, 1200), ZONE) == ms("08:00")
    assert opens_at(ms("08:00"), (480, 1200), ZONE) == ms("08:00")


def test_window_end() -> None:
    assert window_end(ms("07:00"), (420, 480), ZONE) == ms("08:00")
    assert window_end(ms("07:59:59"), (420, 480), ZONE) == ms("08:00")
    assert window_end(ms("08:00"), (420, 480), ZONE) is None
    assert window_end(ms("23:30"), (1380, 60), ZONE) == ms("+1 01:00")


def test_a_day_that_the_clock_changes_has_its_own_midnight() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    noon_after = 1585476000000  # 2020-03-29T12:00+02:00, the night before lost an hour
    assert at_minute(noon_after, 0, berlin) == noon_after - 11 * 3_600_000
