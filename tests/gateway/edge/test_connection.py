import asyncio

import msgspec
import pytest

from gateway.edge.listener import Rules
from gateway.mqtt.events import Subscription, Will
from gateway.mqtt.packets import V5, Disconnect, Pingreq, Subscribe
from tests.gateway.edge.harness import Client, Inside, StillClock
from tests.gateway.worlds import BRIDGE, SECRET_SHA256, door, fleet_of


async def test_a_puback_comes_when_the_event_is_on_disk(tmp_path):
    async with Inside(tmp_path) as inside:
        client = await inside.client()
        client.publish(packet_id=77)
        assert await client.answer() == b"\x40\x02\x00\x4d"
        assert [event.open for event in inside.events()] == [True]


async def test_without_the_disk_there_is_no_puback_and_nothing_is_lost(tmp_path):
    async with Inside(tmp_path) as inside:
        client = await inside.client()
        await inside.durable()
        inside.writer.trouble = "the disk is full"
        client.publish(packet_id=5)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.reader.readexactly(1), 0.3)
        inside.writer.trouble = ""
        assert await client.answer() == b"\x40\x02\x00\x05"
        assert len(inside.events()) == 1


async def test_what_is_sent_while_the_disk_is_full_is_read_afterwards(tmp_path):
    async with Inside(tmp_path) as inside:
        client = await inside.client()
        await inside.durable()
        inside.writer.trouble = "the disk is full"
        client.publish(packet_id=1)
        await inside.until(lambda: inside.gate.flow.failing)
        for packet_id in range(2, 52):
            client.publish(packet_id=packet_id)
        await asyncio.sleep(0.1)
        assert inside.gate.flow.messages == 1
        inside.writer.trouble = ""
        assert await client.answer(51 * 4) == b"".join(b"\x40\x02" + n.to_bytes(2, "big") for n in range(1, 52))
        assert len(inside.events()) == 51


async def test_a_forbidden_topic_is_refused_in_mqtt_5_and_kept(tmp_path):
    async with Inside(tmp_path) as inside:
        client = await Client.open(inside.port, V5)
        await client.connect("door-1")
        assert (await client.packet())[0] == 0x20
        client.publish("threshold/g017/dev-1/door", b'{"state":"open"}', packet_id=3)
        client.publish(packet_id=4)
        assert await client.answer(5) == b"\x40\x03\x00\x03\x87"
        assert await client.answer(4) == b"\x40\x02\x00\x04"
        assert [(r.reason, r.client) for r in inside.rejects()] == [("forbidden-topic", "door-1")]
        assert [event.device for event in inside.events()] == ["door-1"]


async def test_a_forbidden_topic_is_kept_and_answered_in_3_1_1_which_has_no_word_for_no(tmp_path):
    async with Inside(tmp_path) as inside:
        client = await inside.client()
        client.publish("threshold/g017/dev-1/door", b'{"state":"open"}', packet_id=3)
        assert await client.answer() == b"\x40\x02\x00\x03"
        assert [r.reason for r in inside.rejects()] == ["forbidden-topic"]
        assert inside.events() == []


@pytest.mark.parametrize("qos", [0, 1])
async def test_what_a_device_marks_as_retained_is_said_now(tmp_path, qos):
    async with Inside(tmp_path) as inside:
        client = await inside.client()
        client.publish(retain=True, qos=qos)
        await inside.until(inside.events)
        assert [event.report for event in inside.events()] == ["live"]


async def test_a_connection_says_that_its_device_is_there(tmp_path):
    async with Inside(tmp_path) as inside:
        await inside.client()
        await inside.until(lambda: inside.events("availability"))
        assert [event.online for event in inside.events("availability")] == [True]


async def test_a_will_is_said_when_the_client_vanishes(tmp_path):
    async with Inside(tmp_path) as inside:
        will = Will("zigbee2mqtt/door-1/availability", b"offline", 1, True)
        client = await inside.client(will=will)
        client.vanish()
        await inside.until(lambda: len(inside.events("availability")) == 2)
        assert [event.online for event in inside.events("availability")] == [True, False]


async def test_no_will_is_said_after_a_goodbye(tmp_path):
    async with Inside(tmp_path) as inside:
        client = await inside.client(will=Will("zigbee2mqtt/door-1/availability", b"offline", 1, True))
        client.send(Disconnect())
        await client.closed()
        await inside.durable()
        assert [event.online for event in inside.events("availability")] == [True]


async def test_a_will_on_a_foreign_topic_is_refused_and_kept(tmp_path):
    async with Inside(tmp_path) as inside:
        client = await Client.open(inside.port)
        await client.connect("door-1", will=Will("zigbee2mqtt/bridge/state", b"offline", 1, True))
        assert (await client.answer())[3] == 5
        await inside.until(inside.rejects)
        assert [(r.reason, r.topic) for r in inside.rejects()] == [("forbidden-topic", "zigbee2mqtt/bridge/state")]


