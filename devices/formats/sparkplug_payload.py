"""A Sparkplug B payload: time, sequence number and metrics, from protobuf or from its JSON form.

Field numbers: eclipse/tahu, sparkplug_b.proto.  Data sets, templates and properties are passed over.
"""

import struct

import msgspec

from devices.events import Rejected
from devices.formats.protobuf_reader import BYTES, FIXED32, FIXED64, WireError, fields
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

# Numbers of the fields of a metric, and the wire type each must have.
_NAME, _ALIAS, _TIMESTAMP, _DATATYPE, _HISTORICAL, _NULL = 1, 2, 3, 4, 5, 7
_INT, _LONG, _FLOAT, _DOUBLE, _BOOLEAN, _STRING = 10, 11, 12, 13, 14, 15


def _signed(number: int, datatype: int) -> int:
    bits = _SIGNED_BITS.get(datatype)
    if bits is None:
        return number
    number &= (1 << bits) - 1
    return number - (1 << bits) if number >> (bits - 1) else number


def _metric(data: bytes) -> Metric:
    metric = Metric()
    datatype, null = 0, False
    whole: int | None = None
    for number, wire, value in fields(data, _MOST_FIELDS):
        if isinstance(value, int):
            if number in (_INT, _LONG):
                whole = value
            elif number == _BOOLEAN:
                metric.value = value != 0
            elif number == _ALIAS:
                metric.alias = value
            elif number == _TIMESTAMP:
                metric.timestamp = value
            elif number == _DATATYPE:
                datatype = value
            elif number == _HISTORICAL:
                metric.is_historical = value != 0
            elif number == _NULL:
                null = value != 0
        elif number == _NAME and wire == BYTES:
            metric.name = value.decode("utf-8")
        elif number == _STRING and wire == BYTES:
            metric.value = value.decode("utf-8")
        elif number == _FLOAT and wire == FIXED32:
            metric.value = float(struct.unpack("<f", value)[0])
        elif number == _DOUBLE and wire == FIXED64:
            metric.value = float(struct.unpack("<d", value)[0])
    if whole is not None:
        metric.value = _signed(whole, datatype)
    if null:
        metric.value = None
    return metric


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
