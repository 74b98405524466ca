import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from devices.events import Event
from duty.edge.projection import Projection
from duty.edge.store import Store
from duty.incident import Incident
from duty.picture import Page, Touched
from streams.commands import Command
from streams.frames import Receipt
from tests.duty.edge.conftest import MASTER_KEY
from tests.duty.edge.logs import Logs
from tests.duty.effects import HOUSEHOLD, answer, decision, incident_of, noted, page, raised, seen

NOW_MS = 1_000_000_000
ID = incident_of()


@pytest.fixture
def logs(tmp_path: Path) -> Iterator[Logs]:
    made = Logs(tmp_path)
    yield made
    made.close()


def projection(store: Store, logs: Logs, *, partitions: int = 1, alive_ms: int | None = None) -> Projection:
    made = Projection(
        store, outbox=logs.outbox(), inbox=logs.inbox(), partitions=partitions, clock_ms=lambda: NOW_MS, start="run",
        alive_ms=lambda: alive_ms,
    )  # fmt: skip
    made.load()
    return made


def read(made: Projection) -> list[Touched]:
    touched, more = made.read_outbox()
    assert not more
    heard, _ = made.read_inbox()
    made.tell([*touched, *heard])
    assert made.flush(), made.trouble
    return [*touched, *heard]


def event(at_ms: int, kind: str = "door", **facets: object) -> Event:
    fields = {"device": "door-1", "grid": "g017", "where": "household", "place": HOUSEHOLD} | facets
    return Event(id=f"e{at_ms}", received_ms=at_ms, kind=kind, **fields)  # type: ignore[arg-type]


class Told:
    """A follower that remembers."""

    def __init__(self) -> None:
        self.pages: list[Page] = []
        self.ended: list[str] = []
        self.answered: list[str] = []
        self.saves = 0

    def take(self, pages, ended: list[Incident], answered: list[Incident]) -> None:
        self.pages += pages
        self.ended += [i.id for i in ended]
        self.answered += [i.id for i in answered]

    def save(self) -> None:
        self.saves += 1

    def saved(self) -> None:
        pass


def test_what_the_outbox_tells_is_the_picture_and_outlives_a_restart(store: Store, logs: Logs) -> None:
    made = projection(store, logs)
    logs.tell(raised(1), page(1), seen(1, open=True, since_ms=1), answer(2), noted(3, "visited"))
    read(made)
    logs.tell(decision(5, "acknowledged", role="worker", by="w1"), seen(6, open=False))
    read(made)
    again = projection(store, logs)
    assert again.picture.incidents == made.picture.incidents
    assert again.picture.households == made.picture.households
    assert again.picture.answers == made.picture.answers
    assert again.picture.incidents[ID].state == "acknowledged"
    assert read(again) == []
    assert store.incident(ID) == made.picture.incidents[ID]
    assert [line.reason.word for line in store.notes(HOUSEHOLD)] == ["visited"]


def test_partitions_have_places_of_their_own(store: Store, logs: Logs) -> None:
    made = projection(store, logs, partitions=3)
    logs.tell(raised(1), partition=2)
    logs.tell(raised(2, number=2), partition=0)
    read(made)
    assert len(made.picture.incidents) == 2
    assert read(projection(store, logs, partitions=3)) == []


def test_what_was_not_yet_written_is_read_again(store: Store, logs: Logs) -> None:
    made = projection(store, logs)
    logs.tell(raised(1), page(1))
    made.read_outbox()  # and then the process dies before it was written
    again = projection(store, logs)
    assert again.picture.incidents == {}
    told = Told()
    again.followers.append(told)
    read(again)
    assert [p.id for p in told.pages] == [f"{ID}#0.worker.1"]


def test_pages_endings_and_answers_are_handed_to_who_follows(store: Store, logs: Logs) -> None:
    made = projection(store, logs)
    told = Told()
    made.followers.append(told)
    logs.tell(raised(1), page(1), page(1, "police"), decision(2, "acknowledged", role="worker"), decision(3, "closed"))
    read(made)
    assert [p.role for p in told.pages] == ["worker", "police"]
    assert (told.ended, told.answered, told.saves) == ([ID], [], 1)


