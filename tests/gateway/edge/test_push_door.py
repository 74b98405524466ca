"""The push door over a real inbox: 200 is on disk, everything else is not taken."""

import asyncio
import contextlib
import json
from hashlib import sha256

import pytest

from devices.fleet import Device, Platform
from gateway.edge.http_caller import Answer, HttpRequest
from gateway.edge.push_door import PushDoor, PushRules
from gateway.edge.push_secrets import platforms
from gateway.flow import Bounds, Flow
from gateway.push.onenet import signature_of
from tests.gateway.edge.harness import WAIT_S, Inside
from tests.gateway.worlds import door, fleet_of

KEY = "a key of the test's"
HASHED = sha256(KEY.encode()).hexdigest()
TOKEN = "a token"
ROWS = {
    "ctwing": Platform(id="ctwing-1", kind="ctwing", topic="push/ctwing", secret_sha256=HASHED),
    "onenet": Platform(id="onenet-1", kind="onenet", topic="push/onenet"),
    "ttn": Platform(id="ttn-1", kind="ttn", topic="push/ttn", secret_sha256=HASHED),
    "chirpstack": Platform(id="chirp-1", kind="chirpstack", topic="push/chirpstack", secret_sha256=HASHED),
    "shelly": Platform(id="shelly-1", kind="shelly", topic="push/shelly", secret_sha256=HASHED),
}


def row(name: str, format: str, topic: str, address: str = "") -> Device:
    return door(name, format=format, topic=topic, address=address, secret_sha256="")


FLEET = fleet_of(
    row("c", "ctwing", "push/ctwing", "dev-c"),
    row("o", "onenet", "push/onenet", "865820035119960"),
    row("t", "ttn", "push/ttn", "A84041000181C061"),
    row("p", "chirpstack", "push/chirpstack", "a840410c41a9b2c3"),
    row("s", "shelly-gen1", "push/shelly/shellydw2-73C75E"),
    door(),
)
POINT = '{"at":1600000000000,"type":1,"value":"1","imei":"865820035119960","dev_id":1,"ds_id":"3342_0_5500"}'
LDS02 = {"BAT_V": 3.0, "MOD": 1, "DOOR_OPEN_STATUS": 1, "DOOR_OPEN_TIMES": 17, "LAST_DOOR_OPEN_DURATION": 2, "ALARM": 0}


def ask(target: str, body: object = None, method: str = "POST", peer: str = "203.0.113.7", **headers) -> HttpRequest:
    data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    return HttpRequest(method, target, {name.replace("_", "-"): value for name, value in headers.items()}, data, peer)


def onenet(nonce: str = "abcdefgh", msg: str = POINT, token: str = TOKEN) -> HttpRequest:
    signature = signature_of(token, nonce, msg.encode())
    body = f'{{"msg":{msg},"nonce":"{nonce}","msg_signature":"{signature}"}}'
    return ask("/push/onenet-1", body.encode())


def ctwing(at_ms: int = 1_600_000_000_000, **fields) -> HttpRequest:
    said = {"messageType": "dataReport", "deviceId": "dev-c", "timestamp": at_ms, "payload": {"door_status": 1}}
    return ask(f"/push/ctwing-1/{KEY.replace(' ', '%20')}", said | fields)


def ttn(**headers) -> HttpRequest:
    uplink = {"f_port": 10, "f_cnt": 7, "decoded_payload": LDS02}
    said = {"end_device_ids": {"device_id": "lds", "dev_eui": "A84041000181C061"}, "uplink_message": uplink}
    return ask("/push/ttn-1/up", said, **(headers or {"authorization": f"Bearer {KEY}"}))


def chirpstack(event: str = "up") -> HttpRequest:
    said = {"deviceInfo": {"devEui": "a840410c41a9b2c3"}, "fCnt": 7, "fPort": 10, "object": LDS02}
    return ask(f"/push/chirp-1?event={event}", said, x_threshold_key=KEY)


def shelly(what: str = "open") -> HttpRequest:
    return ask(f"/push/shelly-1/{KEY.replace(' ', '%20')}/shellydw2-73C75E/{what}", method="GET")


PUSHES = {"ctwing": ctwing, "onenet": onenet, "ttn": ttn, "chirpstack": chirpstack, "shelly": shelly}


