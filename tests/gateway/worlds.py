"""A small fleet for the gateway's tests, and its intake."""

from hashlib import sha256

from devices.events import Message
from devices.fleet import Bridge, Case, Device, Fleet, Platform, Subscriber
from devices.formats import table
from gateway.intake import Intake

SECRET = "a secret"
SECRET_SHA256 = sha256(SECRET.encode()).hexdigest()


def door(name: str = "door-1", household: str = "g017/3/1203", **fields) -> Device:
    given = {"id": name, "format": "zigbee2mqtt", "topic": f"zigbee2mqtt/{name}", "where": "household"}
    given |= {"place": household, "grid": household.split("/")[0], "secret_sha256": SECRET_SHA256} | fields
    return Device(**given)


def gun(name: str = "gun-1", checkpoint: str = "g017/north", **fields) -> Device:
    given = {"id": name, "format": "native", "topic": f"threshold/g017/{name}/temperature", "where": "checkpoint"}
    given |= {"place": checkpoint, "grid": "g017", "site": "forehead", "secret_sha256": SECRET_SHA256} | fields
    return Device(**given)


def native_door(name: str = "dev-1", household: str = "g017/3/1204", **fields) -> Device:
    return door(name, household, **({"format": "native", "topic": f"threshold/g017/{name}"} | fields))


def spare(name: str = "spare-1") -> Device:
    return door(name, where="pool", place="pool", grid="")


def fleet_of(*rows: Device | Bridge | Case | Subscriber | Platform) -> Fleet:
    return Fleet(
        devices={row.id: row for row in rows if isinstance(row, Device)},
        bridges={row.id: row for row in rows if isinstance(row, Bridge)},
        cases=tuple(row for row in rows if isinstance(row, Case)),
        subscribers={row.id: row for row in rows if isinstance(row, Subscriber)},
        platforms={row.id: row for row in rows if isinstance(row, Platform)},
    )


BRIDGE = Bridge(id="z2m-17", topic="zigbee2mqtt/bridge/state", grid="g017", devices="zigbee2mqtt/")
SIREN = Subscriber(id="siren-1", grid="g017", roles=("police", "worker"), secret_sha256=SECRET_SHA256)
FLEET = fleet_of(door(), native_door(), gun(), spare(), BRIDGE, SIREN)


def intake_of(fleet: Fleet = FLEET, **options) -> Intake:
    return Intake(fleet, table(), **options)


def message(topic: str = "zigbee2mqtt/door-1", payload: bytes = b'{"contact":false}', at_ms: int = 1000, **fields):
    return Message(topic=topic, payload=payload, received_ms=at_ms, **fields)
