"""The sink: reads what happened and what was decided, and writes points for review.

Nothing waits for it.  It gathers for half a second, writes in batches, and where the store is away it waits as long as
that takes, with its place kept: it lags, says so, catches up, and loses nothing.
"""

import secrets
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

import msgspec

from devices.edge.complaints import Complaint
from devices.edge.metrics_server import serve
from devices.edge.settings import Settings, load
from devices.events import Event
from streams.case_names import kept_first
from streams.edge import policy_file
from streams.edge.doorbell import Doorbell
from streams.edge.embedded_series import EmbeddedSeries
from streams.edge.log import LogFull, LogReader, LogWriter, TimedReader
from streams.edge.reporter import Reporter, Teller
from streams.edge.series import Progress, Refused, SeriesDown, SeriesWriter
from streams.edge.sqlite_log import SqliteReader, wall_clock_ms
from streams.frames import FrameError, InboxRecord, NewerFrame, RejectRecord, decode_inbox, decode_outbox
from streams.measurements import Keep, Point
from streams.points import Projector
from streams.policy import DAY_MS, HOUR_MS, MINUTE_MS
from streams.troubles import Trouble

if TYPE_CHECKING:
    from prometheus_client.core import Metric

_GATHER_S = 0.5
_LOOK_S = 2.0
_FRAMES = 200
_POINTS = 30_000
_BEHIND_MS = 10 * MINUTE_MS
_LONGEST_PAUSE_S = 30.0
_LONGEST_ASKED_S = 300.0
_REJECTS_TOLD = 100
_encode = msgspec.msgpack.Encoder().encode
_TIDY_MS = HOUR_MS
_FOR_EVER = 2**63

_R = TypeVar("_R")
_Closed = TypeVar("_Closed", bound="Closing")

# This long after a case ended nothing tells any more whose its points are: as long as its contacts are kept.
ERASE_AFTER_DAYS = 7