@contextlib.asynccontextmanager
async def opened(folder, flow: Flow | None = None, **rules):
    (folder / "token").write_text(TOKEN)
    rows = {p.id: p for p in ROWS.values()}
    rows["onenet-1"] = Platform(id="onenet-1", kind="onenet", topic="push/onenet", token_file=str(folder / "token"))
    fleet = type(FLEET)(devices=FLEET.devices, platforms=rows)
    async with Inside(folder, fleet, flow=flow) as inside:
        push = PushDoor(inside.gate, platforms(fleet, "f"), PushRules(**rules), loop=asyncio.get_running_loop())
        yield inside, push
        await push.close()


@pytest.mark.parametrize("kind", PUSHES)
async def test_a_push_is_answered_when_it_is_on_disk(tmp_path, kind):
    async with opened(tmp_path) as (inside, push):
        answer = await push.answer(PUSHES[kind]())
        assert (answer.status, answer.body) == (200, {"taken": 1, "refused": ""})
        [event] = inside.events()
        assert (event.kind, event.open, event.report) == ("door", True, "live")
        assert inside.rejects() == []


@pytest.mark.parametrize("kind", ["ctwing", "onenet", "ttn", "chirpstack"])
async def test_a_platform_that_pushes_again_makes_one_event(tmp_path, kind):
    async with opened(tmp_path) as (inside, push):
        assert (await push.answer(PUSHES[kind]())).status == 200
        again = onenet("another1") if kind == "onenet" else PUSHES[kind]()
        answer = await push.answer(again)
        assert (answer.status, answer.body["taken"]) == (200, 0)
        assert len(inside.events()) == 1
        assert inside.gate.duplicates == 1


async def test_onenet_verifies_the_address(tmp_path):
    async with opened(tmp_path) as (inside, push):
        signature = signature_of(TOKEN, "abcdefgh", b"hello").replace("+", "%2B")
        answer = await push.answer(ask(f"/push/onenet-1?msg=hello&nonce=abcdefgh&signature={signature}", method="GET"))
        assert answer == Answer(200, "hello", "text/plain; charset=utf-8")
        assert inside.records() == []


@pytest.mark.parametrize(
    ("request_", "status", "reason"),
    [
        (onenet(token="another"), 403, "forbidden-topic"),
        (ask("/push/onenet-1", b'{"msg":{}}'), 401, "forbidden-topic"),
        (ask("/push/ctwing-1/wrong", {}), 403, "forbidden-topic"),
        (ask("/push/ctwing-1", {}), 401, "forbidden-topic"),
        (ttn(authorization="Bearer wrong"), 403, "forbidden-topic"),
        (ttn(x_downlink_apikey=KEY), 401, "forbidden-topic"),
        (chirpstack("nonsense"), 400, "unknown-topic"),
        (shelly("ajar"), 400, "unknown-topic"),
    ],
)
async def test_a_push_that_is_not_let_in_is_kept_with_its_reason(tmp_path, request_, status, reason):
    async with opened(tmp_path) as (inside, push):
        answer = await push.answer(request_)
        assert (answer.status, answer.body["reason"]) == (status, reason)
        await inside.durable()
        [reject] = inside.rejects()
        assert reject.reason == reason
        assert reject.topic.startswith("push/")
        assert reject.payload == request_.body
        assert KEY not in str(reject), "the key of an address is nowhere written"
        # Fed in again it is still not the platform's word.
        assert inside.gate.intake.take_again(reject, inside.now_ms).events == []
        assert inside.events() == []


async def test_a_push_with_nothing_in_it_leaves_nothing(tmp_path):
    async with opened(tmp_path) as (inside, push):
        shown = {"authorization": f"Bearer {KEY}"}
        assert (await push.answer(ask("/push/ttn-1", method="GET", **shown))).status == 405
        assert (await push.answer(ask("/push/ttn-1", **shown))).status == 400
        await inside.durable()
        assert (inside.rejects(), push.counts["not_understood"]) == ([], 2)


