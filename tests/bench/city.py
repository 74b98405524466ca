"""A cluster on one machine to be measured: a box's gateway and sink, but two workers, on a real Kafka."""

import time
from pathlib import Path

from devices.edge.settings import load
from streams.edge.cluster_status import ClusterStatus
from streams.edge.kafka import quiet
from streams.edge.topics import prepare
from tests.bench.box import Box

PARTITIONS = 4


class City(Box):
    """On the Kafka at `kafka`; topics of its own."""

    names = ("gateway", "streams", "streams-2", "sink")

    def __init__(self, folder: Path, households: int, kafka: str, *, broker_port: int = 0) -> None:
        super().__init__(folder, households, broker_port=broker_port)
        self._kafka = kafka
        self._prefix = f"bench{time.time_ns()}-"
        self._status: ClusterStatus | None = None

    def more(self) -> str:
        return (
            f'[streams]\nruntime = "cluster"\npartitions = {PARTITIONS}\n'
            f'[cluster]\nkafka = "{self._kafka}"\ntopic_prefix = "{self._prefix}"\n'
        )

    def command(self, name: str) -> list[str]:
        what, _, worker = name.partition("-")
        return [*super().command(what), *(["--worker", worker] if worker else [])]

    def _start(self, name: str) -> None:
        if self._status is None:
            quiet()
            settings = load(self.folder / "threshold.toml")
            prepare(settings)
            self._status = ClusterStatus(settings)
        super()._start(name)

    def word(self, name: str) -> str:
        return f"{name.partition('-')[0]} ready"

    def __exit__(self, *details: object) -> None:
        super().__exit__(*details)
        if self._status is not None:
            self._status.close()

    def events(self) -> int:
        """By the marks of the workers."""
        assert self._status is not None
        return sum(mark.events for mark in self._status.look().marks.values())

    def behind(self) -> int:
        assert self._status is not None
        standing = self._status.look()
        return sum(standing.ends["inbox"].values()) - sum(mark.offset for mark in standing.marks.values())
