"""`onenet`: what China Mobile's OneNET pushes: {"msg": {…} or [{…}, …], "msg_signature", "nonce"}.

`type` 1 is a data point: `ds_id` is the LwM2M path `3342_0_5500`, object, instance, resource (no page of the maker's
spells it out; an open back end's `3303_0_5701`, quoted in the corpus, is the second source), `value` its value, `at`
milliseconds.  `type` 2 is the connection: `status` 1 online, 0 offline.
The row's `address` is `dev_id` or `imei`.  1 is open unless the row's `open_is` says else.
The signature is checked where the push comes in, not here: what reaches this function was let in.
"""

import msgspec

from devices.events import Message, Reading, Rejected, Report
from devices.formats import Format, Known
from devices.formats.addressing import NO_ROW, NOT_NAMED, row_of
from devices.formats.ipso import Resource, parsed, reading
from devices.formats.proposal import Proposal
from devices.formats.strict_json import BUILT_LIMIT_BYTES, reader
from devices.formats.values import epoch_any, report_of
from devices.profile import Profile

_MOST_POINTS = 100


class _Point(msgspec.Struct):
    type: int
    at: float | None = None
    value: bool | int | float | str | None = None
    imei: str = ""
    dev_id: int | str = ""
    ds_id: str = ""
    status: int | None = None


class _Batch(msgspec.Struct):
    msg: list[_Point]


class _Single(msgspec.Struct):
    msg: _Point


_read_single = reader(_Single, "msg", most_bytes=BUILT_LIMIT_BYTES)
_read_batch = reader(_Batch, "msg", most_bytes=BUILT_LIMIT_BYTES)


def _read_push(payload: bytes) -> list[_Point] | Rejected:
    if b'"msg":[' not in payload and b'"msg": [' not in payload:
        single = _read_single(payload)
        return single if isinstance(single, Rejected) else [single.msg]
    batch = _read_batch(payload)
    if isinstance(batch, Rejected):
        return batch
    if len(batch.msg) > _MOST_POINTS:
        return Rejected("too-large", f"more than {_MOST_POINTS} points in one push")
    return batch.msg


def _point(point: _Point, known: Known, report: Report) -> Reading | Rejected | None:
    """What one point says; None for types that say nothing of a sensor (cached commands, for one)."""
    if not point.imei and point.dev_id == "":
        return NOT_NAMED
    device = row_of(known, str(point.dev_id), point.imei)
    if device is None:
        return NO_ROW
    at_ms = None if point.at is None else epoch_any(point.at)
    cause = f"at {at_ms} {point.ds_id[:40]}" if at_ms is not None else ""
    if point.type == 2:
        if point.status not in (0, 1):
            return Rejected("malformed", "status is neither 0 nor 1")
        return Reading(
            device=device.id, kind="availability", report=report, at_ms=at_ms, cause=cause, online=point.status == 1
        )
    if point.type != 1:
        return None
    path = parsed(point.ds_id)
    if path is None or point.value is None:
        return Rejected("malformed", "a data point without ds_id object_instance_resource, or without a value")
    resource = Resource(*path, point.value)
    return reading([resource], device, report=report, at_ms=at_ms, cause=cause, default_open=True)


def decode(message: Message, known: Known) -> list[Reading] | Rejected:
    """Readings of one push; several points are read in their order, and one that cannot be read refuses the push."""
    points = _read_push(message.payload)
    if isinstance(points, Rejected):
        return points
    readings: list[Reading] = []
    for point in points:
        found = _point(point, known, report_of(message))
        if isinstance(found, Rejected):
            return found
        if found is not None:
            readings.append(found)
    return readings


def recognise(topic: str, payload: bytes) -> Proposal | None:
    """A push with a digital input's state, or a thermometer's value."""
    if b'"ds_id"' not in payload:
        return None
    said = _read_push(payload)
    for point in () if isinstance(said, Rejected) else said:
        path, address = parsed(point.ds_id), point.imei or str(point.dev_id)
        if path is None or not address:
            continue
        if path[0] in (3342, 3200) and path[2] == 5500:
            return Proposal(format="onenet", topic=topic, address=address, certain=85)
        if path[0] == 3303 and path[2] == 5700:
            return Proposal(format="onenet", topic=topic, address=address, sort="thermometer", certain=80)
    return None


FORMAT = Format(
    name="onenet",
    decode=decode,
    recognise=recognise,
    profile=Profile(
        report_every_s=14_400,
        counts_openings=True,
        tells_battery=True,
        tells_own_time=True,
        needs_address=True,
        measures_body=True,
    ),
)
