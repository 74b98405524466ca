"""One connection from CONNECT to its end, as an edge lives through it."""

import pytest

from gateway.mqtt.events import (
    ConnectRequested,
    Disconnected,
    PageAcked,
    ProtocolFailed,
    SubscribeRequested,
    Subscription,
    UnsubscribeRequested,
    Will,
)
from gateway.mqtt.packets import (
    V5,
    V311,
    Answer,
    Connack,
    Connect,
    Disconnect,
    PacketType,
    Pingreq,
    Pingresp,
    Suback,
    Subscribe,
    Unsuback,
    Unsubscribe,
    build,
)
from gateway.mqtt.properties import Property
from gateway.mqtt.reasons import Reason
from gateway.mqtt.server_session import Limits, MisuseError, ServerSession
from gateway.mqtt.wire import packet
from tests.gateway.mqtt.client import Client, message

VERSIONS = pytest.mark.parametrize("version", [V311, V5])
WILL = Will("door-1/status", b"offline", 1, True)


def failed(events) -> ProtocolFailed:
    (failure,) = [event for event in events if isinstance(event, ProtocolFailed)]
    return failure


# Coming in.


@VERSIONS
def test_a_connect_is_asked_of_the_edge_with_all_it_says(version):
    client = Client(version)
    (asked,) = client.asks(username="door-1", password=b"secret", will=WILL, keep_alive_s=30, clean_start=False)
    assert asked == ConnectRequested(version, "door-1", "door-1", b"secret", WILL, False, 30, 0, ())
    assert not client.session.wants_data
    assert client.hears() == []
    assert client.session.accept() == []
    assert client.session.wants_data
    (welcome,) = client.hears()
    assert (welcome.session_present, welcome.code) == (False, 0)  # no session is ever kept
    assert client.session.client_id == "door-1"


def test_5_is_told_what_is_taken():
    client = Client(V5)
    client.asks(keep_alive_s=0, properties=((Property.SESSION_EXPIRY_S, 3600),))
    client.session.accept()
    (welcome,) = client.hears()
    assert dict(welcome.properties) == {
        Property.RECEIVE_MAXIMUM: 16_384,
        Property.MAXIMUM_QOS: 1,
        Property.MAXIMUM_PACKET_SIZE: 65536,
        Property.SERVER_KEEP_ALIVE_S: 120,
        Property.WILDCARD_SUBSCRIPTION_AVAILABLE: 0,
        Property.SUBSCRIPTION_IDS_AVAILABLE: 0,
        Property.SHARED_SUBSCRIPTION_AVAILABLE: 0,
        Property.SESSION_EXPIRY_S: 0,
    }


def test_one_client_may_be_given_a_larger_packet_and_5_is_told_so():
    client = Client(V5)
    client.asks()
    client.session.accept(packet_bytes=200_000)
    (welcome,) = client.hears()
    assert dict(welcome.properties)[Property.MAXIMUM_PACKET_SIZE] == 200_000
    large = message(payload=b"x" * 150_000)
    assert client.sends(large) == [large]
    assert failed(client.sends(message(payload=b"x" * 200_001))).code == Reason.PACKET_TOO_LARGE


@VERSIONS
def test_what_comes_behind_the_connect_waits_for_the_answer(version):
    client = Client(version)
    data = build(Connect(version=version, client_id="d"), version)
    follow = build(message(qos=1, packet_id=7), version)
    assert len(client.sends_bytes(data + follow + follow[:3])) == 1
    assert client.sends_bytes(follow[3:]) == []  # an edge that reads on all the same loses nothing
    assert client.session.accept() == [message(qos=1, packet_id=7)] * 2
    assert client.session.unacknowledged == 2


def test_only_so_much_may_wait_for_the_answer():
    client = Client(limits=Limits(held_bytes=1000))
    client.asks()
    assert client.sends_bytes(b"\x30" * 1000) == []
    assert failed(client.sends_bytes(b"\x30")).code == Reason.QUOTA_EXCEEDED
    assert client.session.closed
    assert client.session.accept() == []  # the edge was told; an answer that comes late does nothing
    assert client.hears() == []


@pytest.mark.parametrize(
    ("reason", "code"),
    [(Reason.BAD_USER_NAME_OR_PASSWORD, 4), (Reason.NOT_AUTHORISED, 5), (Reason.SERVER_BUSY, 3)],
)
def test_a_refusal_says_why_in_the_words_of_the_version(reason, code):
    for version, told in ((V311, code), (V5, reason)):
        client = Client(version)
        client.asks()
        client.session.refuse(reason)
        assert client.hears() == [Connack(False, told)]
        assert client.session.closed
        assert client.sends(message()) == []


