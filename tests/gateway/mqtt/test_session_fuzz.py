"""Whatever bytes come, in whatever pieces: served or refused, no exception, memory and output bounded."""

import tracemalloc
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.mqtt.events import (
    ConnectRequested,
    Disconnected,
    PageAcked,
    ProtocolFailed,
    Published,
    SubscribeRequested,
    Subscription,
    UnsubscribeRequested,
    Will,
)
from gateway.mqtt.packets import (
    V5,
    V311,
    Answer,
    Auth,
    Connect,
    Disconnect,
    PacketType,
    Pingreq,
    Subscribe,
    Unsubscribe,
    build,
)
from gateway.mqtt.reasons import Reason
from gateway.mqtt.server_session import Limits, ServerSession
from tests.gateway.mqtt.client import message
from tests.gateway.mqtt.vectors import VECTORS, whole

LIMITS = Limits(packet_bytes=2048, connect_bytes=512, held_bytes=4096, receive_maximum=3)
LARGEST_ANSWER = 300  # bytes for one packet of the client: a SUBACK for as many filters as one packet may hold


class Edge:
    """Answers everything, checks what must hold after every call."""

    def __init__(self, accepts: bool = True, acknowledges: bool = True) -> None:
        self.session = ServerSession(opened_at_ms=0, limits=LIMITS)
        self.accepts = accepts
        self.acknowledges = acknowledges
        self.came_in = False
        self.ended = 0
        self.failed = 0
        self.open: list[int] = []

    def gives(self, data: bytes) -> None:
        if self.session.wants_data:
            self.takes(self.session.receive_data(data, 0), len(data))

    def takes(self, events: list, paid: int) -> None:
        events = list(events)
        while events:
            event = events.pop(0)
            assert not self.ended, "an event behind the last one"
            match event:
                case ConnectRequested():
                    assert not self.came_in
                    assert event.client_id
                    assert event.version in (V311, V5)
                    if self.accepts:
                        self.came_in = not self.session.closed  # too much may have come behind the CONNECT
                        events += self.session.accept()
                    else:
                        self.session.refuse(Reason.NOT_AUTHORISED)
                case Published(topic, payload, qos, packet_id):
                    assert self.came_in
                    assert topic
                    assert not set("#+\0") & set(topic)
                    assert len(payload) < LIMITS.packet_bytes
                    assert (packet_id > 0) == (qos > 0)
                    if qos:
                        self.open.append(packet_id)
                case SubscribeRequested(packet_id, subscriptions):
                    self.session.suback(packet_id, [1] * len(subscriptions))
                case UnsubscribeRequested(packet_id, topic_filters):
                    self.session.unsuback(packet_id, [0] * len(topic_filters))
                case PageAcked(packet_id):
                    assert packet_id
                case ProtocolFailed(code, reason):
                    assert code >= 0x80
                    assert reason
                    self.failed += 1
                case Disconnected():
                    assert self.came_in
                    self.ended += 1
        if self.acknowledges and not self.session.closed:
            self.session.acknowledge(self.open)
            self.open.clear()
        # Every byte of output is paid for by input: two bytes of PINGREQ buy two of PINGRESP, and no packet buys more
        # than a SUBACK of the most filters.
        assert len(self.session.data_to_send()) <= 2 * paid + LARGEST_ANSWER
        assert self.failed <= 1
        assert self.session.unacknowledged <= (65535 if self.session.version == V311 else 3)
        assert self.session.closed or not self.failed
        if self.came_in:
            assert bool(self.ended) == self.session.closed

    def is_lost(self) -> None:
        self.takes(self.session.connection_lost(), 0)
        assert self.session.closed
        assert self.ended == self.came_in


words = st.text(st.characters(exclude_characters="\0#+", exclude_categories=["Cs"]), min_size=1, max_size=8)
ids = st.integers(1, 4)
wills = st.none() | st.builds(Will, words, st.binary(max_size=4), st.integers(0, 1), st.booleans())


