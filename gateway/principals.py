"""Who may come in by a name, from the fleet: each device, bridge, subscriber and platform with its topics, and the
secrets of those that connect directly."""

from collections.abc import Mapping
from hashlib import sha256
from hmac import compare_digest

from devices.fleet import Bridge, Fleet
from gateway.identify import Owners, topics_of
from gateway.mqtt.access import Principal, foreign_topics

_NOBODYS = sha256(b"").hexdigest()


def principals(fleet: Fleet, known: Owners) -> dict[str, Principal]:
    """Every client by its id.  A bridge that shares its id with a device is known by the device's."""
    own = topics_of(known)
    foreign = foreign_topics(own)
    found: dict[str, Principal] = {}
    for bridge in fleet.bridges.values():
        found[bridge.id] = Principal(
            name=bridge.id,
            kind="bridge",
            grid=bridge.grid,
            own=own.get(bridge.id, ()),
            foreign=foreign.get(bridge.id, ()),
            behind=bridge.devices,
            beyond=_beyond(bridge, fleet, own),
        )
    for platform in fleet.platforms.values():
        found[platform.id] = Principal(name=platform.id, kind="platform", grid="", own=(platform.topic,))
    for device in fleet.devices.values():
        found[device.id] = Principal(
            name=device.id,
            kind="device",
            grid=device.grid,
            own=own.get(device.id, ()),
            foreign=foreign.get(device.id, ()),
        )
    for subscriber in fleet.subscribers.values():
        found[subscriber.id] = Principal(
            name=subscriber.id, kind="subscriber", grid=subscriber.grid, roles=subscriber.roles
        )
    return found


def _beyond(bridge: Bridge, fleet: Fleet, own: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """What begins like the devices behind `bridge` and is another bridge's."""
    if not bridge.devices:
        return ()
    found: set[str] = set()
    for other in fleet.bridges.values():
        if other.id != bridge.id:
            theirs = {other.topic, *own.get(other.id, ())} - set(own.get(bridge.id, ()))
            if len(other.devices) > len(bridge.devices):
                theirs.add(other.devices)
            found |= {prefix for prefix in theirs if prefix.startswith(bridge.devices)}
    return tuple(sorted(found))


def secrets(fleet: Fleet) -> dict[str, str]:
    """The SHA-256 of each client's secret, in hexadecimal digits, by its id; those without one are left out."""
    rows = [*fleet.bridges.values(), *fleet.devices.values(), *fleet.subscribers.values()]
    return {row.id: row.secret_sha256.lower() for row in rows if row.secret_sha256}


def knows_secret(kept: Mapping[str, str], name: str, password: bytes | None) -> bool:
    """Is this the secret of `name`?  It takes as long for a name that is not there."""
    wanted = kept.get(name)
    given = sha256(password or b"").hexdigest()
    return compare_digest(wanted or _NOBODYS, given) and wanted is not None and bool(password)