@pytest.mark.parametrize(
    ("version", "fields", "code", "answer"),
    [
        (V311, {"client_id": ""}, Reason.CLIENT_ID_NOT_VALID, "20020002"),
        (V5, {"client_id": ""}, Reason.CLIENT_ID_NOT_VALID, "2003008500"),
        (V5, {"properties": ((Property.AUTHENTICATION_METHOD, "x"),)}, Reason.BAD_AUTHENTICATION_METHOD, "2003008c00"),
        (V5, {"will": Will("a", b"", 2, False)}, Reason.QOS_NOT_SUPPORTED, "2003009b00"),
        (V5, {"properties": ((Property.MAXIMUM_PACKET_SIZE, 31),)}, Reason.PACKET_TOO_LARGE, ""),
    ],
)
def test_a_connect_this_server_does_not_take(version, fields, code, answer):
    client = Client(version)
    events = client.asks(**fields)
    assert [type(event) for event in events] == [ProtocolFailed]  # never accepted: nobody is to hear of its end
    assert failed(events).code == code
    assert client.session.data_to_send().hex() == answer
    assert client.session.closed


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("10 10 0006 4d5149736470 03 02 003c 0002 6431", "20020001"),  # MQTT 3.1
        ("10 0e 0004 4d515454 06 02 003c 0002 6431", "20020001"),
        ("10 0e 0004 4d515458 04 02 003c 0002 6431", ""),  # another protocol: no word
        ("10 0e 0004 4d515454 04 03 003c 0002 6431", ""),  # 3.1.1, malformed: no word (3.1.4-1)
        ("10 0f 0004 4d515454 05 03 003c 00 0002 6431", "2003008100"),
        ("47 45 54 20 2f", ""),  # GET /
        ("16 03 01 00 f1", ""),  # the first bytes of TLS
        ("c0 00", ""),
        ("10 ff ff ff ff", ""),
    ],
)
def test_a_first_packet_that_is_no_connect_is_answered_as_the_standard_says(text, answer):
    client = Client()
    events = client.sends_bytes(bytes.fromhex(text))
    assert [type(event) for event in events] == [ProtocolFailed]
    assert client.session.data_to_send().hex() == answer


def test_whoever_is_not_known_may_fill_less_memory():
    client = Client(limits=Limits(connect_bytes=100))
    fits = build(Connect(version=V311, client_id="d" * 86), V311)
    assert len(fits) == 100
    assert len(client.sends_bytes(fits)) == 1
    other = Client(limits=Limits(connect_bytes=100))
    assert failed(other.sends_bytes(bytes.fromhex("1063"))).code == Reason.PACKET_TOO_LARGE


def test_a_second_connect_ends_the_connection():
    client = Client().comes_in(will=WILL)
    events = client.asks()
    assert failed(events).code == Reason.PROTOCOL_ERROR
    assert events[-1] == Disconnected(WILL, "protocol")


# Messages.


@VERSIONS
def test_nothing_is_acknowledged_before_the_edge_says_so(version):
    client = Client(version).comes_in()
    sent = [message(qos=1, packet_id=n, payload=b"%d" % n) for n in (3, 1, 2)]
    assert client.sends(*sent) == sent
    assert client.hears() == []
    client.session.acknowledge([3, 1])
    assert client.hears() == [Answer(PacketType.PUBACK, 3), Answer(PacketType.PUBACK, 1)]
    assert client.session.unacknowledged == 1


@VERSIONS
def test_retained_messages_are_taken_as_messages(version):
    client = Client(version).comes_in()
    sent = message(qos=0, retain=True)
    assert client.sends(sent) == [sent]
    assert not client.session.closed


def test_a_refused_message_in_5_gets_its_reason_and_in_3_1_1_the_end():
    client = Client(V5).comes_in()
    client.sends(message(qos=1, packet_id=1), message(qos=1, packet_id=2))
    assert client.session.refuse_publish(1, Reason.QUOTA_EXCEEDED) == []
    client.session.acknowledge([2])
    assert client.hears() == [Answer(PacketType.PUBACK, 1, 0x97), Answer(PacketType.PUBACK, 2)]

    older = Client(V311).comes_in(will=WILL)
    older.sends(message(qos=1, packet_id=1))
    assert older.session.refuse_publish(1, Reason.QUOTA_EXCEEDED) == [Disconnected(WILL, "server")]
    assert older.hears() == []
    assert older.session.closed


