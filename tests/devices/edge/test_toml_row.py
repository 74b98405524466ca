"""One table, read key by key."""

import pytest

from devices.edge.complaints import Collector
from devices.edge.toml_lines import TomlFile
from devices.edge.toml_row import Row


def read(text):
    file = TomlFile("f.toml", "[[row]]\n" + text)
    into = Collector("f.toml")
    return Row(file, ("row", 0), file.data["row"][0], into), into


@pytest.mark.parametrize("text", ["v = 3", 'v = ""', 'v = "a\\u0000b"', f'v = "{"x" * 501}"', ""])
def test_a_text_that_is_none(text):
    row, into = read(text)
    assert row.text("v", needed=True) == ""
    assert [c.line for c in into.found] == [2 if text else 1]


@pytest.mark.parametrize("value", ['"3600"', "true", "0", "-5", "nan", "inf", "1e12", "[1]"])
def test_a_bad_span(value):
    row, into = read(f"v = {value}")
    assert row.seconds("v", 86_400) is None
    assert len(into.found) == 1


def test_a_span():
    row, into = read("v = 3600\nw = 0.5e3")
    assert (row.seconds("v", 86_400), row.seconds("w", 86_400), row.seconds("absent", 1)) == (3600.0, 500.0, None)
    assert not into.found


@pytest.mark.parametrize(
    "value",
    [
        '"2020-02-10T00:00:00+08:00"',
        "2020-02-10T00:00:00+08:00",
        '"2020-02-09T16:00:00Z"',
        '"2020-02-09 16:00:00+00:00"',
    ],
)
def test_one_moment_in_every_writing(value):
    row, into = read(f"v = {value}")
    assert row.time_ms("v") == 1_581_264_000_000
    assert not into.found


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ('"2020-02-10T00:00:00"', "no time zone"),
        ("2020-02-10T00:00:00", "no time zone"),
        ("2020-02-10", "without a time of day"),
        ('"soon"', "is no time"),
        ("7", "is no time"),
        ("09:30:00", "is no time"),
    ],
)
def test_a_bad_moment(value, what):
    row, into = read(f"v = {value}")
    assert row.time_ms("v") is None
    assert what in into.found[0].what


@pytest.mark.parametrize(("value", "minutes"), [('"09:30"', 570), ('"00:00"', 0), ('"23:59"', 1439), ("09:30:00", 570)])
def test_a_time_of_day(value, minutes):
    row, into = read(f"v = {value}")
    assert row.clock_min("v") == minutes
    assert not into.found


@pytest.mark.parametrize("value", ['"9:30"', '"24:00"', '"09:60"', "930", '"09:3٣"'])
def test_a_bad_time_of_day(value):
    row, into = read(f"v = {value}")
    assert row.clock_min("v") is None
    assert len(into.found) == 1


def test_a_secret_is_64_hexadecimal_digits_kept_in_lower_case():
    row, into = read(f'v = "{"AB" * 32}"\nw = "secret"')
    assert row.secret("v") == "ab" * 32
    assert row.secret("w") == ""
    assert "not the secret" in into.found[0].remedy


def test_an_unknown_key_is_told_with_the_nearest_one():
    row, into = read("topik = 1")
    row.only(["topic", "id"])
    assert [(c.line, c.remedy) for c in into.found] == [(2, "did you mean 'topic'?")]


def test_flags_and_choices():
    row, into = read('a = true\nb = "yes"\nc = "ear"\nd = "nose"')
    assert (row.flag("a"), row.flag("absent"), row.flag("b")) == (True, False, False)
    assert (row.one_of("c", ["ear"]), row.one_of("d", ["ear"])) == ("ear", "")
    assert [c.line for c in into.found] == [3, 5]


def test_a_path_is_taken_from_the_folder_of_its_file():
    file = TomlFile("/site/f.toml", '[[row]]\na = "s/token"\nb = "/etc/token"\nc = 3\n')
    into = Collector("f.toml")
    row = Row(file, ("row", 0), file.data["row"][0], into)
    assert (row.path("a"), row.path("b"), row.path("absent")) == ("/site/s/token", "/etc/token", "")
    assert row.path("c") == ""
    assert [c.line for c in into.found] == [4]
