"""The broker client in the test's own loop, against a real mosquitto."""

import asyncio
from contextlib import asynccontextmanager

import paho.mqtt.client as paho
import pytest

from devices.edge.settings import Broker
from gateway.edge import broker_client
from gateway.edge.broker_client import BrokerClient
from gateway.identify import subscriptions
from streams.frames import SystemReport
from tests.gateway.edge.harness import WAIT_S, Inside
from tests.servers import free_port


@asynccontextmanager
async def client_of(inside: Inside, port: int, **settings):
    options = {"host": "127.0.0.1", "port": port, "client_id": "gateway-test"} | settings
    filters = subscriptions(inside.gate.intake.known)
    client = BrokerClient(inside.gate, Broker(**options), filters, loop=asyncio.get_running_loop(), pages=None)
    inside.gate.sources.append(client)
    client.start()
    try:
        yield client
    finally:
        inside.gate.sources.remove(client)
        await client.stop()


class Device:
    """A paho client of a device behind the broker."""

    def __init__(self, port: int, **options) -> None:
        self.client = paho.Client(paho.CallbackAPIVersion.VERSION2)
        if options.get("password"):
            self.client.username_pw_set("device", options["password"])
        if options.get("ca"):
            self.client.tls_set(ca_certs=options["ca"])
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()

    def says(self, payload: bytes, topic: str = "zigbee2mqtt/door-1", **options) -> None:
        told = self.client.publish(topic, payload, qos=1, **options)
        told.wait_for_publish(WAIT_S)
        assert told.is_published()

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


async def say(port: int, *payloads: bytes, topic: str = "zigbee2mqtt/door-1", **options) -> None:
    def run() -> None:
        device = Device(port, **{key: options.pop(key) for key in ("password", "ca") if key in options})
        for payload in payloads:
            device.says(payload, topic, **options)
        device.close()

    await asyncio.to_thread(run)


def batteries(inside: Inside) -> list[float | None]:
    return [event.battery_percent for event in inside.events()]


def payloads(*numbers: int) -> list[bytes]:
    return [b'{"contact":false,"battery":%d}' % n for n in numbers]


async def test_a_message_comes_in_and_is_acknowledged_once_it_is_on_disk(tmp_path, mosquitto):
    async with Inside(tmp_path / "in") as inside, client_of(inside, mosquitto.port) as client:
        await inside.until(lambda: client.connected)
        await say(mosquitto.port, *payloads(1, 2, 3))
        await inside.until(lambda: len(inside.events()) == 3)
        assert batteries(inside) == [1, 2, 3]
        assert client.state == "connected"


async def test_what_was_not_on_disk_comes_again_to_the_next_run(tmp_path, mosquitto):
    async with Inside(tmp_path / "in") as inside:
        async with client_of(inside, mosquitto.port) as client:
            await inside.until(lambda: client.connected)
            await inside.durable()
            inside.writer.trouble = "the disk is full"
            await say(mosquitto.port, *payloads(1, 2))
            await inside.until(lambda: inside.gate.flow.failing)
        # The client is gone without having acknowledged; as after kill -9 nothing of its memory counts.
        inside.gate._batch = type(inside.gate._batch)()
        inside.gate._writing.records.clear()
        inside.gate._writing.done.clear()
        inside.gate._writing.rejects.clear()
        inside.writer.trouble = ""
    async with Inside(tmp_path / "in2") as again, client_of(again, mosquitto.port):
        await again.until(lambda: len(again.events()) == 2)
        assert batteries(again) == [1, 2]
        assert [event.redelivered for event in again.events()] == [True, True]


async def test_what_comes_while_we_are_away_is_kept_by_the_broker(tmp_path, mosquitto):
    async with Inside(tmp_path / "in") as inside:
        async with client_of(inside, mosquitto.port) as client:
            await inside.until(lambda: client.connected)
            await say(mosquitto.port, *payloads(1))
            await inside.until(lambda: len(inside.events()) == 1)
        await say(mosquitto.port, *payloads(2, 3))
        async with client_of(inside, mosquitto.port):
            await inside.until(lambda: len(inside.events()) == 3)
            assert batteries(inside) == [1, 2, 3]


async def test_a_broker_that_is_not_there_yet_is_waited_for(tmp_path, make_mosquitto):
    port = free_port()
    async with Inside(tmp_path / "in") as inside, client_of(inside, port) as client:
        await inside.until(lambda: client.state == "away")
        assert "refused" in client.trouble.lower()
        await asyncio.to_thread(make_mosquitto, port=port)
        await inside.until(lambda: client.connected)
        await say(port, *payloads(1))
        await inside.until(lambda: len(inside.events()) == 1)


