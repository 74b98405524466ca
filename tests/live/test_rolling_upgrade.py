"""Workers of one version replaced, one by one and under load, by those of the next, which writes another state."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from devices.ids import partition_of
from streams.edge.cluster_part import MARK, VERSION, Mark
from streams.edge.kafka import quiet
from streams.edge.topics import prepare
from streams.frames import InboxFrame, SystemReport, decode_inbox
from tests.live.cluster_load import Load, Witness
from tests.live.cluster_site import STANDING, ClusterSite, WorkerProcess
from tests.servers import Kafka
from tests.waiting import wait_until

pytestmark = [pytest.mark.live, pytest.mark.timeout(600)]

PARTITIONS = 4

# The next version: every record has one field more, at its end, which counts how often it was written.
NEXT = STANDING.replace(
    "sys.exit(main(load(sys.argv[1]), policy(), clocks=lambda _partition: Standing()))",
    """
import msgspec
from streams.edge.cluster_part import VERSION, Schema
from streams.state import decode_record, encode_record

written = {}

def encode(record):
    fields = msgspec.msgpack.decode(encode_record(record))
    key = tuple(map(str, fields[:2]))
    written[key] = written.get(key, 0) + 1
    return msgspec.msgpack.encode([*fields, {"written": written[key]}])

def decode(data):
    fields = msgspec.msgpack.decode(data)
    if isinstance(fields[-1], dict) and "written" in fields[-1]:
        written[tuple(map(str, fields[:2]))] = fields.pop()["written"]
    return decode_record(msgspec.msgpack.encode(fields))

schema = Schema(VERSION + 1, encode, decode)
sys.exit(main(load(sys.argv[1]), policy(), clocks=lambda _partition: Standing(), schema=schema))
""",
)
assert "Schema(" in NEXT


@pytest.fixture
def site(kafka: Kafka, tmp_path: Path) -> Iterator[ClusterSite]:
    quiet()
    site = ClusterSite(tmp_path, kafka.url, partitions=PARTITIONS, session_timeout_s=6)
    prepare(site.settings)
    yield site
    site.close()


def versions(site: ClusterSite) -> list[int]:
    marks = (site.state(partition).get(MARK) for partition in range(PARTITIONS))
    return [msgspec.msgpack.decode(mark, type=Mark).version for mark in marks if mark is not None]


def has_partitions(worker: WorkerProcess) -> bool:
    return re.search(r"streams: partitions \d", worker.said()) is not None


def test_workers_replaced_one_by_one_lose_nothing_and_say_nothing_twice(site: ClusterSite) -> None:
    old = [site.worker("a", standing=True), site.worker("b", standing=True)]
    new = [site.worker("a2", program=NEXT), site.worker("b2", program=NEXT)]
    for worker in old:
        worker.start()
    load = Load(site, seed=5)
    witness = Witness(site, load)
    try:
        load.go_on()
        wait_until(lambda: all(map(has_partitions, old)), 120, "both of the old version work")
        time.sleep(1)

        old[0].stop()
        new[0].begin()
        new[0].wait_until(lambda: has_partitions(new[0]), 120, "to have partitions")
        time.sleep(1)
        # The first flush of a new owner says its version.
        wait_until(lambda: sorted(set(versions(site))) == [VERSION, VERSION + 1], 60, "the old runs beside the new")
        load.rest()
        site.settled()
        witness.check()
        assert sorted(set(versions(site))) == [VERSION, VERSION + 1], "the old still runs beside the new"

        # The new one dies while the old still runs: the old says so and ends, instead of guessing.
        load.go_on()
        new[0].kill()
        wait_until(lambda: not old[1].is_running(), 120, "the old one gives up")
        assert old[1].process is not None
        assert old[1].process.returncode == 2
        said = f"streams: the state in Kafka has version {VERSION + 1}, this program knows up to {VERSION}: upgrade"
        assert said in old[1].said()

        for worker in new:
            worker.begin()
        wait_until(lambda: all(map(has_partitions, new)), 120, "both of the new version work")
        time.sleep(1)
        wait_until(lambda: versions(site) == [VERSION + 1] * PARTITIONS, 60, "all of the new version")
        # On a busy machine it takes longer to put what there is to decide on.
        wait_until(lambda: sum(len(frame) for some in load.sent.values() for frame in some) > 2_000, 120, "enough load")
        load.rest()
        site.settled()
        witness.check()
        assert versions(site) == [VERSION + 1] * PARTITIONS
        assert witness.incidents > 20
        for worker in new:
            assert worker.is_running(), worker.log_tail()
            worker.stop()
    finally:
        load.close()


def test_an_older_worker_does_not_guess_at_a_newer_frame(site: ClusterSite) -> None:
    worker = site.worker("a", standing=True)
    worker.start()
    site.put_raw((0, msgspec.msgpack.encode(InboxFrame(1, []))), (0, msgspec.msgpack.encode([2, ["what is this"]])))
    wait_until(lambda: not worker.is_running(), 120, "it ends")
    assert worker.process is not None
    assert worker.process.returncode == 2
    assert "streams: the frame has schema version 2, this program knows up to 1: upgrade this process" in worker.said()
    assert site.committed().get(0, 0) < site.ends()[0], "the frame waits for an upgraded worker"
    assert site.frames("rejects", 0) == []


def test_a_frame_that_is_none_goes_to_rejects_and_the_worker_goes_on(site: ClusterSite) -> None:
    worker = site.worker("a", standing=True)
    worker.start()
    load = Load(site, seed=6)
    frames = (b"", b"\x00", b"\x92\x01\xc0", b'{"state":"open"}', b"\xff" * 5000)
    witness = Witness(site, load, others=frames, reports=True)
    # A writer of its own: the load's belongs to its thread.
    bad = ClusterSite(site.folder / "bad", site.keys["kafka"], partitions=PARTITIONS)
    bad.settings = site.settings
    try:
        load.go_on()
        for frame in frames:
            bad.put_raw((1, frame))
            time.sleep(0.2)
        load.rest()
        wait_until(lambda: put_aside(site) == len(frames), 120, "the supervisor told of all of them")
        site.settled()
        witness.check()
        assert worker.is_running()
        told = [msgspec.msgpack.decode(frame) for _, frame in site.frames("rejects", 0)]
        assert tuple(row[5] for row in told) == frames
        assert {(row[2], row[4]) for row in told} == {("malformed", "inbox/1")}
        assert all("of inbox" in row[3] for row in told)
    finally:
        load.close()
        bad.close()


def put_aside(site: ClusterSite) -> int:
    """How many frames the newest report says are put aside."""
    frames = site.frames("inbox", partition_of("system", PARTITIONS))
    records = [record for _, frame in frames for record in decode_inbox(frame) if isinstance(record, SystemReport)]
    return int(records[-1].values.get("count", 0)) if records else 0
