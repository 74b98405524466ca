"""What a partition remembers, read from a real Kafka: by standbys, by owners, and from a copy that is wrong."""

import asyncio
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import rocksdict
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient

from streams.edge.asker import Asker
from streams.edge.cluster_part import MARK
from streams.edge.faust_settings import make_app
from streams.edge.kafka import connection, quiet
from streams.edge.restoring import Restoring
from streams.edge.state_table import MemoryStore, StateTable
from streams.edge.topics import prepare
from streams.frames import InboxRecord, SystemReport, decode_inbox
from tests.live.cluster_site import ClusterSite, WorkerProcess, expected, standby_behind
from tests.servers import Kafka, free_port
from tests.streams.edge.boxes import in_frames
from tests.streams.edge.scripts import script
from tests.waiting import wait_until

pytestmark = [pytest.mark.live, pytest.mark.timeout(600)]

RECORDS = 1500


@pytest.fixture
def site(kafka: Kafka, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[ClusterSite]:
    quiet()
    site = ClusterSite(tmp_path, kafka.url, session_timeout_s=6, **request.param)
    prepare(site.settings)
    yield site
    site.close()


def read_at_last(worker: WorkerProcess) -> int:
    """How many records of the changelog it read when it was last given partitions."""
    said = re.findall(r"([\d,]+) read from the changelog", worker.said())
    return int(said[-1].replace(",", "")) if said else 0


def runs_all(worker: WorkerProcess, partitions: int) -> bool:
    """By its newest word."""
    all_of_them = ",".join(map(str, range(partitions)))
    newest = worker.said().rpartition("streams: partitions ")[2]
    return newest.startswith(f"{all_of_them},") and "read from the changelog" in newest


# ── standbys ──


@pytest.mark.parametrize(
    ("site", "stands_by"),
    [
        ({"partitions": 4, "standby_replicas": 1}, True),
        ({"partitions": 4, "standby_replicas": 1, "store": "rocksdb"}, True),
        ({"partitions": 4, "standby_replicas": 0}, False),
    ],
    indirect=["site"],
    ids=["memory", "rocksdb", "without"],
)
def test_whoever_stood_by_has_all_of_it_when_it_takes_over(site: ClusterSite, stands_by: bool) -> None:
    address = f"127.0.0.1:{free_port()}"
    first, second = site.worker("a", standing=True), site.worker("b", standing=True, metrics=address)
    for worker in (first, second):
        worker.start()
    for worker in (first, second):
        worker.wait_until(lambda worker=worker: "streams: partitions" in worker.said(), 120, "to have partitions")
    rows = {partition: script(partition, RECORDS) for partition in range(site.partitions)}
    for partition, records in rows.items():
        site.put(partition, *in_frames(records))
    site.settled()
    changes = sum(len(site.state(partition)) for partition in rows)
    assert changes > 100

    # It hears every half second how far behind it is, on a busy machine later: what it says first may be of before.
    for _ in range(5 if stands_by else 0):
        time.sleep(1)
        wait_until(lambda: standby_behind(address) == [0, 0], 90, "the standby up to date")
    first.kill()
    second.wait_until(lambda: runs_all(second, site.partitions), 120, "to have taken over")
    read = read_at_last(second)
    assert (read < 50) is stands_by, f"{read} records read, {changes} rows remembered"
    assert "reading it anew" not in second.said()
    for partition, records in rows.items():
        effects, remembered = expected(records)
        assert site.decided(partition) == effects
        assert site.remembered(partition) == remembered
    # It decides on from that.
    more = {partition: script(partition, RECORDS + 100)[RECORDS:] for partition in rows}
    for partition, records in more.items():
        site.put(partition, *in_frames(records))
    site.settled()
    for partition, records in more.items():
        assert site.decided(partition) == expected([*rows[partition], *records])[0]


# ── a copy that is wrong ──


def lived(site: ClusterSite, records: list[InboxRecord]) -> WorkerProcess:
    """A worker that has taken these in and was stopped."""
    worker = site.worker("a", standing=True)
    worker.start()
    site.put(0, *in_frames(records))
    site.settled()
    worker.stop()
    return worker


def database(site: ClusterSite, worker: str) -> Path:
    found = [path.parent for path in (site.folder / worker).rglob("CURRENT")]
    assert len(found) == 1, found
    return found[0]


def lose_a_row(folder: Path) -> None:
    db: Any = rocksdict.Rdict(str(folder), rocksdict.Options(raw_mode=True))
    key = next(key for key in db.keys() if key[:2] == b"p:")  # noqa: SIM118 - it is no dictionary
    del db[key]
    db.close()


def make_a_row_old(folder: Path) -> None:
    db: Any = rocksdict.Rdict(str(folder), rocksdict.Options(raw_mode=True))
    sensors = [key for key in db.keys() if key[:2] == b"d:"]  # noqa: SIM118
    db[sensors[0]] = db[sensors[1]]
    db.close()


def damage(folder: Path) -> None:
    manifest = next(folder.glob("MANIFEST*"))
    data = bytearray(manifest.read_bytes())
    data[len(data) // 2] ^= 0xFF
    manifest.write_bytes(data)


def leave(_folder: Path) -> None:
    pass


@pytest.mark.parametrize("site", [{"partitions": 1, "store": "rocksdb"}], indirect=True)
@pytest.mark.parametrize(
    ("happens", "anew"),
    [(leave, False), (lose_a_row, True), (make_a_row_old, True), (damage, True), (shutil.rmtree, False)],
    ids=["nothing", "a row lost", "a row of old", "a damaged file", "a new disk"],
)
def test_a_copy_that_is_not_what_the_last_writer_had_is_read_anew(site: ClusterSite, happens: Any, anew: bool) -> None:
    records = script(7, 900)
    worker = lived(site, records[:600])
    happens(database(site, "a"))
    worker.start()
    site.put(0, *in_frames(records[600:]))
    site.settled()
    assert ("reading it anew" in worker.said()) is anew, worker.said()
    assert (read_at_last(worker) > 100) is (happens is not leave)
    effects, remembered = expected(records)
    assert site.decided(0) == effects
    assert site.remembered(0) == remembered
    assert "in the changelog too" not in worker.said()


def reports(site: ClusterSite) -> list[SystemReport]:
    """About the changelog."""
    return [
        record
        for partition in range(site.partitions)
        for _, frame in site.frames("inbox", partition)
        for record in decode_inbox(frame)
        if isinstance(record, SystemReport) and record.part == "changelog"
    ]


@pytest.mark.parametrize("site", [{"partitions": 1}], indirect=True)
def test_a_changelog_that_is_not_whole_is_told_and_gone_on_from(site: ClusterSite) -> None:
    records = script(7, 900)
    worker = lived(site, records[:600])
    place = next(key for key in site.state(0) if key[:2] == b"p:")
    append(site, [(place, None)])  # somebody deletes a household
    worker.start()
    site.put(0, *in_frames(records[600:]))
    worker.wait_until(lambda: "in the changelog too; going on" in worker.said(), 90, "to say what is wrong")
    wait_until(lambda: reports(site), 60, "a report")
    assert [(each.well, each.code) for each in reports(site)] == [(False, "not-whole")]
    site.settled()
    # It is whole again, without that row, for whoever comes next.
    worker.stop()
    worker.start()
    worker.wait_until(lambda: "streams: partitions 0," in worker.said(), 90, "to have the partition")
    assert "reading it anew" not in worker.said()


def append(site: ClusterSite, rows: list[tuple[bytes, bytes | None]]) -> None:
    async def send() -> None:
        async with AIOKafkaProducer(**connection(site.settings.cluster)) as producer:
            for key, value in rows:
                await producer.send_and_wait(site.names.state, key=key, value=value, partition=0)

    asyncio.run(send())


# ── a changelog that was made anew ──


@pytest.mark.parametrize("site", [{"partitions": 1, "store": "rocksdb"}], indirect=True)
def test_a_copy_of_a_changelog_that_is_gone_is_not_taken_for_the_new_one(site: ClusterSite) -> None:
    worker = lived(site, script(7, 600))
    forget_topics(site)
    prepare(site.settings)
    records = script(8, 100)
    site.put(0, *in_frames(records))
    worker.start()
    wait_until(lambda: len(site.decided(0)) >= len(expected(records)[0]), 90, "what is decided of the new topics")
    assert site.decided(0) == expected(records)[0]
    assert site.remembered(0) == expected(records)[1]


def forget_topics(site: ClusterSite) -> None:
    async def there(*, delete: bool = False) -> list[str]:
        admin = AIOKafkaAdminClient(**connection(site.settings.cluster))
        await admin.start()
        topics = [name for name in await admin.list_topics() if name.startswith(site.settings.cluster.topic_prefix)]
        if delete:
            await admin.delete_topics(topics)
        await admin.close()
        return topics

    asyncio.run(there(delete=True))
    site.forget()
    wait_until(lambda: not asyncio.run(there()), 120, "the broker has deleted them")


@pytest.mark.parametrize("site", [{"partitions": 1}], indirect=True)
def test_a_standby_whose_changelog_was_cut_begins_anew(site: ClusterSite) -> None:
    append(site, [(b"d:one", b"1"), (b"d:two", b"2"), (MARK, b"mark")])

    async def stand_by() -> dict[bytes, bytes]:
        app = make_app(site.settings, "test")
        table = StateTable(app, partitions=1, make_store=MemoryStore)
        table.wrote(0, [(b"d:of-old", b"0")], 100)  # further than the log goes
        restoring = Restoring(
            connection(site.settings.cluster), site.names.state, table, Asker(connection(site.settings.cluster))
        )
        ours = True
        task = asyncio.create_task(restoring.stand_by([0], lambda: ours))
        for _ in range(600):
            await asyncio.sleep(0.1)
            if table.restored_to(0) == 2:
                break
        assert restoring.behind == {0: 0}
        ours = False
        await asyncio.wait_for(task, 60)
        return dict(table.kept(0).items())

    assert asyncio.run(stand_by()) == {b"d:one": b"1", b"d:two": b"2", MARK: b"mark"}