@pytest.mark.parametrize(
    ("version", "text", "code"),
    [
        (V5, "34 06 0001 61 0001 00", Reason.QOS_NOT_SUPPORTED),
        (V5, "30 07 0001 61 03 23 0001", Reason.TOPIC_ALIAS_INVALID),
        (V5, "82 09 0001 02 0b 05 0001 61 00", Reason.SUBSCRIPTION_IDS_NOT_SUPPORTED),
        (V5, "e0 07 00 05 11 00000005", Reason.PROTOCOL_ERROR),  # a session asked for at the end, not at the start
        (V5, "f0 00", Reason.PROTOCOL_ERROR),
        (V5, "30 83 80 04", Reason.PACKET_TOO_LARGE),  # from the header alone
        (V311, "30 83 80 04", Reason.PACKET_TOO_LARGE),
        (V311, "32 05 0001 61 0000", Reason.PROTOCOL_ERROR),
        (V311, "36 05 0001 61 0001", Reason.MALFORMED_PACKET),
        (V311, "30 03 0001 23", Reason.TOPIC_NAME_INVALID),
        (V311, "50 02 0001", Reason.PROTOCOL_ERROR),  # we send nothing with QoS 2
        (V311, "20 02 00 00", Reason.PROTOCOL_ERROR),  # a server's word
    ],
)
def test_what_ends_a_connection_and_what_5_is_told(version, text, code):
    client = Client(version).comes_in(will=WILL)
    good = message(qos=1, packet_id=9)
    events = client.sends_bytes(build(good, version) + bytes.fromhex(text) + build(good, version))
    assert events[0] == good  # what came before the fault is not lost
    assert failed(events).code == code
    assert events[1:] == [failed(events), Disconnected(WILL, "protocol")]
    assert client.hears() == ([Disconnect(code)] if version == V5 else [])
    assert client.session.closed
    client.session.acknowledge([9])  # the frame is on disk after the end: too late, and no harm
    assert client.hears() == []


def test_the_largest_packet_is_taken_and_one_byte_more_is_not():
    client = Client().comes_in()
    largest = packet(0x30, b"\x00\x01a" + b"x" * (65536 - 4 - 3))
    assert len(largest) == 65536
    (taken,) = client.sends_bytes(largest)
    assert len(taken.payload) == 65529
    assert (
        failed(client.sends_bytes(packet(0x30, b"\x00\x01a" + b"x" * (65536 - 4 - 2)))).code == Reason.PACKET_TOO_LARGE
    )


# Subscriptions and pages.


@VERSIONS
def test_a_subscription_is_the_edges_to_grant(version):
    client = Client(version).comes_in()
    lines = (Subscription("threshold/pages/g017/worker", 2, 2), Subscription("#", 0, 0))
    assert client.sends(Subscribe(5, lines)) == [SubscribeRequested(5, lines)]
    client.session.suback(5, [1, Reason.NOT_AUTHORISED])
    assert client.hears() == [Suback(5, (1, 0x87 if version == V5 else 0x80))]
    assert client.sends(Unsubscribe(6, ("#", "a"))) == [UnsubscribeRequested(6, ("#", "a"))]
    client.session.unsuback(6, [Reason.SUCCESS, Reason.NO_SUBSCRIPTION_EXISTED])
    assert client.hears() == [Unsuback(6, (0, 0x11) if version == V5 else ())]


@VERSIONS
def test_a_page_goes_out_and_its_answer_comes_back(version):
    client = Client(version).comes_in()
    assert client.session.publish("t", b"page", 1) == 1
    assert client.session.publish("t", b"page", 0) == 0
    assert client.session.publish("t", b"page", 1) == 2
    assert client.hears() == [message("t", b"page", q, i) for q, i in ((1, 1), (0, 0), (1, 2))]
    assert client.sends(Answer(PacketType.PUBACK, 2)) == [PageAcked(2, 0)]
    assert client.sends(Answer(PacketType.PUBACK, 2)) == []  # an answer to nothing
    if version == V5:
        assert client.sends(Answer(PacketType.PUBACK, 1, 0x80)) == [PageAcked(1, 0x80)]


def test_no_more_pages_than_the_client_takes_at_once():
    client = Client(V5).comes_in(properties=((Property.RECEIVE_MAXIMUM, 2),))
    assert [client.session.publish("t", b"", 1) for _ in range(3)] == [1, 2, None]
    assert client.session.publish("t", b"", 0) == 0  # QoS 0 needs no room
    assert client.sends(Answer(PacketType.PUBACK, 1)) == [PageAcked(1, 0)]
    assert [client.session.publish("t", b"", 1) for _ in range(2)] == [3, None]
    older = Client(V311).comes_in()
    assert [older.session.publish("t", b"", 1) for _ in range(65)][-2:] == [64, None]


