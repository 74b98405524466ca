"""A Sparkplug B payload: time, sequence number and metrics, from protobuf or from its JSON form.

Field numbers: eclipse/tahu, sparkplug_b.proto.  Data sets, templates and properties are passed over.
"""

import struct

import msgspec

from devices.events import Rejected
from devices.formats.protobuf_reader import WireError, fields, longer, skipped
from devices.formats.strict_json import BUILT_LIMIT_BYTES, LIMIT_BYTES, Number, reader

_MOST_FIELDS = 600
_MOST_METRICS = 200
_SIGNED_BITS = {1: 8, 2: 16, 3: 32, 4: 64}


class Metric(msgspec.Struct):
    """One metric; `value` is None where it is null or of a kind no sensor of ours sends."""

    name: str = ""
    alias: Number | None = None
    timestamp: Number | None = None
    value: bool | int | float | str | None = None
    is_historical: bool = False


class Payload(msgspec.Struct):
    """One payload."""

    timestamp: Number | None = None
    metrics: list[Metric] = []
    seq: Number | None = None


class _Topic(msgspec.Struct, rename="camel"):
    group_id: str = ""
    edge_node_id: str = ""
    device_id: str = ""
    type: str = ""


class _Json(msgspec.Struct):
    payload: Payload
    topic: _Topic | None = None


_read_json = reader(_Json, "payload", most_bytes=BUILT_LIMIT_BYTES)

# The keys of a metric's fields: number and wire type in one byte.  Another wire type under the same number is passed
# over, as one that is not known.
_NAME, _ALIAS, _TIMESTAMP, _DATATYPE, _HISTORICAL, _NULL = 0x0A, 0x10, 0x18, 0x20, 0x28, 0x38
_INT, _LONG, _FLOAT, _DOUBLE, _BOOLEAN, _STRING = 0x50, 0x58, 0x65, 0x69, 0x70, 0x7A
_NUMBERS = frozenset({_ALIAS, _TIMESTAMP, _DATATYPE, _HISTORICAL, _NULL, _INT, _LONG, _BOOLEAN})
_float, _double = struct.Struct("<f").unpack_from, struct.Struct("<d").unpack_from


def _signed(number: int, datatype: int) -> int:
    bits = _SIGNED_BITS.get(datatype)
    if bits is None:
        return number
    number &= (1 << bits) - 1
    return number - (1 << bits) if number >> (bits - 1) else number


def _metric(data: bytes) -> Metric:
    """One metric.  A loop of its own over the bytes: a birth has hundreds of these fields, and a tuple for each of them
    would be half of what it costs to read."""
    name, datatype, null, historical = "", 0, False, False
    alias: int | None = None
    timestamp: int | None = None
    whole: int | None = None
    said: bool | float | str | None = None
    at, end, count = 0, len(data), 0
    try:
        while at < end:
            count += 1
            if count > _MOST_FIELDS:
                raise WireError(f"more than {_MOST_FIELDS} fields")
            key = data[at]
            at += 1
            if key in _NUMBERS:
                value = data[at]
                at += 1
                if value > 0x7F:
                    value, at = longer(data, at, value)
                if key == _TIMESTAMP:
                    timestamp = value
                elif key == _DATATYPE:
                    datatype = value
                elif key == _ALIAS:
                    alias = value
                elif key == _BOOLEAN:
                    said = value != 0
                elif key == _NULL:
                    null = value != 0
                elif key == _HISTORICAL:
                    historical = value != 0
                else:
                    whole = value
                continue
            begun = at
            if key in (_NAME, _STRING):
                size = data[at]
                begun = at + 1
                if size > 0x7F:
                    size, begun = longer(data, begun, size)
                at = begun + size
            elif key == _FLOAT:
                at += 4
            elif key == _DOUBLE:
                at += 8
            else:
                at = skipped(data, at, key)
            if at > end:
                raise WireError("a field longer than the message")
            if key == _NAME:
                name = data[begun:at].decode("utf-8")
            elif key == _STRING:
                said = data[begun:at].decode("utf-8")
            elif key == _FLOAT:
                said = _float(data, begun)[0]
            elif key == _DOUBLE:
                said = _double(data, begun)[0]
    except IndexError:
        raise WireError("a number that does not end") from None
    value_said = _signed(whole, datatype) if whole is not None else said
    return Metric(name, alias, timestamp, None if null else value_said, historical)


def _protobuf(data: bytes) -> Payload:
    payload = Payload()
    metrics: list[Metric] = []
    for number, _, value in fields(data, _MOST_FIELDS):
        if number == 2 and isinstance(value, bytes):
            if len(metrics) >= _MOST_METRICS:
                raise WireError(f"more than {_MOST_METRICS} metrics")
            metrics.append(_metric(value))
        elif isinstance(value, int):
            if number == 1:
                payload.timestamp = value
            elif number == 3:
                payload.seq = value
    payload.metrics = metrics
    return payload


def decode_payload(data: bytes) -> tuple[Payload, str] | Rejected:
    """The payload, and the topic that its JSON form says it came on ("" for protobuf)."""
    if not data:
        return Rejected("malformed", "the payload is empty")
    # No protobuf payload begins with "{": it would be a group, which was never used here.
    if data[:1] == b"{":
        said = _read_json(data)
        if isinstance(said, Rejected):
            return said
        if len(said.payload.metrics) > _MOST_METRICS:
            return Rejected("malformed", f"more than {_MOST_METRICS} metrics")
        topic = said.topic
        if topic is None:
            return said.payload, ""
        parts = ["spBv1.0", topic.group_id, topic.type, topic.edge_node_id, topic.device_id]
        return said.payload, "/".join(parts).rstrip("/")
    if len(data) > LIMIT_BYTES:
        return Rejected("too-large", f"{len(data)} bytes, at most {LIMIT_BYTES} are read")
    try:
        return _protobuf(data), ""
    except UnicodeDecodeError:
        return Rejected("malformed", "a name that is not UTF-8")
    except WireError as error:
        return Rejected("malformed", f"no Sparkplug payload: {error}")
