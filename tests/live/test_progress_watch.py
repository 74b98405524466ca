"""The watchdog of the workers on a real Kafka: stalls are planted, of every sort that a worker can have."""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families

from devices.ids import partition_of
from streams.edge.kafka import quiet
from streams.edge.topics import prepare
from streams.effects import Decision
from tests.live.cluster_site import ClusterSite, WorkerProcess
from tests.servers import Kafka, free_port
from tests.streams.edge.scripts import script
from tests.waiting import wait_until

pytestmark = [pytest.mark.live, pytest.mark.timeout(500)]

PARTITIONS = 2
SYSTEM = partition_of("system", PARTITIONS)
OTHER = 1 - SYSTEM
# Longer than a busy machine needs for what takes a second.
TIMEOUT_S = 20

# A worker that hangs over one partition after some frames, in one of three ways, while there is no file `mended`.
PLANTED = """
import asyncio, pathlib, sys, time
from devices.edge.settings import load
from streams.edge.cluster_worker import Worker
from streams.edge.faust_app import main
from streams.edge.part_runner import PartRunner
from tests.streams.edge.boxes import policy

settings = load(sys.argv[1])
mended = pathlib.Path(sys.argv[1]).with_name("mended").exists()
flush, take = PartRunner._flush, Worker._take

async def flush_or_hang(self):
    # Not sooner: a timer may be due before the first five are committed, and they are to be.
    if not mended and self.part.number == PARTITION and self.part.offset > 5:
        if HOW == "flush never ends":
            await asyncio.Event().wait()
        if HOW == "event loop hangs":
            time.sleep(1e6)
    await flush(self)

async def take_or_pass_over(self, event):
    if not mended and HOW == "frames never come" and event.message.partition == PARTITION and event.message.offset > 5:
        return  # as Faust does when it has lost its place: no error, no frame
    await take(self, event)

PartRunner._flush, Worker._take = flush_or_hang, take_or_pass_over
sys.exit(main(settings, policy()))
"""


def planted(how: str, partition: int) -> str:
    return f"HOW, PARTITION = {how!r}, {partition}\n{PLANTED}"


@pytest.fixture
def site(kafka: Kafka, tmp_path: Path) -> Iterator[ClusterSite]:
    quiet()
    site = ClusterSite(tmp_path, kafka.url, partitions=PARTITIONS, session_timeout_s=6, standby_replicas=0)
    prepare(site.settings)
    yield site
    site.close()


def feed(site: ClusterSite, partition: int) -> None:
    """Five frames, and the others once those are taken in: a planted worker hangs over what comes after five."""
    rows = script(1, 120)
    frames = [rows[n : n + 5] for n in range(0, len(rows), 5)]
    site.put(partition, *frames[:5])
    wait_until(lambda: site.committed().get(partition, 0) >= 5, 120, "five frames taken in")
    site.put(partition, *frames[5:])


def about_system(site: ClusterSite) -> list[tuple[str, str]]:
    effects = site.decided(SYSTEM)
    return [
        (e.subject, e.decision)
        for e in effects
        if isinstance(e, Decision) and e.subject.startswith("system/streams-") and e.decision in ("raised", "closed")
    ]


def has_ended(worker: WorkerProcess) -> bool:
    return not worker.is_running()


def partitions_of(worker: WorkerProcess) -> set[int]:
    """Those that it runs, by its newest word."""
    newest = re.match(r"[\d,]*", worker.said().rpartition("streams: partitions ")[2])
    return set(map(int, filter(None, newest[0].split(",")))) if newest else set()


@pytest.mark.parametrize("how", ["flush never ends", "event loop hangs", "frames never come"])
def test_a_worker_that_stands_still_ends_with_one_line_and_is_told_to_the_supervisor(
    site: ClusterSite, how: str
) -> None:
    worker = site.worker("a", program=planted(how, OTHER), progress_timeout_s=TIMEOUT_S)
    worker.start()
    feed(site, OTHER)
    wait_until(lambda: has_ended(worker), 120, "the worker ends itself")
    assert worker.process is not None
    assert worker.process.returncode == 3
    lines = [line for line in worker.said().splitlines() if "ending, to be started again" in line]
    assert len(lines) == 1, worker.log_tail()
    assert f"streams: partition {OTHER} has stood at frame " in lines[0]
    assert " wait: ending" in lines[0]

    # Whoever starts it again finds the report, raises it, and closes it once the partition moves.
    (site.folder / "mended").touch()
    worker.start()
    site.settled()
    wait_until(lambda: (f"system/streams-{OTHER}", "closed") in about_system(site), 120, "the incident is over")
    assert about_system(site) == [(f"system/streams-{OTHER}", "raised"), (f"system/streams-{OTHER}", "closed")]


