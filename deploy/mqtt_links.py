"""Many MQTT 3.1.1 connections in one thread: what the simulated devices speak over.

Each client has its own connection, as real devices have.  A publish is QoS 1 and is kept until its PUBACK has come,
over as many reconnects as that takes: what was acknowledged is what the other side has promised to keep.
"""

import contextlib
import errno
import selectors
import socket
import struct
import time
from collections import deque
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec

_CONNACK, _PUBLISH, _PUBACK, _SUBACK, _PINGRESP = 2, 3, 4, 9, 13
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 3.0
_KEEP_ALIVE_S = 120
_CONNECTING_AT_ONCE = 100
_ANSWER_S = 15.0  # a connection that answers nothing for so long is made anew


class Acked(msgspec.Struct, frozen=True, array_like=True):
    """A publish whose PUBACK came.  `packet_id` is the one it went under."""

    client: str
    topic: str
    payload: bytes
    packet_id: int
    sent_ms: float
    acked_ms: float


class _Waiting(msgspec.Struct):
    topic: str
    payload: bytes
    packet: bytearray
    sent_ms: float = 0.0


class Link:
    """One client's connection, over all its reconnects."""

    __slots__ = (
        "client",
        "connecting",
        "heard_s",
        "inbox",
        "next_id",
        "out",
        "password",
        "pause_s",
        "recent",
        "said_s",
        "socket",
        "topics",
        "up",
        "waiting",
        "wants_write",
    )

    def __init__(self, client: str, password: str, topics: tuple[str, ...]) -> None:
        self.client = client
        self.password = password
        self.topics = topics
        self.socket: socket.socket | None = None
        self.connecting = False
        self.up = False
        self.wants_write = False
        self.out = bytearray()
        self.inbox = b""
        self.next_id = 0
        self.pause_s = _FIRST_PAUSE_S
        self.heard_s = self.said_s = 0.0
        self.waiting: dict[int, _Waiting] = {}
        self.recent: deque[tuple[int, _Waiting]] = deque(maxlen=3)


