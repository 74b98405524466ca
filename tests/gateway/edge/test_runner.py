"""The gateway as a process: how it starts, what it says, how it ends."""

import random
import resource
import signal
import socket
import subprocess

import apsw
import paho.mqtt.client as paho
import pytest

from gateway.edge.runner import main
from streams.edge.log import LogFull
from streams.frames import DeviceRow, SystemReport
from tests.bench.mqtt_load import connect_packet
from tests.gateway.running import Gateway, acknowledged, doors, fleet
from tests.gateway.worlds import SECRET
from tests.waiting import wait_until

# Only a test that fails waits so long.
WAIT_S = 60


@pytest.fixture
def make_gateway(tmp_path):
    made: list[Gateway] = []

    def make(**options) -> Gateway:
        made.append(Gateway(tmp_path / f"gateway-{len(made)}", **options))
        return made[-1]

    yield make
    for gateway in made:
        gateway.stop()


@pytest.fixture
def gateway(make_gateway) -> Gateway:
    made = make_gateway()
    made.start()
    return made


class Device:
    """A paho client that is one device; its messages wait for their PUBACK only when asked to."""

    def __init__(self, port: int, name: str = "door-1", password: str = SECRET, **options) -> None:
        self.name = name
        self.client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id=name, **options)
        self.client.username_pw_set(name, password)
        self.client.reconnect_delay_set(1, 1)
        self.acknowledged: set[int] = set()
        self.client.on_publish = lambda _client, _data, mid, _reason, _properties: self.acknowledged.add(mid)
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()

    def says(self, payload: bytes = b'{"contact":false}', topic: str | None = None) -> paho.MQTTMessageInfo:
        return self.client.publish(topic or f"zigbee2mqtt/{self.name}", payload, qos=1)

    def is_told(self, payload: bytes = b'{"contact":false}', topic: str | None = None) -> None:
        """It says it, and has its PUBACK."""
        acknowledged(self.says(payload, topic))

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def device(gateway):
    made = Device(gateway.port)
    yield made
    made.close()


def test_it_says_that_it_is_ready_and_ends_when_told(gateway):
    assert gateway.said(r"gateway ready: http=127\.0\.0\.1:\d+ mqtt=127\.0\.0\.1:\d+ devices=4")
    process = gateway.process
    assert process is not None
    process.send_signal(signal.SIGTERM)
    assert process.wait(WAIT_S) == 0
    assert gateway.log()[-1]["event"] == "stopped"


def test_ctrl_c_is_a_clear_end(gateway):
    process = gateway.process
    assert process is not None
    process.send_signal(signal.SIGINT)
    assert process.wait(WAIT_S) == 0
    assert "Traceback" not in gateway.log_tail(100)


def test_the_core_is_told_of_the_fleet_once(make_gateway):
    gateway = make_gateway()
    for _ in range(2):
        gateway.start()
        gateway.stop()
    rows = [record.device for record in gateway.records() if isinstance(record, DeviceRow)]
    assert rows == ["door-0", "door-1", "door-2", "gun-1"]
    (gateway.folder / "fleet.toml").write_text(fleet(4).replace('id = "door-0"', 'id = "door-9"'))
    gateway.start()
    gateway.stop()
    told = [(record.device, record.present) for record in gateway.records() if isinstance(record, DeviceRow)][4:]
    assert told == [("door-9", True), ("door-3", True), ("door-0", False)]


@pytest.mark.parametrize(
    ("file", "text", "complaint"),
    [
        ("threshold.toml", "[gateway]\nlissten = 1\n", "lissten"),
        ("fleet.toml", '[[device]]\nid = "a"\nformat = "zigbee"\ntopic = "t"\n', "fleet.toml:3"),
        ("fleet.toml", None, "fleet.toml"),
    ],
)
def test_a_mistake_in_a_file_is_said_with_its_line(tmp_path, capsys, file, text, complaint):
    gateway = Gateway(tmp_path)
    if text is None:
        (tmp_path / file).unlink()
    else:
        (tmp_path / file).write_text(text)
    assert main(gateway.config) == 2
    assert complaint in capsys.readouterr().err


def test_an_address_that_is_taken_is_said(make_gateway):
    gateway = make_gateway()
    with socket.create_server(("127.0.0.1", gateway.port)):
        process = subprocess.run(
            gateway.command(), env=gateway.environment(), capture_output=True, text=True, timeout=110, check=False
        )
    assert process.returncode == 2
    assert f"127.0.0.1:{gateway.port} (mqtt) cannot be opened" in process.stderr
    assert "Traceback" not in process.stderr


