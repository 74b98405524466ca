"""Many connections in one thread: what was not acknowledged is sent again, what was is counted once."""

import contextlib
import socket
import threading

import pytest

from deploy.mqtt_links import Links, connect_packet, parse_url, publish_packet, subscribe_packet
from gateway.mqtt.packets import Connect, Subscribe, parse
from gateway.mqtt.publish_run import Published
from tests.servers import free_port
from tests.waiting import wait_until


def parsed(packet, version=4):
    """What the gateway's own reader makes of it."""
    data, at, length, shift = bytes(packet), 1, 0, 0
    while True:
        length |= (data[at] & 127) << shift
        at, shift = at + 1, shift + 7
        if not data[at - 1] & 128:
            break
    assert len(data) == at + length
    return parse(data[0], data[at:], version)


def test_connect_names_the_client_and_its_secret():
    packet = parsed(connect_packet("door-1", "door-1", "secret", clean=True))
    assert isinstance(packet, Connect)
    assert (packet.client_id, packet.username, packet.password) == ("door-1", "door-1", b"secret")


def test_without_a_password_no_name_is_said():
    packet = parsed(connect_packet("door-1", "door-1", "", clean=False))
    assert (packet.client_id, packet.username, packet.password) == ("door-1", None, None)


@pytest.mark.parametrize("size", [0, 1, 127, 128, 20_000])
@pytest.mark.parametrize("retained", [False, True])
def test_publish_of_any_length(size, retained):
    packet = parsed(publish_packet("门/1", b"x" * size, 7, retained))
    assert isinstance(packet, Published)
    assert (packet.topic, len(packet.payload), packet.packet_id, packet.retain) == ("门/1", size, 7, retained)


def test_subscribe_names_every_topic():
    packet = parsed(subscribe_packet(("a/b", "c")))
    assert isinstance(packet, Subscribe)
    assert [(row.topic_filter, row.qos) for row in packet.subscriptions] == [("a/b", 1), ("c", 1)]


class Server:
    """Speaks just enough MQTT to be difficult: `script` decides, for each PUBLISH, to acknowledge it, not to, or to
    hang up.  What it received is kept as (duplicate, packet id, payload)."""

    def __init__(self, script, address=("127.0.0.1", 0)):
        self.script = iter(script)
        self.socket = socket.create_server(address)
        self.address = self.socket.getsockname()
        self.received = []
        self.connections = 0
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.connections += 1
            with connection, contextlib.suppress(OSError):
                self.talk(connection)

    def talk(self, connection):
        file = connection.makefile("rb")
        while first := file.read(1):
            body = file.read(file.read(1)[0])
            if first[0] >> 4 == 1:
                connection.sendall(b"\x20\x02\x00\x00")
            elif first[0] >> 4 == 3:
                size = int.from_bytes(body[:2], "big")
                packet_id = body[2 + size : 4 + size]
                self.received.append((bool(first[0] & 8), int.from_bytes(packet_id, "big"), body[4 + size :]))
                match next(self.script, "ack"):
                    case "ack":
                        connection.sendall(b"\x40\x02" + packet_id)
                    case "hang up":
                        return

    def close(self):
        self.socket.close()


@pytest.fixture
def served():
    made = []

    def make(*script, **more):
        server = Server(script)
        acked = []
        links = Links(server.address, on_acked=acked.append, **more)
        made.append((server, links))
        return server, links, acked

    yield make
    for server, links in made:
        links.close()
        server.close()


def turn_until(links, condition):
    def turned():
        if not (found := condition()):
            links.turn(0.02)
        return found

    wait_until(turned)


def test_what_is_published_is_acknowledged_once(served):
    server, links, acked = served()
    link = links.link("door-1")
    for n in range(50):
        links.publish(link, "t", b"%d" % n)
    turn_until(links, lambda: links.acked == 50)
    assert [row.payload for row in acked] == [b"%d" % n for n in range(50)]
    assert [row[2] for row in server.received] == [b"%d" % n for n in range(50)]
    assert links.unacknowledged() == 0
    assert all(row.sent_ms <= row.acked_ms for row in acked)


def test_what_was_not_acknowledged_is_sent_again_marked_in_order_with_its_id(served):
    server, links, acked = served("ack", "nothing", "nothing", "hang up")
    link = links.link("door-1")
    for n in range(4):
        links.publish(link, "t", b"%d" % n)
    turn_until(links, lambda: links.acked == 4)
    assert server.connections == 2
    again = server.received[4:]
    assert again == [(True, 2, b"1"), (True, 3, b"2"), (True, 4, b"3")]
    assert sorted(row.payload for row in acked) == [b"0", b"1", b"2", b"3"]


def test_a_device_may_say_again_what_was_acknowledged(served):
    server, links, _ = served()
    link = links.link("door-1")
    links.publish(link, "t", b"a")
    turn_until(links, lambda: links.acked == 1)
    assert links.repeat(link, "t", b"a")
    turn_until(links, lambda: links.acked == 2)
    assert server.received == [(False, 1, b"a"), (True, 1, b"a")]
    assert not links.repeat(link, "t", b"never said")


def test_a_server_that_comes_late_is_waited_for():
    address = ("127.0.0.1", free_port())
    links = Links(address)
    links.publish(links.link("door-1"), "t", b"a")
    links.turn(0.1)
    assert links.up() == 0
    server = Server((), address)
    turn_until(links, lambda: links.acked == 1)
    links.close()
    server.close()


def test_packet_ids_go_round_past_those_still_waiting(served):
    _, links, _ = served("nothing")
    link = links.link("door-1")
    links.publish(link, "t", b"first")
    link.next_id = 65_535
    links.publish(link, "t", b"next")
    assert sorted(link.waiting) == [1, 2]


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("mqtt://h", (("h", 1883), "", "")),
        ("h:1884", (("h", 1884), "", "")),
        ("mqtt://u:p%40ss@h:1", (("h", 1), "u", "p@ss")),
    ],
)
def test_an_address_in_its_parts(url, found):
    assert parse_url(url) == found


@pytest.mark.parametrize("url", ["http://h", "mqtt://", "mqtt://h:99999"])
def test_no_address(url):
    with pytest.raises(ValueError, match="mqtt"):
        parse_url(url)
