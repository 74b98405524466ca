"""A cluster moved to one with more partitions, on a real Kafka: killed at every step, begun again, and one story."""

import asyncio
import threading
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiokafka.admin import AIOKafkaAdminClient

from deploy.moving_house import main
from deploy.moving_old_cluster import OldCluster
from devices.edge.complaints import Complaint
from devices.edge.settings import load
from devices.ids import partition_of
from duty.edge.keys import master_key
from duty.edge.store import Store
from gateway.edge.cluster import ClusterInbox
from gateway.edge.keeping import Fed, HeardTo, Learnt, Lent, Refused
from streams.edge.cluster_part import ASIDE, MARK, Mark
from streams.edge.kafka import connection, quiet
from streams.edge.kafka_log import KafkaWriter
from streams.edge.log import LogFull
from streams.edge.move import Moving, place, say_moving
from streams.edge.topics import prepare
from streams.effects import Decision
from streams.engine import Engine
from streams.frames import InboxRecord, OutboxRecord, RejectRecord, decode_outbox, encode_outbox
from streams.grid import time_of
from tests.duty.rosters import person
from tests.live.cluster_site import ClusterSite, WorkerProcess
from tests.live.test_moving_house import GRIDS, STEPS, by_grid, decoded, killed_at, move
from tests.servers import Kafka
from tests.streams.edge.boxes import in_frames, policy
from tests.streams.edge.scripts import MINUTE_MS, asked, script
from tests.waiting import wait_until

pytestmark = [pytest.mark.live, pytest.mark.timeout(600)]

# With both, grid `system` has a partition for itself: its time is another than the story's.
FEW, MORE = 3, 8


class Old:
    """A cluster with few partitions.  `config` are the desk's settings."""

    def __init__(self, folder: Path, kafka: Kafka, *, desk: str = "") -> None:
        folder.mkdir()
        self.site = ClusterSite(folder, kafka.url, partitions=FEW, session_timeout_s=6, standby_replicas=0)
        prepare(self.site.settings)
        self.config = with_desk(self.site.config("desk"), desk)
        self.data = folder / "desk"
        self.data.mkdir()
        self.desk = Path(desk or self.data / "desk.db")
        store = Store.open(self.desk, master_key=master_key(self.data))
        store.save_person(person("wang"))
        store.close()

    def live(self) -> None:
        """Decide everything there is, and stop."""
        worker = self.site.worker("w", standing=True)
        worker.start()
        self.site.settled()
        stopped(self.site, worker)

    def marks(self) -> dict[int, Mark]:
        return {p: mark_of(self.site, p) for p in range(FEW)}


def with_desk(config: Path, database: str) -> Path:
    if database:
        config.write_text(config.read_text() + f'[desk]\ndatabase = "{database}"\n')
    return config


def members(site: ClusterSite) -> int:
    """How many workers Kafka counts: one that was killed over its goodbye it counts until the session ends."""

    async def ask() -> int:
        admin = AIOKafkaAdminClient(**connection(site.settings.cluster))
        await admin.start()
        try:
            answers: Any = await admin.describe_consumer_groups([site.names.group])
        finally:
            await admin.close()
        return sum(len(group[5]) for answer in answers for group in answer.groups)

    return asyncio.run(ask())


def stopped(site: ClusterSite, worker: WorkerProcess) -> None:
    worker.stop()
    wait_until(lambda: members(site) == 0, 60, "the group to be empty")


def put(site: ClusterSite, frames: Iterable[Sequence[InboxRecord]], to: Collection[int] = range(MORE)) -> None:
    """As gateways do; what goes to other partitions than `to` is left out."""
    for frame in frames:
        dealt: dict[int, list[InboxRecord]] = {}
        for record in frame:
            dealt.setdefault(partition_of(record.grid, site.partitions), []).append(record)
        for partition, some in dealt.items():
            if partition in to:
                site.put(partition, some)


def mark_of(site: ClusterSite, partition: int) -> Mark:
    return msgspec.msgpack.decode(site.state(partition)[MARK], type=Mark)


def write_state(site: ClusterSite, partition: int, key: bytes, value: bytes) -> None:
    writer = KafkaWriter(connection(site.settings.cluster), site.names.state)
    writer._write([(partition, key, value)])
    writer.close()


def of_grids(site: ClusterSite) -> dict[str, list[InboxRecord]]:
    """What stands in `inbox`, grid by grid."""
    found: dict[str, list[InboxRecord]] = {grid: [] for grid in GRIDS}
    for partition in range(site.partitions):
        for _, frame in site.frames("inbox", partition):
            for record in decoded(frame):
                found.setdefault(record.grid, []).append(record)
    return found


@pytest.fixture
def new(kafka: Kafka, tmp_path: Path) -> Iterator[ClusterSite]:
    quiet()
    (tmp_path / "new").mkdir()
    site = ClusterSite(tmp_path / "new", kafka.url, partitions=MORE, session_timeout_s=6, standby_replicas=0)
    yield site
    site.close()


@pytest.fixture
def old(kafka: Kafka, tmp_path: Path) -> Iterator[Old]:
    old = Old(tmp_path / "old", kafka)
    yield old
    old.site.close()


