"""MQTT clients that nobody here wrote, as sensors and as sirens: Paho for Python and Go, mosquitto's, MQTT.js."""

import hashlib
import json
import subprocess
from pathlib import Path

import paho.mqtt.client as paho
import pytest

from streams.edge.doorbell import Bell
from streams.edge.sqlite_log import SqliteWriter
from streams.effects import Cause, Decision, Reason
from streams.frames import Receipt, encode_outbox
from tests import servers
from tests.gateway.running import Gateway
from tests.gateway.worlds import SECRET
from tests.servers.finding import need
from tests.waiting import wait_until

CLIENTS = Path(__file__).parent / "clients"
TOPIC = "zigbee2mqtt/door-1"
COUNT = 50

pytestmark = pytest.mark.live


def need_mqtt_js() -> list[str]:
    """The command of the client in JavaScript, up to its own arguments."""
    modules = servers.cache() / "npm" / "node_modules"
    if not (modules / "mqtt").is_dir():
        raise servers.Missing("MQTT.js")
    return [str(need("node")), str(CLIENTS / "door.mjs"), str(modules)]


def need_go_client() -> str:
    """The client in Go, built once for its sources and kept in the cache."""
    sources = [path.read_bytes() for path in sorted((CLIENTS / "go").iterdir())]
    program = servers.cache() / "bin" / f"mqtt-go-{hashlib.sha256(b''.join(sources)).hexdigest()[:12]}"
    if not program.exists():
        go = need("go")
        program.parent.mkdir(parents=True, exist_ok=True)
        command = [str(go), "build", "-o", str(program), "."]
        built = subprocess.run(command, cwd=CLIENTS / "go", capture_output=True, text=True, timeout=600, check=False)
        if built.returncode:
            raise servers.Missing("the Go client (its modules could not be had)")
    return str(program)


@pytest.fixture(scope="module")
def gateway(tmp_path_factory, authority):
    pair = authority.issue("localhost")
    tls = servers.free_port()
    made = Gateway(
        tmp_path_factory.mktemp("gateway"),
        settings=f'rate_per_device_s = 1000\ntls_listen = "127.0.0.1:{tls}"\ncertificate = "{pair.certificate}"\n'
        f'private_key = "{pair.key}"\nclient_ca = "{authority.certificate}"',
    )
    made.tls_port = tls
    made.start()
    yield made
    made.stop()


def ran(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)


def came_since(gateway: Gateway, before: int) -> list[float | None]:
    return [event.battery_percent for event in gateway.events("door")[before:]]


def door_events(gateway: Gateway) -> int:
    return len(gateway.events("door"))


@pytest.mark.parametrize("version", [paho.MQTTv311, paho.MQTTv5])
@pytest.mark.parametrize("tls", [False, True])
def test_paho_for_python(gateway, authority, version, tls):
    before = door_events(gateway)
    client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id="door-1", protocol=version)
    client.username_pw_set("door-1", SECRET)
    if tls:
        client.tls_set(ca_certs=str(authority.certificate))
    client.connect("localhost", gateway.tls_port if tls else gateway.port)
    client.loop_start()
    sent = [client.publish(TOPIC, b'{"contact":false,"battery":%d}' % n, qos=1) for n in range(COUNT)]
    for one in sent:
        one.wait_for_publish(60)
    client.disconnect()
    client.loop_stop()
    assert came_since(gateway, before) == list(range(COUNT))


def test_paho_for_python_with_a_certificate(gateway, authority):
    before = door_events(gateway)
    pair = authority.issue("door-1")
    client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id="door-1")
    client.tls_set(ca_certs=str(authority.certificate), certfile=str(pair.certificate), keyfile=str(pair.key))
    client.connect("localhost", gateway.tls_port)
    client.loop_start()
    client.publish(TOPIC, b'{"contact":false,"battery":7}', qos=1).wait_for_publish(60)
    client.disconnect()
    client.loop_stop()
    assert came_since(gateway, before) == [7]


@pytest.mark.parametrize("version", ["311", "5"])
@pytest.mark.parametrize("qos", ["0", "1", "2"])
def test_mosquitto_pub(gateway, version, qos):
    before = door_events(gateway)
    command = [str(need("mosquitto_pub")), "-V", version, "-p", str(gateway.port), "-i", "door-1", "-u", "door-1"]
    done = ran(*command, "-P", SECRET, "-q", qos, "-t", TOPIC, "-m", '{"contact":false,"battery":3}')
    if version == "5" and qos == "2":
        # It was told that QoS 1 is the most, and does not send.
        assert "QoS" in done.stderr
        assert came_since(gateway, before) == []
        return
    assert (done.returncode, done.stderr) == (0, "")
    wait_until(lambda: came_since(gateway, before) == [3])


