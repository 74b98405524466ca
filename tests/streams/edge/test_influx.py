"""InfluxDB away, wrongly set up, or refusing lines: a real influxd each time."""

import itertools
import math
import time
from pathlib import Path

import pytest

from streams.edge.influx import Influx, InfluxReader, InfluxSeries
from streams.edge.series import Progress, SeriesDown
from streams.measurements import Keep, Point
from tests.servers import Influxd

DAYS: dict[Keep, int] = {"raw": 30, "incidents": 1095}
NOW_MS = time.time_ns() // 1_000_000
_bucket = itertools.count()


def connect(server: Influxd, bucket: str = "", token: str = "", org: str = "") -> Influx:
    name = bucket or f"influx-{next(_bucket)}"
    return Influx(url=server.url, org=org or server.org, bucket=name, token=token or server.token)


def series(folder: Path, influx: Influx) -> InfluxSeries:
    return InfluxSeries(folder / "series.db", influx, days=DAYS, clock=lambda: NOW_MS)


def reading(n: int, celsius: float = 36.5) -> Point:
    tags = ("g017", "", "north", "", f"gun-{n % 3}", "ear")
    return Point("temperature", tags, (celsius, None, None), (NOW_MS - n) * 1_000_000 + n)


def count(influx: Influx) -> int:
    return len(list(InfluxReader(influx).rows("temperature", {"grid": "g017"}, NOW_MS - 86_400_000, NOW_MS + 1)))


def test_bad_lines_are_found_and_put_aside_and_all_others_are_written(tmp_path: Path, influxd: Influxd) -> None:
    influx = connect(influxd)
    store = series(tmp_path, influx)
    bad = {17, 4_000, 4_001}
    points = [reading(n, math.nan if n in bad else 36.5) for n in range(6_000)]
    assert store.write(points, Progress({("inbox", 0): 9})) == 3
    assert count(influx) == 6_000 - 3
    assert store.cursors() == {("inbox", 0): 9}
    refused = store.refused()
    assert [each.what.rsplit(" ", 1)[1] for each in refused] == [str(reading(n).at_ns) for n in sorted(bad)]
    assert all("unable to parse" in each.reason for each in refused)
    store.close()


def test_a_field_of_another_type_is_refused_and_its_neighbours_are_not(tmp_path: Path, influxd: Influxd) -> None:
    influx = connect(influxd)
    influx.prepare(DAYS)
    assert influx.post("raw", [f'temperature,grid=g017 celsius="36" {NOW_MS * 1_000_000}']) == []
    door = Point("door", ("g017", "3", "", "", "live"), (1, None, None), NOW_MS * 1_000_000)
    store = series(tmp_path, influx)
    assert store.write([door, *(reading(n) for n in range(6))], Progress()) == 6
    assert {each.what.split(",")[0] for each in store.refused()} == {"temperature"}
    assert all("conflict" in each.reason for each in store.refused())
    assert list(InfluxReader(influx).rows("door", {}, NOW_MS, NOW_MS + 1)) == [door]
    store.close()


def test_a_batch_that_is_refused_whole_is_not_searched(
    tmp_path: Path, influxd: Influxd, monkeypatch: pytest.MonkeyPatch
) -> None:
    influx = connect(influxd)
    influx.prepare(DAYS)
    assert influx.post("raw", [f'temperature,grid=g017 celsius="36" {NOW_MS * 1_000_000}']) == []
    store = series(tmp_path, influx)
    asked: list[int] = []
    post = influx.post
    monkeypatch.setattr(influx, "post", lambda keep, lines: (asked.append(len(lines)), post(keep, lines))[1])
    assert store.write([reading(n) for n in range(5_000)], Progress()) == 5_000
    assert len(asked) <= 4, "looked for line by line they are asked about thousands of times"
    assert len(store.refused()) == 5_000
    store.close()


def test_what_is_older_than_its_bucket_keeps_is_neither_sent_nor_refused(tmp_path: Path, influxd: Influxd) -> None:
    influx = connect(influxd)
    store = series(tmp_path, influx)
    old = Point("temperature", reading(1).tags, (36.5, None, None), (NOW_MS - 31 * 86_400_000) * 1_000_000)
    assert store.write([old, reading(1)], Progress()) == 0
    assert count(influx) == 1
    store.close()


def test_a_wrong_token_is_said_with_its_remedy_and_nothing_is_remembered(tmp_path: Path, influxd: Influxd) -> None:
    store = series(tmp_path, connect(influxd, token="not-the-token"))
    with pytest.raises(SeriesDown, match="does not know the token: put a valid one into the file named by token_file"):
        store.write([reading(1)], Progress({("inbox", 0): 9}))
    assert store.cursors() == {}
    store.close()


def test_a_wrong_organisation_is_said_with_its_remedy(tmp_path: Path, influxd: Influxd) -> None:
    store = series(tmp_path, connect(influxd, org="nobody"))
    with pytest.raises(SeriesDown, match=r"'nobody'.*look at org"):
        store.write([reading(1)], Progress())
    store.close()


@pytest.mark.live
def test_influxdb_killed_and_back_loses_nothing_that_was_written(tmp_path: Path) -> None:
    server = Influxd(tmp_path / "influxd")
    server.start()
    try:
        influx = connect(server)
        store = series(tmp_path, influx)
        store.write([reading(n) for n in range(100)], Progress({("inbox", 0): 1}))
        server.kill()
        later = [reading(n) for n in range(100, 200)]
        with pytest.raises(SeriesDown, match="does not answer: is it running"):
            store.write(later, Progress({("inbox", 0): 2}))
        assert store.cursors() == {("inbox", 0): 1}
        with pytest.raises(SeriesDown):
            list(InfluxReader(influx).rows("temperature", {}, 0, NOW_MS))
        server.start()
        store.write(later, Progress({("inbox", 0): 2}))
        assert count(influx) == 200
        store.close()
    finally:
        server.stop()