@pytest.mark.parametrize("target", ["/", "/push", "/push/nobody/x", "/push/door-1", "/commands", "/health", "/push/c"])
async def test_whoever_is_no_platform_gets_nothing_and_leaves_nothing(tmp_path, target):
    async with opened(tmp_path) as (inside, push):
        assert (await push.answer(ask(target, {}))).status == 404
        await inside.durable()
        assert (inside.rejects(), inside.records(), push.counts["not_found"]) == ([], [], 1)


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (ctwing(deviceId="a stranger"), "unknown-device"),
        (ask(f"/push/ctwing-1/{KEY.replace(' ', '%20')}", b"no json"), "malformed"),
        (ask(f"/push/ctwing-1/{KEY.replace(' ', '%20')}", b"x" * 70_000), "too-large"),
    ],
)
async def test_what_a_platform_says_and_nobody_understands_is_kept_and_not_asked_for_again(tmp_path, request_, reason):
    async with opened(tmp_path) as (inside, push):
        answer = await push.answer(request_)
        assert (answer.status, answer.body["refused"]) == (200, reason)
        assert [reject.reason for reject in inside.rejects()] == [reason]


async def test_a_platform_speaks_only_for_its_own_devices(tmp_path):
    async with opened(tmp_path) as (inside, push):
        # A device's id may be told by mistake to another platform: its row is on another topic.
        body = {"messageType": "dataReport", "deviceId": "865820035119960", "payload": {"door": 1}}
        answer = await push.answer(ask(f"/push/ctwing-1/{KEY.replace(' ', '%20')}", body))
        assert answer.body["refused"] == "unknown-device"
        client = await inside.client("door-1")
        client.close()
        assert "ctwing-1" in inside.gate.intake.principals
        assert inside.events() == []


async def test_a_log_that_cannot_be_written_is_no_200(tmp_path):
    async with opened(tmp_path) as (inside, push):
        inside.writer.trouble = "the disk is full"
        assert (await push.answer(ctwing())).status == 503
        answer = await push.answer(ctwing(1_600_000_060_000))
        assert (answer.status, answer.body["detail"]) == (503, "the disk is full")
        assert answer.retry_after_s > 0
        inside.writer.trouble = ""
        await inside.durable()
        # The first was taken before the trouble was known, and is written once the disk is well: a duplicate then.
        assert (await push.answer(ctwing())).body["taken"] == 0
        assert len(inside.events()) == 1


async def test_a_slow_log_is_no_200_and_nothing_is_taken(tmp_path):
    async with opened(tmp_path, Flow(Bounds(messages=1))) as (inside, push):
        first = asyncio.ensure_future(push.answer(ctwing()))
        await asyncio.sleep(0)
        answer = await push.answer(ctwing(1_600_000_060_000))
        assert (answer.status, answer.body["detail"]) == (503, "the disk is slow: push it again")
        assert (await first).status == 200
        assert len(inside.events()) == 1


async def test_one_platform_too_fast_is_told_so_and_another_is_not(tmp_path):
    async with opened(tmp_path, rate_per_platform_s=0.001, burst_s=3000) as (_, push):
        answers = [await push.answer(ctwing(1_600_000_000_000 + n)) for n in range(6)]
        assert [answer.status for answer in answers] == [200, 200, 200, 429, 429, 429]
        assert answers[-1].retry_after_s > 0
        assert (await push.answer(onenet())).status == 200


async def test_one_address_too_fast_is_told_so_and_another_is_not(tmp_path):
    async with opened(tmp_path, rate_per_address_s=0.001, burst_s=3000) as (_, push):
        hostile = [(await push.answer(ask("/push/ctwing-1/guess", {}, peer="198.51.100.1"))).status for _ in range(6)]
        assert hostile == [403, 403, 403, 429, 429, 429]
        assert (await push.answer(ctwing())).status == 200
        # A proxy on this machine has one address for everybody.
        near = [(await push.answer(ask("/push/ctwing-1/guess", {}, peer="127.0.0.1"))).status for _ in range(6)]
        assert set(near) == {403}


async def test_a_thousand_guesses_fill_no_disk(tmp_path, monkeypatch):
    # What may be kept grows again with time: here none passes, however long a thousand take.
    monkeypatch.setattr("gateway.edge.push_door.clock_ms", lambda: 1_000_000)
    async with opened(tmp_path, rate_per_address_s=10_000) as (inside, push):
        for n in range(1000):
            assert (await push.answer(ask(f"/push/ctwing-1/{n}", b"x" * 5000))).status == 403
        await inside.durable()
        kept = inside.rejects()
        assert len(kept) == 20
        assert max(len(reject.payload) for reject in kept) <= 2048
        assert push.counts["refused_keys"] == 1000


