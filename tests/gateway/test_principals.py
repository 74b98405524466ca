import pytest

from gateway.mqtt.access import Allowed, Denied, allowed
from gateway.principals import knows_secret, secrets
from tests.gateway.worlds import FLEET, SECRET, SECRET_SHA256, door, fleet_of, intake_of

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
