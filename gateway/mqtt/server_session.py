"""The machine of one MQTT connection, seen from the server: bytes in, events and bytes out. No socket, no clock.

How an edge drives it::

    session = ServerSession(opened_at_ms=now)
    for event in session.receive_data(data, now):      # after every read
        ...                                            # ConnectRequested: session.accept() or session.refuse(reason)
    transport.write(session.data_to_send())            # once after every batch of calls
    if session.closed: transport.close()               # once what is to send was handed over

    session.acknowledge([event.packet_id, ...])        # when the frame that holds these messages is on disk
    if (due := session.deadline_ms) is not None and due <= now: session.handle_timeout(now)

`now` is any clock in milliseconds that does not go back, the same one in every call. The states are in `states.py`.

What this server says of itself: no session is kept, nothing is retained, no message goes from client to client. It
takes QoS 0, 1 and (in 3.1.1, which cannot be told to leave it out) 2.
"""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from gateway.mqtt.answers import MOST_PACKET_IDS, Answers, MisuseError
from gateway.mqtt.events import (
    ConnectRequested,
    Disconnected,
    Event,
    PageAcked,
    Properties,
    ProtocolFailed,
    Published,
    SubscribeRequested,
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
    Subscribe,
    Unsubscribe,
    build,
    connect_version,
    kind_of,
    parse,
)
from gateway.mqtt.packets import Suback as SubackPacket
from gateway.mqtt.packets import Unsuback as UnsubackPacket
from gateway.mqtt.properties import Property, has, integer
from gateway.mqtt.publish_run import parse_publishes
from gateway.mqtt.reasons import ProtocolError, Reason, connect_return_code
from gateway.mqtt.states import TRANSITIONS, State, Step
from gateway.mqtt.wire import find_packet

__all__ = ["Limits", "MisuseError", "ServerSession"]

# Python 3.11 takes 0.1 µs to find a member of an Enum, and these are asked for at every read.
_AWAITING_CONNECT: Final = State.AWAITING_CONNECT
_AUTHENTICATING: Final = State.AUTHENTICATING
_CONNECTED: Final = State.CONNECTED
_CLOSED: Final = State.CLOSED

_LONGEST_CONNACK: Final = 32
_OLD_PROTOCOL_NAME: Final = b"\x00\x06MQIsdp"  # MQTT 3.1


class Limits(Struct, frozen=True, kw_only=True):
    """What one connection may cost. An MQTT 5 client is told of those it can be told of."""

    packet_bytes: int = 64 * 1024
    """Largest packet taken, fixed header included; judged from the header, before the body is buffered."""
    connect_bytes: int = 8 * 1024
    """Largest first packet: whoever is not yet known may fill less memory."""
    held_bytes: int = 256 * 1024
    """Most that may come behind a CONNECT before it is answered."""
    connect_timeout_ms: int = 10_000
    """From the opening of the connection to `accept()`."""
    receive_maximum: int = 16_384
    """QoS 1 messages an MQTT 5 client may have unanswered. Large, because mqtt.js 5 sends all it has at once, whatever
    it was told, and would be cut off for it again and again. Memory is guarded by the edge, which stops reading."""
    keep_alive_s: int = 120
    """Longest keep-alive of an MQTT 5 client, also for 0 ("do not check"); it is told so (Server Keep Alive)."""
    silence_s: int = 7200
    """Longest keep-alive of a 3.1.1 client, also for 0. Long, because it cannot be told: a sensor that was cut off
    without knowing loses its next message of QoS 0. Dead peers are found sooner by TCP's own keep-alive."""
    pages_in_flight: int = 64
    """Messages of ours a client may have unanswered; an MQTT 5 client may ask for fewer."""


