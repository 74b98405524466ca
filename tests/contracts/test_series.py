"""What every adapter of the series port must do: one table of cases, run on each of them."""

import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from streams.edge.embedded_series import EmbeddedReader, EmbeddedSeries
from streams.edge.influx import Influx, InfluxReader, InfluxSeries
from streams.edge.series import HourCount, Progress, SeriesReader, SeriesWriter
from streams.measurements import BY_NAME, Keep, Point
from tests.servers import Influxd

DAYS: dict[Keep, int] = {"raw": 30, "incidents": 1095}
HOUR_MS = 3_600_000
# Whole hours of yesterday: InfluxDB refuses points older than its buckets keep.
NOW_MS = time.time_ns() // 1_000_000
T0_MS = NOW_MS // HOUR_MS * HOUR_MS - 24 * HOUR_MS


class Way:
    """One store of one adapter: its writer, a reader, and the writer's process ended and started again."""

    def __init__(self, make_writer: Callable[[], SeriesWriter], reader: SeriesReader) -> None:
        self._make_writer = make_writer
        self.writer = make_writer()
        self.reader = reader

    def restart(self) -> None:
        self.writer.close()
        self.writer = self._make_writer()

    def write(self, *points: Point) -> None:
        assert self.writer.write(points, Progress()) == 0

    def all(self, measurement: str, **where: str) -> list[Point]:
        return list(self.reader.rows(measurement, where, T0_MS - HOUR_MS, NOW_MS + HOUR_MS))

    def close(self) -> None:
        self.writer.close()
        self.reader.close()


@contextmanager
def embedded(folder: Path, _request: pytest.FixtureRequest) -> Iterator[Way]:
    way = Way(lambda: EmbeddedSeries(folder / "series.db"), EmbeddedReader(folder / "series.db"))
    yield way
    way.close()


_bucket = itertools.count()


@contextmanager
def influx(folder: Path, request: pytest.FixtureRequest) -> Iterator[Way]:
    server: Influxd = request.getfixturevalue("influxd")
    bucket = f"contract-{next(_bucket)}"

    def connect() -> Influx:
        return Influx(url=server.url, org=server.org, bucket=bucket, token=server.token)

    def make() -> InfluxSeries:
        return InfluxSeries(folder / "series.db", connect(), days=DAYS, clock=lambda: NOW_MS)

    connection = connect()
    connection.prepare(DAYS)
    way = Way(make, InfluxReader(connection))
    yield way
    way.close()


ADAPTERS = {"embedded": embedded, "influx": influx}


def door(at_ms: int, is_open: bool, *, household: str = "h1", nudge: int = 0, counted: int | None = None) -> Point:
    tags = ("g017", "3", household, "d-" + household, "live")
    return Point("door", tags, (int(is_open), counted, None), at_ms * 1_000_000 + nudge)


def latency(at_ms: int, ms: int, *, stage: str = "event-to-page", grid: str = "g017") -> Point:
    return Point("latency", (grid, "undeclared-opening", "worker", stage, ""), (ms,), at_ms * 1_000_000)


def points_come_back_whole_and_in_order(way: Way) -> None:
    first = door(T0_MS, True, counted=7, nudge=123_456)
    second = Point("temperature", ("g017", "3", "", "h1", "", "ear"), (36.6, None, None), T0_MS * 1_000_000 + 1)
    third = door(T0_MS + 5, False)
    way.write(third, second, first)
    assert way.all("door") == [first, third]
    assert way.all("temperature") == [second]


def a_point_written_twice_is_one(way: Way) -> None:
    point = door(T0_MS, True)
    way.write(point, point)
    way.write(point)
    assert way.all("door") == [point]


def two_things_in_one_millisecond_are_two_points(way: Way) -> None:
    way.write(door(T0_MS, True, nudge=1), door(T0_MS, True, nudge=2))
    assert len(way.all("door")) == 2


def every_measurement_of_the_table_is_taken(way: Way) -> None:
    for row in BY_NAME.values():
        tags = tuple(f"{tag}-1" for tag in row.tags)
        whole = Point(row.name, tags, tuple(3 if f.type == "int" else 2.5 for f in row.fields), T0_MS * 1_000_000)
        least = (1 if row.fields[0].type == "int" else 36.0, *(None for _ in row.fields[1:]))
        bare = Point(row.name, ("",) * len(tags), least, T0_MS * 1_000_000)
        way.write(whole, bare)
        found = way.all(row.name)
        assert len(found) == 2
        assert set(found) == {whole, bare}


def odd_words_in_tags_come_back(way: Way) -> None:
    tags = ("网格 1", '3,"=${x}', "h=1", "d 1", "live")
    point = Point("door", tags, (1, None, None), T0_MS * 1_000_000)
    way.write(point)
    assert way.all("door", grid="网格 1") == [point]
    assert way.all("door", building='3,"=${x}') == [point]


def only_the_place_asked_for_and_only_the_time(way: Way) -> None:
    way.write(door(T0_MS, True), door(T0_MS, True, household="h2"), door(T0_MS + HOUR_MS, False))
    assert way.all("door", household="h2") == [door(T0_MS, True, household="h2")]
    found = list(way.reader.rows("door", {"household": "h1"}, T0_MS, T0_MS + HOUR_MS))
    assert found == [door(T0_MS, True)], "from is included, until is not"
    assert way.all("door", household="h3") == []