def test_page_ids_go_round_and_pass_over_those_still_open():
    client = Client().comes_in()
    assert client.session.publish("t", b"", 1) == 1
    for packet_id in range(2, 65536):
        assert client.session.publish("t", b"", 1) == packet_id
        client.sends(Answer(PacketType.PUBACK, packet_id))
    assert client.session.publish("t", b"", 1) == 2


def test_a_page_larger_than_the_client_takes_is_not_sent():
    client = Client(V5).comes_in(properties=((Property.MAXIMUM_PACKET_SIZE, 40),))
    assert client.session.publish("t", b"x" * 32, 1) == 1  # 2 + 3 + 2 + 1 + 32 = 40
    assert client.session.publish("t", b"x" * 33, 1) is None
    lines = tuple(Subscription(f"a/{n}", 0, 0) for n in range(35))
    assert failed(client.sends(Subscribe(1, lines))).code == Reason.PACKET_TOO_LARGE  # nor could its SUBACK be


# Keep-alive and the end.


@VERSIONS
def test_a_ping_is_answered_and_keeps_the_connection(version):
    client = Client(version).comes_in(keep_alive_s=60)
    assert client.waits(89.9) == []
    assert client.sends(Pingreq()) == []
    assert client.hears() == [Pingresp()]
    assert client.waits(89.9) == []
    events = client.waits(0.1)
    assert failed(events).code == Reason.KEEP_ALIVE_TIMEOUT
    assert client.hears() == ([Disconnect(Reason.KEEP_ALIVE_TIMEOUT)] if version == V5 else [])
    assert client.session.deadline_ms is None
    assert client.waits(1000) == []


@pytest.mark.parametrize(
    ("version", "asked", "applied"),
    [
        (V311, 60, 60),
        (V311, 600, 600),
        (V311, 0, 7200),
        (V311, 65535, 7200),
        (V5, 60, 60),
        (V5, 600, 120),
        (V5, 0, 120),
    ],
)
def test_the_keep_alive_that_is_applied(version, asked, applied):
    client = Client(version).comes_in(keep_alive_s=asked)
    assert client.session.keep_alive_s == applied
    assert client.session.deadline_ms == client.now_ms + applied * 1500


def test_a_byte_now_and_then_keeps_nothing_alive():
    client = Client().comes_in(keep_alive_s=10)
    data = build(message(payload=b"x" * 60), V311)
    for position in range(14):
        client.now_ms += 1000
        assert client.sends_bytes(data[position : position + 1]) == []
    assert failed(client.waits(1)).code == Reason.KEEP_ALIVE_TIMEOUT


def test_our_own_silence_is_not_the_clients():
    client = Client().comes_in(keep_alive_s=10)
    client.now_ms += 60_000
    client.session.reading_resumed(client.now_ms)
    assert client.waits(14) == []
    assert failed(client.waits(1)).code == Reason.KEEP_ALIVE_TIMEOUT


def test_a_connection_that_never_says_who_it_is_is_closed():
    client = Client()
    assert client.waits(9.9) == []
    assert [type(event) for event in client.waits(0.1)] == [ProtocolFailed]
    slow = Client()
    for byte in b"\x10\x0e\x00\x04MQTT\x04":
        slow.now_ms += 1100
        slow.sends_bytes(bytes((byte,)))
    assert [type(event) for event in slow.waits(0.1)] == [ProtocolFailed]


@pytest.mark.parametrize(("version", "code", "will"), [(V311, 0, None), (V5, 0, None), (V5, 4, WILL), (V5, 0x82, WILL)])
def test_a_goodbye_takes_the_will_back_unless_it_says_otherwise(version, code, will):
    client = Client(version).comes_in(will=WILL)
    events = client.sends(Disconnect(code), message())
    assert events == [Disconnected(will, "client")]  # what follows a goodbye is not looked at
    assert client.session.closed
    assert client.hears() == []
    assert client.session.connection_lost() == []


@VERSIONS
def test_a_lost_connection_leaves_its_will(version):
    client = Client(version).comes_in(will=WILL)
    assert client.session.connection_lost() == [Disconnected(WILL, "network")]
    assert client.session.connection_lost() == []
    assert client.session.close(Reason.SERVER_SHUTTING_DOWN) == []


