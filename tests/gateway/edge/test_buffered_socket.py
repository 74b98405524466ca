import select
import socket

import pytest

from gateway.edge.buffered_socket import BufferedSocket
from gateway.mqtt.wire import packet


@pytest.fixture
def pair():
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    yield BufferedSocket(ours), theirs
    ours.close()
    theirs.close()


def publish(topic: bytes, payload: bytes, packet_id: int = 0, first_byte: int = 0x30) -> bytes:
    body = len(topic).to_bytes(2, "big") + topic
    if packet_id:
        body += packet_id.to_bytes(2, "big")
        first_byte |= 2
    return packet(first_byte, body + payload)


SUBACK = packet(0x90, b"\x00\x01\x01")


def test_a_packet_is_handed_out_in_whatever_pieces_are_asked_for_and_no_more(pair):
    ours, theirs = pair
    theirs.sendall(SUBACK + SUBACK)
    assert ours.fill() is False
    assert ours.take_publishes() == []
    assert ours.lend()
    assert [ours.recv(1), ours.recv(2), ours.recv(100)] == [b"\x90", b"\x03\x00", b"\x01\x01"]
    assert ours.unread == 5
    with pytest.raises(BlockingIOError):
        ours.recv(1)
    assert ours.lend()
    assert ours.recv(100) == SUBACK
    assert not ours.lend()


def test_a_packet_is_handed_out_as_far_as_it_has_come(pair):
    ours, theirs = pair
    whole = publish(b"a/b", b"x" * 1000, 7)
    for byte in whole[:2]:
        # Until its length is known nobody knows what may be read.
        theirs.sendall(bytes((byte,)))
        ours.fill()
        assert ours.take_publishes() == []
        assert not ours.lend()
    found = b""
    for piece in (whole[2:3], whole[3:300], whole[300:] + SUBACK):
        theirs.sendall(piece)
        ours.fill()
        assert ours.lend()
        found += ours.recv(10_000)
        assert ours.take_publishes() == []
    assert found == whole
    assert ours.lend()
    assert ours.recv(100) == SUBACK


def test_messages_are_taken_out_until_another_packet_comes(pair):
    ours, theirs = pair
    theirs.sendall(publish(b"a/b", b"1", 7) + publish(b"a/b", b"", 8, 0x39) + publish("门/1".encode(), b"3") + SUBACK)
    ours.fill()
    taken = ours.take_publishes()
    assert [(m.topic, m.payload, m.qos, m.packet_id, m.dup, m.retain) for m in taken] == [
        ("a/b", b"1", 1, 7, False, False),
        ("a/b", b"", 1, 8, True, True),
        ("门/1", b"3", 0, 0, False, False),
    ]
    assert ours.take_publishes() == []
    assert ours.lend()
    assert ours.recv(100) == SUBACK


@pytest.mark.parametrize("wrong", [publish(b"\xff", b"x", 9), publish(b"", b"x", 9), b"\x36\x02\0\0", b"\xff" * 6])
def test_a_wrong_packet_is_left_to_paho(pair, wrong):
    ours, theirs = pair
    theirs.sendall(publish(b"a/b", b"1", 7) + wrong)
    ours.fill()
    assert [m.packet_id for m in ours.take_publishes()] == [7]
    assert ours.take_publishes() == []
    assert ours.lend()
    assert ours.recv(100) == wrong


def test_the_end_comes_after_what_was_said_before_it(pair):
    ours, theirs = pair
    theirs.sendall(SUBACK + b"\x90")
    theirs.close()
    ours.fill()
    ours.fill()
    assert ours.lend()
    assert ours.recv(9) == SUBACK
    assert ours.lend()
    assert ours.recv(9) == b"\x90"
    assert ours.lend()
    assert ours.recv(9) == b""


def test_what_is_sent_goes_out_together(pair):
    ours, theirs = pair
    for n in range(100):
        assert ours.send(b"%02d" % n) == 2
    theirs.setblocking(False)
    with pytest.raises(BlockingIOError):
        theirs.recv(1)
    assert ours.flush()
    assert theirs.recv(1000) == b"".join(b"%02d" % n for n in range(100))


def test_a_full_socket_keeps_the_rest_for_later(pair):
    ours, theirs = pair
    data = bytes(range(256)) * 20_000
    ours.send(data)
    assert not ours.flush()
    found = b""
    while len(found) < len(data):
        found += theirs.recv(1_000_000)
        ours.flush()
    assert found == data


def test_more_than_a_read_holds_is_announced(pair):
    ours, theirs = pair
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4_000_000)
    theirs.setblocking(False)
    sent = theirs.send(publish(b"a/b", b"x" * 2_000_000))
    found = 0
    while found < sent:
        ours.fill()
        assert ours.lend()
        found += len(ours.recv(10_000_000))
    assert found == sent


def test_closing_says_the_last_words(pair):
    ours, theirs = pair
    ours.send(b"\xe0\x00")
    ours.close()
    ours.close()
    assert theirs.recv(10) == b"\xe0\x00"
    assert theirs.recv(10) == b""


def test_neither_side_waits_to_gather_small_packets():
    with socket.create_server(("127.0.0.1", 0)) as server:
        raw = socket.create_connection(server.getsockname())
        theirs, _ = server.accept()
        with theirs:
            raw.setblocking(False)
            ours = BufferedSocket(raw)
            assert raw.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 0)
            theirs.sendall(SUBACK)
            select.select([raw], [], [], 5)
            ours.fill()
            assert raw.getsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK)
            ours.close()
