"""Every packet of MQTT 3.1.1 and 5: as a value, from bytes, to bytes.

`version` is 4 (3.1.1) or 5 throughout. Parsing raises `ProtocolError` and nothing else, whatever the bytes are.
Both directions are here, the server's and the client's. A server's stream of PUBLISH packets goes through
`publish_run.py`, which is quicker and takes exactly what `parse` takes.
"""

from enum import IntEnum
from typing import Final

from msgspec import Struct

from gateway.mqtt import wire
from gateway.mqtt.events import Properties, Published, Subscription, Will
from gateway.mqtt.properties import Place, Property, build_properties, has, parse_properties
from gateway.mqtt.reasons import ProtocolError, Reason, malformed
from gateway.mqtt.wire import Reader

V311: Final = 4
V5: Final = 5
MOST_FILTERS: Final = 256  # in one SUBSCRIBE or UNSUBSCRIBE: one packet must not become thousands of objects


class PacketType(IntEnum):
    """The upper four bits of the first byte."""

    CONNECT = 1
    CONNACK = 2
    PUBLISH = 3
    PUBACK = 4
    PUBREC = 5
    PUBREL = 6
    PUBCOMP = 7
    SUBSCRIBE = 8
    SUBACK = 9
    UNSUBSCRIBE = 10
    UNSUBACK = 11
    PINGREQ = 12
    PINGRESP = 13
    DISCONNECT = 14
    AUTH = 15


class Connect(Struct, frozen=True, kw_only=True):
    version: int
    client_id: str
    clean_start: bool = True
    keep_alive_s: int = 0
    username: str | None = None
    password: bytes | None = None
    will: Will | None = None
    properties: Properties = ()


class Connack(Struct, frozen=True):
    session_present: bool
    code: int
    """A return code of 3.1.1 (0-5) or a reason code of 5."""
    properties: Properties = ()


class Answer(Struct, frozen=True):
    """PUBACK, PUBREC, PUBREL or PUBCOMP."""

    kind: PacketType
    packet_id: int
    code: int = 0
    """Always 0 in 3.1.1, which has none."""
    properties: Properties = ()


class Subscribe(Struct, frozen=True):
    packet_id: int
    subscriptions: tuple[Subscription, ...]
    properties: Properties = ()


class Suback(Struct, frozen=True):
    packet_id: int
    codes: tuple[int, ...]
    properties: Properties = ()


class Unsubscribe(Struct, frozen=True):
    packet_id: int
    topic_filters: tuple[str, ...]
    properties: Properties = ()


class Unsuback(Struct, frozen=True):
    packet_id: int
    codes: tuple[int, ...]
    """Empty in 3.1.1, which has none."""
    properties: Properties = ()


class Pingreq(Struct, frozen=True):
    pass


class Pingresp(Struct, frozen=True):
    pass


class Disconnect(Struct, frozen=True):
    code: int = 0
    properties: Properties = ()


class Auth(Struct, frozen=True):
    code: int = 0
    properties: Properties = ()


Packet = (
    Connect
    | Connack
    | Published
    | Answer
    | Subscribe
    | Suback
    | Unsubscribe
    | Unsuback
    | Pingreq
    | Pingresp
    | Disconnect
    | Auth
)

_PROTOCOL_NAME: Final = b"\x00\x04MQTT"
_VERSION_AT: Final = len(_PROTOCOL_NAME)

# The lower four bits of the first byte, fixed by the standard (table 2.2) for all but PUBLISH.
_FLAGS: Final = {kind: 0x02 if kind in (6, 8, 10) else 0x00 for kind in PacketType if kind != PacketType.PUBLISH}

