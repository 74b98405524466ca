"""Properties of MQTT 5 (section 2.2.2): which there are, of what type, in which packets, and how often."""

from enum import Enum, IntEnum, auto
from typing import Final

from gateway.mqtt import wire
from gateway.mqtt.events import Properties, PropertyValue
from gateway.mqtt.reasons import ProtocolError, Reason, malformed
from gateway.mqtt.wire import Reader


class Property(IntEnum):
    PAYLOAD_FORMAT = 0x01
    MESSAGE_EXPIRY_S = 0x02
    CONTENT_TYPE = 0x03
    RESPONSE_TOPIC = 0x08
    CORRELATION_DATA = 0x09
    SUBSCRIPTION_ID = 0x0B
    SESSION_EXPIRY_S = 0x11
    ASSIGNED_CLIENT_ID = 0x12
    SERVER_KEEP_ALIVE_S = 0x13
    AUTHENTICATION_METHOD = 0x15
    AUTHENTICATION_DATA = 0x16
    REQUEST_PROBLEM_INFORMATION = 0x17
    WILL_DELAY_S = 0x18
    REQUEST_RESPONSE_INFORMATION = 0x19
    RESPONSE_INFORMATION = 0x1A
    SERVER_REFERENCE = 0x1C
    REASON_STRING = 0x1F
    RECEIVE_MAXIMUM = 0x21
    TOPIC_ALIAS_MAXIMUM = 0x22
    TOPIC_ALIAS = 0x23
    MAXIMUM_QOS = 0x24
    RETAIN_AVAILABLE = 0x25
    USER = 0x26
    MAXIMUM_PACKET_SIZE = 0x27
    WILDCARD_SUBSCRIPTION_AVAILABLE = 0x28
    SUBSCRIPTION_IDS_AVAILABLE = 0x29
    SHARED_SUBSCRIPTION_AVAILABLE = 0x2A


class Place(Enum):
    """Where properties stand: a packet, or the will inside a CONNECT."""

    CONNECT = auto()
    WILL = auto()
    CONNACK = auto()
    PUBLISH = auto()
    ANSWER = auto()  # PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK, UNSUBACK
    SUBSCRIBE = auto()
    UNSUBSCRIBE = auto()
    DISCONNECT = auto()
    AUTH = auto()


class _Type(Enum):
    FLAG = auto()  # one byte, 0 or 1
    TWO_BYTES = auto()
    TWO_BYTES_NOT_0 = auto()
    FOUR_BYTES = auto()
    FOUR_BYTES_NOT_0 = auto()
    VARIABLE_NOT_0 = auto()
    TEXT = auto()
    BINARY = auto()
    PAIR = auto()


_MESSAGE: Final = (Place.PUBLISH, Place.WILL)
_EVERYWHERE: Final = tuple(Place)

# Table 2-4 of the standard. Each row: type, and the places where the property may stand.
_TABLE: Final[dict[int, tuple[_Type, tuple[Place, ...]]]] = {
    Property.PAYLOAD_FORMAT: (_Type.FLAG, _MESSAGE),
    Property.MESSAGE_EXPIRY_S: (_Type.FOUR_BYTES, _MESSAGE),
    Property.CONTENT_TYPE: (_Type.TEXT, _MESSAGE),
    Property.RESPONSE_TOPIC: (_Type.TEXT, _MESSAGE),
    Property.CORRELATION_DATA: (_Type.BINARY, _MESSAGE),
    # In a PUBLISH only from server to client, and there it may repeat: we never send one, a client must not.
    Property.SUBSCRIPTION_ID: (_Type.VARIABLE_NOT_0, (Place.SUBSCRIBE,)),
    Property.SESSION_EXPIRY_S: (_Type.FOUR_BYTES, (Place.CONNECT, Place.CONNACK, Place.DISCONNECT)),
    Property.ASSIGNED_CLIENT_ID: (_Type.TEXT, (Place.CONNACK,)),
    Property.SERVER_KEEP_ALIVE_S: (_Type.TWO_BYTES, (Place.CONNACK,)),
    Property.AUTHENTICATION_METHOD: (_Type.TEXT, (Place.CONNECT, Place.CONNACK, Place.AUTH)),
    Property.AUTHENTICATION_DATA: (_Type.BINARY, (Place.CONNECT, Place.CONNACK, Place.AUTH)),
    Property.REQUEST_PROBLEM_INFORMATION: (_Type.FLAG, (Place.CONNECT,)),
    Property.WILL_DELAY_S: (_Type.FOUR_BYTES, (Place.WILL,)),
    Property.REQUEST_RESPONSE_INFORMATION: (_Type.FLAG, (Place.CONNECT,)),
    Property.RESPONSE_INFORMATION: (_Type.TEXT, (Place.CONNACK,)),
    Property.SERVER_REFERENCE: (_Type.TEXT, (Place.CONNACK, Place.DISCONNECT)),
    Property.REASON_STRING: (_Type.TEXT, (Place.CONNACK, Place.ANSWER, Place.DISCONNECT, Place.AUTH)),
    Property.RECEIVE_MAXIMUM: (_Type.TWO_BYTES_NOT_0, (Place.CONNECT, Place.CONNACK)),
    Property.TOPIC_ALIAS_MAXIMUM: (_Type.TWO_BYTES, (Place.CONNECT, Place.CONNACK)),
    Property.TOPIC_ALIAS: (_Type.TWO_BYTES, (Place.PUBLISH,)),
    Property.MAXIMUM_QOS: (_Type.FLAG, (Place.CONNACK,)),
    Property.RETAIN_AVAILABLE: (_Type.FLAG, (Place.CONNACK,)),
    Property.USER: (_Type.PAIR, _EVERYWHERE),
    Property.MAXIMUM_PACKET_SIZE: (_Type.FOUR_BYTES_NOT_0, (Place.CONNECT, Place.CONNACK)),
    Property.WILDCARD_SUBSCRIPTION_AVAILABLE: (_Type.FLAG, (Place.CONNACK,)),
    Property.SUBSCRIPTION_IDS_AVAILABLE: (_Type.FLAG, (Place.CONNACK,)),
    Property.SHARED_SUBSCRIPTION_AVAILABLE: (_Type.FLAG, (Place.CONNACK,)),
}


