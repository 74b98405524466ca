import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import text

from duty.edge.follow import Follow
from duty.edge.projection import Projection
from duty.edge.store import Store
from duty.incident import Incident
from duty.picture import Page, Touched
from streams.edge.doorbell import Bell, Doorbell
from streams.edge.log import LogFull
from streams.edge.sqlite_log import wall_clock_ms
from streams.frames import NewerFrame
from tests.duty.edge.conftest import MASTER_KEY
from tests.duty.edge.logs import Logs
from tests.duty.effects import decision, incident_of, page, raised
from tests.waiting import until


class Worker:
    """Remembers what it was told, and in what order it was asked."""

    def __init__(self) -> None:
        self.pages: list[str] = []
        self.ended: list[str] = []
        self.calls: list[str] = []
        self.due_ms: int | None = None
        self.went = asyncio.Event()

    def load(self) -> None:
        self.calls.append("load")

    def take(self, pages: list[Page], ended: list[Incident], answered: list[Incident]) -> None:
        self.pages += [one.id for one in pages]
        self.ended += [one.id for one in ended]
        self.calls.append("take")

    def absorb(self) -> None:
        self.calls.append("absorb")

    def save(self) -> None:
        self.calls.append("save")

    def saved(self) -> None:
        self.calls.append("saved")

    def has_something_to_save(self) -> bool:
        return False

    def go(self) -> None:
        self.calls.append("go")
        if self.pages:
            self.went.set()
        if self.due_ms is not None and self.due_ms <= wall_clock_ms():
            self.due_ms = None

    def next_ms(self) -> int | None:
        return self.due_ms

    async def close(self) -> None:
        pass