def test_half_a_story_on_few_partitions_and_half_on_more_is_one_story(old: Old, new: ClusterSite) -> None:
    records = script(5, 900)
    end_ms = max(map(time_of, records))
    ticks = [asked("tick", number, end_ms + 60 * MINUTE_MS, 10_000 + number, by="t") for number in range(3)]
    told: list[InboxRecord] = [*records, *ticks]
    frames = in_frames(told)
    half, waiting = len(frames) // 2, len(frames) // 2 + 9
    # One partition lags by hours; what is put aside on the old cluster is in it too.
    lagging = {partition_of("g1", FEW)}
    put(old.site, frames[: half // 2])
    put(old.site, frames[half // 2 : half], set(range(FEW)) - lagging)
    old.site.put_raw((partition_of("g1", FEW), b"\x00no frame"))
    old.live()
    refused_at = keep_beside(old)
    put(old.site, frames[half // 2 : half], lagging)  # what is not decided any more
    put(old.site, frames[half:waiting])
    before = by_grid(old.site)
    has_read = {p: old.site.reader("outbox").end(p) // 2 for p in range(FEW)}
    store = Store.open(old.desk, master_key=master_key(old.data))
    for partition, at in has_read.items():
        store.save_cursor("outbox", partition, at)
    store.close()

    to = new.config("desk")
    # One that was killed when it had put up its fence and nothing else.
    asyncio.run(say_moving(old.site.settings, Moving("", finished=False, to=place(new.settings))))
    for step in STEPS:
        killed_at(old, to, step)
        if step == STEPS[2]:
            # Nobody decides from half of it, and nobody of the old one goes on.
            for site, word in ((new, "is being moved to"), (old.site, "this cluster is being moved to")):
                worker = site.worker("early")
                worker.begin()
                assert worker.process is not None
                assert worker.process.wait(120) == 2
                assert word in worker.said()
            assert f"topics {new.settings.cluster.topic_prefix}*" in old.site.worker("early").said()
            assert f"delete the topic {old.site.settings.cluster.topic_prefix}migration" in worker.said()
    code, said = move(old, to)
    assert code == 0, said
    assert "Do not start this cluster again" in said

    # Every record and every decision once, in the order of its grid; the marks between decided and not.
    there, was = of_grids(new), of_grids(old.site)
    assert {grid: there[grid] for grid in was} == was
    assert by_grid(new) == before
    marks = {p: mark_of(new, p) for p in range(MORE)}
    lengths = {p: len(new.frames("inbox", p)) for p in range(MORE)}
    assert any(0 < marks[p].offset < lengths[p] for p in range(MORE))
    assert sum(mark.decisions for mark in marks.values()) == sum(mark.decisions for mark in old.marks().values())
    assert len({key for p in range(MORE) for key in new.state(p) if key.startswith(ASIDE)}) == 1

    # What stands beside them.
    rejects = new.frames("rejects", 0)
    assert [frame for _, frame in rejects[:-1]] == [frame for _, frame in old.site.frames("rejects", 0)[:-1]]
    assert msgspec.msgpack.decode(rejects[-1][1]) == ["f", 77, refused_at, "taken"]
    kept = {key: value for key, value in new.keyed("fleet") if value is not None}
    for word in (b"shellies/door-1", b"door-4", b"siren/worker"):
        assert any(word in key for key in kept)
    desk = Store.open(new.folder / "desk" / "desk.db", master_key=master_key(old.data))
    assert [each.id for each in desk.people()] == ["wang"]
    had_read = [
        repr(e)
        for p, at in has_read.items()
        for n, f in old.site.frames("outbox", p)
        if n <= at
        for e in decode_outbox(f)
    ]
    behind = [
        repr(e)
        for p in range(MORE)
        for n, f in new.frames("outbox", p)
        if n <= desk.cursor("outbox", p)
        for e in decode_outbox(f)
    ]
    assert behind
    assert set(behind) <= set(had_read)  # told once more, never once less
    desk.close()

    code, said = move(old, to)
    assert (code, "moved already" in said) == (0, True), said
    early = old.site.worker("early")
    early.begin()
    assert early.process is not None
    assert early.process.wait(120) == 2
    assert "this cluster was moved to" in early.said()

    # The second half, and what had waited, on the new one.
    worker = new.worker("a", standing=True)
    worker.start()
    put(new, frames[waiting:])
    new.settled()
    undivided = Engine(policy())
    effects = [effect for record in told for effect in undivided.apply(record)]
    found = by_grid(new)
    assert {grid: found[grid] for grid in GRIDS} == {g: [e for e in effects if e.grid == g] for g in GRIDS}
    assert worker.is_running()


def keep_beside(old: Old) -> int:
    """What gateways keep beside the frames of `inbox`; the place of the reject that was fed in again."""
    writer = ClusterInbox(old.site.settings, "g", {})
    refuse = [RejectRecord(n, "malformed", "no JSON", f"z2m/door-{n}", b"\x00%d" % n) for n in range(3)]
    at = old.site.reader("rejects").end(0) + 3
    notes = [
        Refused(refuse),
        Fed({at: "taken"}, 77),
        Learnt({"shellies/door-1": b"what it said"}),
        Lent({"door-4": "g1/1/9"}),
        HeardTo({("siren/worker", partition_of("g1", FEW)): 3}),
    ]
    writer.write([], notes)
    writer.close()
    return at


def test_decisions_whose_writer_died_are_brought_once_and_a_store_that_stays_is_turned(
    kafka: Kafka, new: ClusterSite, tmp_path: Path
) -> None:
    old = Old(tmp_path / "old", kafka, desk=str(tmp_path / "desk.db"))
    put(old.site, in_frames(script(6, 200)))
    old.live()
    partition = partition_of("g1", FEW)
    before = old.site.decided(partition)
    decision = next(e for e in before if isinstance(e, Decision) and e.grid == "g1")
    lost: list[OutboxRecord] = [msgspec.structs.replace(decision, incident="lost")]
    mark = mark_of(old.site, partition)
    mark.flushes += 1
    mark.emitted, mark.frames = mark.flushes, [encode_outbox(lost)]  # state is written first, and then it died
    write_state(old.site, partition, MARK, msgspec.msgpack.encode(mark))
    store = Store.open(old.desk, master_key=master_key(old.data))
    for each in range(FEW):
        store.save_cursor("outbox", each, old.site.reader("outbox").end(each))
    store.close()

    code, said = move(old, with_desk(new.config("desk"), str(tmp_path / "desk.db")))
    assert code == 0, said
    assert "stays where it is" in said
    wanted = [e for e in before if e.grid == "g1"]
    assert by_grid(new)["g1"] == [*wanted, *lost]
    store = Store.open(old.desk, master_key=master_key(old.data))
    home = partition_of("g1", MORE)
    assert store.cursor("outbox", home) == len(new.frames("outbox", home)) - 1  # all but what nobody has read
    assert [each.id for each in store.people()] == ["wang"]
    store.close()
    old.site.close()


def test_what_is_refused(old: Old, new: ClusterSite, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def refused(config: Path, to: Path) -> str:
        assert main(config, to) == 1
        return capsys.readouterr().err

    to = new.config("desk")
    prefix = old.site.settings.cluster.topic_prefix

    # The wrong pair.
    nowhere = old.site.config("nowhere", topic_prefix=f"{prefix}no-")
    assert f"has no topic {prefix}no-" in refused(nowhere, to)
    put(old.site, in_frames(script(7, 60)))
    old.live()
    assert "both keep their data in" in refused(old.config, old.config)
    assert "give the new cluster another topic_prefix" in refused(old.config, old.site.config("other"))
    kept = old.desk.rename(tmp_path / "kept.db")
    assert "there is no desk.db" in refused(old.config, to)
    kept.rename(old.desk)

    # One that runs: as a member of the group, and as one that only writes.
    worker = old.site.worker("w")
    worker.start()
    wait_until(lambda: members(old.site), 120, "the worker in its group")
    assert "has members" in refused(old.config, to)
    stopped(old.site, worker)
    with writing(old.site):
        assert "something is being written" in refused(old.config, to)

    # One that was written to while it was read.
    held = OldCluster(load(old.config), "elsewhere")
    held.check_still()
    old.site.put(0, script(1, 1)[:1])
    with pytest.raises(Complaint, match="something was written to its topics while they were read"):
        held.check_still()
    held.close()

    # What is remembered does not count.
    partition = next(p for p in range(FEW) if len(old.site.state(p)) > 3)
    row, value = next((k, v) for k, v in old.site.state(partition).items() if k != MARK)
    write_state(old.site, partition, row, value + b"?")
    said = refused(old.config, to)
    assert f"partition {partition}: of its" in said
    assert "start its workers once" in said
    write_state(old.site, partition, row, value)

    # Where something is already; and nothing of all this has kept the old one from starting.
    prepare(new.settings)
    new.put(1, script(1, 1)[:1])
    assert "is not empty" in refused(old.config, to)
    worker.start()
    stopped(old.site, worker)

    # One that has run since the move was begun: its fence was taken away.
    third = ClusterSite(tmp_path / "third", old.site.keys["kafka"], partitions=MORE)
    third.folder.mkdir()
    killed_at(old, third.config("desk"), STEPS[1])
    assert "this cluster has begun to move to" in refused(old.config, to)
    put(old.site, in_frames(script(8, 3)))
    assert "the cluster has run since this move was begun" in refused(old.config, third.config("desk"))
    third.close()


@contextmanager
def writing(site: ClusterSite) -> Iterator[None]:
    """A gateway that nobody has stopped."""
    over, begun = threading.Event(), threading.Event()

    def write() -> None:
        writer = KafkaWriter(connection(site.settings.cluster), site.names.fleet)
        while not over.is_set():
            with suppress(LogFull):
                writer.put([(b"test", b"something")])
                begun.set()
            over.wait(0.2)
        writer.close()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        assert begun.wait(60)
        yield
    finally:
        over.set()
        thread.join()