class ServerSession:
    """One connection. What an edge calls after the close does nothing; a call that makes no sense is a MisuseError."""

    __slots__ = (
        "_answers",
        "_client_packet_bytes",
        "_heard_ms",
        "_last_page_id",
        "_limits",
        "_needed",
        "_opened_at_ms",
        "_out",
        "_pages",
        "_pages_at_once",
        "_partial",
        "_session_expiry_s",
        "_state",
        "_topics",
        "_will",
        "client_id",
        "keep_alive_s",
        "version",
    )

    version: int
    """4 (3.1.1) or 5; 0 before the CONNECT."""
    client_id: str
    """Empty before the CONNECT."""
    keep_alive_s: int
    """The keep-alive that is applied; half as much again of silence closes the connection."""

    def __init__(self, *, opened_at_ms: int, limits: Limits | None = None) -> None:
        self.version = 0
        self.client_id = ""
        self.keep_alive_s = 0
        self._last_page_id = 0
        self._limits = limits or Limits()
        self._state = _AWAITING_CONNECT
        self._opened_at_ms = self._heard_ms = opened_at_ms
        self._out = bytearray()
        self._partial = bytearray()
        self._needed = 0
        self._topics: dict[bytes, str] = {}
        self._answers = Answers(self._out, V311, MOST_PACKET_IDS)
        self._will: Will | None = None
        self._session_expiry_s = 0
        self._client_packet_bytes = self._limits.packet_bytes
        self._pages: set[int] = set()
        self._pages_at_once = self._limits.pages_in_flight

    @property
    def closed(self) -> bool:
        """True when the socket is to be closed, after what `data_to_send` still gives was written."""
        return self._state is _CLOSED

    @property
    def wants_data(self) -> bool:
        """False between ConnectRequested and its answer, and once closed: do not read the socket then."""
        return self._state is _CONNECTED or self._state is _AWAITING_CONNECT

    @property
    def unacknowledged(self) -> int:
        """Messages of QoS 1 and 2 given out as Published and not yet answered."""
        return len(self._answers.unanswered)

    @property
    def deadline_ms(self) -> int | None:
        """When `handle_timeout` is due if nothing whole is heard before; None when closed. Moves with every packet."""
        if self._state is _CONNECTED:
            return self._heard_ms + self.keep_alive_s * 1500
        return None if self._state is _CLOSED else self._opened_at_ms + self._limits.connect_timeout_ms

    def receive_data(self, data: bytes, now_ms: int) -> list[Event]:
        """Bytes as read from the socket, any amount. Never raises on what a client sends."""
        if self._state is _CLOSED:
            return []
        if self._state is _AUTHENTICATING:
            events: list[Event] = []
            self._hold(data, events)
            return events
        if self._partial:
            self._partial += data
            if len(self._partial) < self._needed:
                return []
            data = bytes(self._partial)
            self._partial.clear()
        return self._parse(data, now_ms)

    def data_to_send(self) -> bytes:
        """Everything to be written now, and forgets it. Empty when there is nothing."""
        data = bytes(self._out)
        self._out.clear()
        return data

    def accept(self, *, packet_bytes: int | None = None) -> list[Event]:
        """The client is who it says and may come in: CONNACK. Returns the events of what came behind its CONNECT.

        `packet_bytes` is the largest packet of this very client, where it is another than everybody's.
        Look at `closed` afterwards: the connection may have failed since ConnectRequested, or in those bytes.
        """
        if not self._step(Step.ACCEPT):
            return []
        if packet_bytes is not None:
            self._limits = replace(self._limits, packet_bytes=packet_bytes)
        self._out += build(Connack(False, 0, self._connack_properties()), self.version)
        held = bytes(self._partial)
        self._partial.clear()
        return self._parse(held, self._heard_ms)

    def refuse(self, reason: Reason) -> None:
        """CONNACK with the reason (3.1.1 is told the nearest it knows), then closed. No event follows."""
        if self._step(Step.REFUSE):
            code = reason if self.version == V5 else connect_return_code(reason)
            self._out += build(Connack(False, code), self.version)
            self._forget()

    def acknowledge(self, packet_ids: Sequence[int]) -> None:
        """These messages are on disk: PUBACK (QoS 1) or PUBREC (QoS 2), sent in the order in which they were received.

        An id answered before an earlier one waits for it. Give an id once for every Published that carried it.
        """
        if packet_ids and (self._state is _CONNECTED or self._serving()):
            self._answers.acknowledge(packet_ids)

    def refuse_publish(self, packet_id: int, reason: Reason) -> list[Event]:
        """This message is not taken in. MQTT 5: PUBACK with the reason, in its turn.

        3.1.1 has no word for no, and a plain PUBACK would be a lie: the connection is closed (returns Disconnected).
        Where the refusal itself was put on disk (`rejects`), call `acknowledge` for 3.1.1 instead.
        """
        if not self._serving():
            return []
        if self.version == V311:
            return self.close(reason)
        self._answers.refuse(packet_id, reason)
        return []

    def suback(self, packet_id: int, codes: Sequence[int]) -> None:
        """Answer a SubscribeRequested: 0 or 1 is the QoS granted, a Reason from 0x80 a refusal (3.1.1: 0x80 alone)."""
        if self._serving():
            if self.version == V311:
                codes = [min(code, Reason.UNSPECIFIED) for code in codes]
            self._out += build(SubackPacket(packet_id, tuple(codes)), self.version)

    def unsuback(self, packet_id: int, codes: Sequence[int]) -> None:
        """Answer an UnsubscribeRequested: SUCCESS, NO_SUBSCRIPTION_EXISTED or a refusal (3.1.1 is sent no codes)."""
        if self._serving():
            self._out += build(UnsubackPacket(packet_id, tuple(codes)), self.version)

    def publish(self, topic: str, payload: bytes, qos: int) -> int | None:
        """Send a message to this client, with QoS 0 or 1. The packet id (0 for QoS 0), which PageAcked will name.

        None where it cannot be sent now: not connected, no room in the client's receive maximum (try again after the
        next PageAcked), or larger than the client takes (never will).
        """
        if qos not in (0, 1):
            raise MisuseError("a message is sent with QoS 0 or 1")
        if self._state is not _CONNECTED or (qos and len(self._pages) >= self._pages_at_once):
            return None
        packet_id = 0
        if qos:
            packet_id = self._last_page_id % MOST_PACKET_IDS + 1
            while packet_id in self._pages:
                packet_id = packet_id % MOST_PACKET_IDS + 1
        packet = build(Published(topic, payload, qos, packet_id, False, False, ()), self.version)
        if len(packet) > self._client_packet_bytes:
            return None
        if qos:
            self._last_page_id = packet_id
            self._pages.add(packet_id)
        self._out += packet
        return packet_id

    def close(self, reason: Reason) -> list[Event]:
        """Close from our side; an MQTT 5 client is told why. Returns Disconnected if the client had been accepted.

        The will is in it, as the standard wants. Whether to believe it is for the edge: a client that was cut off
        because we stop, or because it came again over another connection, is not gone.
        """
        return self._end(Step.CLOSE, "server", Disconnect(reason))

    def connection_lost(self) -> list[Event]:
        """The socket ended or failed. Returns Disconnected, with the will, if the client had been accepted."""
        return self._end(Step.LOSE, "network", None)

    def handle_timeout(self, now_ms: int) -> list[Event]:
        """Close if the deadline has passed, else nothing. Leave it out while you have stopped reading this socket."""
        deadline_ms = self.deadline_ms
        events: list[Event] = []
        if deadline_ms is not None and now_ms >= deadline_ms:
            what = "silent for longer than its keep-alive" if self._state is _CONNECTED else "no CONNECT in time"
            self._fail(ProtocolError(Reason.KEEP_ALIVE_TIMEOUT, what), events)
        return events

    def reading_resumed(self, now_ms: int) -> None:
        """The edge had stopped reading (backpressure): that silence was ours, the keep-alive starts anew."""
        self._heard_ms = now_ms

    # What comes in.

    def _parse(self, data: bytes, now_ms: int) -> list[Event]:
        events: list[Event] = []
        limits = self._limits
        size = len(data)
        position = 0
        needed = 0
        try:
            while position < size:
                if self._state is _CONNECTED:
                    limit = limits.packet_bytes
                    unanswered = self._answers.unanswered
                    position = parse_publishes(
                        data, position, limit, self.version == V5, self._topics, events, unanswered
                    )
                    self._answers.check_room()
                    if position == size:
                        break
                elif self._state is _AWAITING_CONNECT:
                    limit = limits.connect_bytes
                    if data[position] != 0x10:  # not worth another byte of memory
                        raise ProtocolError(Reason.PROTOCOL_ERROR, "the first packet is not a CONNECT")
                else:
                    break
                body, end = find_packet(data, position, limit, self.version == V5)
                if not body or end > size:
                    needed = end - position if body else end
                    break
                self._take(data[position], data[body:end], events)
                position = end
        except ProtocolError as error:
            self._fail(error, events)
            return events
        if position:
            # Only whole packets count (3.1.2.10): one byte now and then does not keep a connection alive.
            self._heard_ms = now_ms
        if position < size and self._state is not _CLOSED:
            self._needed = needed
            self._hold(data[position:], events)
        return events

    def _take(self, first_byte: int, body: bytes, events: list[Event]) -> None:
        """One whole packet that is no PUBLISH of QoS 0 or 1 of the ordinary kind."""
        kind = kind_of(first_byte)
        if Step(kind) not in TRANSITIONS[self._state]:
            raise ProtocolError(Reason.PROTOCOL_ERROR, f"{kind.name} is not expected here")
        if kind is PacketType.CONNECT:
            self._take_connect(body, events)
            return
        packet = parse(first_byte, body, self.version)
        match packet:
            case Published():
                self._take_publish(packet, events)
            case Answer(PacketType.PUBACK, packet_id, code):
                if packet_id in self._pages:  # an answer to nothing harms nobody, and tells the edge nothing
                    self._pages.discard(packet_id)
                    events.append(PageAcked(packet_id, code))
            case Answer(PacketType.PUBREL, packet_id):
                self._answers.release(packet_id)
            case Subscribe(packet_id, subscriptions, properties):
                self._expect_room_for_codes(len(subscriptions))
                if has(properties, Property.SUBSCRIPTION_ID):
                    raise ProtocolError(Reason.SUBSCRIPTION_IDS_NOT_SUPPORTED, "subscription ids are not taken")
                events.append(SubscribeRequested(packet_id, subscriptions))
            case Unsubscribe(packet_id, topic_filters):
                self._expect_room_for_codes(len(topic_filters))
                events.append(UnsubscribeRequested(packet_id, topic_filters))
            case Pingreq():
                self._out += b"\xd0\x00"
            case Disconnect(code, properties):
                self._take_disconnect(code, properties, events)
            case _:
                raise MisuseError(f"the table of states lets {kind.name} in, but nothing takes it")
        self._state = TRANSITIONS[self._state][Step(kind)]

    def _take_connect(self, body: bytes, events: list[Event]) -> None:
        try:
            connect = parse(0x10, body, 0)
            assert isinstance(connect, Connect)
            self._check_connect(connect)
        except ProtocolError as error:
            self._refuse_bad_connect(error.code, body)
            raise
        limits = self._limits
        properties = connect.properties
        self.version = connect.version
        self.client_id = connect.client_id
        self._will = connect.will
        self._session_expiry_s = integer(properties, Property.SESSION_EXPIRY_S, 0)
        at_once = integer(properties, Property.RECEIVE_MAXIMUM, MOST_PACKET_IDS)
        self._pages_at_once = min(limits.pages_in_flight, at_once)
        self._client_packet_bytes = integer(properties, Property.MAXIMUM_PACKET_SIZE, limits.packet_bytes)
        longest = limits.keep_alive_s if connect.version == V5 else limits.silence_s
        self.keep_alive_s = min(connect.keep_alive_s or longest, longest)
        most_unanswered = limits.receive_maximum if connect.version == V5 else MOST_PACKET_IDS
        self._answers = Answers(self._out, connect.version, most_unanswered)
        self._state = TRANSITIONS[self._state][Step.CONNECT]
        events.append(
            ConnectRequested(
                version=connect.version,
                client_id=connect.client_id,
                username=connect.username,
                password=connect.password,
                will=connect.will,
                clean_start=connect.clean_start,
                keep_alive_s=connect.keep_alive_s,
                session_expiry_s=self._session_expiry_s,
                properties=properties,
            )
        )

    def _check_connect(self, connect: Connect) -> None:
        """What the standard allows and this server does not take."""
        if not connect.client_id:
            # The client id is the device: there is nothing we could assign.
            raise ProtocolError(Reason.CLIENT_ID_NOT_VALID, "the client id is empty")
        if has(connect.properties, Property.AUTHENTICATION_METHOD):
            raise ProtocolError(Reason.BAD_AUTHENTICATION_METHOD, "no authentication method is known")
        if integer(connect.properties, Property.MAXIMUM_PACKET_SIZE, _LONGEST_CONNACK) < _LONGEST_CONNACK:
            raise ProtocolError(Reason.PACKET_TOO_LARGE, "the client takes no packet as large as a CONNACK")
        if connect.version == V5 and connect.will is not None and connect.will.qos == 2:
            raise ProtocolError(Reason.QOS_NOT_SUPPORTED, "the will has QoS 2")

    def _refuse_bad_connect(self, code: Reason, body: bytes) -> None:
        version = connect_version(body)
        if version == V5:
            if code != Reason.PACKET_TOO_LARGE:
                self._out += build(Connack(False, code), V5)
        elif version == V311:
            # Whatever else is wrong with a CONNECT of 3.1.1 is answered by closing alone (3.1.4-1).
            if code == Reason.CLIENT_ID_NOT_VALID:
                self._out += build(Connack(False, connect_return_code(code)), V311)
        elif version or body.startswith(_OLD_PROTOCOL_NAME):
            self._out += build(Connack(False, connect_return_code(Reason.UNSUPPORTED_VERSION)), V311)

    def _connack_properties(self) -> Properties:
        """What an MQTT 5 client is told. Retain is not said to be unavailable, though nothing is retained: sensors mark
        their availability so, a client told otherwise must not even connect with such a will, and since nobody but its
        owner may read a device's topics, nobody can miss the retained message."""
        if self.version == V311:
            return ()
        limits = self._limits
        told: list[tuple[int, int]] = [
            (Property.RECEIVE_MAXIMUM, limits.receive_maximum),
            (Property.MAXIMUM_QOS, 1),
            (Property.MAXIMUM_PACKET_SIZE, limits.packet_bytes),
            (Property.SERVER_KEEP_ALIVE_S, self.keep_alive_s),
            (Property.WILDCARD_SUBSCRIPTION_AVAILABLE, 0),
            (Property.SUBSCRIPTION_IDS_AVAILABLE, 0),
            (Property.SHARED_SUBSCRIPTION_AVAILABLE, 0),
        ]
        if self._session_expiry_s:
            told.append((Property.SESSION_EXPIRY_S, 0))
        return tuple(told)

    def _take_publish(self, message: Published, events: list[Event]) -> None:
        if message.qos == 2:
            if self.version == V5:
                raise ProtocolError(Reason.QOS_NOT_SUPPORTED, "a message has QoS 2")
            if not self._answers.receive_qos_2(message.packet_id):
                return
        elif message.qos == 1:
            self._answers.unanswered.append(message.packet_id)
            self._answers.check_room()
        events.append(message)

    def _expect_room_for_codes(self, count: int) -> None:
        # Fixed header 3, packet id 2, no properties 1: refused here, where an event can still tell the edge.
        if self.version == V5 and count + 6 > self._client_packet_bytes:
            raise ProtocolError(Reason.PACKET_TOO_LARGE, "the client takes no packet as large as the answer")

    def _take_disconnect(self, code: int, properties: Properties, events: list[Event]) -> None:
        if integer(properties, Property.SESSION_EXPIRY_S, 0) and not self._session_expiry_s:
            raise ProtocolError(Reason.PROTOCOL_ERROR, "a session that was to end now is to be kept")
        # Only a plain goodbye takes the will back (MQTT 5, 3.14.4); 3.1.1 has no other.
        events.append(Disconnected(self._will if code else None, "client"))
        self._forget()

    def _hold(self, data: bytes, events: list[Event]) -> None:
        """Keep what cannot be parsed yet: a part of a packet, or what came behind a CONNECT that is not answered."""
        self._partial += data
        if self._state is _AUTHENTICATING and len(self._partial) > self._limits.held_bytes:
            self._fail(ProtocolError(Reason.QUOTA_EXCEEDED, "too much sent before the CONNACK"), events)

    # How it ends.

    def _fail(self, error: ProtocolError, events: list[Event]) -> None:
        events.append(ProtocolFailed(error.code, error.reason))
        events += self._end(Step.FAIL, "protocol", Disconnect(error.code))

    def _end(self, step: Step, by: str, farewell: Disconnect | None) -> list[Event]:
        accepted = self._state is _CONNECTED
        if not self._step(step):
            return []
        if accepted and farewell is not None and self.version == V5:
            self._out += build(farewell, V5)
        events: list[Event] = [Disconnected(self._will, by)] if accepted else []
        self._forget()
        return events

    def _forget(self) -> None:
        self._partial = bytearray()
        self._topics = {}
        self._answers.unanswered.clear()
        self._pages.clear()
        self._will = None

    def _step(self, step: Step) -> bool:
        """Move if the table allows it. False when it is too late."""
        if self._state is _CLOSED:
            return False
        following = TRANSITIONS[self._state].get(step)
        if following is None:
            raise MisuseError(f"{step.name} makes no sense while {self._state.name}")
        self._state = following
        return True

    def _serving(self) -> bool:
        """False when it is too late to answer anything."""
        if self._state is _CONNECTED:
            return True
        if self._state is _CLOSED:
            return False
        raise MisuseError(f"there is nothing to answer while {self._state.name}")
