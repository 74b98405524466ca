import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from duty.edge.channels.base import Tools
from duty.edge.site_webhook import AT_ONCE, GIVES_UP_AFTER_MS, UNWELL_AFTER, SiteWebhook
from duty.edge.store import Store
from duty.picture import page_of
from streams.troubles import Trouble
from tests.duty.edge.conftest import MASTER_KEY
from tests.duty.edge.peers import Peer, Says, peer
from tests.duty.effects import page as page_decision
from tests.duty.rosters import SHANGHAI, ms

NOW_MS = ms("2020-02-16 09:30")


class Hook:
    """A webhook with a store, a clock and a peer."""

    def __init__(self, folder: Path, made: Peer) -> None:
        self.now_ms = NOW_MS
        self.peer = made
        self.store = Store.open(folder / "desk.db", master_key=MASTER_KEY)
        self.tools = Tools(clock_ms=lambda: self.now_ms, timeout_s=60)
        self.reports: list[tuple[str, bool, str]] = []
        self.start()

    def start(self) -> None:
        async def report(part: str, well: bool, detail: str) -> None:
            self.reports.append((part, well, detail))

        self.hook = SiteWebhook(
            self.store, url=f"{self.peer.url}/pages", secret="s3cret", tools=self.tools, zone=SHANGHAI,
            clock_ms=lambda: self.now_ms, raised_ms=lambda _: NOW_MS - 60_000, report=report, wanted=lambda: None,
        )  # fmt: skip
        self.hook.load()

    def owe(self, count: int = 1, at_ms: int | None = None) -> None:
        pages = [
            page_of(page_decision(at_ms or self.now_ms, subject=f"g017/3/{n}", caused_ms=NOW_MS - 61_000))
            for n in range(count)
        ]
        self.hook.take(pages, [], [])

    def save(self) -> None:
        with self.store.together():
            self.hook.save()
        self.hook.saved()

    async def turn(self) -> None:
        self.hook.absorb()
        self.save()
        self.hook.go()
        while self.hook._sending:
            await asyncio.gather(*self.hook._tasks)
            self.hook.absorb()
            self.hook.go()
        self.save()

    async def wait(self, seconds: float) -> None:
        end_ms = self.now_ms + round(seconds * 1000)
        while (due_ms := self.hook.next_ms()) is not None and due_ms <= end_ms:
            self.now_ms = max(self.now_ms, due_ms)
            await self.turn()
        self.now_ms = end_ms

    @property
    def ids(self) -> list[str]:
        return [request.headers["x-threshold-id"] for request in self.peer.requests]


@pytest.fixture
async def hook(tmp_path: Path) -> AsyncIterator[Hook]:
    async with peer() as made:
        hook = Hook(tmp_path, made)
        yield hook
        await hook.hook.close()
        await hook.tools.close()
        hook.store.close()


def answers(*said: Says) -> Callable[[Any], Says]:
    left = list(said)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


async def test_a_page_is_told_as_on_mqtt_and_signed(hook: Hook) -> None:
    hook.owe()
    await hook.turn()
    (request,) = hook.peer.requests
    assert request.headers["x-threshold-signature"].startswith("sha256=")
    said = json.loads(request.body)
    assert said["page"] == "g017/3/0/undeclared-opening/1#0.worker.1"
    assert (said["kind"], said["subject"], said["grid"], said["role"], said["step"]) == (
        "undeclared-opening", "g017/3/0", "g017", "worker", 0,
    )  # fmt: skip
    assert said["reason"] == {"zh": "门开了，没有报备", "en": "the door opened and nothing was declared"}
    assert said["raised_at"] == "2020-02-16T09:29:00.000+08:00"
    assert said["event"]["received_at"] == "2020-02-16T09:28:59.000+08:00"
    assert hook.hook.owed() == 0
    assert hook.store.owed_pages() == []


async def test_what_fails_is_told_again_with_growing_pauses_and_the_same_id_and_body(hook: Hook) -> None:
    hook.peer.says = answers(Says(500), Says(drops=True), Says(404), Says(429), Says(200))
    hook.owe()
    await hook.turn()
    starts = [0.0]
    for pause_s in (1, 2, 5, 15):
        before = len(hook.peer.requests)
        await hook.wait(pause_s - 0.001)
        assert len(hook.peer.requests) == before
        await hook.wait(0.001)
        starts.append(hook.now_ms)
    assert len(hook.peer.requests) == 5
    assert len(set(hook.ids)) == 1
    assert len({request.body for request in hook.peer.requests}) == 1
    await hook.wait(10_000)
    assert len(hook.peer.requests) == 5


async def test_a_pause_asked_for_is_made(hook: Hook) -> None:
    hook.peer.says = answers(Says(503, headers={"Retry-After": "40"}), Says(200))
    hook.owe()
    await hook.turn()
    await hook.wait(39)
    assert len(hook.peer.requests) == 1
    await hook.wait(1)
    assert len(hook.peer.requests) == 2


