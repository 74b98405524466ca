"""The servers of tests/servers: each started for real, used by a client nobody here wrote, killed and found again."""

import asyncio
import socket

import paho.mqtt.client as paho
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from influxdb_client import InfluxDBClient
from influxdb_client.client.write_api import SYNCHRONOUS
from sqlalchemy import create_engine, text

from tests import servers
from tests.waiting import wait_until

# Some of them start a server two or three times.
pytestmark = pytest.mark.timeout(400)


class Client:
    """A paho client that remembers what it received; connects in its constructor, for a test's few lines."""

    def __init__(self, port: int, client_id: str = "", *, clean: bool = True, tls=None, user=None) -> None:
        self.received: list[tuple[str, bytes]] = []
        self.refused: str | None = None
        self.client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id=client_id, clean_session=clean)
        if tls:
            self.client.tls_set(ca_certs=str(tls.certificate))
        if user:
            self.client.username_pw_set(*user)
        self.client.on_message = lambda _c, _u, message: self.received.append((message.topic, message.payload))
        self.client.on_connect = self._on_connect
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        wait_until(lambda: self.client.is_connected() or self.refused is not None)

    def _on_connect(self, _client, _userdata, _flags, reason, _properties) -> None:
        if reason.is_failure:
            self.refused = str(reason)

    def publish(self, topic: str, payload: bytes) -> None:
        self.client.publish(topic, payload, qos=1).wait_for_publish(60)

    def subscribe(self, topic: str) -> None:
        granted = []
        self.client.on_subscribe = lambda *arguments: granted.append(arguments)
        self.client.subscribe(topic, qos=1)
        wait_until(lambda: granted)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


def test_mosquitto_carries_a_message(mosquitto_fast):
    hearer, speaker = Client(mosquitto_fast.port), Client(mosquitto_fast.port)
    hearer.subscribe("door/+")
    speaker.publish("door/307", b"open")
    wait_until(lambda: hearer.received)
    assert hearer.received == [("door/307", b"open")]
    hearer.close()
    speaker.close()


@pytest.mark.parametrize("settings", ["durable", "fast"])
def test_durable_settings_keep_over_kill_9_what_fast_settings_forget(make_mosquitto, settings):
    server = make_mosquitto(settings=settings)
    absent = Client(server.port, "absent", clean=False)
    absent.subscribe("door/#")
    absent.close()
    speaker = Client(server.port)
    for n in range(100):
        speaker.publish("door/307", str(n).encode())
    port, first = server.port, server.pid
    server.kill()
    speaker.close()
    server.start()
    assert (server.port, server.pid != first) == (port, True)
    back = Client(server.port, "absent", clean=False)
    probe = Client(server.port)
    back.subscribe("probe")
    probe.publish("probe", b"")
    wait_until(lambda: ("probe", b"") in back.received)
    kept = [int(payload) for topic, payload in back.received if topic == "door/307"]
    # It saves after it has sent its PUBACK, in the same round of its loop: what it acknowledged last may be lost.
    assert kept[:99] == (list(range(99)) if settings == "durable" else [])
    back.close()
    probe.close()


def test_mosquitto_asks_for_password_and_speaks_tls(make_mosquitto, authority):
    server = make_mosquitto(passwords={"gateway": "right"}, authority=authority)
    assert server.url.startswith("mqtts://")
    right = Client(server.port, tls=authority, user=("gateway", "right"))
    wrong = Client(server.port, tls=authority, user=("gateway", "wrong"))
    assert (right.refused, wrong.refused) == (None, "Not authorized")
    right.close()
    wrong.close()


def test_a_server_that_cannot_start_says_why_with_the_end_of_its_log(tmp_path):
    broken = servers.Mosquitto(tmp_path, extra=("no_such_setting 1",))
    with pytest.raises(servers.ServerFailed, match=r"mosquitto ended by itself(.|\n)*no_such_setting"):
        broken.start()


async def test_kafka_keeps_what_was_produced_over_a_restart(kafka):
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.url)
    await admin.start()
    await admin.create_topics([NewTopic("of-the-servers", num_partitions=2, replication_factor=1)])
    await admin.close()
    producer = AIOKafkaProducer(bootstrap_servers=kafka.url, acks="all", enable_idempotence=True)
    await producer.start()
    for n in range(10):
        await producer.send_and_wait("of-the-servers", str(n).encode(), partition=1)
    await producer.stop()
    await asyncio.to_thread(kafka.kill)
    await asyncio.to_thread(kafka.start)
    consumer = AIOKafkaConsumer("of-the-servers", bootstrap_servers=kafka.url, auto_offset_reset="earliest")
    await consumer.start()
    values = [(await asyncio.wait_for(consumer.getone(), 60)).value for _ in range(10)]
    await consumer.stop()
    assert values == [str(n).encode() for n in range(10)]


def test_influxd_answers_what_was_written(influxd):
    bucket = influxd.make_bucket("of-the-servers")
    with InfluxDBClient(influxd.url, influxd.token, org=influxd.org) as client:
        client.write_api(write_options=SYNCHRONOUS).write(bucket, record="door,grid=g017 open=1i 1700000000000000000")
        tables = client.query_api().query(f'from(bucket:"{bucket}") |> range(start: 0)')
    assert [(row["grid"], row.get_value()) for table in tables for row in table.records] == [("g017", 1)]


def test_influxd_keeps_its_data_and_token_over_a_restart(tmp_path):
    with servers.Influxd(tmp_path) as server:
        server.make_bucket("kept")
        server.kill()
        server.start()
        assert "kept" in [bucket["name"] for bucket in server.request("GET", "/api/v2/buckets")["buckets"]]


def test_postgresql_answers_and_survives_kill_9(postgresql):
    engine = create_engine(postgresql.make_database("of_the_servers"))
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE door (name text)"))
        connection.execute(text("INSERT INTO door VALUES ('一号楼')"))
    engine.dispose()
    postgresql.kill()
    postgresql.start()
    with engine.begin() as connection:
        assert connection.execute(text("SELECT name FROM door")).scalar_one() == "一号楼"
    engine.dispose()


def test_chromium_shows_a_page(browser):
    page = browser.new_page()
    page.set_content("<title>门磁</title><p>open</p>")
    assert (page.title(), page.inner_text("p")) == ("门磁", "open")
    page.close()


def test_free_ports_lie_below_those_given_to_outgoing_connections():
    with open("/proc/sys/net/ipv4/ip_local_port_range") as f:
        lowest = int(f.read().split()[0])
    port = servers.free_port()
    assert port < lowest
    with socket.socket() as free:
        free.bind(("127.0.0.1", port))
