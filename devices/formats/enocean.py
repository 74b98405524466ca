"""`enocean`: window contacts and handles behind an EnOcean-to-MQTT bridge.

{"status":"closed","rssi":-61,"timestamp":…,"since":…}: `timestamp` is when it was said, `since` when it became so.
When the two are apart the message repeats a state; when they agree it is the change itself.  `tilted` is not closed:
it counts as open.  `error` says nothing of the door.  A lower-case `t` between date and time is accepted.
"""

import msgspec

from devices.events import Message, Reading, Rejected, Report
from devices.formats import Format, Known
from devices.formats.proposal import Proposal
from devices.formats.strict_json import reader
from devices.formats.values import iso_ms, report_of, signal
from devices.profile import Profile

_SAME_MS = 2000
_DOOR = {"open": True, "closed": False, "tilted": True}


class _Said(msgspec.Struct):
    status: str
    rssi: object = None
    timestamp: str | None = None
    since: str | None = None


_read = reader(_Said, "status", "since", "timestamp")


def decode(message: Message, known: Known) -> list[Reading] | Rejected:
    """Readings of one message of an EnOcean bridge."""
    said = _read(message.payload)
    if isinstance(said, Rejected):
        return said
    device, report = known.devices[0].id, report_of(message)
    at_ms, since_ms = iso_ms(said.timestamp or ""), iso_ms(said.since or "")
    cause = f"at {at_ms}" if at_ms is not None else f"timestamp {said.timestamp[:40]}" if said.timestamp else ""
    strength = signal(said.rssi)
    if said.status in _DOOR:
        how: Report = report
        if how == "live" and at_ms is not None and since_ms is not None and at_ms - since_ms > _SAME_MS:
            how = "periodic"
        return [
            Reading(
                device=device, kind="door", report=how, at_ms=at_ms, cause=cause, open=_DOOR[said.status],
                signal=strength,
            )
        ]  # fmt: skip
    if said.status == "offline":
        return [Reading(device=device, kind="availability", report=report, at_ms=at_ms, cause=cause, online=False)]
    if said.status == "error":
        return [Reading(device=device, kind="heartbeat", report=report, at_ms=at_ms, cause=cause, signal=strength)]
    return Rejected("malformed", "status is none of open, closed, tilted, error, offline")


def recognise(topic: str, payload: bytes) -> Proposal | None:
    """A status of a window with the time since when."""
    if b'"since"' not in payload and b'"rssi"' not in payload:
        return None
    said = _read(payload)
    if isinstance(said, Rejected) or said.status not in _DOOR or said.timestamp is None:
        return None
    return Proposal(format="enocean", topic=topic, certain=70)


FORMAT = Format(
    name="enocean",
    decode=decode,
    recognise=recognise,
    profile=Profile(report_every_s=1800, tells_own_time=True),
)