async def test_a_device_that_falls_silent_is_offline(tmp_path, monkeypatch):
    clock = StillClock(monkeypatch)
    async with Inside(tmp_path) as inside:
        client = await inside.client(keep_alive_s=1)
        clock.passes(1050, inside)
        client.send(Pingreq())
        assert await client.answer(2) == b"\xd0\x00"
        clock.passes(1499, inside)
        client.send(Pingreq())
        assert await client.answer(2) == b"\xd0\x00"
        for _ in range(3):
            clock.passes(1000, inside)
        await client.closed()
        await inside.until(lambda: len(inside.events("availability")) == 2)
        assert [event.online for event in inside.events("availability")] == [True, False]


async def test_a_sensor_that_speaks_and_sleeps_without_a_goodbye_is_not_offline(tmp_path):
    async with Inside(tmp_path) as inside:
        client = await inside.client(keep_alive_s=60)
        client.publish()
        await client.answer()
        client.vanish()
        await inside.until(lambda: not inside.listener.connections)
        await inside.durable()
        assert [event.online for event in inside.events("availability")] == [True]


async def test_a_subscription_is_granted_only_for_its_own_pages(tmp_path):
    async with Inside(tmp_path) as inside:
        client = await inside.client("siren-1")
        filters = ("threshold/pages/g017/police", "threshold/pages/g017/doctor", "#", "zigbee2mqtt/door-1")
        client.send(Subscribe(9, tuple(Subscription(name, 1, 1) for name in filters)))
        assert await client.answer(8) == b"\x90\x06\x00\x09\x01\x80\x80\x80"


async def test_garbage_ends_its_own_connection_and_no_other(tmp_path):
    async with Inside(tmp_path) as inside:
        good = await inside.client()
        for garbage in (b"GET / HTTP/1.1\r\n\r\n", b"\x10\xff\xff\xff\xff", b"\x00" * 50, b"\x30\x02\x00\x00"):
            bad = await Client.open(inside.port)
            bad.send(garbage)
            assert await bad.closed()
        good.publish()
        assert await good.answer() == b"\x40\x02\x00\x01"


async def test_a_packet_too_large_ends_the_connection_and_is_noted(tmp_path):
    async with Inside(tmp_path) as inside:
        client = await inside.client()
        client.publish(payload=b"x" * 70_000)
        await client.closed()
        await inside.until(inside.rejects)
        assert [(r.reason, r.client) for r in inside.rejects()] == [("too-large", "door-1")]


async def test_a_bridge_may_say_more_at_once_and_is_bounded_too(tmp_path):
    bridge = msgspec.structs.replace(BRIDGE, secret_sha256=SECRET_SHA256)
    rules = Rules(bridge_packet_bytes=300_000)
    async with Inside(tmp_path, fleet_of(door(), bridge), rules=rules) as inside:
        client = await inside.client("z2m-17")
        client.publish("zigbee2mqtt/bridge/devices", b"x" * 250_000)
        assert await client.answer() == b"\x40\x02\x00\x01"
        # What it says of a device is as large as any device's.
        client.publish("zigbee2mqtt/door-1", b'{"contact":false}'.ljust(100_000), 2)
        assert await client.answer() == b"\x40\x02\x00\x02"
        assert [(r.reason, r.device, len(r.payload)) for r in inside.rejects()] == [("too-large", "door-1", 65_536)]
        client.publish("zigbee2mqtt/bridge/devices", b"x" * 310_000, 3)
        await client.closed()
        await inside.until(lambda: len(inside.rejects()) == 2)
        assert (inside.rejects()[1].reason, inside.rejects()[1].client) == ("too-large", "z2m-17")


async def test_who_sends_too_fast_is_slowed_down_and_loses_nothing(tmp_path):
    async with Inside(tmp_path, rules=Rules(rate_per_device_s=50, burst_s=0.2)) as inside:
        client = await inside.client()
        begun = asyncio.get_running_loop().time()
        for packet_id in range(1, 41):
            client.publish(packet_id=packet_id)
            await asyncio.sleep(0)
        await client.answer(40 * 4)
        # The first ten at once; the others were read together, and are answered: what follows must wait its turn.
        client.publish(packet_id=41)
        await client.answer(4)
        assert asyncio.get_running_loop().time() - begun > 0.5
        assert len(inside.events()) == 41


async def test_a_message_in_pieces_is_one_message(tmp_path):
    async with Inside(tmp_path) as inside:
        client = await inside.client()
        from gateway.mqtt.events import Published
        from gateway.mqtt.packets import build

        whole = build(Published("zigbee2mqtt/door-1", b'{"contact":true}', 1, 9, False, False, ()), 4)
        for byte in whole:
            client.send(bytes((byte,)))
            await client.writer.drain()
            await asyncio.sleep(0)
        assert await client.answer() == b"\x40\x02\x00\x09"
        assert len(inside.events()) == 1