class World:
    def __init__(self, folder: Path) -> None:
        self.logs = Logs(folder)
        self.bell = Bell(folder / "bell", "outbox")
        self.store = Store.open(folder / "desk.db", master_key=MASTER_KEY)
        self.projection = Projection(
            self.store, outbox=self.logs.outbox(), inbox=self.logs.inbox(), partitions=1, clock_ms=wall_clock_ms,
            start="run",
        )  # fmt: skip
        self.projection.load()
        self.worker = Worker()
        self.projection.followers.append(self.worker)
        self.reports: list[tuple[str, bool]] = []
        self.said: list[str] = []
        self.tidied = 0
        self.doorbell = Doorbell(folder / "bell", "desk", ("outbox", "inbox"))
        self.follow = Follow(
            self.projection, [self.worker], doorbell=self.doorbell, clock_ms=wall_clock_ms, report=self._report,
            tidy=self._tidy, say=self.said.append,
        )  # fmt: skip

    async def _report(self, part: str, well: bool, detail: str) -> None:
        if not (well and part not in [part for part, _ in self.reports]):  # which counts only where a report stands
            self.reports.append((part, well))

    def _tidy(self) -> None:
        self.tidied += 1

    def tell(self, *effects) -> None:
        self.logs.tell(*effects)
        self.bell.ring()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The loop runs, its first round done; ended wholly afterwards."""
        task = asyncio.create_task(self.follow.run())
        await until(lambda: "go" in self.worker.calls or task.done())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def close(self) -> None:
        self.doorbell.close()
        self.bell.close()
        self.logs.close()
        self.store.close()


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = World(tmp_path)
    yield made
    made.close()


async def test_what_was_answered_while_it_was_away_is_known_before_anybody_is_told(world: World) -> None:
    for number in range(1, 150):
        world.tell(raised(number, number=number), page(number, number=number))
    world.tell(decision(200, "closed", number=1))
    await world.follow.catch_up()
    assert "go" not in world.worker.calls
    assert len(world.worker.pages) == 149
    assert world.worker.ended == [incident_of()]
    assert world.store.cursor("outbox", 0) == 150


@pytest.fixture
def no_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """What wakes the loop is not its look of every second."""
    monkeypatch.setattr("duty.edge.follow.LOOK_S", 3600.0)


@pytest.mark.usefixtures("no_look")
async def test_a_page_is_written_down_before_it_is_sent_and_soon_after_it_was_decided(world: World) -> None:
    async with world.running():
        world.worker.calls.clear()
        world.tell(raised(1), page(1))
        await asyncio.wait_for(world.worker.went.wait(), 60)  # by the bell
    calls = world.worker.calls[world.worker.calls.index("take") :]
    assert calls[:5] == ["take", "absorb", "save", "saved", "go"]


async def test_without_a_bell_it_looks_once_a_second(world: World) -> None:
    async with world.running():
        world.logs.tell(raised(1), page(1))
        await asyncio.wait_for(world.worker.went.wait(), 60)


@pytest.mark.usefixtures("no_look")
async def test_what_is_due_wakes_it(world: World) -> None:
    async with world.running():
        world.worker.due_ms = wall_clock_ms() + 300
        world.follow.want()
        await until(lambda: world.worker.due_ms is None)


async def test_a_store_that_refuses_is_said_once_and_pages_go_out_all_the_same(world: World) -> None:
    with world.store.together() as connection:
        connection.execute(text("ALTER TABLE incidents RENAME TO hidden"))
    async with world.running():
        world.tell(raised(1), page(1))
        await asyncio.wait_for(world.worker.went.wait(), 60)
        world.tell(raised(2, number=2))
        await asyncio.sleep(1)
        await until(lambda: incident_of(number=2) in world.projection.picture.incidents)
        assert world.reports == [("desk-store", False)]
        assert len(world.said) == 1
        with world.store.together() as connection:
            connection.execute(text("ALTER TABLE hidden RENAME TO incidents"))
        await until(lambda: len(world.reports) > 1)
    assert world.reports == [("desk-store", False), ("desk-store", True)]
    assert world.store.incident(incident_of()) is not None
    assert world.store.incident(incident_of(number=2)) is not None


async def test_logs_that_cannot_be_read_are_said_once_although_the_store_can_be_written(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = [LogFull("Kafka is away"), LogFull("Kafka is still away")]
    read = world.projection.read_outbox

    def read_outbox():
        if away:
            raise away.pop(0)
        return read()

    monkeypatch.setattr("duty.edge.follow.PAUSE_S", 0.1)
    monkeypatch.setattr(world.projection, "read_outbox", read_outbox)
    monkeypatch.setattr(world.projection, "has_something_to_save", lambda: True)
    async with world.running():
        world.tell(raised(1), page(1))
        await asyncio.wait_for(world.worker.went.wait(), 60)
        await until(lambda: len(world.reports) > 1)
        await asyncio.sleep(0.3)
    assert world.reports == [("desk-logs", False), ("desk-logs", True)]
    assert world.said == ["Kafka is away", "the logs are read again"]


async def test_a_store_that_refuses_while_the_logs_are_away_is_a_trouble_of_its_own(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_outbox():
        raise LogFull("Kafka is away")

    monkeypatch.setattr("duty.edge.follow.PAUSE_S", 0.05)
    monkeypatch.setattr(world.projection, "read_outbox", read_outbox)
    monkeypatch.setattr(world.projection, "has_something_to_save", lambda: True)
    monkeypatch.setattr(world.projection, "flush", lambda: False)
    world.projection.trouble = "the disk is full"
    async with world.running():
        await until(lambda: len(world.reports) > 1)
        await asyncio.sleep(0.3)
    assert world.reports == [("desk-logs", False), ("desk-store", False)]
    assert world.said == ["Kafka is away", "the disk is full"]


async def test_what_was_read_is_told_although_the_other_log_cannot_be(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_inbox():
        raise LogFull("Kafka is away")

    monkeypatch.setattr("duty.edge.follow.PAUSE_S", 0.05)
    monkeypatch.setattr(world.projection, "read_inbox", read_inbox)
    screen = world.projection.subscribe(wanted=lambda _: True)
    async with world.running():
        world.tell(raised(1), page(1))
        await asyncio.wait_for(world.worker.went.wait(), 60)
    assert {change.touched.key for change in screen.take()} == {incident_of()}  # type: ignore[union-attr]


async def test_its_end_waits_for_what_is_under_way(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever stops the desk writes down what was read: nobody may be reading meanwhile."""
    goes_on, reading = threading.Event(), threading.Event()
    read = world.projection.read_outbox

    def read_outbox() -> tuple[list[Touched], bool]:
        reading.set()
        goes_on.wait(60)
        return read()

    monkeypatch.setattr(world.projection, "read_outbox", read_outbox)
    world.tell(raised(1), page(1))
    task = asyncio.create_task(world.follow.run())
    await until(reading.is_set)
    task.cancel()
    await asyncio.wait({task}, timeout=0.2)
    assert not task.done()
    goes_on.set()
    await asyncio.wait({task}, timeout=60)
    assert task.cancelled()
    assert world.worker.pages


@pytest.mark.usefixtures("no_look")
async def test_a_ring_in_the_moment_of_its_end_does_not_keep_it(world: World) -> None:
    task = asyncio.create_task(world.follow.run())
    await until(lambda: "go" in world.worker.calls and world.follow.wanted._waiters)  # it sleeps
    world.follow.want()
    task.cancel()
    await asyncio.wait({task}, timeout=60)
    assert task.cancelled()


async def test_a_frame_that_does_not_decode_is_passed_over_and_named(world: World) -> None:
    world.logs._outbox.append([(0, b"not a frame")])
    world.tell(raised(1), page(1))
    await world.follow.catch_up()
    assert len(world.worker.pages) == 1
    assert "not a frame" in world.projection.unread[0]


async def test_a_frame_of_a_newer_release_stops_it(world: World) -> None:
    world.logs._outbox.append([(0, msgspec.msgpack.encode((99, [])))])
    with pytest.raises(NewerFrame, match="upgrade this process"):
        await world.follow.catch_up()


async def test_it_tidies_at_its_start(world: World) -> None:
    async with world.running():
        await until(lambda: world.tidied)
    assert world.tidied == 1