class Sink:
    """Brings points from the logs into the store.  `days`: how long each class is kept.

    What the store refuses it keeps beside its place; `rejects`, where another machine reads that log, is told too.
    """

    def __init__(
        self,
        *,
        inbox: LogReader,
        outbox: LogReader,
        partitions: int,
        store: SeriesWriter,
        projector: Projector,
        days: Mapping[Keep, int],
        erase_after_days: int = ERASE_AFTER_DAYS,
        rejects: LogWriter | None = None,
    ) -> None:
        self._inbox = inbox
        self._outbox = outbox
        self._partitions = partitions
        self._store = store
        self._projector = projector
        self._days = days
        self._erase_after_ms = erase_after_days * DAY_MS
        self._cursors = store.cursors()
        self._partition = 0
        # What is read and not yet handed to the store.  It outlives a failure of either side, for the projector has
        # taken it in.
        self._points: list[Point] = []
        self._progress = Progress()
        # The batch the store has in hand: the next one is read meanwhile, never a third.
        self._batch: _Batch | None = None
        self._writing: Future[int] | None = None
        self._writer = ThreadPoolExecutor(1, "writer")
        self._rejects = rejects
        self._untold: list[bytes] = []
        self.written = 0
        self.refused = 0

    def turn(self) -> bool:
        """Bring one batch across; whether there may be more.  Raises SeriesDown or LogFull: call it again later.

        While there is more the batch is written during the next turn, which then says if that failed.
        """
        more = self._fill()
        self._finish()
        self._tell()
        progress = self._progress
        progress.kept.update(self._projector.take_changes())
        if self._points or progress.cursors or progress.kept:
            self._batch = _Batch(self._points, progress)
            self._points, self._progress = [], Progress()
            self._begin(self._batch)
            if not more:
                self._finish()
                self._tell()
        return more

    def _begin(self, batch: "_Batch") -> None:
        self._writing = self._writer.submit(_write, self._store, batch)

    def _finish(self) -> None:
        """Wait for the batch in hand; one that failed is begun again by the next call.  Raises SeriesDown."""
        batch = self._batch
        if batch is None:
            return
        if self._writing is None:
            self._begin(batch)
        writing, self._writing = self._writing, None
        assert writing is not None
        refused = len(batch.progress.aside) + writing.result()
        self.refused += refused
        self.written += len(batch.points)
        self._batch = None
        if refused and self._rejects is not None:
            self._untold += _as_rejects(self._store.refused()[-refused:], wall_clock_ms())

    def _tell(self) -> None:
        """Raises LogFull; what was not told is told by the next call."""
        if self._untold and self._rejects is not None:
            self._rejects.append([(0, frame) for frame in self._untold])
            self._untold = []

    def close(self) -> None:
        """Wait for what the store has in hand, whatever becomes of it."""
        self._writer.shutdown()

    def _fill(self) -> bool:
        """Read from every partition in its turn, until all are drained or the batch is full; whether it is full."""
        drained = 0
        while drained < self._partitions:
            if len(self._points) >= _POINTS:
                return True
            if self._read(self._partition):
                drained = 0
            else:
                drained += 1
                self._partition = (self._partition + 1) % self._partitions
        return False

    def _read(self, partition: int) -> bool:
        """Some frames of a partition; whether there may be more.

        Pages are read before the receipts that answer them, cases before the events that fall into them: `outbox` up
        to the time the frames of `inbox` have come to.
        """
        frames = self._inbox.read(partition, self._at("inbox", partition), _FRAMES)
        more = len(frames) == _FRAMES
        until_ms = _FOR_EVER
        if more:
            last = self._decoded(decode_inbox, "inbox", partition, *frames[-1])
            until_ms = max(map(_time_ms, last), default=0)
        if not self._read_outbox(partition, until_ms):
            return True
        for offset, frame in frames:
            records = self._decoded(decode_inbox, "inbox", partition, offset, frame)
            self._take(self._projector.of_inbox, records, "inbox", partition, offset)
        return more

    def _read_outbox(self, partition: int, until_ms: int) -> bool:
        """Decisions up to `until_ms`; False when the batch is full before that."""
        while True:
            frames = self._outbox.read(partition, self._at("outbox", partition), _FRAMES)
            for offset, frame in frames:
                effects = self._decoded(decode_outbox, "outbox", partition, offset, frame)
                if effects and effects[0].t_ms > until_ms:
                    return True
                self._take(self._projector.of_outbox, effects, "outbox", partition, offset)
            if len(frames) < _FRAMES:
                return True
            if len(self._points) >= _POINTS:
                return False

    def _at(self, log: str, partition: int) -> int:
        return self._cursors.get((log, partition), 0)

    def _decoded(
        self, decode: Callable[[bytes], Sequence[_R]], log: str, partition: int, offset: int, frame: bytes
    ) -> Sequence[_R]:
        try:
            return decode(frame)
        except NewerFrame:
            raise
        except FrameError as error:
            self._put_aside(log, partition, offset, str(error))
            return ()

    def _take(
        self,
        project: Callable[[Sequence[_R]], list[Point]],
        records: Sequence[_R],
        log: str,
        partition: int,
        offset: int,
    ) -> None:
        try:
            self._points += project(records)
        except Exception as error:  # noqa: BLE001 - a mistake of ours about one frame: put aside, counted, and said
            self._put_aside(log, partition, offset, f"{type(error).__name__}: {error}")
        self._cursors[log, partition] = self._progress.cursors[log, partition] = offset

    def _put_aside(self, log: str, partition: int, offset: int, reason: str) -> None:
        where = f"frame {offset} of {log}, partition {partition}"
        aside = Refused(where, reason)
        if aside not in self._progress.aside:
            self._progress.aside.append(aside)
            print(f"sink: {where} makes no points and was put aside: {reason}", file=sys.stderr, flush=True)

    def tidy(self, now_ms: int) -> int:
        """Forget whose points those of cases long over are, delete what is older than it is kept; how many points."""
        gone = 0
        for case in self._projector.cases.ended(now_ms - self._erase_after_ms):
            if self._store.erases_cheaply:
                gone += self._store.erase(case.household)
            self._projector.forget_case(case)
        return gone + self._store.expire(now_ms, self._days)


class Closing(Protocol):
    """What is given back in the end."""

    def close(self) -> None:
        """Give it back."""
        ...


class _Batch(NamedTuple):
    """Points, and what is remembered once they are written."""

    points: list[Point]
    progress: Progress