def rows_stop_at_the_limit(way: Way) -> None:
    way.write(*(door(T0_MS + n * 1000, bool(n % 2), household=f"h{n % 3}") for n in range(30)))
    found = list(way.reader.rows("door", {"grid": "g017"}, T0_MS, NOW_MS, limit=7))
    assert [point.at_ns // 1_000_000 for point in found] == [T0_MS + n * 1000 for n in range(7)]


def many_rows_come_in_order(way: Way) -> None:
    way.write(*(door(T0_MS + n * 1000, bool(n % 2), household=f"h{n % 7}") for n in range(4_000)))
    found = [point.at_ns for point in way.all("door", grid="g017")]
    assert len(found) == 4_000
    assert found == sorted(found)


def counts_are_by_hour_and_tag(way: Way) -> None:
    def page(at_ms: int, role: str) -> Point:
        return Point("incident", ("g017", "3", "fever", "page", role, ""), (1, 0, None), at_ms * 1_000_000)

    half = HOUR_MS // 2
    way.write(page(T0_MS + half, "doctor"), page(T0_MS + half + 1, "doctor"), page(T0_MS + half, "worker"))
    way.write(page(T0_MS + HOUR_MS, "doctor"))
    found = way.reader.counts_by_hour("incident", {"grid": "g017", "decision": "page"}, T0_MS + half, NOW_MS, "role")
    assert found == [
        HourCount(T0_MS, "doctor", 2),
        HourCount(T0_MS, "worker", 1),
        HourCount(T0_MS + HOUR_MS, "doctor", 1),
    ]


def the_latest_holds_the_newest_of_every_field(way: Way) -> None:
    def heard(at_ms: int, household: str, battery: float | None, signal: float | None) -> Point:
        tags = ("g017", "3", "", household, "d-" + household, "household")
        return Point("device", tags, (1, battery, None, signal, None, None, None), at_ms * 1_000_000)

    way.write(heard(T0_MS, "h1", 97.0, None), heard(T0_MS + 1, "h1", None, -60.5), heard(T0_MS, "h2", 12.0, None))
    first, second = way.reader.latest("device", {"grid": "g017"}, T0_MS, NOW_MS)
    assert first == heard(T0_MS + 1, "h1", 97.0, -60.5)
    assert second == heard(T0_MS, "h2", 12.0, None)


def percentiles_are_of_nearest_rank(way: Way) -> None:
    way.write(*(latency(T0_MS + n, n) for n in range(1, 101)), latency(T0_MS, 9_999, grid="g018"))
    asked = {"grid": "g017", "stage": "event-to-page"}
    assert way.reader.percentiles("latency", "ms", asked, T0_MS, NOW_MS, (50, 99, 100)) == [50.0, 99.0, 100.0]
    assert way.reader.percentiles("latency", "ms", asked, T0_MS, NOW_MS, (99,)) == [99.0]
    assert way.reader.percentiles("latency", "ms", {"grid": "g099"}, T0_MS, NOW_MS, (50, 99)) == []


def progress_is_there_after_a_restart(way: Way) -> None:
    way.writer.write([door(T0_MS, True)], Progress({("inbox", 0): 17, ("outbox", 0): 4}, {"clock:d": b"1", "x": b"2"}))
    way.writer.write([door(T0_MS + 1, False)], Progress({("inbox", 0): 18}, {"x": None}))
    way.restart()
    assert way.writer.cursors() == {("inbox", 0): 18, ("outbox", 0): 4}
    assert way.writer.kept() == {"clock:d": b"1"}
    way.write(door(T0_MS + 2, True))
    assert len(way.all("door")) == 3


def progress_without_points_is_remembered(way: Way) -> None:
    way.writer.write([], Progress({("inbox", 3): 5}))
    way.restart()
    assert way.writer.cursors() == {("inbox", 3): 5}


def an_erased_household_is_gone_and_no_other(way: Way) -> None:
    temperature = Point("temperature", ("g017", "3", "", "h1", "d-h1", ""), (36.6, None, None), T0_MS * 1_000_000)
    way.write(door(T0_MS, True), door(T0_MS + 1, False), door(T0_MS, True, household="h2"), temperature)
    assert way.writer.erase("h1") == 3
    assert way.all("door") == [door(T0_MS, True, household="h2")]
    assert way.all("temperature") == []
    assert way.writer.erase("h1") == 0
    way.write(door(T0_MS + 2, True))
    assert len(way.all("door")) == 2, "a series that was erased can be written again"


def a_question_nobody_can_answer_is_refused(way: Way) -> None:
    with pytest.raises(ValueError, match="no measurement 'doors'"):
        way.reader.rows("doors", {}, 0, 1).__next__()
    with pytest.raises(ValueError, match="no tag 'name'"):
        way.reader.counts_by_hour("door", {"name": "x"}, 0, 1, "grid")
    with pytest.raises(ValueError, match="no field 'seconds'"):
        way.reader.percentiles("latency", "seconds", {}, 0, 1, (50,))


CASES = [
    points_come_back_whole_and_in_order,
    a_point_written_twice_is_one,
    two_things_in_one_millisecond_are_two_points,
    every_measurement_of_the_table_is_taken,
    odd_words_in_tags_come_back,
    only_the_place_asked_for_and_only_the_time,
    rows_stop_at_the_limit,
    many_rows_come_in_order,
    counts_are_by_hour_and_tag,
    the_latest_holds_the_newest_of_every_field,
    percentiles_are_of_nearest_rank,
    progress_is_there_after_a_restart,
    progress_without_points_is_remembered,
    an_erased_household_is_gone_and_no_other,
    a_question_nobody_can_answer_is_refused,
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
@pytest.mark.parametrize(
    "adapter", [pytest.param(name, marks=[pytest.mark.live] * (name == "influx")) for name in ADAPTERS]
)
def test_series(adapter: str, case: Callable[[Way], None], tmp_path: Path, request: pytest.FixtureRequest) -> None:
    with ADAPTERS[adapter](tmp_path, request) as way:
        case(way)