def test_while_the_store_refuses_people_are_told_and_it_is_written_later(tmp_path: Path, logs: Logs) -> None:
    store = Store.open(tmp_path / "desk.db", master_key=MASTER_KEY)
    made = projection(store, logs)
    told = Told()
    made.followers.append(told)
    with store.together() as connection:
        connection.execute(text("ALTER TABLE incidents RENAME TO hidden"))
    logs.tell(raised(1), page(1))
    touched, _ = made.read_outbox()
    assert [t.what for t in touched] == ["incident", "incident"]
    assert len(told.pages) == 1
    assert not made.flush()
    assert "no such table" in made.trouble
    assert store.cursor("outbox", 0) == 0
    with store.together() as connection:
        connection.execute(text("ALTER TABLE hidden RENAME TO incidents"))
    assert made.flush()
    assert made.trouble == ""
    assert store.incident(ID) == made.picture.incidents[ID]
    assert store.cursor("outbox", 0) == 1
    store.close()


def test_openings_are_kept_with_their_ends(store: Store, logs: Logs) -> None:
    made = projection(store, logs)
    logs.tell(seen(100, open=True, since_ms=90))
    logs.tell(seen(110, open=True, since_ms=90, incidents=["undeclared-opening"]))
    read(made)
    made = projection(store, logs)
    logs.tell(seen(200, open=False))
    logs.tell(seen(300, open=True, since_ms=300, declared_until_ms=900), seen(350, open=False))
    logs.tell(seen(400, open=True, since_ms=400))
    read(made)
    found = [(o.opened_ms, o.closed_ms, o.declared) for o in store.openings(HOUSEHOLD, since_ms=0, until_ms=999)]
    assert found == [(90, 200, False), (300, 350, True), (400, None, False)]


def test_a_door_not_known_to_be_closed_still_stands_open(store: Store, logs: Logs) -> None:
    made = projection(store, logs)
    logs.tell(seen(100, open=True, since_ms=90), seen(110, open=None))
    read(made)
    assert store.openings(HOUSEHOLD, since_ms=0, until_ms=999)[0].closed_ms is None


def test_devices_say_how_they_are(store: Store, logs: Logs) -> None:
    made = projection(store, logs)
    logs.hear(event(1000, open=False, battery_percent=80.0, device_ms=400))
    logs.hear(event(2000, open=True, signal=-70.0, opens_counted=7))
    logs.hear(event(70_000, "heartbeat"))
    touched = read(made)
    assert [(t.what, t.key, t.t_ms) for t in touched] == [("device", "door-1", 1000), ("device", "door-1", 2000)]
    (health,) = made.devices_of(HOUSEHOLD)
    assert (health.heard_ms, health.battery_percent, health.signal, health.open) == (70_000, 80.0, -70.0, True)
    assert (health.opened_ms, health.opens_counted, health.difference_ms) == (2000, 7, 600)
    assert made.device("door-1") == health
    again = projection(store, logs)
    read(again)
    assert again.devices_of(HOUSEHOLD) == [health]
    assert made.devices_of("g017/9/9") == []


def test_a_device_that_moved_is_listed_where_it_is(store: Store, logs: Logs) -> None:
    made = projection(store, logs)
    logs.hear(event(1000, open=False, battery_percent=80.0))
    logs.hear(event(2000, open=False, place="g017/4/1"))
    read(made)
    assert made.devices_of(HOUSEHOLD) == []
    (health,) = made.devices_of("g017/4/1")
    assert health.battery_percent is None  # what it said elsewhere is not said of here


def test_a_retained_message_is_not_heard_now(store: Store, logs: Logs) -> None:
    made = projection(store, logs)
    logs.hear(event(1000, open=True, report="retained"))
    read(made)
    health = made.device("door-1")
    assert health is not None
    assert (health.heard_ms, health.open, health.opened_ms) == (0, True, None)