async def test_addresses_are_forgotten_before_there_are_too_many(tmp_path, monkeypatch):
    monkeypatch.setattr("gateway.edge.push_door._MOST_ADDRESSES", 10)
    async with opened(tmp_path) as (_, push):
        for n in range(50):
            await push.answer(ask("/x", {}, peer=f"203.0.113.{n}"))
        assert len(push._addresses) == 10


async def test_while_it_stops_it_takes_nothing_in(tmp_path):
    async with opened(tmp_path) as (inside, push):
        push.stop_reading()
        assert (await push.answer(ctwing())).status == 503
        assert inside.events() == []


async def test_what_was_taken_is_answered_before_it_hangs_up(tmp_path, monkeypatch):
    monkeypatch.setattr("gateway.edge.push_door._LAST_ANSWERS_S", WAIT_S)
    async with opened(tmp_path) as (inside, push):
        _, port = await push.listen("127.0.0.1", 0)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        known = shelly()
        writer.write(f"GET {known.target} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
        await inside.until(lambda: push.counts["requests"])
        await push.close()
        assert (await asyncio.wait_for(reader.read(), WAIT_S)).startswith(b"HTTP/1.1 200 ")
        with pytest.raises(OSError):
            await asyncio.open_connection("127.0.0.1", port)
        writer.close()


async def test_a_disk_that_does_not_answer_holds_up_no_goodbye(tmp_path, monkeypatch):
    monkeypatch.setattr("gateway.edge.push_door._PATIENCE_S", 10 * WAIT_S)
    async with opened(tmp_path) as (inside, push):
        _, port = await push.listen("127.0.0.1", 0)
        inside.writer.trouble = "the disk is full"
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET {shelly().target} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
        await inside.until(lambda: push.counts["requests"])
        await asyncio.wait_for(push.close(), WAIT_S)
        writer.close()


# Over sockets.


async def test_connections_are_bounded_and_one_that_said_nothing_makes_room(tmp_path):
    async with opened(tmp_path, max_connections=2) as (_, push):
        _, port = await push.listen("127.0.0.1", 0)
        silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        await asyncio.sleep(0.05)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /push/x HTTP/1.1\r\nHost: h\r\n\r\n")
        assert (await asyncio.wait_for(reader.readline(), WAIT_S)).startswith(b"HTTP/1.1 404 ")
        assert await asyncio.wait_for(silent[0][0].read(), WAIT_S) == b""
        assert push.counts["turned_away"] == 1
        assert await asyncio.wait_for(reader.read(), WAIT_S) != b"", "the answer, then the end: it showed no key"
        assert push.connections == 1
        for _, other in [*silent, (reader, writer)]:
            other.close()


async def test_strangers_cannot_stay_and_platforms_can(tmp_path):
    async with opened(tmp_path, max_connections=3) as (_, push):
        _, port = await push.listen("127.0.0.1", 0)
        for target in ("/push/nobody", "/push/ctwing-1/guess", "/"):
            for _ in range(5):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(f"GET {target} HTTP/1.1\r\nHost: h\r\nConnection: keep-alive\r\n\r\n".encode())
                assert b"Connection: close" in await asyncio.wait_for(reader.read(), WAIT_S)
                writer.close()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        known = shelly()
        for _ in range(3):
            writer.write(f"GET {known.target} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
            assert (await asyncio.wait_for(reader.readline(), WAIT_S)).startswith(b"HTTP/1.1 200 ")
            await asyncio.wait_for(reader.readuntil(b"}"), WAIT_S)
        assert push.connections == 1
        writer.close()


async def test_a_fault_of_ours_is_500_and_the_door_stays_open(tmp_path, monkeypatch):
    async with opened(tmp_path) as (inside, push):
        _, port = await push.listen("127.0.0.1", 0)

        def broken(*_):
            raise KeyError("ours")

        monkeypatch.setattr("gateway.edge.push_door.parsed", broken)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /push/x HTTP/1.1\r\nHost: h\r\n\r\n")
        assert (await asyncio.wait_for(reader.readline(), WAIT_S)).startswith(b"HTTP/1.1 500 ")
        writer.close()
        monkeypatch.undo()
        assert (await push.answer(ctwing())).status == 200
        assert len(inside.events()) == 1


async def test_a_platform_cannot_come_in_with_mqtt(tmp_path):
    async with opened(tmp_path) as (inside, _):
        from tests.gateway.edge.harness import Client

        client = await Client.open(inside.port)
        await client.connect("ctwing-1", KEY)
        assert (await client.answer())[3] != 0
