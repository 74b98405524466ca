import asyncio

import pytest

from gateway.edge import inbox
from gateway.edge.box import BoxRejects
from gateway.edge.door_routes import DoorRoutes
from gateway.edge.http_caller import Answer
from gateway.edge.well_words import WellWords
from streams.commands import Command
from streams.edge.local import LocalRuntime
from streams.edge.sqlite_log import SqliteReader
from streams.edge.standing import BoxStanding
from streams.frames import Receipt, SystemReport
from tests.gateway.edge.harness import Inside
from tests.gateway.worlds import door, fleet_of, message
from tests.streams.edge.boxes import policy, standing_clock

DECLARE = {
    "command": "declare",
    "household": "g017/3/1203",
    "until": "2020-02-16T10:05:00+08:00",
    "reason": "rubbish",
    "by": "resident",
}


def routes_of(inside: Inside) -> DoorRoutes:
    reader = SqliteReader(inside.folder / inbox.FILE, "rejects")
    words = WellWords(inside.gate, BoxStanding(inside.folder, 1, wait_s=0.1), loop=asyncio.get_running_loop())
    return DoorRoutes(inside.gate, BoxRejects(reader), words, lambda: {"well": True}, lambda: "a_metric 1\n")


async def ask(inside: Inside, path: str, body=None) -> Answer:
    method = "GET" if body is None else "POST"
    return await routes_of(inside).routes()[(method, path)](body)


async def test_a_command_is_answered_when_it_is_on_disk(tmp_path):
    async with Inside(tmp_path) as inside:
        answer = await ask(inside, "/commands", DECLARE | {"id": "form-7"})
        assert (answer.status, answer.body["id"], answer.body["offset"]) == (200, "form-7", 1)
        [command] = [record for record in inside.records() if isinstance(record, Command)]
        assert (command.id, command.name, command.household, command.by) == (
            "form-7",
            "declare",
            "g017/3/1203",
            "resident",
        )
        assert command.at_ms == inside.now_ms


async def test_a_command_without_an_id_is_given_one(tmp_path):
    async with Inside(tmp_path) as inside:
        ids = {(await ask(inside, "/commands", DECLARE)).body["id"] for _ in range(2)}
        assert len(ids) == 2


@pytest.mark.parametrize(
    "body",
    [
        {"command": "dance"},
        {},
        DECLARE | {"household": "nowhere"},
        DECLARE | {"until": "noon"},
        DECLARE | {"id": ""},
        DECLARE | {"id": 7},
        DECLARE | {"id": "x" * 101},
    ],
)
async def test_a_bad_command_is_refused_and_nothing_is_written(tmp_path, body):
    async with Inside(tmp_path) as inside:
        answer = await ask(inside, "/commands", body)
        assert (answer.status, answer.body["reason"]) == (400, "malformed")
        assert answer.body["detail"]
        assert inside.records() == []


READING = {"client": "gun-1", "topic": "threshold/g017/gun-1/temperature", "payload": '{"celsius":36.6,"seq":1}'}


async def test_a_reading_typed_in_is_taken_as_the_devices_own(tmp_path):
    async with Inside(tmp_path) as inside:
        answer = await ask(inside, "/messages", READING)
        assert (answer.status, answer.body["taken"], answer.body["refused"]) == (200, 1, "")
        again = await ask(inside, "/messages", READING)
        assert (again.status, again.body["taken"]) == (200, 0), "the same again is a duplicate"
        assert [record.celsius for record in inside.records()] == [36.6]


async def test_a_message_in_the_name_of_another_device_is_refused_and_kept(tmp_path):
    async with Inside(tmp_path) as inside:
        answer = await ask(inside, "/messages", READING | {"client": "door-1"})
        assert (answer.status, answer.body["taken"], answer.body["refused"]) == (200, 0, "forbidden-topic")


@pytest.mark.parametrize("wrong", [{"client": 7}, {"topic": ""}, {"payload": {"celsius": 36.6}}, {"topic": "x" * 501}])
async def test_a_message_that_is_none_is_refused(tmp_path, wrong):
    async with Inside(tmp_path) as inside:
        answer = await ask(inside, "/messages", READING | wrong)
        assert (answer.status, answer.body["reason"]) == (400, "malformed")
        assert inside.records() == []


async def test_while_the_disk_is_full_a_command_is_refused_at_once(tmp_path):
    async with Inside(tmp_path) as inside:
        inside.writer.trouble = "the disk is full"
        inside.gate.add([SystemReport(1, "x", True)])
        await inside.until(lambda: inside.gate.flow.failing)
        answer = await ask(inside, "/commands", DECLARE)
        assert (answer.status, answer.body) == (503, {"reason": "inbox-full", "detail": "the disk is full"})