# What a client may say in MQTT 5 (tables 3-4 to 3-7, 3.14.2.1, 3.15.2.1); 3.1.1 has no codes in these packets.
_FAILURES_OF_PUBLISH: Final = frozenset({0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99})
_CODES: Final[dict[PacketType, frozenset[int]]] = {
    PacketType.PUBACK: frozenset({0x00, 0x10}) | _FAILURES_OF_PUBLISH,
    PacketType.PUBREC: frozenset({0x00, 0x10}) | _FAILURES_OF_PUBLISH,
    PacketType.PUBREL: frozenset({0x00, 0x92}),
    PacketType.PUBCOMP: frozenset({0x00, 0x92}),
    PacketType.DISCONNECT: frozenset({0x00, 0x04}) | frozenset(range(0x80, 0x84)) | frozenset(range(0x87, 0xA3)),
    PacketType.AUTH: frozenset({0x00, 0x18, 0x19}),
}


def kind_of(first_byte: int) -> PacketType:
    """The type of a packet, its flags checked as far as the first byte tells."""
    if first_byte < 0x10:
        raise malformed("packet type 0 is reserved")
    kind = PacketType(first_byte >> 4)
    if kind is PacketType.PUBLISH:
        if first_byte & 0x06 == 0x06:
            raise malformed("a PUBLISH has QoS 3")
        if first_byte & 0x0E == 0x08:
            raise malformed("a PUBLISH of QoS 0 is marked as sent again")
    elif first_byte & 0x0F != _FLAGS[kind]:
        raise malformed(f"the reserved flags of {kind.name} are wrong")
    return kind


def connect_version(body: bytes) -> int:
    """The protocol level in the body of a CONNECT; 0 where it is not one of "MQTT" at all."""
    if len(body) > _VERSION_AT and body.startswith(_PROTOCOL_NAME):
        return body[_VERSION_AT]
    return 0


def parse(first_byte: int, body: bytes, version: int) -> Packet:
    """One packet from its first byte and its body. A CONNECT carries its own version."""
    kind = kind_of(first_byte)
    reader = Reader(body)
    packet: Packet
    match kind:
        case PacketType.CONNECT:
            packet = _parse_connect(reader)
        case PacketType.CONNACK:
            packet = _parse_connack(reader, version)
        case PacketType.PUBLISH:
            packet = _parse_publish(first_byte, reader, version)
        case PacketType.PUBACK | PacketType.PUBREC | PacketType.PUBREL | PacketType.PUBCOMP:
            packet = _parse_answer(kind, reader, version)
        case PacketType.SUBSCRIBE:
            packet = _parse_subscribe(reader, version)
        case PacketType.SUBACK:
            packet_id, properties = _head(reader, version, Place.ANSWER)
            packet = Suback(packet_id, tuple(reader.rest()), properties)
        case PacketType.UNSUBSCRIBE:
            packet = _parse_unsubscribe(reader, version)
        case PacketType.UNSUBACK:
            packet_id, properties = _head(reader, version, Place.ANSWER)
            packet = Unsuback(packet_id, tuple(reader.rest()) if version == V5 else (), properties)
        case PacketType.PINGREQ:
            packet = Pingreq()
        case PacketType.PINGRESP:
            packet = Pingresp()
        case PacketType.DISCONNECT:
            packet = Disconnect(*_code_and_properties(kind, reader, version, Place.DISCONNECT))
        case PacketType.AUTH:
            if version != V5:
                raise malformed("3.1.1 has no AUTH")
            packet = Auth(*_code_and_properties(kind, reader, version, Place.AUTH))
    reader.expect_end()
    return packet


def build(packet: Packet, version: int) -> bytes:
    """The whole packet. A value that does not fit in MQTT's fields is a ValueError."""
    match packet:
        case Connect():
            return wire.packet(0x10, _connect_body(packet))
        case Connack(session_present, code, properties):
            return wire.packet(0x20, bytes((session_present, code)) + _properties(properties, version))
        case Published():
            return _build_publish(packet, version)
        case Answer(kind, packet_id, code, properties):
            return wire.packet(kind << 4 | _FLAGS[kind], _id(packet_id) + _code_tail(code, properties, version))
        case Subscribe(packet_id, subscriptions, properties):
            lines = b"".join(wire.text(line.topic_filter) + bytes((line.options,)) for line in subscriptions)
            return wire.packet(0x82, _id(packet_id) + _properties(properties, version) + lines)
        case Suback(packet_id, codes, properties):
            return wire.packet(0x90, _id(packet_id) + _properties(properties, version) + bytes(codes))
        case Unsubscribe(packet_id, topic_filters, properties):
            lines = b"".join(wire.text(topic_filter) for topic_filter in topic_filters)
            return wire.packet(0xA2, _id(packet_id) + _properties(properties, version) + lines)
        case Unsuback(packet_id, codes, properties):
            tail = build_properties(properties) + bytes(codes) if version == V5 else b""
            return wire.packet(0xB0, _id(packet_id) + tail)
        case Pingreq():
            return b"\xc0\x00"
        case Pingresp():
            return b"\xd0\x00"
        case Disconnect(code, properties):
            return wire.packet(0xE0, _code_tail(code, properties, version))
        case Auth(code, properties):
            return wire.packet(0xF0, _code_tail(code, properties, version))


