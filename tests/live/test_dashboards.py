"""Every question of every dashboard, asked of a real InfluxDB that the real sink has filled."""

import time
from collections.abc import Iterator

import pytest

from deploy.dashboards import _GRIDS, DASHBOARDS, Panel
from devices.events import Event
from streams.edge.influx import Influx, InfluxSeries
from streams.edge.series import SeriesDown
from streams.edge.sink import Sink
from streams.edge.sqlite_log import SqliteReader
from streams.effects import Decision
from streams.frames import InboxRecord, Receipt, SystemReport, decode_outbox
from streams.points import Projector
from tests.servers import Influxd
from tests.streams.edge.boxes import Box, in_frames, policy
from tests.streams.edge.scripts import DAY_MS, household, said, script
from tests.streams.edge.test_sink import DAYS, secret

pytestmark = pytest.mark.live

NOW_MS = time.time_ns() // 1_000_000
BUCKET = "dashboards"


def site(at_ms: int) -> list[InboxRecord]:
    """A day of a small compound, and of what its script leaves out: a broken gun, late messages, a tampered sensor."""
    records = script(54, 400, t0_ms=at_ms)
    last = records[-1]
    late_ms = last.received_ms if isinstance(last, Event) else last.at_ms
    place, gate = household(1), "g1/north"
    more = [
        said("gun-g1", "checkpoint", gate, late_ms + 1, "temperature", 9001, celsius=52.0, ambient_celsius=-4.0,
             implausible=True, site="forehead"),
        said("door-1", "household", place, late_ms + 2, "tamper", 9002, tamper=True),
        said("door-2", "household", household(2), late_ms + 3, "availability", 9003, online=False),
        SystemReport(late_ms + 4, "sink", False, "more than 10 min behind"),
    ]  # fmt: skip
    for n in range(6):
        # The first ones teach what is usual; then one that waited.
        sent = late_ms + 10_000 + n * 60_000
        more.append(said("door-4", "household", household(4), sent, "door", 9100 + n, open=bool(n % 2), device_ms=sent))
    sent = late_ms + 600_000
    more.append(said("door-4", "household", household(4), sent, "door", 9200, open=True, device_ms=sent - 600_000))
    return [*records, *more]


@pytest.fixture(scope="module")
def influx(influxd: Influxd, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Influx]:
    folder = tmp_path_factory.mktemp("dashboards")
    records = site(NOW_MS - DAY_MS)
    box = Box(folder)
    box.put(*in_frames(records))
    box.take_in()
    decided = [
        effect
        for _, frame in SqliteReader(folder / "streams.db", "outbox").read(0, 0, 10_000)
        for effect in decode_outbox(frame)
    ]
    # What channels answer to the pages, as the desk tells it.
    pages = [each for each in decided if isinstance(each, Decision) and each.decision == "page"]
    receipts: list[InboxRecord] = [
        Receipt(
            page.t_ms + 900, page.grid, page.page, "wecom", "accepted", "", page.cause.at_ms, page.cause.received_ms
        )
        for page in pages
    ]
    box.put(receipts)
    connection = Influx(url=influxd.url, org=influxd.org, bucket=BUCKET, token=influxd.token, timeout_ms=100_000)
    store = InfluxSeries(folder / "series.db", connection, days=DAYS, clock=lambda: NOW_MS)
    sink = Sink(
        inbox=SqliteReader(folder / "inbox.db", "inbox"),
        outbox=SqliteReader(folder / "streams.db", "outbox"),
        partitions=1,
        store=store,
        projector=Projector(policy=policy(), new_secret=secret, kept=store.kept()),
        days=DAYS,
    )
    while sink.turn():
        pass
    sink.close()
    assert store.refused() == []
    store.close()
    box.close()
    asking = Influx(url=influxd.url, org=influxd.org, bucket=BUCKET, token=influxd.token, timeout_ms=100_000)
    yield asking
    asking.close()


def asked(flux: str, *, grid: str = ".*") -> str:
    """As Grafana fills it in."""
    return (
        flux.replace("${bucket}", BUCKET)
        .replace("${grid:regex}", grid)
        .replace("${zone}", "Asia/Shanghai")
        .replace("v.timeRangeStart", "-7d")
        .replace("v.timeRangeStop", "now()")
    )


QUESTIONS = [
    pytest.param(panel, id=f"{dashboard.uid}-{panel.title[1]}")
    for dashboard in DASHBOARDS
    for panel in dashboard.panels
]


@pytest.mark.parametrize("panel", QUESTIONS)
def test_it_is_answered_with_rows(influx: Influx, panel: Panel) -> None:
    rows = list(influx.rows(asked(panel.flux)))
    assert rows
    assert all(row.get("_value", row.get("n", "")) != "" for row in rows)


@pytest.mark.parametrize("panel", QUESTIONS)
def test_a_misspelt_measurement_has_no_rows(influx: Influx, panel: Panel) -> None:
    assert list(influx.rows(asked(panel.flux.replace('_measurement == "', '_measurement == "x')))) == []


def test_only_the_grid_that_was_chosen_is_counted(influx: Influx) -> None:
    heard = next(panel for dashboard in DASHBOARDS for panel in dashboard.panels if panel.title[1] == "Messages heard")

    def count(grid: str) -> int:
        return sum(int(row["_value"]) for row in influx.rows(asked(heard.flux, grid=grid)))

    assert 0 < count("(g1|g2)") < count(".*")
    assert count("g1") + count("g2") == count("(g1|g2)")


def test_the_grids_to_choose_from_are_those_of_the_data(influx: Influx) -> None:
    assert {row["_value"] for row in influx.rows(asked(_GRIDS))} >= {"g1", "g2", "g3"}


def test_a_question_that_is_no_flux_is_refused(influx: Influx) -> None:
    with pytest.raises(SeriesDown, match="a bad question"):
        list(influx.rows(asked(DASHBOARDS[0].panels[0].flux) + "\n  |> nothing("))