@VERSIONS
def test_we_may_close_and_say_why(version):
    client = Client(version).comes_in(will=WILL)
    client.sends(message(qos=1, packet_id=1))
    client.session.acknowledge([1])
    assert client.session.close(Reason.SESSION_TAKEN_OVER) == [Disconnected(WILL, "server")]
    farewell = [Disconnect(Reason.SESSION_TAKEN_OVER)] if version == V5 else []
    assert client.hears() == [Answer(PacketType.PUBACK, 1), *farewell]  # what was owed still goes out
    assert client.session.publish("t", b"", 1) is None


def test_an_end_before_the_beginning_is_no_ones_loss():
    for end in ("connection_lost", "close"):
        for ask in (False, True):
            client = Client()
            if ask:
                client.asks(will=WILL)
            call = getattr(client.session, end)
            assert call(*([Reason.SERVER_SHUTTING_DOWN] if end == "close" else [])) == []
            assert client.session.closed
            assert client.hears() == []


# Delivery in pieces.


def whole_life(version: int) -> bytes:
    lines = (Subscription("threshold/g/d/down", 1, 1),)
    said = [
        Connect(version=version, client_id="d", username="d", password=b"p", will=WILL, keep_alive_s=30),
        message(qos=1, packet_id=1, payload=b"x" * 200),
        message(qos=0),
        Pingreq(),
        Subscribe(2, lines),
        message(qos=1, packet_id=3, dup=True),
        Unsubscribe(4, ("threshold/g/d/down",)),
        message("门/磁", b"", 0),
    ]
    return b"".join(build(one, version) for one in said)


def lived(version: int, pieces: list[bytes]) -> tuple[list, bytes]:
    """All events and all bytes sent, with an edge that answers everything at once."""
    session = ServerSession(opened_at_ms=0)
    told: list = []
    sent = b""
    for piece in pieces:
        waiting = session.receive_data(piece, 0)
        while waiting:
            event = waiting.pop(0)
            told.append(event)
            match event:
                case ConnectRequested():
                    waiting += session.accept()
                case SubscribeRequested(packet_id, subscriptions):
                    session.suback(packet_id, [line.qos for line in subscriptions])
                case UnsubscribeRequested(packet_id, topic_filters):
                    session.unsuback(packet_id, [0] * len(topic_filters))
        sent += session.data_to_send()
    return told, sent


@VERSIONS
def test_a_life_is_the_same_whole_cut_once_anywhere_byte_by_byte_and_with_bytes_behind(version):
    data = whole_life(version)
    expected = lived(version, [data])
    assert [type(event).__name__ for event in expected[0]] == [
        "ConnectRequested",
        "Published",
        "Published",
        "SubscribeRequested",
        "Published",
        "UnsubscribeRequested",
        "Published",
    ]
    for cut in range(1, len(data)):
        assert lived(version, [data[:cut], data[cut:]]) == expected
    assert lived(version, [data[n : n + 1] for n in range(len(data))]) == expected
    goodbye = build(Disconnect(), version) + b"\xff" * 100
    assert lived(version, [data, goodbye]) == (expected[0] + [Disconnected(None, "client")], expected[1])
    # What a client that has left asked for in its last read is not answered any more, but nothing it said is lost.
    assert lived(version, [data + goodbye])[0] == expected[0] + [Disconnected(None, "client")]


# Misuse by the edge.


def test_calls_that_make_no_sense_are_told_as_bugs():
    fresh = Client().session
    for call in (fresh.accept, lambda: fresh.refuse(Reason.SUCCESS), lambda: fresh.acknowledge([1])):
        with pytest.raises(MisuseError):
            call()
    client = Client().comes_in()
    with pytest.raises(MisuseError):
        client.session.accept()
    with pytest.raises(MisuseError):
        client.session.acknowledge([1])
    with pytest.raises(MisuseError):
        client.session.publish("t", b"", 2)


def test_calls_that_come_too_late_do_nothing():
    client = Client().comes_in()
    client.session.connection_lost()
    session = client.session
    session.acknowledge([1])
    session.refuse(Reason.BANNED)
    session.suback(1, [0])
    session.unsuback(1, [0])
    assert session.accept() == session.refuse_publish(1, Reason.BANNED) == session.close(Reason.BANNED) == []
    assert session.receive_data(b"\xc0\x00", 0) == session.handle_timeout(10**12) == []
    assert session.publish("t", b"", 0) is None
    assert session.data_to_send() == b""
    assert not session.wants_data
