"""The sink: every record becomes its points once, whatever fails; it lags, says so, and catches up."""

import signal
import socket
import subprocess
import sys
import time
from itertools import count as count_up
from pathlib import Path
from random import Random
from threading import Event, Thread

import msgspec
import pytest
from prometheus_client import CollectorRegistry, generate_latest

from streams.edge import sink as module
from streams.edge.case_lookup import cases_of
from streams.edge.embedded_series import EmbeddedReader, EmbeddedSeries
from streams.edge.log import LogFull
from streams.edge.series import Progress, Refused, SeriesDown
from streams.edge.sink import Loop, Sink
from streams.edge.sqlite_log import SqliteReader
from streams.frames import VERSION, NewerFrame, RejectRecord, SystemReport
from streams.measurements import TABLE, Keep, Point, named
from streams.points import Projector
from tests.servers import free_port
from tests.streams.edge.boxes import Box, expected, in_frames, policy
from tests.streams.edge.scripts import DAY_MS, T0_MS, household, script
from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parents[3]
DAYS: dict[Keep, int] = {"raw": 30, "incidents": 1095}
RECORDS = script(51, 300)


@pytest.fixture
def box(tmp_path):
    made = Box(tmp_path)
    yield made
    made.close()


def secret() -> bytes:
    return b"the same always!"


def make(folder: Path, store: EmbeddedSeries, **options) -> Sink:
    return Sink(
        inbox=SqliteReader(folder / "inbox.db", "inbox"),
        outbox=SqliteReader(folder / "streams.db", "outbox"),
        partitions=options.pop("partitions", 1),
        store=store,
        projector=Projector(policy=policy(), new_secret=options.pop("new_secret", secret), kept=store.kept()),
        days=DAYS,
        **options,
    )


def drain(sink: Sink) -> None:
    while sink.turn():
        pass


def written(folder: Path) -> set[Point]:
    reader = EmbeddedReader(folder / "series.db")
    points = {point for row in TABLE for point in reader.rows(row.name, {}, 0, 2 * T0_MS)}
    reader.close()
    return points


def all_points(records=RECORDS) -> set[Point]:
    """What a projector makes of it that reads decisions first, as a sink that is never behind does."""
    projector = Projector(policy=policy(), new_secret=secret, kept={})
    return {*projector.of_outbox(expected(records)[0]), *projector.of_inbox(records)}


def test_every_record_becomes_its_points(box, tmp_path):
    box.put(*in_frames(RECORDS))
    box.take_in()
    store = EmbeddedSeries(tmp_path / "series.db")
    sink = make(tmp_path, store)
    drain(sink)
    assert written(tmp_path) == all_points()
    assert store.cursors()["inbox", 0] == len(in_frames(RECORDS))
    store.close()


def test_it_goes_on_from_its_place_after_a_restart_anywhere(box, tmp_path):
    frames = in_frames(RECORDS)
    for start in range(0, len(frames), 9):
        box.put(*frames[start : start + 9])
        box.take_in()
        store = EmbeddedSeries(tmp_path / "series.db")
        drain(make(tmp_path, store))
        store.close()
    assert written(tmp_path) == all_points()


class Away(EmbeddedSeries):
    """A store that is away for some writes, as InfluxDB is when it is started anew."""

    def __init__(self, path: Path, fails: int) -> None:
        super().__init__(path)
        self.fails = fails

    def write(self, points, progress):
        if self.fails > 0:
            self.fails -= 1
            raise SeriesDown("the store is away")
        return super().write(points, progress)


def test_a_store_that_is_away_gets_everything_later(box, tmp_path):
    box.put(*in_frames(RECORDS[:150]))
    box.take_in()
    store = Away(tmp_path / "series.db", 3)
    sink = make(tmp_path, store)
    for _ in range(3):
        with pytest.raises(SeriesDown):
            sink.turn()
    assert store.cursors() == {}
    box.put(*in_frames(RECORDS[150:]))
    box.take_in()
    drain(sink)
    drain(sink)
    assert len(written(tmp_path)) == len(all_points())
    store.close()


class Broken(SqliteReader):
    """A log whose disk fails at every third read."""

    reads = 0

    def read(self, partition, after, limit=100):
        self.reads += 1
        if self.reads % 3 == 0:
            raise LogFull("the disk gave an error")
        return super().read(partition, after, limit)


