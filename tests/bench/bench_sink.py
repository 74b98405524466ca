"""How fast the sink catches up, what a point takes on disk, and what erasing costs.

    python -m tests.bench.bench_sink [--events 200000] [--households 3000] [--days 14] [--influx]

The embedded store always; a real InfluxDB with --influx, where this machine has one.  Nothing here passes or fails.
"""

import argparse
import resource
import tempfile
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path

from streams.case_names import NamedCase
from streams.edge import sink as sink_module
from streams.edge.embedded_series import EmbeddedReader, EmbeddedSeries
from streams.edge.influx import Influx, InfluxReader, InfluxSeries
from streams.edge.series import SeriesReader, SeriesWriter
from streams.edge.sink import Sink
from streams.edge.sqlite_log import SqliteReader, SqliteWriter
from streams.effects import HouseholdSeen
from streams.frames import encode_outbox
from streams.measurements import Keep
from streams.points import Projector
from tests.bench.bench_streams import framed, openings
from tests.bench.mqtt_load import cpu_of
from tests.servers import Influxd
from tests.streams.edge.boxes import policy
from tests.streams.edge.scripts import household

DAYS: dict[Keep, int] = {"raw": 30, "incidents": 1095}
DAY_MS = 86_400_000
NOW_MS = time.time_ns() // 1_000_000
BEGIN_MS = NOW_MS - 14 * DAY_MS  # when the cases began


def secrets() -> Callable[[], bytes]:
    """The same secrets in each run: household n, which is the n-th, has the n-th."""
    numbers = count(1)
    return lambda: next(numbers).to_bytes(16, "big")


def name_of(number: int) -> str:
    return NamedCase(household(number), BEGIN_MS, 0, (number + 1).to_bytes(16, "big")).household


def cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def fill(folder: Path, events: int, households: int, days: float) -> None:
    """The last `days` of a compound whose every household has a case, in frames of 20 events."""
    inbox = SqliteWriter(folder / "inbox.db", "inbox")
    outbox = SqliteWriter(folder / "streams.db", "outbox")
    cases = [
        HouseholdSeen(
            BEGIN_MS, household(n).split("/")[0], household(n), True, BEGIN_MS, NOW_MS + DAY_MS,
            None, None, None, False, False, False, [],
        )
        for n in range(households)
    ]  # fmt: skip
    outbox.append([(0, encode_outbox(list(cases)))])
    frames = framed(openings(households, events, NOW_MS - round(days * DAY_MS) + 1, days * DAY_MS / events))
    for start in range(0, len(frames), 500):
        inbox.append([(0, frame) for frame in frames[start : start + 500]])
    inbox.close()
    outbox.close()


def catch_up(folder: Path, store: SeriesWriter) -> tuple[int, float, float]:
    """Points written, seconds of the wall clock, seconds of CPU."""
    sink = Sink(
        inbox=SqliteReader(folder / "inbox.db", "inbox"),
        outbox=SqliteReader(folder / "streams.db", "outbox"),
        partitions=1,
        store=store,
        projector=Projector(policy=policy(), new_secret=secrets(), kept=store.kept()),
        days=DAYS,
    )
    wall, cpu = time.perf_counter(), cpu_s()
    while sink.turn():
        pass
    sink.close()
    return sink.written, time.perf_counter() - wall, cpu_s() - cpu


def asked(name: str, ask: Callable[[], object]) -> None:
    began_s = time.perf_counter()
    found = ask()
    took_ms = (time.perf_counter() - began_s) * 1000
    print(f"    {name:<44} {took_ms:9.1f} ms  ({found})")


def questions(reader: SeriesReader) -> None:
    """What the review screens ask."""
    one = {"grid": household(1).split("/")[0], "household": name_of(1)}
    grid = {"grid": "g2"}
    week_ms = NOW_MS - 7 * DAY_MS
    asked("two weeks of one door", lambda: len(list(reader.rows("door", one, BEGIN_MS, NOW_MS))))
    asked("a week of a grid by hour", lambda: len(reader.counts_by_hour("door", grid, week_ms, NOW_MS, "building")))
    asked("newest of every device of a grid", lambda: len(reader.latest("device", grid, NOW_MS - 3 * DAY_MS, NOW_MS)))
    asked(
        "p50 and p99 of the battery of a grid, a week",
        lambda: reader.percentiles("device", "battery_percent", grid, week_ms, NOW_MS, (50, 99)),
    )


def measure(
    name: str, folder: Path, store: SeriesWriter, reader: SeriesReader, *, asks: bool, server: Influxd | None = None
) -> None:
    began_s = cpu_of([server.pid])[0] if server else 0.0
    points, wall, cpu = catch_up(folder, store)
    theirs = f", and {(cpu_of([server.pid])[0] - began_s) / points * 1e6:.1f} µs of its own" if server else ""
    print(f"{name}: {points:,} points, {points / wall:,.0f} points/s, {cpu / points * 1e6:.1f} µs CPU/point{theirs}")
    if not asks:
        return
    questions(reader)
    homes = [name_of(number) for number in range(2, 12)]
    asked("erase one household", lambda: f"{store.erase(homes[0]):,} points")
    asked("erase nine more", lambda: f"{sum(store.erase(home) for home in homes[1:]):,} points")
    asked("nothing is older than it is kept", lambda: f"{store.expire(NOW_MS, DAYS):,} points")
    asked("a day of all is", lambda: f"{store.expire(NOW_MS + 17 * DAY_MS, DAYS):,} points")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--events", type=int, default=200_000)
    options.add_argument("--households", type=int, default=3000)
    options.add_argument("--days", type=float, default=14, help="over how long the events are spread")
    options.add_argument("--only-write", action="store_true", help="without the questions and the erasing")
    options.add_argument("--influx", action="store_true")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fill(folder, given.events, given.households, given.days)
        asks = not given.only_write
        store = EmbeddedSeries(folder / "series.db")
        measure("embedded", folder, store, EmbeddedReader(folder / "series.db"), asks=asks)
        store.close()
        print(f"    series.db when all is done: {(folder / 'series.db').stat().st_size / 1e6:.1f} MB")
        (folder / "series.db").unlink()
        store = EmbeddedSeries(folder / "series.db")
        points, *_ = catch_up(folder, store)
        store.close()
        print(f"    bytes a point: {(folder / 'series.db').stat().st_size / points:.1f}")
        if given.influx:
            server = Influxd(folder / "influxd")
            server.start()
            (folder / "series.db").unlink()
            spoken = [Influx(url=server.url, org=server.org, bucket="bench", token=server.token) for _ in range(2)]
            spoken[0].prepare(DAYS)
            store = InfluxSeries(folder / "series.db", spoken[0], days=DAYS, clock=sink_module.wall_clock_ms)
            measure("InfluxDB", folder, store, InfluxReader(spoken[1]), asks=asks, server=server)
            store.close()
            server.stop()


if __name__ == "__main__":
    main()
