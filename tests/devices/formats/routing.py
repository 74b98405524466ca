"""From a topic and a payload to readings, by the same look-up of rows that the gateway makes."""

import base64
import json
from typing import Any

import msgspec

from devices.events import Message, Reading, Rejected
from devices.fleet import Device, Fleet
from devices.formats import Known, table
from devices.places import grid_of
from gateway.identify import Owners, identify, owners

RECEIVED_MS = 1_581_816_600_000
FORMATS = table()


def device(row: dict[str, Any], form: str) -> Device:
    """A row of the corpus, which is written like a row of the fleet file."""
    kept = {key: value for key, value in row.items() if key not in ("household", "checkpoint")}
    place = row.get("household") or row["checkpoint"]
    where = "household" if "household" in row else "checkpoint"
    return Device(**{"format": form, "where": where, "place": place, "grid": grid_of(place), **kept})


def known_of(*rows: Device) -> Owners:
    return owners(Fleet(devices={row.id: row for row in rows}), FORMATS, {})


def payload_of(case: dict[str, Any]) -> bytes:
    """A case's payload as bytes: text as it is, anything else as compact JSON, or what `base64` holds."""
    if "base64" in case:
        return base64.b64decode(case["base64"])
    payload = case["payload"]
    if isinstance(payload, str):
        return payload.encode()
    return json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode()


def take(known: Owners, topic: str, payload: bytes, retained: bool = False) -> list[Reading] | Rejected:
    """What the format of the rows that own `topic` makes of a message."""
    found = identify(known, topic)
    if found is None or found.owner.format is None:
        return Rejected("unknown-device", "no row of the fleet has this topic or a parent of it")
    met = Known(found.owner.devices, found.rest, found.owner.memory)
    return found.owner.format.decode(Message(topic, payload, RECEIVED_MS, retained), met)


def said(reading: Reading) -> dict[str, Any]:
    """What a reading says, without the facets that were not said."""
    return {
        name: value
        for name, value in msgspec.structs.asdict(reading).items()
        if value not in (None, "") and not (name == "report" and value == "live")
    }


def door(form: str, topic: str, **said: Any) -> Device:
    """A household's row."""
    return device({"id": "d", "topic": topic, "household": "g017/3/1203", **said}, form)


def gun(form: str, topic: str, **said: Any) -> Device:
    """A checkpoint's row."""
    return device({"id": "g", "topic": topic, "checkpoint": "g017/north", **said}, form)


def one(answer: list[Reading] | Rejected) -> Reading:
    """The one reading of an answer."""
    assert not isinstance(answer, Rejected), answer.detail
    (reading,) = answer
    return reading
