"""The data types of MQTT on the wire (3.1.1 section 1.5, 5 section 1.5) and the frame around every packet."""

from typing import Final

from gateway.mqtt.reasons import ProtocolError, Reason, malformed

LARGEST_LENGTH: Final = 268_435_455  # four bytes of seven bits
LONGEST_FIELD: Final = 65_535


def text_of(raw: bytes) -> str:
    """A UTF-8 string as MQTT allows it: strict, without surrogates and without NUL."""
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise malformed("a string is not UTF-8") from None
    if "\0" in text:
        raise malformed("a string holds NUL")
    return text


def topic_of(raw: bytes) -> str:
    """A topic name: what a message may be published to."""
    topic = text_of(raw)
    if not topic:
        raise ProtocolError(Reason.PROTOCOL_ERROR, "the topic is empty")
    if "#" in topic or "+" in topic:
        raise ProtocolError(Reason.TOPIC_NAME_INVALID, "the topic holds a wildcard")
    return topic


def find_packet(data: bytes, start: int, limit: int, shortest_length: bool) -> tuple[int, int]:
    """Where the body of the packet at `start` begins and ends, judged from its fixed header alone.

    The end may lie behind what has come so far. (0, n) where the header itself is not complete: n bytes from `start`
    on are needed to go on. `shortest_length`: the length must not be longer than need be (MQTT 5).
    """
    length = 0
    position = start + 1
    for shift in (0, 7, 14, 21):
        if position >= len(data):
            return 0, position - start + 1
        byte = data[position]
        position += 1
        length |= (byte & 0x7F) << shift
        if byte < 0x80:
            if byte == 0 and shift and shortest_length:
                raise malformed("the remaining length is not in its shortest form")
            if position - start + length > limit:
                raise ProtocolError(Reason.PACKET_TOO_LARGE, f"a packet is larger than {limit} bytes")
            return position, position + length
    raise malformed("the remaining length is longer than 4 bytes")


class Reader:
    """Reads one packet's body from the front. Whatever is missing or wrong is a ProtocolError."""

    __slots__ = ("_body", "_position")

    def __init__(self, body: bytes, position: int = 0) -> None:
        self._body = body
        self._position = position

    @property
    def position(self) -> int:
        return self._position

    @property
    def left(self) -> int:
        """Bytes not yet read."""
        return len(self._body) - self._position

    def take(self, count: int) -> bytes:
        end = self._position + count
        if end > len(self._body):
            raise malformed("a packet ends inside a field")
        taken = self._body[self._position : end]
        self._position = end
        return taken

    def rest(self) -> bytes:
        return self.take(self.left)

    def byte(self) -> int:
        return self.take(1)[0]

    def two_bytes(self) -> int:
        return int.from_bytes(self.take(2), "big")

    def four_bytes(self) -> int:
        return int.from_bytes(self.take(4), "big")

    def variable_integer(self) -> int:
        """One to four bytes, in the shortest form (MQTT 5, 1.5.5)."""
        value = 0
        for shift in (0, 7, 14, 21):
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                if byte == 0 and shift:
                    raise malformed("a variable integer is not in its shortest form")
                return value
        raise malformed("a variable integer is longer than 4 bytes")

    def binary(self) -> bytes:
        return self.take(self.two_bytes())

    def text(self) -> str:
        return text_of(self.binary())

    def topic(self) -> str:
        return topic_of(self.binary())

    def packet_id(self) -> int:
        packet_id = self.two_bytes()
        if packet_id == 0:
            raise ProtocolError(Reason.PROTOCOL_ERROR, "the packet id is 0")
        return packet_id

    def expect_end(self) -> None:
        if self.left:
            raise malformed("a packet holds more than its fields")


def variable_integer(value: int) -> bytes:
    if not 0 <= value <= LARGEST_LENGTH:
        raise ValueError(f"{value} does not fit in a variable integer")
    written = bytearray()
    while value > 0x7F:
        written.append(0x80 | value & 0x7F)
        value >>= 7
    written.append(value)
    return bytes(written)


def binary(value: bytes) -> bytes:
    if len(value) > LONGEST_FIELD:
        raise ValueError(f"{len(value)} bytes do not fit in a field of MQTT")
    return len(value).to_bytes(2, "big") + value


def text(value: str) -> bytes:
    return binary(value.encode())


def packet(first_byte: int, body: bytes) -> bytes:
    """The whole packet: fixed header and body."""
    return bytes((first_byte,)) + variable_integer(len(body)) + body