async def test_a_command_that_met_a_full_disk_is_not_answered_as_done(tmp_path, monkeypatch):
    async with Inside(tmp_path) as inside:
        inside.writer.trouble = "the disk is full"
        with monkeypatch.context() as hurried:
            hurried.setattr("gateway.edge.door_routes._PATIENCE_S", 0.2)
            answer = await ask(inside, "/commands", DECLARE | {"id": "c1"})
        assert answer.status == 503
        assert "send it again with the same id" in answer.body["detail"]
        inside.writer.trouble = ""
        await inside.until(lambda: not inside.gate.flow.failing)
        assert (await ask(inside, "/commands", DECLARE | {"id": "c1"})).status == 200


async def test_a_report_about_ourselves(tmp_path):
    async with Inside(tmp_path) as inside:
        assert (await ask(inside, "/reports", {"part": "sink", "well": False, "detail": "behind"})).status == 200
        [report] = inside.records()
        assert report == SystemReport(inside.now_ms, "sink", False, "behind")


async def test_that_a_part_is_well_is_kept_where_a_report_stands_and_known_to_have_been_taken_in(tmp_path):
    async with Inside(tmp_path) as inside:
        body = {"part": "sink", "well": True, "if_standing": True}
        assert (await ask(inside, "/reports", {"part": "sink", "well": False})).status == 200
        not_yet = await ask(inside, "/reports", body)
        assert (not_yet.status, not_yet.body["reason"]) == (503, "not-known-yet")
        streams = LocalRuntime(folder=inside.folder, policy=policy(), clock=standing_clock())
        await asyncio.to_thread(streams.turn)
        assert (await ask(inside, "/reports", body)).status == 200
        await asyncio.to_thread(streams.turn)
        assert (await ask(inside, "/reports", body)).body == {"standing": False}
        await asyncio.to_thread(streams.close)
        assert [(r.part, r.well) for r in inside.records()] == [("sink", False), ("sink", True)]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"part": "", "well": True},
        {"part": "a/b", "well": True},
        {"part": "sink", "well": 1},
        {"part": "sink", "well": True, "if_standing": 1},
        {"part": "sink", "well": False, "if_standing": True},
    ],
)
async def test_a_bad_report_is_refused(tmp_path, body):
    async with Inside(tmp_path) as inside:
        assert (await ask(inside, "/reports", body)).status == 400


RECEIPT = {"page": "i#0.worker.1", "grid": "g017", "channel": "sms", "outcome": "accepted"}


async def test_a_receipt(tmp_path):
    async with Inside(tmp_path) as inside:
        body = RECEIPT | {"detail": "ok", "caused_at_ms": 5, "caused_received_ms": 6}
        assert (await ask(inside, "/receipts", body)).status == 200
        assert inside.records() == [Receipt(inside.now_ms, "g017", "i#0.worker.1", "sms", "accepted", "ok", 5, 6)]


@pytest.mark.parametrize(
    "wrong", [{"page": 7}, {"outcome": "perhaps"}, {"caused_at_ms": "now"}, {"caused_at_ms": True}, {"detail": 1}]
)
async def test_a_bad_receipt_is_refused(tmp_path, wrong):
    async with Inside(tmp_path) as inside:
        assert (await ask(inside, "/receipts", RECEIPT | wrong)).status == 400
        assert inside.records() == []


async def test_rejects_are_fed_in_again_once_their_cause_is_mended(tmp_path):
    async with Inside(tmp_path) as inside:
        inside.gate.take(message("zigbee2mqtt/door-9"))
        inside.gate.take(message("zigbee2mqtt/door-1", b"{"))
        inside.gate.when_durable(None)
        await inside.durable()
        answer = await ask(inside, "/rejects/replay", {})
        assert (answer.body["taken"], answer.body["refused"]) == (0, 2)
    async with Inside(tmp_path, fleet_of(door(), door("door-9"))) as inside:
        answer = await ask(inside, "/rejects/replay", {"ids": [1]})
        assert (answer.body["taken"], answer.body["refused"]) == (1, 0)
        assert [event.device for event in inside.events()] == ["door-9"]
        assert len(inside.rejects()) == 2  # what it was is still to be seen
        answer = await ask(inside, "/rejects/replay", {})
        assert (answer.body["taken"], answer.body["refused"]) == (0, 1)


@pytest.mark.parametrize("ids", [7, [0], [-1], ["1"], [True], [2**63], [1] * 501])
async def test_bad_ids_are_refused(tmp_path, ids):
    async with Inside(tmp_path) as inside:
        assert (await ask(inside, "/rejects/replay", {"ids": ids})).status == 400


async def test_health_and_metrics_are_handed_on(tmp_path):
    async with Inside(tmp_path) as inside:
        assert (await ask(inside, "/health")).body == {"well": True}
        answer = await ask(inside, "/metrics")
        assert (answer.body, answer.content_type.split(";")[0]) == ("a_metric 1\n", "text/plain")
