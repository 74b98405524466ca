"""Every packet whole, built, cut at every byte, and with bytes behind it; and what may not be."""

import pytest

from gateway.mqtt.events import Published
from gateway.mqtt.packets import (
    MOST_FILTERS,
    V5,
    V311,
    Answer,
    Auth,
    Connack,
    Connect,
    Disconnect,
    PacketType,
    Pingreq,
    Pingresp,
    Suback,
    Unsuback,
    build,
    connect_version,
    kind_of,
    parse,
)
from gateway.mqtt.reasons import ProtocolError, Reason
from gateway.mqtt.wire import find_packet, packet
from tests.gateway.mqtt.vectors import VECTORS, whole

MOST = 1 << 20


def parsed(data: bytes, version: int) -> object:
    body, end = find_packet(data, 0, MOST, version == V5)
    assert end == len(data)
    return parse(data[0], data[body:end], version)


@pytest.mark.parametrize("name", VECTORS)
def test_bytes_become_the_packet_they_mean(name):
    version, data, meaning = whole(name)
    assert parsed(data, version) == meaning


@pytest.mark.parametrize("name", VECTORS)
def test_a_packet_becomes_the_bytes_that_mean_it(name):
    version, data, meaning = whole(name)
    assert build(meaning, version) == data


def test_every_type_of_packet_has_a_vector_in_every_version():
    told = {(version, bytes.fromhex(text)[0] >> 4) for version, text, _ in VECTORS.values()}
    same_in_both = {PacketType.PINGREQ, PacketType.PINGRESP}
    for kind in PacketType:
        assert (V311, kind) in told or kind is PacketType.AUTH
        assert (V5, kind) in told or kind in same_in_both


def or_code(first_byte: int, body: bytes, version: int) -> object:
    """The packet, or the code of the one error."""
    try:
        return parse(first_byte, body, version)
    except ProtocolError as error:
        return error.code


@pytest.mark.parametrize("name", VECTORS)
def test_a_body_that_is_cut_anywhere_is_another_packet_or_an_error(name):
    """Some last fields have no length (a payload, reason codes): cut there it may be well, but never the same."""
    version, data, meaning = whole(name)
    body, end = find_packet(data, 0, MOST, version == V5)
    for cut in range(body, min(end, body + 256)):
        shorter = or_code(data[0], data[body:cut], version)
        if isinstance(shorter, Reason):
            assert shorter in (Reason.MALFORMED_PACKET, Reason.PROTOCOL_ERROR)
        else:
            assert shorter != meaning


# A byte behind these is more payload, another reason code, or the first of fields that MQTT 5 lets be left out.
OPEN_ENDED = {
    name
    for name, (version, _, meaning) in VECTORS.items()
    if isinstance(meaning, Published | Suback)
    or (version == V5 and isinstance(meaning, Unsuback | Answer | Disconnect | Auth) and not meaning.properties)
}


@pytest.mark.parametrize("name", VECTORS)
def test_a_body_with_more_than_its_fields_is_malformed(name):
    version, data, meaning = whole(name)
    body, end = find_packet(data, 0, MOST, version == V5)
    longer = or_code(data[0], data[body:end] + b"\x00", version)
    if name not in OPEN_ENDED:
        assert longer == Reason.MALFORMED_PACKET
    elif isinstance(meaning, Published):
        assert isinstance(longer, Published)
        assert longer.payload == meaning.payload + b"\x00"
    else:
        assert type(longer) is type(meaning)


