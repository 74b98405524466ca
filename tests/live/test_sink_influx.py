"""The sink and a real InfluxDB that is away, slow, busy, or behind something small: nothing lost, nothing doubled."""

import itertools
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.edge import sink as module
from streams.edge.influx import Influx, InfluxReader, InfluxSeries
from streams.edge.sink import Loop, Sink
from streams.edge.sqlite_log import SqliteReader
from streams.measurements import TABLE, Point
from tests.live.between import Between
from tests.servers import Influxd
from tests.streams.edge.boxes import Box, in_frames, policy
from tests.streams.edge.scripts import DAY_MS, script
from tests.streams.edge.test_sink import DAYS, Heard, all_points, secret
from tests.waiting import wait_until

pytestmark = [pytest.mark.live, pytest.mark.timeout(500)]

NOW_MS = time.time_ns() // 1_000_000
RECORDS = script(53, 300, t0_ms=NOW_MS - DAY_MS)
_bucket = itertools.count()


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    made = Box(tmp_path)
    made.put(*in_frames(RECORDS))
    made.take_in()
    yield made
    made.close()


class Running:
    """A sink in its loop, into a bucket of its own."""

    def __init__(
        self, folder: Path, server: Influxd, url: str = "", bucket: str = "", timeout_ms: int = 30_000
    ) -> None:
        self.bucket = bucket or f"sink-{next(_bucket)}"
        self.server = server
        url = url or server.url
        self.influx = Influx(url=url, org=server.org, bucket=self.bucket, token=server.token, timeout_ms=timeout_ms)
        self.store = InfluxSeries(folder / "series.db", self.influx, days=DAYS, clock=lambda: NOW_MS)
        self.sink = Sink(
            inbox=SqliteReader(folder / "inbox.db", "inbox"),
            outbox=SqliteReader(folder / "streams.db", "outbox"),
            partitions=1,
            store=self.store,
            projector=module.Projector(policy=policy(), new_secret=secret, kept=self.store.kept()),
            days=DAYS,
        )
        self.heard = Heard()
        self._loop = Loop(self.sink, self.heard, lambda _seconds: time.sleep(0.02))  # type: ignore[arg-type]
        self._thread = threading.Thread(target=self._loop.run)
        self._thread.start()

    def there(self) -> set[Point]:
        """What InfluxDB itself has, asked directly."""
        asked = Influx(url=self.server.url, org=self.server.org, bucket=self.bucket, token=self.server.token)
        reader = InfluxReader(asked)
        found = [point for row in TABLE for point in reader.rows(row.name, {}, NOW_MS - 3 * DAY_MS, NOW_MS + DAY_MS)]
        reader.close()
        assert len(found) == len(set(found))
        return set(found)

    def finish(self, within_s: float = 120) -> set[Point]:
        """Wait until everything was written and stop; what is there."""
        wait_until(lambda: self.sink.written >= len(all_points(RECORDS)), within_s)
        self.stop()
        return self.there()

    def stop(self) -> None:
        self._loop.stop()
        self._thread.join()
        self.sink.close()
        self.store.close()


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LONGEST_PAUSE_S", 0.5)


def test_away_from_the_beginning_and_back(box: Box, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    server = Influxd(tmp_path / "influxd")
    server.start()
    server.stop()
    running = Running(tmp_path, server)
    try:
        said = ""
        while "does not answer: is it running" not in said:
            time.sleep(0.05)
            said += capsys.readouterr().err
        assert running.sink.written == 0
        assert running.store.cursors() == {}
        server.start()
        assert running.finish() == all_points(RECORDS)
        assert running.store.refused() == []
    finally:
        running.stop()
        server.stop()


def test_busy_it_is_asked_again_when_it_said_so(box: Box, tmp_path: Path, influxd: Influxd) -> None:
    left = [3]

    def busy(method: str, path: str, _body: bytes) -> tuple[int, dict[str, str]] | None:
        if path.startswith("/api/v2/write") and left[0]:
            left[0] -= 1
            return (503 if left[0] % 2 else 429), {"Retry-After": "1"}
        return None

    between = Between(influxd.port, says=busy)
    running = Running(tmp_path, influxd, between.url)
    try:
        assert running.finish() == all_points(RECORDS)
        assert running.store.refused() == []
        written_at = [at for at, path, _ in between.asked if path.startswith("/api/v2/write")]
        assert all(later - earlier >= 1 for earlier, later in itertools.pairwise(written_at[:4]))
    finally:
        running.stop()
        between.close()


def test_too_large_for_what_stands_before_it_goes_in_smaller_pieces(box: Box, tmp_path: Path, influxd: Influxd) -> None:
    between = Between(influxd.port, says=lambda _method, _path, body: (413, {}) if len(body) > 20_000 else None)
    running = Running(tmp_path, influxd, between.url)
    try:
        assert running.finish() == all_points(RECORDS)
        assert running.store.refused() == []
        assert running.influx.lines_at_once < 300
    finally:
        running.stop()
        between.close()


def test_slower_than_the_time_out_it_gets_smaller_pieces_until_it_keeps_up(
    box: Box, tmp_path: Path, influxd: Influxd
) -> None:
    between = Between(influxd.port, bytes_per_s=30_000)
    running = Running(tmp_path, influxd, between.url, timeout_ms=1_500)
    try:
        wait_until(lambda: running.influx.lines_at_once < 5_000, 120)
        assert running.finish(300) == all_points(RECORDS)
        assert running.store.refused() == []
    finally:
        running.stop()
        between.close()


def test_the_same_frames_twice_are_the_same_points(box: Box, tmp_path: Path, influxd: Influxd) -> None:
    first = Running(tmp_path, influxd)
    once = first.finish()
    assert once == all_points(RECORDS)
    for path in tmp_path.glob("series.db*"):
        path.unlink()  # its place is forgotten: it begins anew
    again = Running(tmp_path, influxd, bucket=first.bucket)
    assert again.finish() == once
    assert again.sink.written == first.sink.written