def test_mosquitto_pub_with_a_wrong_password_or_a_foreign_topic(gateway):
    before, rejects = door_events(gateway), len(gateway.rejects())
    command = [
        str(need("mosquitto_pub")),
        "-V",
        "5",
        "-p",
        str(gateway.port),
        "-i",
        "door-1",
        "-u",
        "door-1",
        "-q",
        "1",
    ]
    assert ran(*command, "-P", "wrong", "-t", TOPIC, "-m", "{}").returncode != 0
    done = ran(*command, "-P", SECRET, "-t", "zigbee2mqtt/door-2", "-m", '{"contact":false}')
    assert "Not authorized" in done.stderr
    assert came_since(gateway, before) == []
    assert [record.reason for record in gateway.rejects()[rejects:]] == ["forbidden-topic"]


@pytest.mark.parametrize("version", ["4", "5"])
@pytest.mark.parametrize("tls", [False, True])
def test_mqtt_js(gateway, authority, version, tls):
    before = door_events(gateway)
    url = f"mqtts://localhost:{gateway.tls_port}" if tls else f"mqtt://localhost:{gateway.port}"
    trusted = str(authority.certificate) if tls else ""
    done = ran(*need_mqtt_js(), url, "door-1", SECRET, TOPIC, str(COUNT), version, trusted)
    assert done.stdout == f"acknowledged {COUNT}\n", done.stderr
    assert came_since(gateway, before) == list(range(COUNT))
    assert "refused" in ran(*need_mqtt_js(), url, "door-1", "wrong", TOPIC, "1", version, trusted).stdout


def test_a_zigbee2mqtt_computer_connects_by_its_own_password(gateway):
    """As it speaks by its own library: retained, with lists of a megabyte, listening for commands nobody sends."""
    doors, rejects = door_events(gateway), len(gateway.rejects())
    url = f"mqtt://127.0.0.1:{gateway.port}"
    node, _, modules = need_mqtt_js()
    said = ran(node, str(CLIENTS / "zigbee2mqtt.mjs"), modules, url, "z2m-17", SECRET, "1000000")
    assert said.stdout == "acknowledged\n", said.stdout + said.stderr
    heard = gateway.events("door")[doors:]
    assert [(event.device, event.open) for event in heard] == [
        ("door-1", False), ("door-1", True), ("door-1", False), ("door-2", True),
    ]  # fmt: skip
    assert any(event.device == "z2m-17" and event.online for event in gateway.events("availability"))
    assert gateway.rejects()[rejects:] == []


@pytest.mark.parametrize("tls", [False, True])
def test_paho_for_go(gateway, authority, tls):
    before = door_events(gateway)
    url = f"ssl://localhost:{gateway.tls_port}" if tls else f"tcp://localhost:{gateway.port}"
    trusted = str(authority.certificate) if tls else ""
    program = need_go_client()
    done = ran(program, url, "door-1", SECRET, TOPIC, str(COUNT), trusted)
    assert done.stdout == f"acknowledged {COUNT}\n", done.stderr
    assert sorted(came_since(gateway, before)) == list(range(COUNT))
    assert "refused" in ran(program, url, "door-1", "wrong", TOPIC, "1", trusted).stdout


@pytest.mark.parametrize("version", ["311", "5"])
def test_mosquitto_sub_is_told_pages(gateway, version):
    topic = "threshold/pages/g017/police"
    command = [str(need("mosquitto_sub")), "-V", version, "-p", str(gateway.port), "-i", "siren-1", "-u", "siren-1"]
    siren = subprocess.Popen(
        [*command, "-P", SECRET, "-q", "1", "-t", topic, "-C", "2", "-W", "90"], stdout=subprocess.PIPE, text=True
    )
    writer = SqliteWriter(gateway.data / "streams.db", "outbox")
    bell = Bell(gateway.data / "bell", "outbox")
    try:
        names = [f"{version}.{n}" for n in range(2)]
        now_ms = gateway.health()["at_ms"]
        for name in names:
            cause = Cause("door-1", now_ms - 5, now_ms - 3)
            page = Decision(
                now_ms, "page", "g017", "s", "tamper", "i", Reason("opened"), "police", 0, name, cause=cause
            )
            writer.append([(0, encode_outbox([page]))])
            bell.ring()
        told, _ = siren.communicate(timeout=100)
    finally:
        siren.kill()
        writer.close()
    assert [json.loads(line)["page"] for line in told.splitlines()] == names
    wait_until(lambda: {r.page for r in gateway.records() if isinstance(r, Receipt)} >= set(names))


def test_mosquitto_sub_hears_nothing_that_is_not_its_own(gateway):
    command = [str(need("mosquitto_sub")), "-V", "5", "-p", str(gateway.port), "-i", "siren-1", "-u", "siren-1"]
    for topic in (
        "#",
        "zigbee2mqtt/door-1",
        "threshold/pages/+/police",
        "$share/x/threshold/pages/g017/police",
        "$SYS/#",
    ):
        done = ran(*command, "-P", SECRET, "-t", topic, "-W", "60", "-d")
        assert "denied" in done.stderr.lower() or "Subscribed (mid: 1): 1" in done.stdout, (topic, done)
