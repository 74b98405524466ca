import msgspec
import pytest

from devices.fleet import Bridge, Fleet, Platform
from gateway.mqtt.access import Allowed, Denied, allowed
from gateway.principals import knows_secret, secrets
from tests.gateway.worlds import BRIDGE, FLEET, SECRET, SECRET_SHA256, door, fleet_of, intake_of, message

CLIENTS = intake_of().principals


@pytest.mark.parametrize(
    ("client", "operation", "topic", "may"),
    [
        ("door-1", "publish", "zigbee2mqtt/door-1", True),
        ("door-1", "publish", "zigbee2mqtt/door-1/availability", True),
        ("door-1", "publish", "zigbee2mqtt/door-2", False),
        ("door-1", "will", "zigbee2mqtt/bridge/state", False),
        ("gun-1", "publish", "threshold/g017/gun-1/heartbeat", True),
        ("gun-1", "publish", "threshold/pages/g017/worker", False),
        ("z2m-17", "publish", "zigbee2mqtt/door-1", True),
        ("z2m-17", "publish", "zigbee2mqtt/bridge/state", True),
        ("z2m-17", "publish", "threshold/g017/gun-1/temperature", False),
        ("siren-1", "subscribe", "threshold/pages/g017/police", True),
        ("siren-1", "subscribe", "threshold/pages/g017/doctor", False),
        ("siren-1", "publish", "zigbee2mqtt/door-1", False),
        ("door-1", "subscribe", "threshold/pages/g017/police", False),
    ],
)
def test_the_fleet_says_who_may_what(client, operation, topic, may):
    assert isinstance(allowed(CLIENTS[client], operation, topic), Allowed if may else Denied)


@pytest.mark.parametrize(
    ("name", "password", "right"),
    [
        ("door-1", SECRET.encode(), True),
        ("siren-1", SECRET.encode(), True),
        ("door-1", b"another", False),
        ("door-1", b"", False),
        ("door-1", None, False),
        ("z2m-17", SECRET.encode(), False),
        ("nobody", SECRET.encode(), False),
        ("nobody", b"", False),
        ("open", b"", False),
    ],
)
def test_a_secret_opens_only_its_own_row(name, password, right):
    fleet = fleet_of(*FLEET.devices.values(), *FLEET.subscribers.values(), door("open", secret_sha256=""))
    assert knows_secret(secrets(fleet), name, password) is right


def test_capital_digits_of_a_hash_are_the_same_hash():
    fleet = fleet_of(door(secret_sha256=SECRET_SHA256.upper()))
    assert knows_secret(secrets(fleet), "door-1", SECRET.encode())


def with_secret(bridge: Bridge) -> Bridge:
    return msgspec.structs.replace(bridge, secret_sha256=SECRET_SHA256)


def test_a_bridge_with_a_secret_is_opened_by_it():
    assert knows_secret(secrets(fleet_of(door(), with_secret(BRIDGE))), "z2m-17", SECRET.encode())
    assert not knows_secret(secrets(fleet_of(door(), BRIDGE)), "z2m-17", SECRET.encode())


TWO_BRIDGES = Fleet(
    devices={
        row.id: row
        for row in (door(), door("door-2", "g017/3/1204", topic="zigbee2mqtt/b/door-2"), door("x", topic="other/x"))
    },
    bridges={
        "z2m-17": with_secret(BRIDGE),
        "b": with_secret(Bridge(id="b", topic="zigbee2mqtt/b/bridge/state", grid="g017", devices="zigbee2mqtt/b/")),
    },
    platforms={"p": Platform(id="p", kind="ttn", topic="push/ttn")},
)


@pytest.mark.parametrize(
    ("bridge", "topic", "may"),
    [
        ("z2m-17", "zigbee2mqtt/door-1", True),
        ("z2m-17", "zigbee2mqtt/bridge/state", True),
        ("z2m-17", "zigbee2mqtt/never-heard-of", True),
        ("z2m-17", "zigbee2mqtt/b/door-2", False),
        ("z2m-17", "zigbee2mqtt/b/bridge/state", False),
        ("z2m-17", "other/x", False),
        ("z2m-17", "push/ttn", False),
        ("b", "zigbee2mqtt/b/door-2", True),
        ("b", "zigbee2mqtt/b/bridge/state", True),
        ("b", "zigbee2mqtt/door-1", False),
        ("b", "zigbee2mqtt/bridge/state", False),
        ("p", "push/ttn", True),
        ("p", "push/ttn/x", True),
        ("p", "zigbee2mqtt/door-1", False),
    ],
)
def test_a_bridge_speaks_for_the_devices_behind_it_and_for_nobody_elses(bridge, topic, may):
    intake = intake_of(TWO_BRIDGES)
    assert isinstance(allowed(intake.principals[bridge], "publish", topic), Allowed if may else Denied)
    # The intake judges alike, whatever the door it came by.
    refused = [one.reason for one in intake.take(message(topic, b'{"contact":true}', client=bridge)).rejects]
    assert ("forbidden-topic" in refused) is not may