WRONG: dict[str, tuple[int, str, Reason]] = {
    # fixed header
    "type 0": (V311, "00 00", Reason.MALFORMED_PACKET),
    "connect with flags": (V311, "11 0e 0004 4d515454 04 02 003c 0002 6431", Reason.MALFORMED_PACKET),
    "subscribe without its flags": (V311, "80 06 0001 0001 61 00", Reason.MALFORMED_PACKET),
    "pubrel without its flags": (V311, "60 02 0001", Reason.MALFORMED_PACKET),
    "pingreq with flags": (V311, "c1 00", Reason.MALFORMED_PACKET),
    "pingreq with a body": (V311, "c0 01 00", Reason.MALFORMED_PACKET),
    "disconnect with a body": (V311, "e0 01 00", Reason.MALFORMED_PACKET),
    "auth": (V311, "f0 00", Reason.MALFORMED_PACKET),
    # connect
    "another protocol": (V311, "10 0e 0004 4d515458 04 02 003c 0002 6431", Reason.UNSUPPORTED_VERSION),
    "version 3.1": (V311, "10 10 0006 4d5149736470 03 02 003c 0002 6431", Reason.UNSUPPORTED_VERSION),
    "version 6": (V311, "10 0e 0004 4d515454 06 02 003c 0002 6431", Reason.UNSUPPORTED_VERSION),
    "connect, reserved flag": (V311, "10 0e 0004 4d515454 04 03 003c 0002 6431", Reason.MALFORMED_PACKET),
    "connect, will QoS 3": (
        V311,
        "10 14 0004 4d515454 04 1e 003c 0002 6431 0001 61 0001 62",
        Reason.MALFORMED_PACKET,
    ),
    "connect, will QoS without will": (V311, "10 0e 0004 4d515454 04 0a 003c 0002 6431", Reason.MALFORMED_PACKET),
    "connect, will retain without will": (V311, "10 0e 0004 4d515454 04 22 003c 0002 6431", Reason.MALFORMED_PACKET),
    "connect, password alone": (V311, "10 11 0004 4d515454 04 42 003c 0002 6431 0001 70", Reason.MALFORMED_PACKET),
    "connect, bytes behind": (V311, "10 0f 0004 4d515454 04 02 003c 0002 6431 00", Reason.MALFORMED_PACKET),
    "connect, client id not UTF-8": (V311, "10 0e 0004 4d515454 04 02 003c 0002 ff31", Reason.MALFORMED_PACKET),
    "connect, client id with NUL": (V311, "10 0e 0004 4d515454 04 02 003c 0002 6400", Reason.MALFORMED_PACKET),
    "connect, client id with a surrogate": (
        V311,
        "10 0f 0004 4d515454 04 02 003c 0003 eda080",
        Reason.MALFORMED_PACKET,
    ),
    "connect, will topic with a wildcard": (
        V311,
        "10 13 0004 4d515454 04 06 003c 0002 6431 0001 23 0000",
        Reason.TOPIC_NAME_INVALID,
    ),
    "connect 5, receive maximum 0": (
        V5,
        "10 12 0004 4d515454 05 02 000a 03 21 0000 0002 6431",
        Reason.PROTOCOL_ERROR,
    ),
    "connect 5, packet size 0": (
        V5,
        "10 14 0004 4d515454 05 02 000a 05 27 00000000 0002 6431",
        Reason.PROTOCOL_ERROR,
    ),
    "connect 5, authentication data alone": (
        V5,
        "10 13 0004 4d515454 05 02 000a 04 16 0001 64 0002 6431",
        Reason.PROTOCOL_ERROR,
    ),
    # publish
    "publish, QoS 3": (V311, "36 05 0001 61 0001", Reason.MALFORMED_PACKET),
    "publish, QoS 0 sent again": (V311, "38 03 0001 61", Reason.MALFORMED_PACKET),
    "publish, packet id 0": (V311, "32 05 0001 61 0000", Reason.PROTOCOL_ERROR),
    "publish, no packet id": (V311, "32 03 0001 61", Reason.MALFORMED_PACKET),
    "publish, half a packet id": (V311, "32 04 0001 61 00", Reason.MALFORMED_PACKET),
    "publish, topic longer than the packet": (V311, "30 03 0002 61", Reason.MALFORMED_PACKET),
    "publish, no topic": (V311, "30 00", Reason.MALFORMED_PACKET),
    "publish, half a topic length": (V311, "30 01 00", Reason.MALFORMED_PACKET),
    "publish, empty topic": (V311, "30 02 0000", Reason.PROTOCOL_ERROR),
    "publish, topic with #": (V311, "30 03 0001 23", Reason.TOPIC_NAME_INVALID),
    "publish, topic with +": (V311, "30 05 0003 612f2b", Reason.TOPIC_NAME_INVALID),
    "publish, topic with NUL": (V311, "30 03 0001 00", Reason.MALFORMED_PACKET),
    "publish, topic not UTF-8": (V311, "30 04 0002 c328", Reason.MALFORMED_PACKET),
    "publish, topic too long a form of UTF-8": (V311, "30 04 0002 c0af", Reason.MALFORMED_PACKET),
    "publish, topic with a surrogate": (V311, "30 05 0003 edbfbf", Reason.MALFORMED_PACKET),
    "publish 5, no properties": (V5, "30 03 0001 61", Reason.MALFORMED_PACKET),
    "publish 5, properties longer than the packet": (V5, "30 05 0001 61 02 01", Reason.MALFORMED_PACKET),
    "publish 5, a topic alias": (V5, "30 07 0001 61 03 23 0001", Reason.TOPIC_ALIAS_INVALID),
    "publish 5, a topic alias alone": (V5, "30 06 0000 03 23 0001", Reason.TOPIC_ALIAS_INVALID),
    "publish 5, a subscription id": (V5, "30 06 0001 61 02 0b 01", Reason.MALFORMED_PACKET),
    "publish 5, a property twice": (V5, "30 08 0001 61 04 01 00 01 00", Reason.PROTOCOL_ERROR),
    "publish 5, payload format 2": (V5, "30 06 0001 61 02 01 02", Reason.PROTOCOL_ERROR),
    "publish 5, an unknown property": (V5, "30 06 0001 61 02 7f 00", Reason.MALFORMED_PACKET),
    "publish 5, response topic with a wildcard": (V5, "30 08 0001 61 04 08 0001 23", Reason.TOPIC_NAME_INVALID),
    # the rest
    "puback, packet id 0": (V311, "40 02 0000", Reason.PROTOCOL_ERROR),
    "puback with more": (V311, "40 03 0001 00", Reason.MALFORMED_PACKET),
    "puback 5, an unknown code": (V5, "40 03 0001 01", Reason.PROTOCOL_ERROR),
    "pubrel 5, a code of puback": (V5, "62 03 0001 10", Reason.PROTOCOL_ERROR),
    "subscribe, no filter": (V311, "82 02 0001", Reason.PROTOCOL_ERROR),
    "subscribe, empty filter": (V311, "82 05 0001 0000 00", Reason.PROTOCOL_ERROR),
    "subscribe, no options": (V311, "82 05 0001 0001 61", Reason.MALFORMED_PACKET),
    "subscribe, QoS 3": (V311, "82 06 0001 0001 61 03", Reason.MALFORMED_PACKET),
    "subscribe, options of 5": (V311, "82 06 0001 0001 61 04", Reason.MALFORMED_PACKET),
    "subscribe 5, reserved options": (V5, "82 07 0001 00 0001 61 40", Reason.MALFORMED_PACKET),
    "subscribe 5, retain handling 3": (V5, "82 07 0001 00 0001 61 30", Reason.MALFORMED_PACKET),
    "subscribe 5, subscription id 0": (V5, "82 09 0001 02 0b 00 0001 61 00", Reason.PROTOCOL_ERROR),
    "subscribe 5, shared and no local": (V5, "82 10 0001 00 000a 2473686172652f672f61 04", Reason.PROTOCOL_ERROR),
    "unsubscribe, no filter": (V311, "a2 02 0001", Reason.PROTOCOL_ERROR),
    "disconnect 5, an unknown code": (V5, "e0 01 7f", Reason.PROTOCOL_ERROR),
    "connack, reserved flags": (V311, "20 02 02 00", Reason.MALFORMED_PACKET),
    "connack, an unknown code": (V311, "20 02 00 06", Reason.MALFORMED_PACKET),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_may_not_be_is_one_error_with_its_code(name):
    version, text, code = WRONG[name]
    with pytest.raises(ProtocolError) as caught:
        parsed(bytes.fromhex(text), version)
    assert caught.value.code == code
    assert caught.value.reason == str(caught.value)


def test_one_packet_cannot_become_thousands_of_objects():
    filters = b"".join(b"\x00\x01a\x00" for _ in range(MOST_FILTERS + 1))
    data = packet(0x82, b"\x00\x01" + filters)
    with pytest.raises(ProtocolError) as caught:
        parsed(data, V311)
    assert caught.value.code == Reason.QUOTA_EXCEEDED


def test_what_does_not_fit_is_not_built():
    with pytest.raises(ValueError, match="packet id"):
        build(Answer(PacketType.PUBACK, 0), V311)
    with pytest.raises(ValueError, match="do not fit"):
        build(Published("a" * 65536, b"", 0, 0, False, False, ()), V311)
    with pytest.raises(ValueError, match="no properties"):
        build(Connack(False, 0, ((0x11, 0),)), V311)
    with pytest.raises(ValueError, match="neither reason codes"):
        build(Answer(PacketType.PUBACK, 1, 0x87), V311)
    with pytest.raises(ValueError, match="is not a value"):
        build(Connect(version=V5, client_id="d", properties=((0x11, "soon"),)), V5)


def test_the_version_of_a_connect_is_told_without_parsing_it():
    assert connect_version(b"\x00\x04MQTT\x05") == V5
    assert connect_version(b"\x00\x04MQTT") == 0
    assert connect_version(b"\x00\x06MQIsdp\x03") == 0


def test_every_first_byte_is_a_type_or_malformed():
    codes = [or_code(first_byte, b"", V5) for first_byte in range(256)]
    assert all(isinstance(code, Reason | Pingreq | Pingresp | Disconnect | Auth) for code in codes)
    known = 0
    for first_byte in range(256):
        try:
            kind_of(first_byte)
        except ProtocolError:
            continue
        known += 1
    # One of each type, and PUBLISH with 16 combinations of flags, less 4 of QoS 3, less 2 of QoS 0 sent again.
    assert known == 14 + 10