def command(at_ms: int, name: str, **fields: object) -> Command:
    return Command(id=f"c{at_ms}", at_ms=at_ms, name=name, grid="g017", **fields)  # type: ignore[arg-type]


def test_temperatures_of_a_household_come_from_three_places(store: Store, logs: Logs) -> None:
    made = projection(store, logs)
    logs.hear(
        command(1, "home-temperature", household=HOUSEHOLD, celsius=36.7, site="axilla", by="resident"),
        event(2, "temperature", celsius=36.8),
        event(3, "temperature", celsius=50.0, implausible=True),
        command(4, "register", checkpoint="g017/north", pass_id="A-1", household=HOUSEHOLD),
    )
    logs.tell(answer(5, pass_id="A-1", celsius=37.9), answer(6, pass_id="A-2"), answer(7, "no-reading", pass_id="A-1"))
    read(made)
    read(made)  # the answers came from the other log
    logs.hear(
        command(8, "register", checkpoint="g017/north", pass_id="A-2", household=HOUSEHOLD),
        # The core refuses a household of another grid.
        command(9, "register", checkpoint="g017/north", pass_id="A-2", household="g018/3/1203"),
    )
    read(made)
    found = [(row.at_ms, row.celsius, row.source) for row in store.temperatures(HOUSEHOLD, since_ms=0)]
    assert found == [
        (6, 36.6, "g017/north"), (5, 37.9, "g017/north"), (2, 36.8, "device"), (1, 36.7, "resident"),
    ]  # fmt: skip
    assert store.temperatures("g018/3/1203", since_ms=0) == []


def test_answers_of_the_gateways_channels_are_passed_on(store: Store, logs: Logs) -> None:
    made = projection(store, logs)
    receipts: list[Receipt] = []
    made.inbox.on_receipt = receipts.append
    receipt = Receipt(5, "g017", f"{ID}#0.worker.1", "mqtt/siren", "accepted")
    logs.hear(receipt)
    read(made)
    assert receipts == [receipt]


async def test_who_waits_for_a_command_is_told_what_became_of_it(sqlite_store: Store, logs: Logs) -> None:
    made = projection(sqlite_store, logs)
    waiting = asyncio.ensure_future(made.outcome_of("c1", 2))
    await asyncio.sleep(0)
    logs.tell(raised(1), decision(2, "acknowledged", role="worker", by="w1", command_id="c1"))
    read(made)
    outcome = await waiting
    assert outcome is not None
    assert (outcome.decision, outcome.by) == ("acknowledged", "w1")
    assert await made.outcome_of("c1", 2) == outcome
    assert await made.outcome_of("c2", 0.01) is None
    assert made._awaited == {}


def test_an_old_picture_says_how_old_it_is(sqlite_store: Store, logs: Logs) -> None:
    made = projection(sqlite_store, logs)
    assert made.live_since_ms() == 0
    read(made)
    assert made.live_since_ms() == NOW_MS
    dead = projection(sqlite_store, logs, alive_ms=NOW_MS - 90_000)
    read(dead)
    assert dead.live_since_ms() == NOW_MS - 90_000


def test_what_is_long_over_leaves_the_memory_and_stays_in_the_store(store: Store, logs: Logs) -> None:
    made = projection(store, logs)
    logs.tell(raised(1), decision(2, "closed"))
    read(made)
    made.tidy()
    assert made.picture.incidents == {}
    assert projection(store, logs).picture.incidents == {}
    assert store.incidents(subject="g017/3", since_ms=0)[0].id == ID
    assert store.incidents(grids=["g018"]) == []
    assert [i.id for i in store.incidents(grids=["g017"], kind="undeclared-opening", closed=True, until_ms=2)] == [ID]
    assert store.forget_history(raw_before_ms=10, incidents_before_ms=10) == 1
    assert store.incident(ID) is None