async def test_a_broker_killed_and_started_again_loses_nothing_it_acknowledged(tmp_path, mosquitto):
    async with Inside(tmp_path / "in") as inside, client_of(inside, mosquitto.port) as client:
        await inside.until(lambda: client.connected)
        for n in range(3):
            await say(mosquitto.port, *payloads(10 * n, 10 * n + 1))
            await asyncio.to_thread(mosquitto.kill)
            await inside.until(lambda: not client.connected)
            await asyncio.to_thread(mosquitto.start)
            await inside.until(lambda: client.connected)
        await inside.until(lambda: set(batteries(inside)) == {0, 1, 10, 11, 20, 21})
        assert client.counts["connections"] == 4


async def test_what_a_broker_sent_before_it_was_killed_is_taken_in_though_our_answer_fails_first(tmp_path, mosquitto):
    async with Inside(tmp_path / "in") as inside, client_of(inside, mosquitto.port) as client:
        await inside.until(lambda: client.connected)
        # A loop that has much to do reads late: the message lies in the socket when the broker goes.
        asyncio.get_running_loop().remove_reader(client._socket.fileno())
        await say(mosquitto.port, *payloads(1))
        await asyncio.to_thread(mosquitto.kill)
        while client.connected:
            client._socket.send(b"\xc0\x00")
            client._after_calls()
            await asyncio.sleep(0.01)
        await inside.until(inside.events)
        assert batteries(inside) == [1]


async def test_a_broker_that_forgot_us_is_subscribed_to_again(tmp_path, mosquitto_fast):
    async with Inside(tmp_path / "in") as inside, client_of(inside, mosquitto_fast.port) as client:
        await inside.until(lambda: client.connected)
        await asyncio.to_thread(mosquitto_fast.restart)
        await inside.until(lambda: client.counts["connections"] == 2)
        await asyncio.sleep(0.2)
        await say(mosquitto_fast.port, *payloads(5))
        await inside.until(lambda: batteries(inside) == [5])


async def test_a_broker_that_hangs_is_left_and_tried_again(tmp_path, mosquitto, monkeypatch):
    monkeypatch.setattr(broker_client, "_KEEP_ALIVE_S", 1)
    async with Inside(tmp_path / "in") as inside, client_of(inside, mosquitto.port) as client:
        await inside.until(lambda: client.connected)
        mosquitto.pause()
        try:
            await inside.until(lambda: not client.connected)
        finally:
            mosquitto.resume()
        await inside.until(lambda: client.connected)


async def test_a_broker_that_stays_away_is_reported_and_its_return_too(tmp_path, make_mosquitto, monkeypatch):
    monkeypatch.setattr(broker_client, "_REPORTED_AFTER_S", 0.3)
    port = free_port()
    async with Inside(tmp_path / "in") as inside, client_of(inside, port) as client:

        def reports():
            return [(r.part, r.well) for r in inside.records() if isinstance(r, SystemReport)]

        await inside.until(lambda: reports() == [("broker", False)])
        await asyncio.to_thread(make_mosquitto, port=port)
        await inside.until(lambda: client.connected)
        await inside.until(lambda: reports() == [("broker", False), ("broker", True)])


async def test_a_wrong_password_is_said_and_tried_on(tmp_path, make_mosquitto):
    broker = make_mosquitto(passwords={"gateway": "right"})
    (tmp_path / "password").write_text("wrong\n")
    options = {"username": "gateway", "password_file": str(tmp_path / "password")}
    async with Inside(tmp_path / "in") as inside, client_of(inside, broker.port, **options) as client:
        await inside.until(lambda: client.trouble.startswith("refused"))
        assert not client.connected


async def test_tls_and_a_password(tmp_path, make_mosquitto, authority):
    broker = make_mosquitto(passwords={"gateway": "right", "device": "too"}, authority=authority)
    (tmp_path / "password").write_text("right\n")
    options = {
        "host": "localhost",
        "username": "gateway",
        "password_file": str(tmp_path / "password"),
        "tls": True,
        "ca": str(authority.certificate),
    }
    async with Inside(tmp_path / "in") as inside, client_of(inside, broker.port, **options) as client:
        await inside.until(lambda: client.connected)
        numbers = range(40)
        connected = {"password": "too", "ca": str(authority.certificate)}
        await asyncio.to_thread(lambda: _publish_localhost(broker.port, connected, payloads(*numbers)))
        await inside.until(lambda: batteries(inside) == list(numbers))


def _publish_localhost(port: int, options: dict[str, str], said: list[bytes]) -> None:
    client = paho.Client(paho.CallbackAPIVersion.VERSION2)
    client.username_pw_set("device", options["password"])
    client.tls_set(ca_certs=options["ca"])
    client.connect("localhost", port)
    client.loop_start()
    for payload in said:
        client.publish("zigbee2mqtt/door-1", payload, qos=1).wait_for_publish(WAIT_S)
    client.disconnect()
    client.loop_stop()


