"""The same points in the embedded store and in InfluxDB draw the same pages and give the same export."""

import dataclasses
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import msgspec
import pytest

from devices.edge.settings import Sink
from duty.edge.desk.app import build
from streams.edge.embedded_series import EmbeddedSeries
from streams.edge.influx import Influx, InfluxSeries
from streams.edge.series import Progress, SeriesWriter
from streams.measurements import Keep, Point
from tests.desk_world import World
from tests.servers import Influxd

pytestmark = [pytest.mark.live, pytest.mark.timeout(180)]
DAYS: dict[Keep, int] = {"raw": 30, "incidents": 1095}
HOUR_MS = 3_600_000
PAGES = ("/g/g017/charts?days=1", "/g/g017/charts?days=7", "/g/g017/c/north/charts?days=7")
NOW_MS = time.time_ns() // 1_000_000


def points() -> Iterator[Point]:
    """Two days of a grid: readings of two guns, openings, pages, answers."""
    random = Random(5)
    for number in range(400):
        at_ns = (NOW_MS - random.randrange(48 * HOUR_MS)) * 1_000_000 + number
        gun, off = random.choice((("gun-1", 0.0), ("gun-2", 0.4)))
        celsius = round(random.gauss(36.3, 0.2) + off, 1)
        yield Point("temperature", ("g017", "", "north", "", gun, "forehead"), (celsius, None, None), at_ns)
        decision, role = random.choice((("raised", ""), ("matched", ""), ("page", "worker"), ("page", "police")))
        yield Point("incident", ("g017", "3", "undeclared-opening", decision, role, ""), (1, None, None), at_ns)
        tags = ("g017", "undeclared-opening", "worker", "page-to-acknowledge", "")
        yield Point("latency", tags, (random.randrange(600_000),), at_ns)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path / "site")
    made.story.now_ms = NOW_MS
    yield made
    made.close()


async def seen(world: World, sink: Sink) -> list[str]:
    """The pages and the export, of a desk whose time series are there."""
    settings = msgspec.structs.replace(world.parts.settings, sink=sink)
    world.app = build(dataclasses.replace(world.parts, settings=settings))
    found: list[str] = []
    day = time.strftime("%Y-%m-%d", time.gmtime(NOW_MS / 1000))
    async with world.as_("supervisor") as client:
        for address in (*PAGES, f"/g/g017/export?measurement=temperature&since={day}&until={day}"):
            answer = await client.get(address)
            assert answer.status_code == 200, answer.text
            found.append(answer.text)
    return found


def write(store: SeriesWriter) -> None:
    assert store.write(list(points()), Progress()) == 0
    store.close()


async def test_both_stores_show_the_same(world: World, tmp_path: Path, influxd: Influxd) -> None:
    folder = world.parts.settings.data_path
    write(EmbeddedSeries(folder / "series.db"))
    (folder / "token").write_text(influxd.token)
    bucket = "charts"
    connection = Influx(url=influxd.url, org=influxd.org, bucket=bucket, token=influxd.token, timeout_ms=100_000)
    connection.prepare(DAYS)
    write(InfluxSeries(tmp_path / "influx.db", connection, days=DAYS, clock=lambda: NOW_MS))
    embedded = await seen(world, Sink())
    influx = await seen(world, Sink(influx_url=influxd.url, org=influxd.org, bucket=bucket,
                                    token_file=str(folder / "token")))  # fmt: skip
    for ours, theirs, name in zip(embedded, influx, (*PAGES, "export"), strict=True):
        assert ours == theirs, name
    assert 'class="chart-box"' in embedded[2] and 'class="chart-path' in embedded[1] and "gun-2" in embedded[3]
