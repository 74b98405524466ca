"""A site on Kafka in a test: its settings, its workers as real processes, what stands in its logs."""

import itertools
import sys
import time
import urllib.request
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from aiokafka.errors import KafkaError

from devices.edge.settings import Cluster, Data, Settings, Streams
from streams.edge.cluster_part import ASIDE, MARK
from streams.edge.kafka import connection, names
from streams.edge.kafka_log import KafkaReader, open_reader, open_writer
from streams.edge.log import LogFull
from streams.effects import Effect
from streams.engine import Engine
from streams.frames import InboxRecord, decode_outbox, encode_inbox
from streams.state import encode_record
from tests.servers import Server
from tests.streams.edge.boxes import policy
from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
_number = itertools.count()
_T = TypeVar("_T")

# A worker whose time passes with the records alone, so that what it decides does not hang on when it was killed.
STANDING = """
import sys
from devices.edge.settings import load
from streams.edge.faust_app import main
from streams.edge.live_clock import LiveClock
from tests.streams.edge.boxes import policy

class Standing(LiveClock):
    def __init__(self):
        super().__init__(wall_ms=lambda: 0, passing_s=lambda: 0.0)
    def behind_ms(self):
        return 0

sys.exit(main(load(sys.argv[1]), policy(), clocks=lambda _partition: Standing()))
"""


class WorkerProcess(Server):
    """`threshold streams` of a cluster.  `program`: a Python text to run instead, its argument the settings file."""

    name = "worker"
    start_timeout_s = 120.0
    stop_timeout_s = 60.0

    def __init__(self, folder: Path, config: Path, *, program: str = "") -> None:
        super().__init__(folder)
        self._config = config
        self.program = program
        self._ready_after = 0

    def start(self) -> None:
        self._ready_after = self.log_file.stat().st_size if self.log_file.exists() else 0
        super().start()

    def begin(self) -> None:
        """Start without waiting until it is ready."""
        timeout_s, self.start_timeout_s = self.start_timeout_s, 0.0
        try:
            self.wait_until, waiting = (lambda *_: None), self.wait_until  # type: ignore[method-assign]
            self.start()
        finally:
            self.wait_until = waiting  # type: ignore[method-assign]
            self.start_timeout_s = timeout_s

    def is_ready(self) -> bool:
        return "streams ready" in self.said()

    def said(self) -> str:
        """What it has said since it was last started."""
        if not self.log_file.exists():
            return ""
        with self.log_file.open("rb") as log:
            log.seek(self._ready_after)
            return log.read().decode(errors="replace")

    def command(self) -> list[str]:
        if self.program:
            return [sys.executable, "-u", "-c", self.program, str(self._config)]
        return [sys.executable, "-u", "-m", "deploy.process", "streams", "--config", str(self._config)]

    def environment(self) -> dict[str, str]:
        return super().environment() | {"PYTHONPATH": str(ROOT)}


