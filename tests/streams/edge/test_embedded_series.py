"""What is the embedded store's own: room on disk, retention, erasure to the last byte, failures."""

import apsw
import pytest

from streams.edge.embedded_series import EmbeddedReader, EmbeddedSeries
from streams.edge.series import Progress, SeriesDown
from streams.measurements import Point

DAYS = {"raw": 30, "incidents": 1095}
DAY_MS = 86_400_000
NOW_MS = 1_581_816_600_000


@pytest.fixture
def store(tmp_path):
    made = EmbeddedSeries(tmp_path / "series.db")
    yield made
    made.close()


def door(at_ms: int, household: str = "9f86d081884c7d65") -> Point:
    return Point("door", ("g017", "3", household, "d-" + household, "live"), (1, None, None), at_ms * 1_000_000 + 7)


def page(at_ms: int) -> Point:
    return Point("incident", ("g017", "3", "fever", "page", "doctor", ""), (1, 0, None), at_ms * 1_000_000)


def count(store: EmbeddedSeries, path, measurement: str) -> int:
    reader = EmbeddedReader(path / "series.db")
    found = len(list(reader.rows(measurement, {}, 0, 2 * NOW_MS)))
    reader.close()
    return found


def test_each_class_is_deleted_at_its_own_age(store, tmp_path):
    ages = (0, 29, 31, 400, 1094, 1096)
    points = [make(NOW_MS - age * DAY_MS) for age in ages for make in (door, page)]
    store.write(points, Progress())
    assert store.expire(NOW_MS, DAYS) == 4 + 1
    assert count(store, tmp_path, "door") == 2
    assert count(store, tmp_path, "incident") == 5
    assert store.expire(NOW_MS, DAYS) == 0


def test_a_series_without_points_is_forgotten_and_can_begin_again(store, tmp_path):
    store.write([door(NOW_MS - 31 * DAY_MS)], Progress())
    store.expire(NOW_MS, DAYS)
    connection = apsw.Connection(str(tmp_path / "series.db"), flags=apsw.SQLITE_OPEN_READONLY)
    assert connection.execute("SELECT count(*) FROM door_series").fetchall() == [(0,)]
    connection.close()
    store.write([door(NOW_MS)], Progress())
    assert count(store, tmp_path, "door") == 1


def test_an_erased_pseudonym_is_nowhere_on_the_disk(store, tmp_path):
    erased, kept = "e1a5ede1a5ed0000", "4ee94ee94ee90000"
    store.write([door(NOW_MS + n, name) for n in range(2_000) for name in (erased, kept)], Progress())
    assert store.erase(erased) == 2_000
    found = {path.name: path.read_bytes() for path in tmp_path.glob("series.db*")}
    assert not [name for name, data in found.items() if erased.encode() in data]
    assert any(kept.encode() in data for data in found.values()), "or this test looks in the wrong place"


def test_a_point_is_a_few_bytes(store, tmp_path):
    """A hundred doors, a month of half-hours: what a box writes, in the order it comes."""
    households = [f"{n:016x}" for n in range(100)]
    for half_hour in range(1_000):
        at_ms = NOW_MS + half_hour * 1_800_000
        store.write([door(at_ms, name) for name in households], Progress({("inbox", 0): half_hour}))
    store.close()
    size = (tmp_path / "series.db").stat().st_size
    assert size / 100_000 < 40


def test_a_failed_write_is_whole_when_it_is_tried_again(store, tmp_path):
    other = apsw.Connection(str(tmp_path / "series.db"))
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(SeriesDown, match="another process holds it locked"):
        store.write([door(NOW_MS, "a"), door(NOW_MS, "b")], Progress({("inbox", 0): 1}))
    # Numbers of series given by the write that failed must not be taken for written.
    other.execute("INSERT INTO door_series VALUES (1, 'g9', '', '', '', 'live')")
    other.execute("COMMIT")
    other.close()
    store.write([door(NOW_MS, "b"), door(NOW_MS, "c")], Progress({("inbox", 0): 2}))
    reader = EmbeddedReader(tmp_path / "series.db")
    assert list(reader.rows("door", {"household": "b"}, 0, 2 * NOW_MS)) == [door(NOW_MS, "b")]
    assert list(reader.rows("door", {"household": "c"}, 0, 2 * NOW_MS)) == [door(NOW_MS, "c")]
    assert list(reader.rows("door", {"household": "a"}, 0, 2 * NOW_MS)) == []
    reader.close()


def test_reading_before_the_sink_has_made_the_file_finds_nothing(tmp_path):
    reader = EmbeddedReader(tmp_path / "series.db")
    assert list(reader.rows("door", {}, 0, NOW_MS)) == []
    assert reader.latest("device", {}, 0, NOW_MS) == []
    assert reader.percentiles("latency", "ms", {}, 0, NOW_MS, (50,)) == []
    assert reader.counts_by_hour("incident", {}, 0, NOW_MS, "kind") == []
    reader.close()