def test_a_second_gateway_on_the_same_data_waits_for_the_first_to_end(gateway, make_gateway):
    second = make_gateway()
    config = second.config.read_text().replace('folder = "data"', f'folder = "{gateway.data}"')
    second.config.write_text(config)
    with second.log_file.open("wb") as log:
        second.process = subprocess.Popen(second.command(), env=second.environment(), stderr=log, stdout=log)
    wait_until(lambda: second.said(f"process {gateway.pid} is writing it"))
    gateway.stop()
    wait_until(second.is_ready)


def test_what_got_a_puback_is_there_after_kill_9(gateway, device):
    told = 0
    for n in range(5):
        for m in range(20):
            device.is_told(b'{"contact":false,"battery":%d}' % (told + m))
        told += 20
        gateway.kill()
        batteries = [event.battery_percent for event in gateway.events()]
        assert batteries[: 20 * (n + 1)] == list(range(told))
        gateway.start()
        wait_until(device.client.is_connected)


def test_killed_in_the_middle_of_a_stream_nothing_acknowledged_is_lost_and_nothing_comes_twice(gateway, device):
    told = []
    for n in range(300):
        told.append(device.says(b'{"contact":false,"battery":50,"last_seen":%d}' % (1_600_000_000_000 + n)).mid)
        if n in (100, 200):
            gateway.kill()
            gateway.start()
    wait_until(lambda: device.acknowledged >= set(told), 60)
    found = [event.device_ms for event in gateway.events()]
    assert sorted(set(found)) == [1_600_000_000_000 + n for n in range(300)]
    assert len(found) == len(set(found))


def in_trouble(gateway: Gateway) -> bool:
    return not gateway.health()["inbox"]["well"]