def _parse_connect(reader: Reader) -> Connect:
    name = reader.binary()
    version = reader.byte()
    if name != b"MQTT" or version not in (V311, V5):
        raise ProtocolError(Reason.UNSUPPORTED_VERSION, "neither MQTT 3.1.1 nor MQTT 5")
    flags = reader.byte()
    has_username, has_password = flags & 0x80, flags & 0x40
    has_will, will_qos, will_retain = flags & 0x04, flags >> 3 & 0x03, flags & 0x20
    if flags & 0x01:
        raise malformed("the reserved flag of CONNECT is set")
    if will_qos == 3 or (not has_will and (will_qos or will_retain)):
        raise malformed("the will flags of CONNECT contradict each other")
    if version == V311 and has_password and not has_username:
        raise malformed("a password without a user name")
    keep_alive_s = reader.two_bytes()
    properties = parse_properties(reader, Place.CONNECT) if version == V5 else ()
    if has(properties, Property.AUTHENTICATION_DATA) and not has(properties, Property.AUTHENTICATION_METHOD):
        raise ProtocolError(Reason.PROTOCOL_ERROR, "authentication data without a method")
    client_id = reader.text()
    will = None
    if has_will:
        will_properties = parse_properties(reader, Place.WILL) if version == V5 else ()
        will = Will(reader.topic(), reader.binary(), will_qos, will_retain > 0, will_properties)
    return Connect(
        version=version,
        client_id=client_id,
        clean_start=flags & 0x02 > 0,
        keep_alive_s=keep_alive_s,
        username=reader.text() if has_username else None,
        password=reader.binary() if has_password else None,
        will=will,
        properties=properties,
    )


def _parse_connack(reader: Reader, version: int) -> Connack:
    flags, code = reader.byte(), reader.byte()
    if flags > 1:
        raise malformed("the reserved flags of CONNACK are set")
    if version == V311 and code > 5:
        raise malformed("3.1.1 has no such return code")
    return Connack(flags == 1, code, parse_properties(reader, Place.CONNACK) if version == V5 else ())


def _parse_publish(first_byte: int, reader: Reader, version: int) -> Published:
    qos = first_byte >> 1 & 0x03
    raw_topic = reader.binary()
    packet_id = reader.packet_id() if qos else 0
    properties = parse_properties(reader, Place.PUBLISH) if version == V5 else ()
    if has(properties, Property.TOPIC_ALIAS):
        # The server says a topic alias maximum of 0 by saying nothing of it (3.2.2.3.8).
        raise ProtocolError(Reason.TOPIC_ALIAS_INVALID, "topic aliases are not taken")
    topic = wire.topic_of(raw_topic)
    return Published(topic, reader.rest(), qos, packet_id, first_byte & 0x08 > 0, first_byte & 0x01 > 0, properties)


def _parse_answer(kind: PacketType, reader: Reader, version: int) -> Answer:
    packet_id = reader.packet_id()
    return Answer(kind, packet_id, *_code_and_properties(kind, reader, version, Place.ANSWER))