def packets_of(version: int):
    connects = st.builds(
        Connect,
        version=st.just(version),
        client_id=words,
        clean_start=st.booleans(),
        keep_alive_s=st.integers(0, 65535),
        username=st.none() | words,
        will=wills,
    )
    answers = st.sampled_from([PacketType.PUBACK, PacketType.PUBREL, PacketType.PUBREC, PacketType.PUBCOMP])
    lines = st.lists(st.builds(Subscription, words, st.just(1), st.just(1)), min_size=1, max_size=4).map(tuple)
    return st.one_of(
        st.builds(message, words, st.binary(max_size=200)),
        st.builds(message, words, st.binary(max_size=20), st.integers(1, 2), ids, dup=st.booleans()),
        st.builds(Answer, answers, ids),
        st.builds(Subscribe, ids, lines),
        st.builds(Unsubscribe, ids, st.lists(words, min_size=1, max_size=3).map(tuple)),
        st.sampled_from([Pingreq(), Disconnect(), Auth()]),
        connects,
    )


@st.composite
def streams(draw) -> bytes:
    """A valid life of a client, as bytes."""
    version = draw(st.sampled_from([V311, V5]))
    first = Connect(version=version, client_id=draw(words), will=draw(wills))
    rest = draw(st.lists(packets_of(version), max_size=8))
    return b"".join(build(packet, version) for packet in [first, *rest])


def in_pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    borders = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[start:end] for start, end in pairwise(borders)]


pieces = st.lists(st.integers(0, 10_000), max_size=6)


@settings(max_examples=300, deadline=None)
@given(data=st.binary(max_size=400), cuts=pieces, accepted=st.booleans())
def test_garbage(data, cuts, accepted):
    edge = Edge()
    if accepted:
        edge.gives(build(Connect(version=V5, client_id="d"), V5))
    for piece in in_pieces(data, cuts):
        edge.gives(piece)
    edge.is_lost()


@settings(max_examples=300, deadline=None)
@given(data=streams(), cuts=pieces, accepts=st.booleans(), acknowledges=st.booleans(), cut_off=st.integers(0, 2000))
def test_valid_lives_in_pieces_cut_off_anywhere(data, cuts, accepts, acknowledges, cut_off):
    edge = Edge(accepts, acknowledges)
    for piece in in_pieces(data[: max(1, len(data) - cut_off)], cuts):
        edge.gives(piece)
    edge.is_lost()


@settings(max_examples=400, deadline=None)
@given(
    data=streams(),
    cuts=pieces,
    faults=st.lists(st.tuples(st.integers(0, 10_000), st.sampled_from("xid"), st.integers(1, 255)), max_size=4),
)
def test_valid_lives_with_bytes_changed_put_in_and_taken_out(data, cuts, faults):
    broken = bytearray(data)
    for position, kind, value in faults:
        position %= len(broken) or 1
        if kind == "i":
            broken.insert(position, value)
        elif broken and kind == "d":
            del broken[position]
        elif broken:
            broken[position] ^= value
    edge = Edge()
    for piece in in_pieces(bytes(broken), cuts):
        edge.gives(piece)
    edge.is_lost()


def test_every_vector_with_every_byte_changed_a_little_before_and_after_the_connect():
    """The whole neighbourhood of every known packet: each byte with each bit turned."""
    for name in VECTORS:
        version, data, _ = whole(name)
        welcome = build(Connect(version=version, client_id="d"), version)
        for position in range(min(len(data), 80)):
            for bit in range(8):
                broken = bytearray(data)
                broken[position] ^= 1 << bit
                for before in (b"", welcome):
                    edge = Edge()
                    edge.gives(before + bytes(broken))
                    edge.is_lost()


def test_a_packet_that_trickles_in_costs_its_own_size():
    edge = Edge(acknowledges=False)
    edge.gives(build(Connect(version=V311, client_id="d"), V311))
    edge.gives(b"\x32\xfc\x0f\x00\x01a\x00\x07")
    for _ in range(2038):
        edge.gives(b"x")
        assert edge.open == []
    edge.gives(b"x")
    assert edge.open == [7]


def test_a_connection_remembers_little_of_what_it_was_told():
    edge = Edge()
    edge.gives(build(Connect(version=V311, client_id="d"), V311))
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for number in range(500):
            said = [message(f"{number}/{n}" + "a" * 200, b"x" * 100, 2, n + 1) for n in range(5)]
            said += [Answer(PacketType.PUBREL, n + 1) for n in range(5)]
            for packet in said:
                edge.gives(build(packet, V311))
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert not edge.session.closed
    assert after - before < 64 * 1024
