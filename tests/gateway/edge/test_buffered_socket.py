import socket

import pytest

from gateway.edge.buffered_socket import BufferedSocket


@pytest.fixture
def pair():
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    yield BufferedSocket(ours), theirs
    ours.close()
    theirs.close()


def test_what_came_is_handed_out_in_whatever_pieces_are_asked_for(pair):
    ours, theirs = pair
    theirs.sendall(b"abcdef")
    assert ours.fill() is False
    assert [ours.recv(1), ours.recv(2), ours.recv(100)] == [b"a", b"bc", b"def"]
    assert ours.unread == 0
    with pytest.raises(BlockingIOError):
        ours.recv(1)


def test_nothing_read_is_lost_when_more_comes(pair):
    ours, theirs = pair
    theirs.sendall(b"abc")
    ours.fill()
    assert ours.recv(1) == b"a"
    theirs.sendall(b"def")
    ours.fill()
    assert ours.recv(100) == b"bcdef"


def test_the_end_comes_after_what_was_said_before_it(pair):
    ours, theirs = pair
    theirs.sendall(b"ab")
    theirs.close()
    ours.fill()
    ours.fill()
    assert ours.unread == 3
    assert [ours.recv(5), ours.recv(5)] == [b"ab", b""]


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
    sent = theirs.send(b"x" * 2_000_000)
    found = 0
    while found < sent:
        ours.fill()
        found += len(ours.recv(10_000_000))
    assert found == sent


def test_closing_says_the_last_words(pair):
    ours, theirs = pair
    ours.send(b"\xe0\x00")
    ours.close()
    ours.close()
    assert theirs.recv(10) == b"\xe0\x00"
    assert theirs.recv(10) == b""
