"""The test through the whole path on a cluster: door → Kafka → worker → Kafka → desk, every few seconds."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from streams.edge.kafka import quiet
from streams.edge.kafka_log import open_reader
from streams.edge.topics import prepare
from streams.effects import Decision
from streams.frames import decode_outbox
from tests.live.test_whole_cluster import Process
from tests.servers import Kafka, free_port
from tests.waiting import wait_until

pytestmark = [pytest.mark.live, pytest.mark.timeout(600)]

PARTITIONS = 2
# Not late on a busy machine either, while its worker is still being given its partitions.
LATE_AFTER_S = 20
FILE = """
[site]
fleet = "fleet.toml"
[data]
folder = "data"
[gateway]
listen = ""
http = "127.0.0.1:{door}"
[streams]
runtime = "cluster"
partitions = {partitions}
[cluster]
kafka = "{kafka}"
topic_prefix = "{prefix}"
[desk]
listen = "127.0.0.1:{desk}"
"""
SYSTEM = {"system/self-test"}


class Site:
    """A gateway, a worker and a desk that share one file of settings."""

    def __init__(self, folder: Path, kafka: Kafka) -> None:
        desk = free_port()
        self.url = f"http://127.0.0.1:{desk}/health"
        text = FILE.format(
            door=free_port(), desk=desk, partitions=PARTITIONS, kafka=kafka.url, prefix=f"self{time.time_ns()}-"
        )
        self.processes = {what: Process(folder / what, what, text) for what in ("gateway", "streams", "desk")}
        for process in self.processes.values():
            (process.folder / "fleet.toml").write_text("")
            (process.folder / "telling.toml").write_text(f"test_every_s = 2\ntest_late_after_s = {LATE_AFTER_S}\n")
        # The desk's commands come in by the gateway beside it: one data folder.
        (folder / "gateway" / "data").mkdir()
        (folder / "desk" / "data").symlink_to(folder / "gateway" / "data")
        self.settings = self.processes["gateway"].settings()

    def start(self) -> None:
        prepare(self.settings)
        for process in self.processes.values():
            process.start()

    def well(self) -> bool:
        try:
            return httpx.get(self.url, timeout=30, trust_env=False).json()["well"]
        except httpx.HTTPError:
            return False

    def decided(self) -> list[Decision]:
        reader, found = open_reader(self.settings, "outbox"), []
        for partition in range(PARTITIONS):
            after = 0
            while frames := reader.read(partition, after, 500):
                after = frames[-1][0]
                found += [d for _, frame in frames for d in decode_outbox(frame) if isinstance(d, Decision)]
        reader.close()
        return found

    def system(self) -> list[str]:
        return [d.decision for d in self.decided() if d.subject in SYSTEM and d.decision in ("raised", "closed")]

    def close(self) -> None:
        for process in self.processes.values():
            process.kill()


@pytest.fixture
def site(tmp_path: Path, kafka: Kafka) -> Iterator[Site]:
    quiet()
    made = Site(tmp_path, kafka)
    yield made
    made.close()


def test_it_comes_back_fails_with_a_worker_that_hangs_and_is_well_again(site: Site) -> None:
    site.start()
    wait_until(site.well, 120, "the desk to be well")

    def refused() -> list[Decision]:
        return [d for d in site.decided() if d.decision == "rejected" and d.grid == "system"]

    wait_until(lambda: len(refused()) >= 2, 120, "two tests through the whole path")
    desk = site.processes["desk"]
    assert site.system() == []
    assert "whole path fails" not in desk.said()

    worker = site.processes["streams"].pid
    os.kill(worker, signal.SIGSTOP)
    try:
        wait_until(lambda: "the test through the whole path fails" in desk.said(), 120, "the desk to notice")
        wait_until(lambda: not site.well(), 60, "health to say it")
    finally:
        os.kill(worker, signal.SIGCONT)
    wait_until(lambda: "the test through the path is well" in desk.said(), 150, "a test to come back")
    wait_until(site.well, 90, "the desk to be well again")
    wait_until(lambda: site.system() == ["raised", "closed"], 60, "the core to have heard of both")