def test_a_log_that_cannot_be_read_now_and_then_loses_no_point(box, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_FRAMES", 5)
    box.put(*in_frames(RECORDS))
    box.take_in()
    store = EmbeddedSeries(tmp_path / "series.db")
    sink = make(tmp_path, store)
    sink._inbox = Broken(tmp_path / "inbox.db", "inbox")
    failures, more = 0, True
    while more:
        try:
            more = sink.turn()
        except LogFull:
            failures += 1
    assert failures > 3
    assert len(written(tmp_path)) == len(all_points())
    store.close()


def test_small_batches_and_large_ones_give_the_same(box, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_FRAMES", 3)
    monkeypatch.setattr(module, "_POINTS", 10)
    box.put(*in_frames(RECORDS))
    box.take_in()
    store = EmbeddedSeries(tmp_path / "series.db")
    drain(make(tmp_path, store))
    assert written(tmp_path) == all_points()
    store.close()


def test_every_partition_is_read(box, tmp_path):
    box.put([SystemReport(T0_MS, "sink", False)], partition=0)
    box.put(*in_frames(RECORDS), partition=1)
    box.take_in(partitions=2)
    store = EmbeddedSeries(tmp_path / "series.db")
    sink = make(tmp_path, store, partitions=2)
    drain(sink)
    assert {partition for _, partition in store.cursors()} == {0, 1}
    found = written(tmp_path)
    assert all_points() < found
    assert {point.measurement for point in found - all_points()} == {"system", "incident"}
    store.close()


def test_a_frame_that_is_none_is_put_aside_and_said(box, tmp_path, capsys):
    frames = in_frames(RECORDS)
    box.put(*frames[:5])
    box.put_raw(b"\xc1")
    box.put(*frames[5:])
    box.take_in()
    store = EmbeddedSeries(tmp_path / "series.db")
    sink = make(tmp_path, store)
    drain(sink)
    assert written(tmp_path) == all_points()
    (aside,) = store.refused()
    assert isinstance(aside, Refused)
    assert aside.what == "frame 6 of inbox, partition 0"
    assert sink.refused == 1
    assert "put aside" in capsys.readouterr().err
    store.close()


def test_a_newer_frame_stops_it(box, tmp_path):
    box.put(*in_frames(RECORDS[:20]))
    box.put_raw(msgspec.msgpack.encode((VERSION + 1, [])))
    store = EmbeddedSeries(tmp_path / "series.db")
    with pytest.raises(NewerFrame, match="upgrade this process"):
        drain(make(tmp_path, store))
    store.close()


def test_a_case_long_over_is_erased_and_what_is_old_deleted(box, tmp_path):
    box.put(*in_frames(RECORDS))
    box.take_in()
    store = EmbeddedSeries(tmp_path / "series.db")
    sink = make(tmp_path, store)
    drain(sink)
    linked = {point for point in written(tmp_path) if named(point).get("household")}
    assert linked
    end_ms = T0_MS + 14 * DAY_MS
    assert sink.tidy(end_ms + 7 * DAY_MS) == 0
    assert sink.tidy(end_ms + 7 * DAY_MS + 1) == len(linked)
    assert written(tmp_path) == all_points() - linked
    sink.turn()
    assert not [key for key in store.kept() if key.startswith(("case:", "secret:"))]
    sink.tidy(T0_MS + 2000 * DAY_MS)
    assert written(tmp_path) == set()
    store.close()


class Slow(EmbeddedSeries):
    """A store that deletes only what is old, as InfluxDB does."""

    erases_cheaply = False


def test_where_deleting_is_dear_the_names_are_forgotten(box, tmp_path):
    box.put(*in_frames(RECORDS))
    box.take_in()
    store = Slow(tmp_path / "series.db")
    sink = make(tmp_path, store)
    drain(sink)
    assert cases_of(tmp_path / "series.db", household(1))
    sink.tidy(T0_MS + 21 * DAY_MS + 1)
    sink.turn()
    assert cases_of(tmp_path / "series.db", household(1)) == []
    assert written(tmp_path) == all_points(), "statistics stay whole"
    assert b"secret:" not in b"".join(key.encode() for key in store.kept())
    store.close()


class Half(EmbeddedSeries):
    """Its points are kept, but not its place: where InfluxDB took the points and the sink was killed right then."""

    def write(self, points, progress):
        super().write(points, Progress() if points else progress)
        if points:
            raise SeriesDown("killed")
        return 0


def test_points_written_before_a_crash_and_again_are_there_once_under_one_name(box, tmp_path):
    box.put(*in_frames(RECORDS))
    box.take_in()
    made = count_up(1)
    store = Half(tmp_path / "series.db")
    with pytest.raises(SeriesDown, match="killed"):
        make(tmp_path, store, new_secret=lambda: next(made).to_bytes(16, "big")).turn()
    store.close()
    store = EmbeddedSeries(tmp_path / "series.db")
    drain(make(tmp_path, store, new_secret=lambda: next(made).to_bytes(16, "big")))
    assert len(written(tmp_path)) == len(all_points())
    store.close()


class Heard:
    """What the gateway's door would be told."""

    def __init__(self) -> None:
        self.said: list[tuple[str, bool]] = []

    def say(self, part: str, *, well: bool, detail: str = "") -> None:
        if (part, well) not in self.said[-1:]:
            self.said.append((part, well))


def test_more_than_ten_minutes_behind_is_said_and_so_is_the_catching_up(box, tmp_path, monkeypatch, capsys):
    box.put(*in_frames(RECORDS))
    box.take_in()
    now_ms = [T0_MS]
    monkeypatch.setattr(module, "wall_clock_ms", lambda: now_ms[0])
    monkeypatch.setattr(module, "_LONGEST_PAUSE_S", 0.01)
    store = Away(tmp_path / "series.db", 10**9)
    heard = Heard()
    loop = Loop(make(tmp_path, store), heard, lambda _seconds: time.sleep(0.01))  # type: ignore[arg-type]
    thread = Thread(target=loop.run)
    thread.start()
    try:
        wait_until(lambda: "points are kept and written later" in capsys.readouterr().err)
        now_ms[0] += 599_000
        time.sleep(0.1)
        assert heard.said == []
        now_ms[0] += 2_000
        wait_until(lambda: heard.said == [("sink", False)])
        store.fails = 0
        wait_until(lambda: heard.said == [("sink", False), ("sink", True)])
    finally:
        loop.stop()
        thread.join()
    assert len(written(tmp_path)) == len(all_points())
    store.close()


def start(config: Path) -> subprocess.Popen[str]:
    code = "import sys; from pathlib import Path; from streams.edge.sink import main; sys.exit(main(Path(sys.argv[1])))"
    return subprocess.Popen(
        [sys.executable, "-c", code, str(config)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def count(folder: Path) -> int:
    reader = EmbeddedReader(folder / "series.db")
    found = sum(1 for row in TABLE for _ in reader.rows(row.name, {}, 0, 2 * T0_MS))
    reader.close()
    return found


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "threshold.toml"
    path.write_text(f'[data]\nfolder = "."\n[gateway]\nhttp = "127.0.0.1:{free_port()}"\n')
    return path


@pytest.mark.slow
def test_the_process_killed_again_and_again_writes_every_point_once(box, tmp_path, config):
    random = Random(5)
    records = script(52, 300, t0_ms=time.time_ns() // 1_000_000 - DAY_MS)
    points = all_points(records)
    frames = in_frames(records, 3)
    for start_at in range(0, len(frames), 25):
        box.put(*frames[start_at : start_at + 25])
        box.take_in()
        process = start(config)
        assert "ready" in process.stdout.readline()
        time.sleep(random.random() * 0.8)
        process.kill()
        process.communicate()
    process = start(config)
    assert "ready" in process.stdout.readline()
    wait_until(lambda: count(tmp_path) >= len(points))
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=100)
    assert (process.returncode, said) == (0, "")
    assert count(tmp_path) == len(points)


def test_a_token_file_that_is_not_there_is_said(tmp_path, config):
    text = '[data]\nfolder = "."\n[sink]\ninflux_url = "http://127.0.0.1:1"\ntoken_file = "nowhere.token"\n'
    config.write_text(text)
    _, said = (process := start(config)).communicate(timeout=100)
    assert process.returncode == 2
    assert "nowhere.token" in said
    assert "put the token into this file" in said


class Rejects:
    """The log `rejects` of a cluster, away for the first writes."""

    def __init__(self, fails: int) -> None:
        self.fails = fails
        self.frames: list[bytes] = []

    def append(self, frames):
        if self.fails:
            self.fails -= 1
            raise LogFull("Kafka is away")
        self.frames += [frame for _, frame in frames]
        return list(range(len(frames)))


class Picky(EmbeddedSeries):
    """Refuses so many of the points it is given, as InfluxDB does with a field of another type."""

    def write(self, points, progress):
        refused = [Refused(f"line {n}", "field type conflict") for n, _ in enumerate(points)]
        super().write(points, progress)
        self._file.store(Progress(), refused=refused)
        return len(refused)


def test_what_the_store_refuses_is_told_to_rejects_once_they_can_be_written(box, tmp_path):
    box.put(*in_frames(RECORDS))
    box.take_in()
    store = Picky(tmp_path / "series.db")
    rejects = Rejects(fails=2)
    sink = make(tmp_path, store, rejects=rejects)
    failures = 0
    for _ in range(4):
        try:
            sink.turn()
        except LogFull:
            failures += 1
    assert failures == 2
    assert sink.refused == len(store.refused()) == sink.written
    told = [msgspec.msgpack.decode(frame, type=RejectRecord) for frame in rejects.frames]
    assert len(told) == 100, "a flood says why, and where the rest is"
    assert told[0].payload == b"line 0"
    assert (told[0].reason, told[0].topic) == ("malformed", "sink")
    assert f"and {sink.refused - 100} more: see series.db" in told[0].detail
    store.close()


def test_while_there_is_more_the_next_batch_is_read_beside_the_writing(box, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_FRAMES", 3)
    monkeypatch.setattr(module, "_POINTS", 10)
    box.put(*in_frames(RECORDS))
    box.take_in()
    reading = Event()

    class Waits(EmbeddedSeries):
        def write(self, points, progress):
            assert reading.wait(60), "nothing was read while this batch was written"
            return super().write(points, progress)

    store = Waits(tmp_path / "series.db")
    sink = make(tmp_path, store)
    assert sink.turn()
    assert sink.written == 0
    inbox = sink._inbox

    class Seen(SqliteReader):
        def read(self, partition, after, limit=100):
            reading.set()
            return inbox.read(partition, after, limit)

    sink._inbox = Seen(tmp_path / "inbox.db", "inbox")
    drain(sink)
    assert written(tmp_path) == all_points()
    sink.close()
    store.close()


def test_what_it_tells_prometheus(box, tmp_path):
    box.put(*in_frames(RECORDS))
    box.take_in()
    store = EmbeddedSeries(tmp_path / "series.db")
    sink = make(tmp_path, store)
    loop = Loop(sink, Heard(), lambda _seconds: None)  # type: ignore[arg-type]
    drain(sink)
    later_ms = loop.caught_up_ms + 61_000
    registry = CollectorRegistry()
    registry.register(module.SinkMetrics(sink, loop, clock_ms=lambda: later_ms))
    text = generate_latest(registry).decode()
    assert f"threshold_sink_points_total {float(sink.written)}" in text
    assert "threshold_sink_behind_seconds 61.0" in text
    assert "threshold_sink_store_well 1.0" in text
    loop.well = False
    assert "threshold_sink_store_well 0.0" in generate_latest(registry).decode()
    store.close()


def test_a_taken_address_of_its_metrics_is_said_and_it_ends(tmp_path, config):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        config.write_text(config.read_text() + f'[metrics]\nsink = "127.0.0.1:{port}"\n')
        _, said = (process := start(config)).communicate(timeout=100)
    assert process.returncode == 2
    assert f"[metrics] sink = '127.0.0.1:{port}' cannot be listened on" in said


def test_in_a_cluster_a_file_that_is_not_there_is_said_and_it_ends(tmp_path, config):
    more = (
        '[streams]\nruntime = "cluster"\n[cluster]\nkafka = "127.0.0.1:1"\nsecurity_protocol = "SSL"\nca = "none.pem"\n'
    )
    config.write_text(config.read_text() + more)
    _, said = (process := start(config)).communicate(timeout=100)
    assert process.returncode == 2
    assert "No such file" in said
    assert "Traceback" not in said