def _write(store: SeriesWriter, batch: _Batch) -> int:
    """How many points the store refused.  Raises SeriesDown.  Runs beside the reading of the next batch."""
    first = kept_first(batch.progress.kept)
    if first:
        store.write([], Progress(kept=first))
    return store.write(batch.points, batch.progress)


def _as_rejects(refused: Sequence[Refused], at_ms: int) -> list[bytes]:
    """Frames of `rejects`.  Where a whole batch was refused the first hundred say why; series.db has them all."""
    frames: list[bytes] = []
    for each in refused[:_REJECTS_TOLD]:
        more = f" (and {len(refused) - _REJECTS_TOLD} more: see series.db)" if len(refused) > _REJECTS_TOLD else ""
        record = RejectRecord(
            at_ms=at_ms,
            reason="malformed",
            detail=f"the time series has no place for it: {each.reason}{more}",
            topic="sink",
            payload=each.what.encode("utf-8", "surrogatepass"),
            client="sink",
        )
        frames.append(_encode(record))
    return frames


def _time_ms(record: InboxRecord) -> int:
    return record.received_ms if isinstance(record, Event) else record.at_ms


class Loop:
    """Runs a sink until it is told to stop."""

    def __init__(self, sink: Sink, reporter: Teller, wait: Callable[[float], object]) -> None:
        """`wait(seconds)` sleeps until there may be something new, at most so long."""
        self._sink = sink
        self._reporter = reporter
        self._wait = wait
        self._stop = threading.Event()
        # For whoever watches from another thread: when it last had nothing left to write, and whether it can write.
        self.caught_up_ms = wall_clock_ms()
        self.well = True

    def stop(self) -> None:
        """End after the batch in hand."""
        self._stop.set()

    def run(self) -> None:
        tidied_ms = 0
        pause_s = 0.0
        progress = _ProgressLine()
        while not self._stop.is_set():
            now_ms = wall_clock_ms()
            try:
                more = self._sink.turn()
                if not more and now_ms - tidied_ms >= _TIDY_MS:
                    self._sink.tidy(now_ms)
                    tidied_ms = now_ms
                    more = True  # what the projector forgot is to be written
            except (SeriesDown, LogFull) as error:
                if not pause_s:
                    print(f"sink: {error}; points are kept and written later", file=sys.stderr, flush=True)
                self.well = False
                pause_s = min(_LONGEST_PAUSE_S, max(0.5, pause_s * 2))
                asked_s = error.after_s if isinstance(error, SeriesDown) else 0.0
                if now_ms - self.caught_up_ms > _BEHIND_MS:
                    self._reporter.say("sink", well=False, detail=Trouble.of("sink-behind", why=str(error)))
                self._stop.wait(max(pause_s, min(_LONGEST_ASKED_S, asked_s)))
                continue
            if pause_s:
                pause_s = 0.0
                self.well = True
                print("sink: writing again", file=sys.stderr, flush=True)
            if more:
                progress.show(self._sink.written)
                if now_ms - self.caught_up_ms > _BEHIND_MS:
                    self._reporter.say("sink", well=False, detail=Trouble.of("sink-catching-up"))
                continue
            progress.done()
            self.caught_up_ms = now_ms
            if self._sink.refused:
                detail = Trouble.of("sink-refused", count=self._sink.refused)
                self._reporter.say("sink", well=False, detail=detail)
            else:
                self._reporter.say("sink", well=True)
            self._wait(_LOOK_S)
            self._stop.wait(_GATHER_S)