async def test_two_gateways_share_one_subscription(tmp_path, mosquitto):
    async with Inside(tmp_path / "a") as first, Inside(tmp_path / "b") as second:
        shared = {"share": "threshold"}
        async with (
            client_of(first, mosquitto.port, client_id="one", **shared) as one,
            client_of(second, mosquitto.port, client_id="two", **shared) as two,
        ):
            await first.until(lambda: one.connected and two.connected)
            await asyncio.sleep(0.2)
            await say(mosquitto.port, *payloads(*range(40)))
            await first.until(lambda: len(first.events()) + len(second.events()) == 40)
            assert sorted(batteries(first) + batteries(second)) == list(range(40))
            assert first.events()
            assert second.events()


async def test_while_the_disk_is_full_nothing_is_read_and_nothing_is_lost(tmp_path, mosquitto):
    async with Inside(tmp_path / "in") as inside, client_of(inside, mosquitto.port) as client:
        await inside.until(lambda: client.connected)
        await inside.durable()
        inside.writer.trouble = "the disk is full"
        await say(mosquitto.port, *payloads(0))
        await inside.until(lambda: inside.gate.flow.failing)
        await say(mosquitto.port, *payloads(*range(1, 60)))
        await asyncio.sleep(0.2)
        assert inside.gate.flow.messages == 1
        inside.writer.trouble = ""
        await inside.until(lambda: batteries(inside) == list(range(60)))


async def test_while_nothing_can_be_written_the_connection_is_kept_and_the_broker_is_not_blamed(
    tmp_path, mosquitto, monkeypatch
):
    # Not shorter: a broker counts whole seconds, and a busy machine may hold our word up for two of them.
    monkeypatch.setattr(broker_client, "_KEEP_ALIVE_S", 4)
    monkeypatch.setattr(broker_client, "_REPORTED_AFTER_S", 0.1)
    async with Inside(tmp_path / "in") as inside, client_of(inside, mosquitto.port) as client:
        await inside.until(lambda: client.connected)
        await inside.durable()
        inside.writer.trouble = "Kafka is away"
        await say(mosquitto.port, *payloads(0))
        await inside.until(lambda: inside.gate.flow.failing)
        # Longer than paho waits for a broker's answer, and a broker for ours.
        await asyncio.sleep(9)
        await say(mosquitto.port, *payloads(1))
        inside.writer.trouble = ""
        await inside.until(lambda: batteries(inside) == [0, 1])
        assert (client.counts["connections"], client.counts["connections_lost"]) == (1, 0)
        assert not any(r.part == "broker" for r in inside.records() if isinstance(r, SystemReport))


async def test_a_retained_message_is_a_state(tmp_path, mosquitto):
    await say(mosquitto.port, *payloads(7), retain=True)
    async with Inside(tmp_path / "in") as inside, client_of(inside, mosquitto.port):
        await inside.until(inside.events)
        assert [event.report for event in inside.events()] == ["retained"]


async def test_an_unknown_device_beside_the_fleet_shows_up(tmp_path, mosquitto):
    async with Inside(tmp_path / "in") as inside, client_of(inside, mosquitto.port) as client:
        await inside.until(lambda: client.connected)
        await asyncio.sleep(0.2)
        await say(mosquitto.port, b"{}", topic="zigbee2mqtt/new-one")
        await inside.until(inside.rejects)
        assert [(r.reason, r.topic) for r in inside.rejects()] == [("unknown-device", "zigbee2mqtt/new-one")]


async def test_a_fault_in_a_callback_is_not_swallowed(tmp_path, mosquitto, monkeypatch):
    """paho may be told to swallow what a callback raises: then a message would be acknowledged and lost."""
    async with Inside(tmp_path / "in") as inside, client_of(inside, mosquitto.port) as client:
        assert client._client.suppress_exceptions is False
        assert client._client._manual_ack is True


@pytest.mark.parametrize("size", [1_000_000])
async def test_a_megabyte_is_refused_and_the_next_message_comes_in(tmp_path, mosquitto, size):
    async with Inside(tmp_path / "in") as inside, client_of(inside, mosquitto.port) as client:
        await inside.until(lambda: client.connected)
        await asyncio.sleep(0.2)
        await say(mosquitto.port, b"x" * size, *payloads(1))
        await inside.until(lambda: inside.rejects() and inside.events())
        assert [(r.reason, len(r.payload)) for r in inside.rejects()] == [("too-large", 65_536)]
        assert batteries(inside) == [1]