def _parse_subscribe(reader: Reader, version: int) -> Subscribe:
    packet_id, properties = _head(reader, version, Place.SUBSCRIBE)
    lines: list[Subscription] = []
    while reader.left or not lines:
        topic_filter = _topic_filter(reader, len(lines))
        options = reader.byte()
        if options & 0x03 == 0x03 or options & (0xC0 if version == V5 else 0xFC) or options & 0x30 == 0x30:
            raise malformed("the options of a subscription are wrong")
        if options & 0x04 and topic_filter.startswith("$share/"):
            raise ProtocolError(Reason.PROTOCOL_ERROR, "a shared subscription is marked as no local")
        lines.append(Subscription(topic_filter, options & 0x03, options))
    return Subscribe(packet_id, tuple(lines), properties)


def _parse_unsubscribe(reader: Reader, version: int) -> Unsubscribe:
    packet_id, properties = _head(reader, version, Place.UNSUBSCRIBE)
    topic_filters: list[str] = []
    while reader.left or not topic_filters:
        topic_filters.append(_topic_filter(reader, len(topic_filters)))
    return Unsubscribe(packet_id, tuple(topic_filters), properties)


def _topic_filter(reader: Reader, read_before: int) -> str:
    if not reader.left:
        raise ProtocolError(Reason.PROTOCOL_ERROR, "no topic filter at all")
    if read_before == MOST_FILTERS:
        raise ProtocolError(Reason.QUOTA_EXCEEDED, f"more than {MOST_FILTERS} topic filters in one packet")
    topic_filter = reader.text()
    if not topic_filter:
        raise ProtocolError(Reason.PROTOCOL_ERROR, "a topic filter is empty")
    return topic_filter


def _head(reader: Reader, version: int, place: Place) -> tuple[int, Properties]:
    packet_id = reader.packet_id()
    return packet_id, parse_properties(reader, place) if version == V5 else ()


def _code_and_properties(kind: PacketType, reader: Reader, version: int, place: Place) -> tuple[int, Properties]:
    """MQTT 5 lets a success without properties, and then empty properties, be left out (3.4.2.1)."""
    if version == V311 or not reader.left:
        return 0, ()
    code = reader.byte()
    if code not in _CODES[kind]:
        raise ProtocolError(Reason.PROTOCOL_ERROR, f"{kind.name} has no code {code:#04x}")
    return code, parse_properties(reader, place) if reader.left else ()


def _id(packet_id: int) -> bytes:
    if not 1 <= packet_id <= wire.LONGEST_FIELD:
        raise ValueError(f"{packet_id} is not a packet id")
    return packet_id.to_bytes(2, "big")


def _properties(properties: Properties, version: int) -> bytes:
    if version == V5:
        return build_properties(properties)
    if properties:
        raise ValueError("3.1.1 has no properties")
    return b""


def _code_tail(code: int, properties: Properties, version: int) -> bytes:
    """Reason code and properties of MQTT 5, in the shortest form."""
    if version == V311:
        if code or properties:
            raise ValueError("3.1.1 has neither reason codes nor properties here")
        return b""
    if properties:
        return bytes((code,)) + build_properties(properties)
    return bytes((code,)) if code else b""


def _build_publish(message: Published, version: int) -> bytes:
    first_byte = 0x30 | message.dup << 3 | message.qos << 1 | message.retain
    kind_of(first_byte)
    packet_id = _id(message.packet_id) if message.qos else b""
    head = wire.text(message.topic) + packet_id + _properties(message.properties, version)
    return wire.packet(first_byte, head + message.payload)


def _connect_body(connect: Connect) -> bytes:
    will = connect.will
    flags = connect.clean_start << 1 | (connect.username is not None) << 7 | (connect.password is not None) << 6
    if will is not None:
        flags |= 0x04 | will.qos << 3 | will.retain << 5
    body = _PROTOCOL_NAME + bytes((connect.version, flags)) + connect.keep_alive_s.to_bytes(2, "big")
    body += _properties(connect.properties, connect.version) + wire.text(connect.client_id)
    if will is not None:
        body += _properties(will.properties, connect.version) + wire.text(will.topic) + wire.binary(will.payload)
    if connect.username is not None:
        body += wire.text(connect.username)
    if connect.password is not None:
        body += wire.binary(connect.password)
    return body
