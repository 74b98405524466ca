import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from duty.edge.door import Door, Sent
from duty.picture import CommandOutcome
from streams.effects import Reason
from tests.duty.edge.peers import Peer, Request, Says, nobody_there, peer
from tests.waiting import until

ACKNOWLEDGE = {
    "command": "acknowledge", "subject": "g017/3/1203", "kind": "undeclared-opening", "role": "worker", "by": "w1",
}  # fmt: skip


class Outbox:
    """What the core says of commands, when a test says so."""

    def __init__(self) -> None:
        self.outcomes: dict[str, CommandOutcome] = {}
        self._told = asyncio.Event()

    def tells(self, command_id: str, decision: str = "acknowledged", word: str = "", **values: str) -> None:
        self.outcomes[command_id] = CommandOutcome(
            command_id, 1, decision != "rejected", decision, Reason(word, dict(values)), incident="i1", by="w1"
        )
        self._told.set()

    async def outcome(self, command_id: str, timeout_s: float) -> CommandOutcome | None:
        if command_id not in self.outcomes and timeout_s:
            try:
                await asyncio.wait_for(self._told.wait(), timeout_s)
            except TimeoutError:
                return None
        return self.outcomes.get(command_id)


@pytest.fixture
async def gateway() -> AsyncIterator[Peer]:
    async with peer() as made:
        made.says = lambda request: Says(body={"id": request.json.get("id"), "offset": 7})
        yield made


@pytest.fixture
def outbox() -> Outbox:
    return Outbox()


@pytest.fixture
async def door(gateway: Peer, outbox: Outbox, tmp_path: Path) -> AsyncIterator[Door]:
    (tmp_path / "door.token").write_text("s3cret\n")
    made = Door(address=f"127.0.0.1:{gateway.port}", token_file=tmp_path / "door.token", outcome=outbox.outcome)
    yield made
    await made.close()


async def test_a_command_goes_in_and_its_decision_comes_back(door: Door, gateway: Peer, outbox: Outbox) -> None:
    sending = asyncio.ensure_future(door.send(ACKNOWLEDGE, command_id="c1"))
    await asyncio.sleep(0.05)
    outbox.tells("c1")
    assert await sending == Sent("done", "c1", "acknowledged", "i1", by="w1")
    (request,) = gateway.requests
    assert (request.method, request.path) == ("POST", "/commands")
    assert request.headers["authorization"] == "Bearer s3cret"
    assert request.json == ACKNOWLEDGE | {"id": "c1"}


async def test_a_double_tap_does_one_thing_and_gives_one_answer(door: Door, gateway: Peer, outbox: Outbox) -> None:
    both = [asyncio.ensure_future(door.send(ACKNOWLEDGE, command_id="c1")) for _ in range(2)]
    await asyncio.sleep(0.05)
    outbox.tells("c1")
    first, second = await asyncio.gather(*both)
    assert first == second
    assert first.state == "done"
    assert await door.send(ACKNOWLEDGE, command_id="c1") == first  # a third one, later, from another tab
    assert len(gateway.requests) == 1


async def test_a_browser_that_leaves_does_not_take_the_command_with_it(door: Door, gateway: Peer) -> None:
    gateway.says = lambda request: Says(body={"id": "c1", "offset": 7}, after_s=0.2)
    left = asyncio.ensure_future(door.send(ACKNOWLEDGE, command_id="c1", timeout_s=0.1))
    await asyncio.sleep(0.05)
    left.cancel()
    stayed = await door.send(ACKNOWLEDGE, command_id="c1", timeout_s=0.1)
    assert stayed.state == "kept"
    assert len(gateway.requests) == 1


async def test_a_decision_that_does_not_come_in_time_is_said(door: Door) -> None:
    assert await door.send(ACKNOWLEDGE, command_id="c1", timeout_s=0.05) == Sent("kept", "c1")


async def test_what_the_core_refuses_is_refused_in_its_words(door: Door, outbox: Outbox) -> None:
    outbox.tells("c1", "rejected", "no-open-incident", detail="it is closed")
    sent = await door.send(ACKNOWLEDGE, command_id="c1")
    assert (sent.state, sent.reason, sent.detail) == ("rejected", "no-open-incident", "it is closed")


@pytest.mark.parametrize("status", [400, 413])
async def test_what_the_gateway_refuses_is_refused_and_not_tried_again(door: Door, gateway: Peer, status: int) -> None:
    gateway.says = lambda _: Says(status, {"reason": "malformed", "detail": "subject must be a text"})
    sent = await door.send({"command": "acknowledge"}, command_id="c1")
    assert (sent.state, sent.reason, sent.detail) == ("rejected", "malformed", "subject must be a text")
    assert len(gateway.requests) == 1


@pytest.mark.parametrize(
    "says",
    [
        Says(503, {"reason": "inbox-full", "detail": "the disk is full"}),
        Says(500, b"<html>"),
        Says(401, {"reason": "not-allowed", "detail": "the token of door.token is wanted"}),
        Says(drops=True),
        Says(302, b"", {"Location": "http://elsewhere/"}),
    ],
)
async def test_trouble_is_tried_again_with_the_same_id_and_then_said(door: Door, gateway: Peer, says: Says) -> None:
    gateway.says = lambda _: says
    sent = await door.send(ACKNOWLEDGE, command_id="c1")
    assert sent.state == "unreachable"
    assert [request.json["id"] for request in gateway.requests] == ["c1"] * 3


