"""Points as lines: what is escaped, what is left out, and times to the last digit."""

import pytest

from streams import line_protocol
from streams.line_protocol import Lines, time_ns
from streams.measurements import Point


def line(measurement: str, tags: tuple[str, ...], fields: tuple[float | None, ...], at_ns: int = 7) -> str:
    return Lines().line(Point(measurement, tags, fields, at_ns))


def test_a_point_is_measurement_tags_fields_time():
    text = line("door", ("g017", "3", "9f86d081884c7d65", "d1", "live"), (1, 17, None), 1_581_816_600_000_000_042)
    assert text == (
        "door,grid=g017,building=3,household=9f86d081884c7d65,device=d1,report=live "
        "open=1i,counted=17i 1581816600000000042"
    )


def test_empty_tags_and_unsaid_fields_are_left_out():
    assert line("door", ("g017", "", "", "", ""), (0, None, None)) == "door,grid=g017 open=0i 7"
    assert line("system", ("",), (1,)) == "system well=1i 7"


def test_a_float_is_one_even_where_it_is_whole():
    tags = ("g1", "", "north", "", "gun", "ear")
    assert line("temperature", tags, (37, 1e-7, 1)).split(" ")[1] == "celsius=37.0,ambient_celsius=1e-07,implausible=1i"


def test_what_would_end_a_tag_is_escaped():
    assert line("system", ("a b,c=d",), (1,)) == "system,part=a\\ b\\,c\\=d well=1i 7"


@pytest.mark.parametrize("text", ["a\nb", "a\rb", "a\\"])
def test_what_would_end_a_line_is_replaced(text):
    written = line("system", (text,), (1,))
    assert "\n" not in written
    assert "\r" not in written
    assert written.endswith(" well=1i 7")
    assert "\\ well" not in written


def test_a_series_seen_before_is_written_the_same():
    lines = Lines()
    first = lines.line(Point("system", ("sink",), (1,), 1))
    assert lines.line(Point("system", ("sink",), (1,), 1)) == first


@pytest.mark.parametrize(
    ("text", "at_ns"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2020-02-16T01:30:00Z", 1_581_816_600_000_000_000),
        ("2020-02-16T01:30:00.5Z", 1_581_816_600_500_000_000),
        ("2020-02-16T01:30:00.000123456Z", 1_581_816_600_000_123_456),
    ],
)
def test_a_time_comes_back_to_the_nanosecond(text, at_ns):
    assert time_ns(text) == at_ns


def test_more_values_than_are_remembered_are_written_right_all_the_same(monkeypatch):
    monkeypatch.setattr(line_protocol, "_MOST_VALUES", 3)
    lines = Lines()
    for n in (*range(9), *range(9)):
        assert lines.line(Point("latency", ("g1", "", "", "", ""), (n,), 7)) == f"latency,grid=g1 ms={n}i 7"
    assert len(lines._values["latency"]) <= 3
