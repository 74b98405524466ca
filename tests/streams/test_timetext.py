from streams.timetext import clock_text, timestamp
from tests.streams.core import ZONE, ms


def test_whole_seconds_have_no_fraction() -> None:
    assert timestamp(ms("09:30"), ZONE) == "2020-02-16T09:30:00+08:00"
    assert timestamp(ms("09:30") + 7, ZONE) == "2020-02-16T09:30:00.007+08:00"
    assert clock_text(ms("09:30"), ZONE) == "09:30"
