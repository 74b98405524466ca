"""A socket that reads and writes in bulk, for paho-mqtt: it asks for a byte at a time and sends each PUBACK alone.

Half of what a message costs in paho is these system calls.  Behind this, paho's parser finds what has come in memory,
and what it sends goes out in one write when the caller says so.  Its way of parsing is most of the other half: runs of
PUBLISH packets are taken out before it sees them, and it is lent every other packet.
"""

import socket
import ssl

from gateway.mqtt.events import Event
from gateway.mqtt.publish_run import parse_publishes
from gateway.mqtt.reasons import ProtocolError
from gateway.mqtt.wire import LARGEST_LENGTH, find_packet

_LARGEST_PACKET = LARGEST_LENGTH + 5
_READ_BYTES = 256 * 1024


class BufferedSocket:
    """Looks like a non-blocking socket to paho.  `fill` reads the real one, `flush` writes it."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._is_tcp = sock.family in (socket.AF_INET, socket.AF_INET6)
        if self._is_tcp:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._in = b""
        self._at = 0
        self._lent = 0  # bytes that paho may read: the rest of one packet, also where they have not come yet
        self._topics: dict[bytes, str] = {}
        self._out = bytearray()
        self._ended = False

    # For the event loop.

    def fill(self) -> bool:
        """Read what has come, up to 256 KB; whether there may be more.  Raises OSError when the connection failed."""
        chunks = [self._in[self._at :]] if self._at < len(self._in) else []
        size = 0
        more = False
        try:
            while size < _READ_BYTES:
                chunk = self._sock.recv(_READ_BYTES)
                if not chunk:
                    self._ended = True
                    break
                size += len(chunk)
                chunks.append(chunk)
                if not isinstance(self._sock, ssl.SSLSocket):
                    more = len(chunk) == _READ_BYTES
                    break
            else:
                more = True
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            pass
        self._in = b"".join(chunks)
        self._at = 0
        self._say_it_came()
        return more

    def _say_it_came(self) -> None:
        """Have the kernel confirm at once what was read.  We answer only after a commit, and a broker that gathers
        small packets (mosquitto, unless told otherwise) holds the next message back until it hears from us."""
        if self._is_tcp and hasattr(socket, "TCP_QUICKACK"):
            # The kernel forgets it again and again.
            self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)

    @property
    def unread(self) -> int:
        """Bytes that were read from the socket and not yet by paho; an end of the stream counts as one."""
        return len(self._in) - self._at + self._ended

    def take_publishes(self) -> list[Event]:
        """The whole PUBLISH packets of QoS 0 and 1 that are next, parsed.

        [] where another packet is next, one that has not come as a whole, or a wrong one: paho is to judge it.
        """
        events: list[Event] = []
        if not self._lent:
            try:
                self._at = parse_publishes(self._in, self._at, _LARGEST_PACKET, False, self._topics, events, [])
            except ProtocolError:
                for _ in events:
                    self._at = find_packet(self._in, self._at, _LARGEST_PACKET, False)[1]
        return events

    def lend(self) -> bool:
        """Let paho read the next packet, as far as it has come; whether there is anything for it to read."""
        if not self._lent and self._at < len(self._in):
            try:
                body, end = find_packet(self._in, self._at, _LARGEST_PACKET, False)
            except ProtocolError:
                body, end = self._at, len(self._in)
            if body:
                self._lent = end - self._at
            elif self._ended:
                self._lent = self.unread
            else:
                return False  # its header has not come as a whole
        return self.unread > 0

    def flush(self) -> bool:
        """Write what paho has to say; whether all of it is out.  Raises OSError when the connection failed."""
        try:
            while self._out:
                sent = self._sock.send(self._out)
                del self._out[:sent]
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return False
        return True

    # For paho.

    def recv(self, size: int) -> bytes:
        if self._at == len(self._in):
            if self._ended:
                return b""
            raise BlockingIOError
        if not self._lent:
            raise BlockingIOError
        found = self._in[self._at : self._at + min(size, self._lent)]
        self._at += len(found)
        self._lent -= len(found)
        return found

    def send(self, data: bytes | bytearray) -> int:
        self._out += data
        return len(data)

    def fileno(self) -> int:
        return self._sock.fileno()

    def setblocking(self, flag: bool) -> None:
        self._sock.setblocking(flag)

    def close(self) -> None:
        # What is left to say (DISCONNECT) is said if the socket takes it at once.
        try:
            self.flush()
        except OSError:
            pass
        self._sock.close()
