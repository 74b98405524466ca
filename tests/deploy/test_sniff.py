"""The command against a real broker that carries the corpus."""

import io
import threading
from collections.abc import Callable

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from rich.console import Console

from deploy import sniff
from deploy.sniff import as_text, is_ready, listen, main, new_rows, polarity
from deploy.sniffed import Sniffed
from devices.edge import fleet_file
from devices.formats import table
from tests.deploy.test_sniffed import FLEET, NEIGHBOURS, NOISE, corpus, heard, proposed
from tests.waiting import wait_until

QUIET = Console(quiet=True)


class Feeding:
    """Publishes messages over and over until it is left."""

    def __init__(self, port, messages):
        self._port, self._messages = port, list(messages)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()

    def _run(self):
        client = paho.Client(CallbackAPIVersion.VERSION2)
        client.connect("127.0.0.1", self._port)
        client.loop_start()
        while not self._over.is_set():
            for topic, payload in self._messages:
                client.publish(topic, payload, qos=1).wait_for_publish(60)
            self._over.wait(0.2)
        client.disconnect()
        client.loop_stop()


@pytest.fixture
def broker(mosquitto_fast):
    return mosquitto_fast


@pytest.fixture
def listening_until(monkeypatch) -> Callable[[Callable[[Sniffed], object]], None]:
    """Have `listen` go on until something is so of what it heard, however busy the machine is, and not for seconds."""

    def until(condition: Callable[[Sniffed], object]) -> None:
        monkeypatch.setattr(sniff, "_wait", lambda _seconds, into, _screen: wait_until(lambda: condition(into)))

    return until


def all_heard_twice(into: Sniffed) -> bool:
    """They come round and round in one order: whoever has heard so many has heard each."""
    return into.messages > 2 * len(messages())


def messages():
    return [
        *corpus(),
        *((t, p) for t, p in NOISE.items() if not t.startswith("$")),
        ("zigbee2mqtt/bridge/state", b"online"),
    ]


def test_sniffing_a_broker_proposes_the_right_fleet(broker, tmp_path, capsys, listening_until):
    out = tmp_path / "fleet.toml"
    listening_until(all_heard_twice)
    with Feeding(broker.port, messages()):
        assert main(broker=broker.url, seconds=4, write=out) == 0
    fleet = fleet_file.load(out)
    there = {(device.format, device.topic, device.address) for device in fleet.devices.values()}
    # Wired contacts whose door was not seen to open and close stand as comments: nothing of them is guessed.
    wired = {name for name, form in table().items() if form.profile.needs_open_is}
    assert {row for row in FLEET if row[0] not in wired} <= there
    assert there <= FLEET | NEIGHBOURS, "a device that does not exist was proposed"
    text = out.read_text(encoding="utf-8")
    assert all(f'topic = "{topic}"' in text for _, topic, _ in FLEET)
    assert '# id = "zigbee2mqtt-bridge-state"' in text
    assert all(device.where == "pool" for device in fleet.devices.values())
    said = capsys.readouterr().out
    assert "recognised" in said
    assert "topics carry no door" in said


def test_what_stands_in_the_fleet_already_is_not_added_again(broker, tmp_path, capsys, listening_until):
    listening_until(all_heard_twice)
    out = tmp_path / "fleet.toml"
    out.write_text(
        '[[device]]\nid = "mine"\nformat = "zigbee2mqtt"\ntopic = "zigbee2mqtt/door-0307"\nhousehold = "g/1/1"\n'
    )
    with Feeding(broker.port, messages()):
        assert main(broker=f"127.0.0.1:{broker.port}", seconds=3, write=out) == 0
        before = fleet_file.load(out)
        assert main(broker=broker.url, seconds=3, write=out) == 0
    after = fleet_file.load(out)
    assert [d.id for d in after.devices.values() if d.topic == "zigbee2mqtt/door-0307"] == ["mine"]
    assert set(before.devices) <= set(after.devices)
    assert len(after.devices) - len(before.devices) <= 1, "a row was added twice"
    assert out.read_text(encoding="utf-8").count('topic = "zigbee2mqtt/bridge/state"') == 1


def test_a_door_that_opens_and_closes_while_we_listen_tells_its_polarity(broker, listening_until):
    topic, sniffed = "esp-1/binary_sensor/door/state", Sniffed(table())
    listening_until(lambda into: any(found.messages >= 3 for _, found in into.devices()))
    listening = threading.Thread(target=listen, args=(broker.url, 3.0, sniffed, QUIET))
    listening.start()
    with Feeding(broker.port, [("hello", b"")]):
        wait_until(lambda: sniffed.messages)
    client = paho.Client(CallbackAPIVersion.VERSION2)
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    for word in ("OFF", "ON", "OFF"):
        client.publish(topic, word, qos=1).wait_for_publish(60)
    client.disconnect()
    client.loop_stop()
    listening.join()
    ((device, found),) = sniffed.devices()
    assert (device.open_is, is_ready(device)) == ("ON", True)
    assert polarity(device, found) == "open is ON (seen to open and close)"


@pytest.mark.parametrize("broker", ["http://x", "mqtt://", "mqtt://127.0.0.1:1"])
def test_a_broker_that_cannot_be_reached(broker, capsys):
    assert main(broker=broker, seconds=1) == 1
    assert "Give --broker as mqtt://" in capsys.readouterr().err


def test_a_broker_that_refuses_us(make_mosquitto, capsys):
    server = make_mosquitto(settings="fast", passwords={"u": "p"})
    assert main(broker=server.url, seconds=1) == 1
    assert "refuses us" in capsys.readouterr().err
    assert main(broker=f"mqtt://u:p@127.0.0.1:{server.port}", seconds=1) == 0


def test_a_broker_that_carries_nothing_of_ours(broker, tmp_path, capsys):
    out = tmp_path / "fleet.toml"
    assert main(broker=broker.url, seconds=1, write=out) == 0
    assert "nothing recognised in 0 messages" in capsys.readouterr().out
    assert not out.exists()


def test_a_broker_that_goes_away_is_said_aloud(broker, listening_until):
    said, sniffed = io.StringIO(), Sniffed(table())
    listening_until(lambda _: "the broker went away" in said.getvalue())
    listening = threading.Thread(target=listen, args=(broker.url, 3.0, sniffed, Console(file=said, width=200)))
    listening.start()
    with Feeding(broker.port, [("hello", b"")]):
        wait_until(lambda: sniffed.messages)
    broker.kill()
    listening.join()
    assert "the broker went away" in said.getvalue()


def test_a_faulty_fleet_file_is_left_alone(tmp_path, capsys):
    out = tmp_path / "fleet.toml"
    out.write_text("[[device]]\nid = 3\n")
    assert main(broker="mqtt://127.0.0.1:1", seconds=1, write=out) == 2
    assert "fleet.toml:" in capsys.readouterr().err
    assert out.read_text() == "[[device]]\nid = 3\n"


def test_the_text_of_the_rows(tmp_path):
    sniffed = heard(*corpus(), ("zigbee2mqtt/bridge/state", b"online"))
    rows = new_rows(sniffed, [])
    assert {(device.format, device.topic, device.address) for device, _ in rows} == proposed(sniffed)
    path = tmp_path / "fleet.toml"
    path.write_text(as_text(rows, sniffed.bridges()), encoding="utf-8")
    ready = {device.id: device for device, _ in rows if is_ready(device)}
    assert set(fleet_file.load(path).devices) == set(ready)
    assert 'open_is = "?"' in path.read_text(encoding="utf-8")