def parse_properties(reader: Reader, place: Place) -> Properties:
    """The length and all properties, in their order. Unknown, misplaced or repeated ones are a ProtocolError."""
    length = reader.variable_integer()
    if length == 0:
        return ()
    block = Reader(reader.take(length))
    found: list[tuple[int, PropertyValue]] = []
    seen: set[int] = set()
    while block.left:
        identifier = block.variable_integer()
        row = _TABLE.get(identifier)
        if row is None:
            raise malformed(f"no property has the identifier {identifier}")
        kind, places = row
        if place not in places:
            raise malformed(f"property {identifier} does not belong in {place.name}")
        if identifier in seen and identifier != Property.USER:
            raise ProtocolError(Reason.PROTOCOL_ERROR, f"property {identifier} is given twice")
        seen.add(identifier)
        found.append((identifier, _value(block, kind, identifier)))
    return tuple(found)


def build_properties(properties: Properties) -> bytes:
    """The length and all properties, in the order given."""
    block = b"".join(bytes((identifier,)) + _written(_TABLE[identifier][0], value) for identifier, value in properties)
    return wire.variable_integer(len(block)) + block


def integer(properties: Properties, identifier: Property, default: int) -> int:
    """The value of an integer property, or the default where it is not given."""
    for found, value in properties:
        if found == identifier and isinstance(value, int):
            return value
    return default


def has(properties: Properties, identifier: Property) -> bool:
    return any(found == identifier for found, _ in properties)


def _value(block: Reader, kind: _Type, identifier: int) -> PropertyValue:
    match kind:
        case _Type.FLAG:
            value = block.byte()
            if value > 1:
                raise ProtocolError(Reason.PROTOCOL_ERROR, f"property {identifier} is neither 0 nor 1")
        case _Type.TWO_BYTES:
            value = block.two_bytes()
        case _Type.FOUR_BYTES:
            value = block.four_bytes()
        case _Type.TWO_BYTES_NOT_0:
            value = _not_0(block.two_bytes(), identifier)
        case _Type.FOUR_BYTES_NOT_0:
            value = _not_0(block.four_bytes(), identifier)
        case _Type.VARIABLE_NOT_0:
            value = _not_0(block.variable_integer(), identifier)
        case _Type.TEXT:
            # A response topic is a topic name like any other, and may hold no wildcard (3.3.2.3.5).
            value = block.topic() if identifier == Property.RESPONSE_TOPIC else block.text()
        case _Type.BINARY:
            value = block.binary()
        case _Type.PAIR:
            value = (block.text(), block.text())
    return value


def _not_0(value: int, identifier: int) -> int:
    if value == 0:
        raise ProtocolError(Reason.PROTOCOL_ERROR, f"property {identifier} is 0")
    return value


def _written(kind: _Type, value: PropertyValue) -> bytes:
    match kind, value:
        case _Type.FLAG, int():
            return value.to_bytes(1, "big")
        case ((_Type.TWO_BYTES | _Type.TWO_BYTES_NOT_0), int()):
            return value.to_bytes(2, "big")
        case ((_Type.FOUR_BYTES | _Type.FOUR_BYTES_NOT_0), int()):
            return value.to_bytes(4, "big")
        case _Type.VARIABLE_NOT_0, int():
            return wire.variable_integer(value)
        case _Type.TEXT, str():
            return wire.text(value)
        case _Type.BINARY, bytes():
            return wire.binary(value)
        case _Type.PAIR, (str(name), str(content)):
            return wire.text(name) + wire.text(content)
        case _:
            raise ValueError(f"{value!r} is not a value of type {kind.name}")
