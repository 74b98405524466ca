"""Times as people read them."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from duty.edge.desk.moments import Moments

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW_MS = 1_581_791_640_000  # 2020-02-16 02:34 in Shanghai


def ms(*parts: int, zone: ZoneInfo = SHANGHAI) -> int:
    return round(datetime(*parts, tzinfo=zone).timestamp() * 1000)  # type: ignore[misc]


@pytest.mark.parametrize(
    ("at_ms", "chinese", "english"),
    [
        (ms(2020, 2, 16, 2, 10), "02:10", "02:10"),
        (ms(2020, 2, 15, 22, 51), "2月15日 22:51", "15 Feb 22:51"),
        (ms(2019, 12, 31, 8, 0), "2019年12月31日 08:00", "31 Dec 2019 08:00"),
        (None, "—", "—"),
    ],
)
def test_a_time_names_its_day_where_it_is_not_today(at_ms: int | None, chinese: str, english: str) -> None:
    assert Moments("zh", SHANGHAI, NOW_MS).clock(at_ms) == chinese
    assert Moments("en", SHANGHAI, NOW_MS).clock(at_ms) == english


@pytest.mark.parametrize(
    ("span_ms", "chinese", "english"),
    [
        (-5, "0 秒", "0 s"),
        (59_999, "59 秒", "59 s"),
        (60_000, "1 分钟", "1 min"),
        (3_600_000, "1 小时", "1 h"),
        (3_660_000, "1 小时 1 分", "1 h 1 min"),
        (86_400_000, "1 天", "1 d"),
        (100_000_000, "1 天 3 小时", "1 d 3 h"),
        (None, "—", "—"),
    ],
)
def test_a_duration_has_its_two_largest_units(span_ms: int | None, chinese: str, english: str) -> None:
    assert Moments("zh", SHANGHAI, NOW_MS).long(span_ms) == chinese
    assert Moments("en", SHANGHAI, NOW_MS).long(span_ms) == english


def test_a_latency_is_told_in_milliseconds_while_it_is_short() -> None:
    moments = Moments("en", SHANGHAI, NOW_MS)
    assert moments.short(4.4) == "4 ms"
    assert moments.short(9999) == "9999 ms"
    assert moments.short(10_000) == "10 s"
    assert moments.short(None) == "—"


def test_a_day_begins_at_midnight_of_the_zone() -> None:
    moments = Moments("zh", SHANGHAI, NOW_MS)
    assert moments.day_start_ms(NOW_MS) == ms(2020, 2, 16)
    assert moments.day_start_ms(NOW_MS, 16) == ms(2020, 1, 31)
    assert moments.day_start_ms(NOW_MS, -1) == ms(2020, 2, 17)


def test_a_day_of_23_hours_is_one_day() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    after = ms(2026, 3, 30, 12, 0, zone=berlin)
    moments = Moments("en", berlin, after)
    assert moments.day_start_ms(after, 1) == ms(2026, 3, 29, zone=berlin)
    assert moments.day_start_ms(after) - moments.day_start_ms(after, 1) == 23 * 3_600_000


def test_iso_says_the_zone() -> None:
    assert Moments("zh", SHANGHAI, NOW_MS).iso(NOW_MS) == "2020-02-16T02:34:00+08:00"
    assert datetime.fromtimestamp(NOW_MS / 1000, UTC).hour == 18
