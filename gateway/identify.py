"""Whose message is this?  A topic → the rows of the fleet it belongs to: its own topic's, else its longest parent's.

One dictionary of topic prefixes, built once; a look-up costs one step per level of the topic, however large the fleet.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from devices.fleet import Bridge, Device, Fleet
from devices.formats import Format


class Owner(msgspec.Struct):
    """What a topic prefix belongs to: the rows that share it and their format, or a bridge.

    `memory` is what the format remembers for these rows, shared by all their prefixes and stored under `key`.
    """

    key: str
    format: Format | None = None
    devices: tuple[Device, ...] = ()
    bridge: Bridge | None = None
    is_bridge_state: bool = False  # the bridge's own state; else another of its topics, which only says it is alive
    ids: frozenset[str] = frozenset()
    memory: dict[str, Any] = {}


class Found(msgspec.Struct, frozen=True, gc=False):
    """`rest` is what follows the owner's prefix: "" for the prefix itself, "availability" below it."""

    owner: Owner
    rest: str


Owners = dict[str, Owner]


def owners(fleet: Fleet, formats: Mapping[str, Format], memory: Mapping[str, dict[str, Any]]) -> Owners:
    """Every topic prefix of the fleet.  `memory` is what was stored of the formats' memories, by `Owner.key`."""
    claimed: dict[str, list[Device]] = {}
    further: dict[str, list[Device]] = {}
    for device in fleet.devices.values():
        first, *others = formats[device.format].topics(device)
        claimed.setdefault(first, []).append(device)
        for topic in others:
            further.setdefault(topic, []).append(device)
    found: Owners = {}
    shared: dict[str, dict[str, Any]] = {}
    for rows in (claimed, further):
        for topic, devices in rows.items():
            if topic in found:
                continue
            key = devices[0].topic
            found[topic] = Owner(
                key=key,
                format=formats[devices[0].format],
                devices=tuple(devices),
                ids=frozenset(device.id for device in devices),
                memory=shared.setdefault(key, dict(memory.get(key, {}))),
            )
    for bridge in fleet.bridges.values():
        ids = frozenset((bridge.id,))
        found.setdefault(bridge.topic, Owner(key=bridge.topic, bridge=bridge, is_bridge_state=True, ids=ids))
        # `zigbee2mqtt/bridge/logging` beside `zigbee2mqtt/bridge/state`: nobody else's, and a sign of life.
        parent = bridge.topic.rpartition("/")[0]
        if parent and parent != bridge.devices.rstrip("/"):
            found.setdefault(parent, Owner(key=parent, bridge=bridge, ids=ids))
    return found


def identify(known: Owners, topic: str) -> Found | None:
    """The owner of `topic`, or None where no row of the fleet matches."""
    owner = known.get(topic)
    if owner is not None:
        return Found(owner, "")
    parent, slash, rest = topic.rpartition("/")
    while slash:
        owner = known.get(parent)
        if owner is not None:
            return Found(owner, rest)
        parent, slash, last = parent.rpartition("/")
        rest = f"{last}/{rest}"
    return None


def topics_of(known: Owners) -> dict[str, tuple[str, ...]]:
    """The topics that are each device's and each bridge's own, by its id."""
    own: dict[str, list[str]] = {}
    for topic, owner in known.items():
        for name in owner.ids:
            own.setdefault(name, []).append(topic)
    return {name: tuple(topics) for name, topics in own.items()}


def subscriptions(known: Owners) -> list[str]:
    """The topic filters by which a broker hands over everything of the fleet, and what is new beside it.

    One level above each device's topic, so that a sensor that was paired but not yet written down shows up as unknown
    instead of being passed over.  None lies within another.
    """
    wanted: set[str] = set()
    for topic in known:
        parent, slash, _ = topic.rpartition("/")
        # Above `threshold/g017` stand our own pages: never ask for those.
        wanted.add(parent if slash and parent != "threshold" else topic)
    return sorted(f"{topic}/#" for topic in wanted if not any(above in wanted for above in _parents(topic)))


def _parents(topic: str) -> list[str]:
    levels = topic.split("/")
    return ["/".join(levels[:count]) for count in range(1, len(levels))]