class SinkMetrics:
    """How the sink is, for Prometheus; asked from a thread of its own."""

    def __init__(self, sink: Sink, loop: Loop, *, clock_ms: Callable[[], int]) -> None:
        self._sink = sink
        self._loop = loop
        self._clock_ms = clock_ms

    def collect(self) -> "Iterator[Metric]":
        """Called by prometheus_client at each reading."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        sink, behind_ms = self._sink, self._clock_ms() - self._loop.caught_up_ms
        yield CounterMetricFamily("threshold_sink_points", "Points written.", sink.written)
        yield CounterMetricFamily("threshold_sink_refused", "Points and frames put aside.", sink.refused)
        yield GaugeMetricFamily("threshold_sink_store_well", "1: the time series takes points.", int(self._loop.well))
        yield GaugeMetricFamily("threshold_sink_behind_seconds", "Since all was written.", max(0, behind_ms) / 1000)


class _ProgressLine:
    """How far the catching up has come, on a terminal."""

    def __init__(self) -> None:
        self._began_s = 0.0
        self._began_at = 0
        self._shown_s = 0.0

    def show(self, written: int) -> None:
        now_s = time.monotonic()
        if not self._began_s:
            self._began_s, self._began_at = now_s, written
        elif now_s - self._began_s > 2 and now_s - self._shown_s > 0.5 and sys.stderr.isatty():
            self._shown_s = now_s
            rate = (written - self._began_at) / (now_s - self._began_s)
            print(f"\rsink: catching up, {written:,} points, {rate:,.0f}/s ", end="", file=sys.stderr, flush=True)

    def done(self) -> None:
        if self._shown_s:
            print(file=sys.stderr)
        self._began_s = self._shown_s = 0.0


def open_log(settings: Settings, log: str) -> TimedReader:
    """A reader of `inbox` or `outbox`, where the settings keep them."""
    if settings.streams.runtime == "cluster":
        return import_module("streams.edge.kafka_log").open_reader(settings, log)
    file = "inbox.db" if log == "inbox" else "streams.db"
    return SqliteReader(settings.data_path / file, log)


def open_store(settings: Settings) -> SeriesWriter:
    """The store the settings name.  Raises SeriesDown, Complaint."""
    path = settings.data_path / "series.db"
    if not settings.sink.influx_url:
        return EmbeddedSeries(path)
    influx = import_module("streams.edge.influx")
    return influx.InfluxSeries(path, influx.connect(settings.sink), days=kept_days(settings), clock=wall_clock_ms)


def kept_days(settings: Settings) -> dict[Keep, int]:
    """How long each class of points is kept."""
    return {"raw": settings.data.raw_days, "incidents": settings.data.incident_days}


def main(config: Path) -> int:
    """The process `threshold sink`."""
    try:
        settings = load(config)
        policy = policy_file.load(settings.policy_path)
        settings.data_path.mkdir(mode=0o700, parents=True, exist_ok=True)
        store = open_store(settings)
        projector = Projector(policy=policy, new_secret=lambda: secrets.token_bytes(16), kept=store.kept())
    except (Complaint, SeriesDown, OSError, ValueError) as error:
        print(f"sink: {error}", file=sys.stderr)
        return 2
    with ExitStack() as held:
        held.callback(store.close)
        try:
            return _run(settings, store, projector, held)
        except (Complaint, NewerFrame, OSError) as error:
            print(f"sink: {error}", file=sys.stderr)
            return 2


def _run(settings: Settings, store: SeriesWriter, projector: Projector, held: ExitStack) -> int:
    """Until it is told to stop.  What `held` is given is closed in the end, the last first."""

    def hold(each: _Closed) -> _Closed:
        held.callback(each.close)
        return each

    doorbell = hold(Doorbell(settings.data_path / "bell", "sink", ("inbox", "outbox")))
    rejects: LogWriter | None = None
    if settings.streams.runtime == "cluster":
        # Beside a sink of a cluster is no gateway: its words go straight into the logs.
        reporter: Teller = hold(import_module("streams.edge.cluster_reporter").ClusterReporter(settings))
        rejects = hold(import_module("streams.edge.kafka_log").open_writer(settings, "rejects"))
    else:
        reporter = hold(Reporter(address=settings.gateway.http, token_file=settings.data_path / "door.token"))
    sink = Sink(
        inbox=hold(open_log(settings, "inbox")),
        outbox=hold(open_log(settings, "outbox")),
        partitions=settings.streams.partitions,
        store=store,
        projector=projector,
        days=kept_days(settings),
        rejects=rejects,
    )
    hold(sink)
    loop = Loop(sink, reporter, doorbell.wait)
    hold(serve(settings, SinkMetrics(sink, loop, clock_ms=wall_clock_ms), "metrics", "sink"))
    for number in (signal.SIGTERM, signal.SIGINT):
        # Not in the handler: it may come while this thread holds the lock that stopping takes.
        signal.signal(number, lambda *_: threading.Thread(target=loop.stop).start())
    print("sink ready", flush=True)
    loop.run()
    return 0