def test_a_full_disk_stops_the_acknowledging_and_is_over_by_itself(gateway, device):
    device.is_told(b'{"contact":false,"battery":1}')
    # A quota that is used up: the kernel refuses every write, as it does on a full disk.
    resource.prlimit(gateway.pid, resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
    refused = device.says(b'{"contact":false,"battery":2}')
    wait_until(lambda: in_trouble(gateway))
    assert not refused.is_published()
    status, said = gateway.ask("POST", "/commands", {"command": "tick"})
    assert (status, said["reason"]) == (503, "inbox-full")
    health = gateway.health()
    assert not health["well"]
    assert "inbox.db" in health["inbox"]["trouble"]
    resource.prlimit(gateway.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    acknowledged(refused)
    assert [event.battery_percent for event in gateway.events()] == [1, 2]
    wait_until(lambda: [r.well for r in gateway.records() if isinstance(r, SystemReport)] == [False, True])
    assert not in_trouble(gateway)


def test_killed_while_the_disk_is_full_nothing_acknowledged_is_lost(gateway, device):
    device.is_told(b'{"contact":false,"battery":1}')
    resource.prlimit(gateway.pid, resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
    refused = device.says(b'{"contact":false,"battery":2}')
    wait_until(lambda: in_trouble(gateway))
    gateway.kill()
    assert [event.battery_percent for event in gateway.events()] == [1]
    gateway.start()
    acknowledged(refused)
    assert [event.battery_percent for event in gateway.events()] == [1, 2]


def test_a_locked_file_stops_the_acknowledging_and_is_over_by_itself(gateway, device):
    device.is_told(b'{"contact":false,"battery":1}')
    other = apsw.Connection(str(gateway.data / "inbox.db"))
    other.set_busy_timeout(WAIT_S * 1000)  # the gateway may be writing just now
    other.execute("BEGIN IMMEDIATE")
    refused = device.says(b'{"contact":false,"battery":2}')
    wait_until(lambda: in_trouble(gateway))
    assert "locked" in gateway.health()["inbox"]["trouble"]
    assert gateway.said("inbox cannot be written")
    assert not refused.is_published()
    other.execute("ROLLBACK")
    other.close()
    acknowledged(refused)
    assert [event.battery_percent for event in gateway.events()] == [1, 2]


def test_a_thousand_connections(make_gateway):
    gateway = make_gateway(rows=doors(1100))
    gateway.start()
    sockets = []
    for n in range(1100):
        sock = socket.create_connection(("127.0.0.1", gateway.port), timeout=WAIT_S)
        sock.sendall(connect_packet(f"door-{n}", SECRET))
        sockets.append(sock)
    for sock in sockets:
        assert sock.recv(4) == b"\x20\x02\x00\x00"
    assert gateway.health()["direct"]["clients"] == 1100
    for sock in sockets:
        topic = b"zigbee2mqtt/door-%d" % sockets.index(sock)
        body = len(topic).to_bytes(2, "big") + topic + b"\x00\x07" + b'{"contact":false}'
        sock.sendall(bytes((0x32, len(body))) + body)
    for sock in sockets:
        assert sock.recv(4) == b"\x40\x02\x00\x07"
    assert len({event.device for event in gateway.events()}) == 1100
    for sock in sockets:
        sock.close()
    wait_until(lambda: gateway.health()["direct"]["connections"] == 0)
    process = gateway.process
    assert process is not None
    gateway.stop()
    assert process.returncode == 0, "it ended by itself"


def damage(gateway: Gateway, pages: int) -> None:
    """Overwrite the last pages of the file."""
    with (gateway.data / "inbox.db").open("r+b") as raw:
        size = raw.seek(0, 2)
        raw.seek(max(0, size - pages * 4096))
        raw.write(random.Random(3).randbytes(pages * 4096))


@pytest.mark.parametrize("pages", [1, 3, 100])
def test_a_damaged_file_is_put_aside_and_the_gateway_goes_on_by_itself(gateway, device, pages):
    for n in range(40):
        device.is_told(b'{"contact":false,"battery":%d}' % n)
    gateway.stop()
    before = [event.battery_percent for event in gateway.events()]
    damage(gateway, pages)
    gateway.start()
    wait_until(device.client.is_connected)
    for n in range(40, 50):
        device.is_told(b'{"contact":false,"battery":%d}' % n)
    after = [event.battery_percent for event in gateway.events()]
    assert after[-10:] == list(range(40, 50))
    assert set(after[:-10]) <= set(before)
    if pages == 100:
        assert gateway.said("put aside as inbox.db.damaged-1")
        assert any(isinstance(r, SystemReport) and "put aside" in r.detail for r in gateway.records())


def test_damage_that_a_reader_meets_while_it_runs_is_mended_without_a_restart(gateway, device):
    for n in range(40):
        device.is_told(b'{"contact":false,"battery":%d}' % n)
    gateway.stop()
    gateway.start()
    wait_until(device.client.is_connected)
    damage(gateway, (gateway.data / "inbox.db").stat().st_size // 4096 - 1)

    def readable() -> bool:
        device.is_told(b'{"contact":false,"battery":77}')
        try:
            return bool(gateway.events())
        except LogFull:
            return False  # damaged still, or just being put aside

    wait_until(readable)
    # Said when the acknowledgements are out.
    wait_until(lambda: gateway.said("put aside as inbox.db.damaged-1"))
    device.is_told(b'{"contact":false,"battery":78}')
    assert gateway.events()[-1].battery_percent == 78
    wait_until(lambda: gateway.health()["inbox"]["well"])
    wait_until(lambda: any(isinstance(r, SystemReport) and "put aside" in r.detail for r in gateway.records()))


def test_what_a_body_can_have_is_the_policys_row(make_gateway, tmp_path):
    """Replay and gateway judge alike: by the policy that the settings name."""
    policy = tmp_path / "policy.toml"
    policy.write_text("[readings]\nplausible_low_celsius = 33.0\n")
    gateway = make_gateway(more=f'[site]\nfleet = "fleet.toml"\npolicy = "{policy}"\n')
    gateway.config.write_text(gateway.config.read_text().replace('[site]\nfleet = "fleet.toml"\n', "", 1))
    gateway.start()
    gun = Device(gateway.port, "gun-1")
    for seq, celsius in enumerate((33.5, 32.9, 42.4, 42.6)):
        payload = b'{"celsius":%.1f,"seq":%d}' % (celsius, seq)
        gun.is_told(payload, "threshold/g017/gun-1/temperature")
    wait_until(lambda: len(gateway.events("temperature")) == 4, what="the readings")
    assert [event.implausible for event in gateway.events("temperature")] == [False, True, False, True]
    assert [reject.detail for reject in gateway.rejects()] == [
        f"{celsius} °C is outside 33.0 to 42.5" for celsius in (32.9, 42.6)
    ]
    gun.close()