async def test_nothing_waits_behind_a_page_that_cannot_be_had(hook: Hook) -> None:
    hook.peer.says = lambda request: Says(400 if "/3/0/" in request.headers["x-threshold-id"] else 200)
    hook.owe(20)
    await hook.turn()
    assert len(hook.peer.requests) == 20
    assert hook.hook.owed() == 1


async def test_it_outlives_a_restart_and_a_crash_before_it_was_recorded(hook: Hook) -> None:
    hook.owe(3)
    hook.hook.absorb()
    hook.save()
    hook.hook.go()
    await hook.hook.close()  # dies in the middle
    hook.start()
    await hook.turn()
    assert set(hook.ids) >= {f"g017/3/{n}/undeclared-opening/1#0.worker.1" for n in range(3)}
    assert hook.store.owed_pages() == []
    hook.start()
    await hook.wait(100)
    assert hook.hook.owed() == 0


async def test_a_page_read_again_from_the_log_is_not_owed_again(hook: Hook) -> None:
    hook.owe()
    await hook.turn()
    hook.start()
    hook.owe()
    await hook.turn()
    hook.start()
    assert hook.hook.owed() == 0
    assert len(hook.peer.requests) <= 2


async def test_its_failing_is_reported_once_and_so_is_its_recovery(hook: Hook) -> None:
    hook.peer.says = answers(*[Says(500)] * (UNWELL_AFTER + 2), Says(200))
    hook.owe()
    await hook.turn()
    await hook.wait(3600)
    assert hook.reports == [
        ("page-webhook", False, Trouble("webhook-failing", {"why": "HTTP 500"})),
        ("page-webhook", True, ""),
    ]


async def test_a_page_whose_answer_is_not_taken_in_yet_is_not_sent_again(hook: Hook) -> None:
    hook.owe()
    hook.hook.absorb()
    hook.save()
    hook.hook.go()
    await asyncio.gather(*hook.hook._tasks)  # it is accepted while the loop writes something down
    hook.hook.go()
    assert hook.hook.next_ms() is None
    await hook.turn()
    assert len(hook.peer.requests) == 1


async def test_what_is_not_written_down_yet_is_not_owed_by_what_the_store_says(hook: Hook) -> None:
    hook.owe()
    await hook.turn()
    hook.owe(2)
    hook.hook.absorb()
    hook.save()
    hook.hook.go()
    await asyncio.gather(*hook.hook._tasks)
    hook.hook._more = True  # the store holds others
    hook.hook.absorb()
    assert hook.hook.owed() == 0


async def test_a_failure_while_its_recovery_is_told_is_not_counted_away(hook: Hook) -> None:
    """The last word about it must be true: what fails from now on is reported, and so is its end."""
    telling, goes_on = asyncio.Event(), asyncio.Event()
    told: list[bool] = []

    async def report(_: str, well: bool, __: str) -> None:
        told.append(well)
        if well and len(told) == 1:
            telling.set()
            await goes_on.wait()

    hook.hook._report = report
    hook.owe()
    hook.hook.absorb()
    hook.hook.go()
    await asyncio.wait_for(telling.wait(), 60)
    hook.peer.says = answers(*[Says(500)] * UNWELL_AFTER, Says(200))
    hook.owe(2)
    hook.hook.absorb()
    while told[-1]:
        hook.now_ms += 700_000
        hook.hook.absorb()
        hook.hook.go()
        await asyncio.sleep(0.01)
    goes_on.set()
    while not told[-1]:
        hook.now_ms += 700_000
        hook.hook.absorb()
        hook.hook.go()
        await asyncio.sleep(0.01)
    assert told == [True, False, True]


async def test_after_a_week_it_is_given_up_and_that_stays_on_record(hook: Hook) -> None:
    hook.peer.says = lambda _: Says(500)
    hook.owe()
    await hook.turn()
    hook.now_ms += GIVES_UP_AFTER_MS
    await hook.turn()
    assert hook.hook.owed() == 0
    with hook.store.together() as connection:
        row = connection.exec_driver_sql("SELECT outcome, detail FROM webhook_pages").one()
    assert tuple(row) == ("gave-up", "HTTP 500")


async def test_a_webhook_that_is_new_is_not_told_of_the_past(hook: Hook) -> None:
    hook.owe(at_ms=NOW_MS - 25 * 3_600_000)
    await hook.turn()
    assert hook.peer.requests == []


async def test_only_a_few_at_once(hook: Hook) -> None:
    most = [0]

    def says(_: Any) -> Says:
        most[0] = max(most[0], len(hook.hook._sending))
        return Says(200, after_s=0.05)

    hook.peer.says = says
    hook.owe(12)
    await hook.turn()
    assert most[0] <= AT_ONCE
    assert len(hook.peer.requests) == 12