class Links:
    """All connections to one server at `address`.

    `on_acked(Acked)` and `on_message(client, topic, payload)` are called from `turn`.  `user` is the name to log in
    with where it is not the client's id.  `keeps_session`: what a subscriber missed is sent to it when it is back.
    """

    def __init__(
        self,
        address: tuple[str, int],
        *,
        on_acked: Callable[[Acked], None] | None = None,
        on_message: Callable[[str, str, bytes], None] | None = None,
        keeps_session: bool = False,
        user: str = "",
        clock_ms: Callable[[], float] = lambda: time.time() * 1000,
    ) -> None:
        self._address = socket.getaddrinfo(*address, type=socket.SOCK_STREAM)[0]
        self._on_acked = on_acked
        self._on_message = on_message
        self._keeps_session = keeps_session
        self._user = user
        self._clock_ms = clock_ms
        self._selector = selectors.DefaultSelector()
        self._links: dict[str, Link] = {}
        self._to_connect: deque[Link] = deque()
        self._later: list[tuple[float, Link]] = []
        self._connecting = 0
        self._looked_s = 0.0
        self.sent = 0
        self.acked = 0
        self.connects = 0
        self.refused = 0

    # What the caller does

    def link(self, client: str, password: str = "", topics: tuple[str, ...] = ()) -> Link:
        """The client's connection, made on first use.  It subscribes to `topics` each time it connects."""
        link = self._links.get(client)
        if link is None:
            link = self._links[client] = Link(client, password, topics)
            self._to_connect.append(link)
        return link

    def publish(self, link: Link, topic: str, payload: bytes, *, retained: bool = False) -> None:
        """Send it, now or as soon as the client is connected, until it is acknowledged."""
        if len(link.waiting) >= 60_000:
            raise OverflowError(f"{link.client} has 60,000 messages waiting")
        link.next_id = link.next_id % 65_535 + 1
        while link.next_id in link.waiting:
            link.next_id = link.next_id % 65_535 + 1
        packet = publish_packet(topic, payload, link.next_id, retained)
        waiting = link.waiting[link.next_id] = _Waiting(topic, payload, packet)
        link.recent.append((link.next_id, waiting))
        self.sent += 1
        self._send(link, waiting)

    def repeat(self, link: Link, topic: str, payload: bytes) -> bool:
        """Send a message of a moment ago again, as a device does that missed the acknowledgement.  False: forgotten."""
        for packet_id, waiting in link.recent:
            if waiting.topic == topic and waiting.payload == payload and packet_id not in link.waiting:
                waiting.packet[0] |= 8
                link.waiting[packet_id] = waiting
                self.sent += 1
                self._send(link, waiting)
                return True
        return False

    def unacknowledged(self) -> int:
        """How many publishes wait for their PUBACK."""
        return self.sent - self.acked

    def clients(self) -> int:
        """How many clients there are."""
        return len(self._links)

    def up(self) -> int:
        """How many clients are connected."""
        return sum(link.up for link in self._links.values())

    def turn(self, wait_s: float) -> None:
        """Read, write, connect and reconnect for at most `wait_s` where nothing happens."""
        now_s = time.monotonic()
        if self._later and self._later[0][0] <= now_s:
            due = [link for at_s, link in self._later if at_s <= now_s]
            self._later = [(at_s, link) for at_s, link in self._later if at_s > now_s]
            self._to_connect.extend(due)
        while self._to_connect and self._connecting < _CONNECTING_AT_ONCE:
            self._connect(self._to_connect.popleft())
        if self._later:
            wait_s = min(wait_s, max(0.0, min(at_s for at_s, _ in self._later) - now_s))
        for key, events in self._selector.select(wait_s):
            link: Link = key.data
            if link.connecting:
                self._connected(link)
            elif events & selectors.EVENT_READ:
                self._read(link)
            if events & selectors.EVENT_WRITE and link.socket is not None and not link.connecting:
                self._flush(link)
        if now_s - self._looked_s > 1:
            self._looked_s = now_s
            self._look(now_s)

    def close(self) -> None:
        """Say goodbye on every connection."""
        for link in self._links.values():
            if link.socket is not None:
                with contextlib.suppress(OSError):
                    if link.up:
                        link.socket.send(b"\xe0\x00")
                link.socket.close()
                link.socket = None
                link.up = False
        self._selector.close()

    # Connecting

    def _connect(self, link: Link) -> None:
        family, kind, protocol, _, where = self._address
        connection = socket.socket(family, kind, protocol)
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        link.socket, link.connecting, link.up = connection, True, False
        link.heard_s = time.monotonic()
        self._connecting += 1
        error = connection.connect_ex(where)
        if error not in (0, errno.EINPROGRESS):
            self._lost(link)
            return
        self._selector.register(connection, selectors.EVENT_WRITE, link)
        link.wants_write = True

    def _connected(self, link: Link) -> None:
        assert link.socket is not None
        link.connecting = False
        if link.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self._lost(link)
            return
        clean = not (self._keeps_session and link.topics)
        link.out = connect_packet(link.client, self._user or link.client, link.password, clean=clean)
        link.inbox = b""
        self._flush(link)

    def _is_up(self, link: Link) -> None:
        self._connecting -= 1
        link.up = True
        link.pause_s = _FIRST_PAUSE_S
        self.connects += 1
        if link.topics:
            link.out += subscribe_packet(link.topics)
        for waiting in link.waiting.values():
            if waiting.sent_ms:
                waiting.packet[0] |= 8
            waiting.sent_ms = waiting.sent_ms or self._clock_ms()
            link.out += waiting.packet
        self._flush(link)

    def _lost(self, link: Link) -> None:
        """The connection is gone: again after a pause."""
        if link.socket is None:
            return
        if not link.up:
            self._connecting -= 1
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(link.socket)
        link.socket.close()
        link.socket, link.connecting, link.up, link.wants_write = None, False, False, False
        link.out.clear()
        self._later.append((time.monotonic() + link.pause_s, link))
        link.pause_s = min(_LONGEST_PAUSE_S, link.pause_s * 2)

    # Reading and writing

    def _send(self, link: Link, waiting: _Waiting) -> None:
        if not link.up:
            return
        waiting.sent_ms = self._clock_ms()
        link.out += waiting.packet
        if not link.wants_write:
            self._flush(link)

    def _flush(self, link: Link) -> None:
        assert link.socket is not None
        link.said_s = time.monotonic()
        if link.out:
            try:
                sent = link.socket.send(link.out)
                del link.out[:sent]
            except BlockingIOError:
                pass
            except OSError:
                self._lost(link)
                return
        wants = bool(link.out)
        if wants != link.wants_write:
            link.wants_write = wants
            events = selectors.EVENT_READ | (selectors.EVENT_WRITE if wants else 0)
            self._selector.modify(link.socket, events, link)

    def _read(self, link: Link) -> None:
        assert link.socket is not None
        try:
            data = link.socket.recv(65_536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._lost(link)
            return
        link.heard_s = time.monotonic()
        data = link.inbox + data
        at, size = 0, len(data)
        while size - at >= 2:
            length, start = data[at + 1], at + 2
            if length > 127:
                found = _length(data, at + 1)
                if found is None:
                    break
                length, start = found
            if size - start < length:
                break
            self._packet(link, data[at], data[start : start + length])
            if link.socket is None:
                return
            at = start + length
        link.inbox = data[at:]
        if link.out and not link.wants_write:
            self._flush(link)

    def _packet(self, link: Link, first: int, body: bytes) -> None:
        kind = first >> 4
        if kind == _PUBACK:
            packet_id = int.from_bytes(body[:2], "big")
            waiting = link.waiting.pop(packet_id, None)
            if waiting is not None:
                self.acked += 1
                if self._on_acked is not None:
                    self._on_acked(
                        Acked(link.client, waiting.topic, waiting.payload, packet_id, waiting.sent_ms, self._clock_ms())
                    )
        elif kind == _PUBLISH:
            self._take(link, first, body)
        elif kind == _CONNACK:
            if body[1:2] == b"\0":
                self._is_up(link)
            else:
                self.refused += 1
                self._lost(link)
        elif kind not in (_SUBACK, _PINGRESP):
            self._lost(link)

    def _take(self, link: Link, first: int, body: bytes) -> None:
        length = int.from_bytes(body[:2], "big")
        topic, rest = body[2 : 2 + length].decode(), body[2 + length :]
        if first & 6:
            link.out += b"\x40\x02" + rest[:2]
            rest = rest[2:]
        if self._on_message is not None:
            self._on_message(link.client, topic, rest)

    def _look(self, now_s: float) -> None:
        """Once a second: keep quiet connections alive, give up on those that answer nothing."""
        for link in self._links.values():
            if link.socket is None:
                continue
            if (not link.up or link.waiting) and now_s - max(link.heard_s, link.said_s) > _ANSWER_S:
                self._lost(link)
            elif link.up and now_s - link.said_s > _KEEP_ALIVE_S * 0.7:
                link.out += b"\xc0\x00"
                self._flush(link)


# Packets


def _length(data: bytes, at: int) -> tuple[int, int] | None:
    """The remaining length that begins at `at`, and where the body begins; None while it is not all there."""
    value = shift = 0
    for position in range(at, at + 4):
        if position >= len(data):
            return None
        value |= (data[position] & 127) << shift
        if not data[position] & 128:
            return value, position + 1
        shift += 7
    raise ValueError("a remaining length of more than four bytes")


def _sized(first: int, body: bytes) -> bytearray:
    packet, length = bytearray((first,)), len(body)
    while length > 127:
        packet.append(length & 127 | 128)
        length >>= 7
    packet.append(length)
    return packet + body


def _text(text: str) -> bytes:
    raw = text.encode()
    return struct.pack(">H", len(raw)) + raw


def connect_packet(client: str, user: str, password: str, *, clean: bool) -> bytearray:
    """CONNECT with user name and password; without a password neither."""
    flags = (0xC0 if password else 0) | (2 if clean else 0)
    body = _text("MQTT") + struct.pack(">BBH", 4, flags, _KEEP_ALIVE_S) + _text(client)
    return _sized(0x10, body + (_text(user) + _text(password) if password else b""))


def publish_packet(topic: str, payload: bytes, packet_id: int, retained: bool) -> bytearray:
    """PUBLISH at QoS 1."""
    return _sized(0x32 | retained, _text(topic) + struct.pack(">H", packet_id) + payload)


def subscribe_packet(topics: tuple[str, ...]) -> bytearray:
    """SUBSCRIBE at QoS 1."""
    return _sized(0x82, b"\0\1" + b"".join(_text(topic) + b"\1" for topic in topics))


def parse_url(url: str) -> tuple[tuple[str, int], str, str]:
    """`mqtt://user:password@host:port` → (address, user, password).  Raises ValueError with what is wrong."""
    parts: Any = urlsplit(url if "://" in url else f"mqtt://{url}")
    if parts.scheme != "mqtt" or not parts.hostname:
        raise ValueError(f"{url!r} is not mqtt://host:port")
    try:
        port = parts.port or 1883
    except ValueError:
        raise ValueError(f"{url!r} has no port between 1 and 65535") from None
    return (parts.hostname, port), unquote(parts.username or ""), unquote(parts.password or "")