async def test_a_gateway_that_comes_back_is_found(door: Door, gateway: Peer, outbox: Outbox) -> None:
    answers = iter([Says(drops=True), Says(200, {"id": "c1", "offset": 1})])
    gateway.says = lambda _: next(answers)
    outbox.outcomes.clear()
    sending = asyncio.ensure_future(door.send(ACKNOWLEDGE, command_id="c1"))
    await asyncio.sleep(0.3)
    outbox.tells("c1")
    assert (await sending).state == "done"


async def test_no_gateway_at_all(tmp_path: Path, outbox: Outbox) -> None:
    door = Door(
        address=nobody_there().removeprefix("http://"), token_file=tmp_path / "door.token", outcome=outbox.outcome
    )
    assert (await door.send(ACKNOWLEDGE)).detail == "the gateway has not made its token yet"
    (tmp_path / "door.token").write_text("t")
    assert (await door.send(ACKNOWLEDGE)).state == "unreachable"
    assert await door.health() is None
    assert await door.replay_rejects() is None
    assert not await door.report("channel-sms", well=False)
    await door.close()


async def test_a_reading_typed_in_goes_in_as_a_message(door: Door, gateway: Peer) -> None:
    gateway.says = lambda _: Says(body={"taken": 1, "refused": ""})
    assert await door.message(client="gun-1", topic="t", payload="{}") == {"taken": 1, "refused": ""}
    assert gateway.requests[-1].path == "/messages"
    gateway.says = lambda _: Says(status=503)
    assert await door.message(client="gun-1", topic="t", payload="{}") is None


async def test_the_first_word_that_a_part_is_well_counts_only_where_a_report_stands(
    door: Door, gateway: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("duty.edge.door._AGAIN_S", 0.01)
    monkeypatch.setattr("duty.edge.door._PAUSES_S", (0.01, 0.01))
    gateway.says = lambda _: Says(status=503, body={"reason": "not-known-yet"})
    assert await door.report("self-test", well=True)
    assert await door.report("self-test", well=True)
    await until(lambda: len(gateway.requests) >= 5)
    gateway.says = lambda _: Says(body={"standing": False})
    asked = len(gateway.requests)
    await until(lambda: len(gateway.requests) > asked)
    assert {(r.json["well"], r.json.get("if_standing")) for r in gateway.requests} == {(True, True)}
    asked = len(gateway.requests)
    assert await door.report("self-test", well=False, detail="no answer")
    assert await door.report("self-test", well=True)
    assert [request.json for request in gateway.requests[asked:]] == [
        {"part": "self-test", "well": False, "detail": "no answer"},
        {"part": "self-test", "well": True, "detail": ""},
    ]


async def test_what_is_wrong_meanwhile_ends_the_asking(
    door: Door, gateway: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("duty.edge.door._AGAIN_S", 0.01)
    monkeypatch.setattr("duty.edge.door._PAUSES_S", (0.01, 0.01))
    gateway.says = lambda request: Says(status=503 if request.json.get("if_standing") else 200)
    assert await door.report("channel-sms", well=True)
    await until(lambda: gateway.requests)
    assert await door.report("channel-sms", well=False, detail="no credit")
    await asyncio.sleep(0.2)
    asked = len(gateway.requests)
    await asyncio.sleep(0.2)
    assert len(gateway.requests) == asked


async def test_what_is_reported_of_a_part_arrives_in_the_order_it_was_said(door: Door, gateway: Peer) -> None:
    """A report that is slow to be taken is not passed by the next: the last word stands."""
    gateway.says = lambda request: Says(body={}, after_s=0.3 if not request.json["well"] else 0)
    taken: list[bool] = []

    async def say(well: bool) -> None:
        assert await door.report("desk-store", well=well)
        taken.append(well)

    await asyncio.gather(say(False), say(True))
    assert taken == [False, True]
    assert [request.json["well"] for request in gateway.requests] == [False, True]


async def test_the_first_word_that_it_is_well_does_not_pass_a_newer_one(door: Door, gateway: Peer) -> None:
    gateway.says = lambda request: Says(body={}, after_s=0.3 if request.json.get("if_standing") else 0)
    assert await door.report("self-test", well=True)
    first = door._first["self-test"]
    await until(lambda: gateway.requests)
    assert await door.report("self-test", well=False, detail="no answer")
    assert first.done(), "the newer one is said when the gateway has taken what was said before"
    assert [request.json["well"] for request in gateway.requests] == [True, False]


async def test_reports_receipts_and_rejects(door: Door, gateway: Peer) -> None:
    def says(request: Request) -> Says:
        return Says(body={"taken": 2} if request.path == "/rejects/replay" else {"ok": True})

    gateway.says = says
    assert await door.report("channel-sms", well=False, detail="no credit")
    assert await door.receipt(page="p", grid="g017", channel="sms", outcome="accepted")
    assert await door.replay_rejects([3, 4]) == {"taken": 2}
    assert await door.replay_rejects() == {"taken": 2}
    assert await door.health() == {"ok": True}
    bodies = [request.json for request in gateway.requests[:4]]
    assert bodies == [
        {"part": "channel-sms", "well": False, "detail": "no credit"},
        {"page": "p", "grid": "g017", "channel": "sms", "outcome": "accepted"},
        {"ids": [3, 4]},
        {},
    ]