def test_without_the_watchdog_the_same_stall_is_silent(site: ClusterSite) -> None:
    """The control: nothing else in the worker notices."""
    worker = site.worker("a", program=planted("frames never come", OTHER), progress_timeout_s=3600)
    worker.start()
    feed(site, OTHER)
    with pytest.raises(AssertionError):
        wait_until(lambda: has_ended(worker), TIMEOUT_S + 6, "the worker ends itself")
    assert site.committed()[OTHER] < site.ends()[OTHER]
    assert "stood" not in worker.said()


def test_a_worker_that_cannot_even_end_itself_is_told_by_another(site: ClusterSite) -> None:
    stuck = site.worker("stuck", program=planted("frames never come", OTHER), progress_timeout_s=3600)
    well = site.worker("well", progress_timeout_s=TIMEOUT_S)
    for worker in (stuck, well):
        worker.start()

    def shared() -> bool:
        return sorted(map(sorted, map(partitions_of, (stuck, well)))) == [[0], [1]]

    # Which of them has which partition is the assignor's to say: where the well one has the planted one, it is taken.
    wait_until(shared, 120, "each has a partition")
    if partitions_of(stuck) != {OTHER}:
        well.stop()
        well.start()
        wait_until(lambda: shared() and partitions_of(stuck) == {OTHER}, 120, "the well one has the other")
    feed(site, OTHER)
    wait_until(lambda: (f"system/streams-{OTHER}", "raised") in about_system(site), 120, "it is told")
    assert "its worker has not ended itself" in well.said()
    assert stuck.is_running()
    stuck.kill()
    wait_until(lambda: (f"system/streams-{OTHER}", "closed") in about_system(site), 120, "and over")
    assert well.is_running()


def test_what_is_put_aside_is_told_at_once_and_kept_for_the_next_owner(site: ClusterSite) -> None:
    def raised() -> list[str]:
        effects = [e for e in site.decided(SYSTEM) if isinstance(e, Decision) and e.decision == "raised"]
        return [e.subject for e in effects]

    worker = site.worker("a")
    worker.start()
    feed(site, OTHER)
    site.put_raw((OTHER, b"\x93garbage"))
    wait_until(raised, 120, "the supervisor is told")
    worker.stop()
    worker.start()
    worker.wait_until(lambda: partitions_of(worker) == {0, 1}, 120, "to have partitions")
    time.sleep(3)  # it looks every second
    assert raised() == [f"system/quarantine-{OTHER}"]


def test_prometheus_reads_how_a_worker_is(site: ClusterSite) -> None:
    port = free_port()
    worker = site.worker("a", metrics=f"127.0.0.1:{port}", progress_timeout_s=TIMEOUT_S)
    worker.start()
    feed(site, OTHER)
    site.put_raw((OTHER, b"\x93garbage"))
    site.settled()

    def read() -> dict[tuple[str, str], float]:
        with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60) as answer:
            text = answer.read().decode()
        return {
            (sample.name, sample.labels.get("partition", "")): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    end = float(site.ends()[OTHER])
    wait_until(lambda: read().get(("threshold_inbox_committed", str(OTHER))) == end, 60, "the watch has seen the end")
    seen = read()
    assert seen["threshold_worker_up", ""] == 1
    assert seen["threshold_worker_partitions", ""] == seen["threshold_worker_partitions_running", ""] == PARTITIONS
    assert seen["threshold_worker_rebalances_total", ""] >= 1
    assert seen["threshold_inbox_lag", str(OTHER)] == 0
    assert seen["threshold_inbox_end", str(OTHER)] == seen["threshold_worker_offset", str(OTHER)] == end
    assert seen["threshold_worker_put_aside", str(OTHER)] == 1
    assert seen["threshold_worker_put_aside", str(SYSTEM)] == 0
    assert seen["threshold_worker_stuck_partitions", ""] == 0
    assert seen["threshold_streams_events_total", str(OTHER)] > 120

    # A second worker of this machine cannot have the same address, and says so.
    second = site.worker("b", metrics=f"127.0.0.1:{port}")
    second.begin()
    wait_until(lambda: has_ended(second), 120, "it says so")
    assert f"[cluster] metrics = '127.0.0.1:{port}' cannot be listened on" in second.said()