class ClusterSite:
    """`put` is the gateways' part.  `cluster` are keys of [cluster]."""

    def __init__(self, folder: Path, kafka_url: str, *, partitions: int = 4, **cluster: Any) -> None:
        self.folder = folder
        self.partitions = partitions
        self.keys = {"kafka": kafka_url, "topic_prefix": f"site{time.time_ns()}-{next(_number)}-", **cluster}
        self.settings = Settings(
            data=Data(folder=str(folder)),
            streams=Streams(runtime="cluster", partitions=partitions),
            cluster=Cluster(**self.keys),
        )
        self.names = names(self.settings.cluster.topic_prefix)
        self.workers: dict[str, WorkerProcess] = {}
        self._writer: Any = None
        self._readers: dict[str, KafkaReader] = {}

    def config(self, name: str, **cluster: Any) -> Path:
        """A settings file for one process, with a data folder of its own."""
        path = self.folder / f"{name}.toml"
        rows = "\n".join(f"{key} = {_toml(value)}" for key, value in (self.keys | cluster).items())
        path.write_text(
            f'[data]\nfolder = "{name}"\n[streams]\nruntime = "cluster"\npartitions = {self.partitions}\n'
            f"[cluster]\n{rows}\n"
        )
        return path

    def worker(self, name: str, *, standing: bool = False, program: str = "", **cluster: Any) -> WorkerProcess:
        """The worker of this name, made at the first asking; not started.  `standing`: with a clock that stands still;
        `cluster` are keys of [cluster] for it alone."""
        if name not in self.workers:
            config = self.config(name, **cluster)
            self.workers[name] = WorkerProcess(self.folder / name, config, program=program or STANDING * standing)
        return self.workers[name]

    def put(self, partition: int, *frames: Sequence[InboxRecord]) -> list[int]:
        """Frames of `inbox`; their offsets."""
        return self.put_raw(*((partition, encode_inbox(list(frame))) for frame in frames))

    def put_raw(self, *frames: tuple[int, bytes]) -> list[int]:
        if self._writer is None:
            self._writer = open_writer(self.settings, "inbox")
        return patiently(self._writer.append, list(frames))

    def reader(self, log: str) -> KafkaReader:
        if log not in self._readers:
            self._readers[log] = open_reader(self.settings, log)
        return self._readers[log]

    def decided(self, partition: int) -> list[Effect]:
        """Everything in `outbox`, in order."""
        return [effect for _, frame in self.frames("outbox", partition) for effect in decode_outbox(frame)]

    def frames(self, log: str, partition: int) -> list[tuple[int, bytes]]:
        reader, after = self.reader(log), 0
        found: list[tuple[int, bytes]] = []
        while some := patiently(reader.read, partition, after, 500):
            found += some
            after = some[-1][0]
        return found

    def remembered(self, partition: int) -> dict[str, bytes]:
        """What the changelog of the state holds: key → encoded record."""
        kept = {key: value for key, value in self.state(partition).items() if key != MARK}
        assert not any(key.startswith(ASIDE) for key in kept)
        return {key.decode(): value for key, value in kept.items()}

    def state(self, partition: int) -> dict[bytes, bytes]:
        kept: dict[bytes, bytes] = {}
        for key, value in records(self.settings, self.names.state, partition):
            if value is None:
                kept.pop(key, None)
            else:
                kept[key] = value
        return kept

    def keyed(self, log: str) -> list[tuple[bytes, bytes | None]]:
        """Key and value of every record of a log with one partition."""
        return records(self.settings, self.names.of(log), 0)

    def settled(self, timeout_s: float = 120) -> None:
        """Wait until every frame of `inbox` is taken in and committed."""
        wait_until(lambda: self.committed() == self.ends(), timeout_s, "all frames taken in")

    def ends(self) -> dict[int, int]:
        ends = patiently(self.reader("inbox").ends, range(self.partitions))
        return {p: end for p, end in ends.items() if end}

    def committed(self) -> dict[int, int]:
        offsets = patiently(group_offsets, self.settings, self.names.group)
        return {p: offset for p, offset in offsets.items() if offset}

    def forget(self) -> None:
        """Let go of the logs, to be opened anew."""
        for log in [self._writer, *self._readers.values()]:
            if log is not None:
                log.close()
        self._writer, self._readers = None, {}

    def close(self) -> None:
        for worker in self.workers.values():
            worker.kill()
        self.forget()


def patiently(ask: Callable[..., _T], *about: Any) -> _T:
    """The answer of a Kafka that may take its time: the machine is busy, or it has only just begun."""
    end_s = time.monotonic() + 60
    while True:
        try:
            return ask(*about)
        except (LogFull, KafkaError):
            if time.monotonic() > end_s:
                raise
            time.sleep(0.2)


def standby_behind(address: str) -> list[float]:
    """Of each partition that a worker stands by for, the records it has not read, by its metrics.  Raises OSError."""
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=60) as answer:
        lines = answer.read().decode().splitlines()
    return [float(line.split()[1]) for line in lines if line.startswith("threshold_worker_standby_behind{")]


def _toml(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value).lower()


def records(settings: Settings, topic: str, partition: int) -> list[tuple[bytes, bytes | None]]:
    """Key and value of every record of a partition."""
    return [(record.key, record.value) for record in stamped(settings, topic, partition)]


def stamped(settings: Settings, topic: str, partition: int, first: int = 0) -> list[Any]:
    """Every record of a partition from offset `first` on, with the time the broker took it."""
    import asyncio

    from aiokafka import AIOKafkaConsumer, TopicPartition

    async def read() -> list[Any]:
        tp = TopicPartition(topic, partition)
        async with AIOKafkaConsumer(**connection(settings.cluster), auto_offset_reset="earliest") as consumer:
            consumer.assign([tp])
            if first:
                consumer.seek(tp, first)
            end = (await consumer.end_offsets([tp]))[tp]
            found: list[Any] = []
            while await consumer.position(tp) < end:
                found += (await consumer.getmany(tp, timeout_ms=500)).get(tp, [])
            return found

    return patiently(lambda: asyncio.run(read()))


def group_offsets(settings: Settings, group: str) -> dict[int, int]:
    """Partition → what the workers have committed."""
    import asyncio

    from aiokafka.admin import AIOKafkaAdminClient

    async def ask() -> dict[int, int]:
        admin = AIOKafkaAdminClient(**connection(settings.cluster))
        await admin.start()
        try:
            found = await admin.list_consumer_group_offsets(group)
        finally:
            await admin.close()
        return {tp.partition: row.offset for tp, row in found.items() if tp.topic.endswith("inbox")}

    return asyncio.run(ask())


def expected(frames: Iterable[InboxRecord]) -> tuple[list[Effect], dict[str, bytes]]:
    """What an engine that is never interrupted decides, and what it then remembers."""
    engine = Engine(policy())
    effects = [effect for record in frames for effect in engine.apply(record)]
    return effects, {key: encode_record(record) for key, record in engine.records.items()}
