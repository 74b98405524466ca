"""The quick way through PUBLISH packets says what the plain parser says, and stops where it must."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.mqtt.events import Published
from gateway.mqtt.packets import V5, V311, Pingreq, build, parse
from gateway.mqtt.publish_run import LONGEST_TOPIC, MOST_TOPICS, parse_publishes
from gateway.mqtt.reasons import ProtocolError, Reason
from gateway.mqtt.wire import find_packet, packet
from tests.gateway.mqtt.vectors import VECTORS, whole

LIMIT = 64 * 1024
RUNS = [name for name, (_, _, packet) in VECTORS.items() if isinstance(packet, Published) and packet.qos < 2]


def run(data: bytes, version: int, position: int = 0, topics: dict[bytes, str] | None = None):
    events: list = []
    packet_ids: list[int] = []
    stop = parse_publishes(data, position, LIMIT, version == V5, {} if topics is None else topics, events, packet_ids)
    return stop, events, packet_ids


@pytest.mark.parametrize("name", RUNS)
def test_one_packet(name):
    version, data, message = whole(name)
    stop, events, packet_ids = run(data, version)
    if len(data) > 16_386:  # three bytes of length: left to the plain parser
        assert (stop, events, packet_ids) == (0, [], [])
    else:
        assert (stop, events, packet_ids) == (len(data), [message], [message.packet_id] if message.qos else [])


@pytest.mark.parametrize("name", [name for name in RUNS if "16,384" not in name])
def test_several_in_one_buffer_then_a_part_of_one_at_every_byte(name):
    version, data, message = whole(name)
    for cut in range(min(len(data), 300)):
        stop, events, packet_ids = run(data * 3 + data[:cut], version)
        assert (stop, events) == (3 * len(data), [message] * 3)
        assert packet_ids == [message.packet_id] * (3 if message.qos else 0)


def test_it_starts_where_it_is_told_and_ends_at_another_packet():
    message = Published("a", b"x", 1, 9, False, False, ())
    ping, data = build(Pingreq(), V311), build(message, V311)
    assert run(ping + data + ping + data, V311, position=2) == (2 + len(data), [message], [9])
    assert run(ping, V311) == (0, [], [])
    assert run(b"", V311) == (0, [], [])


def test_qos_2_and_lengths_in_a_longer_form_are_left_to_the_plain_parser():
    assert run(bytes.fromhex("34 07 0001 61 0001 00ff"), V311) == (0, [], [])
    assert run(bytes.fromhex("36 07 0001 61 0001 00ff"), V311) == (0, [], [])
    assert run(bytes.fromhex("30 8500 0001 61 7878"), V311) == (0, [], [])


def test_what_came_before_the_error_was_delivered():
    good = build(Published("a", b"x", 1, 9, False, False, ()), V311)
    events: list = []
    packet_ids: list[int] = []
    with pytest.raises(ProtocolError):
        parse_publishes(good + b"\x32\x05\x00\x01a\x00\x00", 0, LIMIT, False, {}, events, packet_ids)
    assert (len(events), packet_ids) == (1, [9])


def test_a_packet_too_large_is_refused_before_it_is_whole():
    limit = 200
    fits = packet(0x30, b"\x00\x01a" + b"x" * 194)
    assert len(fits) == limit
    assert parse_publishes(fits, 0, limit, False, {}, [], []) == limit
    with pytest.raises(ProtocolError) as caught:
        parse_publishes(packet(0x30, b"\x00\x01a" + b"x" * 195)[:5], 0, limit, False, {}, [], [])
    assert caught.value.code == Reason.PACKET_TOO_LARGE


def test_the_memory_of_topics_is_bounded():
    topics: dict[bytes, str] = {}
    for number in range(4 * MOST_TOPICS):
        run(build(Published(f"a/{number}", b"", 0, 0, False, False, ()), V311), V311, topics=topics)
    long = Published("a" * (LONGEST_TOPIC + 1), b"", 0, 0, False, False, ())
    assert run(build(long, V311), V311, topics={})[1] == [long]
    assert len(topics) == MOST_TOPICS
    long_topics: dict[bytes, str] = {}
    run(build(long, V311), V311, topics=long_topics)
    assert long_topics == {}


def plain(data: bytes, version: int):
    """The same by the plain parser: the first packet, its length, or nothing, or the code of the error."""
    try:
        body, end = find_packet(data, 0, LIMIT, version == V5)
        if not body or end > len(data):
            return None
        return parse(data[0], data[body:end], version), end
    except ProtocolError as error:
        return error.code


def quick(data: bytes, version: int):
    try:
        stop, events, _ = run(data, version)
    except ProtocolError as error:
        return error.code
    return (events[0], stop) if events else None


publishes = st.builds(
    Published,
    topic=st.text(st.characters(exclude_characters="\0#+", exclude_categories=["Cs"]), min_size=1, max_size=20),
    payload=st.binary(max_size=300),
    qos=st.integers(0, 1),
    packet_id=st.integers(1, 65535),
    dup=st.booleans(),
    retain=st.booleans(),
    properties=st.sampled_from([(), ((1, 1),), ((2, 5), (0x26, ("a", "b")))]),
)


@settings(max_examples=200, deadline=None)
@given(message=publishes, version=st.sampled_from([V311, V5]))
def test_messages_of_any_kind_come_back(message, version):
    if version == V311:
        message = Published(*[getattr(message, name) for name in message.__struct_fields__[:6]], ())
    if not message.qos:
        message = Published(message.topic, message.payload, 0, 0, False, message.retain, message.properties)
    data = build(message, version)
    assert quick(data, version) == (message, len(data)) == plain(data, version)


@settings(max_examples=500, deadline=None)
@given(
    version=st.sampled_from([V311, V5]),
    first_byte=st.sampled_from([0x30, 0x31, 0x32, 0x33, 0x38, 0x3A, 0x3B]),
    body=st.binary(max_size=40) | st.builds(bytes.__add__, st.just(b"\x00\x01a"), st.binary(max_size=12)),
)
def test_garbage_is_taken_or_refused_as_the_plain_parser_does(version, first_byte, body):
    """Where a packet has two faults the codes may differ: the order of looking is not the same."""
    data = packet(first_byte, body)
    one, other = quick(data, version), plain(data, version)
    if len(data) <= 3:
        assert one is None  # too short for a PUBLISH: left to the plain parser
    elif isinstance(one, Reason) or isinstance(other, Reason):
        assert isinstance(one, Reason)
        assert isinstance(other, Reason)
    else:
        assert one == other
