"""The machine of one MQTT connection, seen from the server: bytes in, events and bytes out. No socket, no clock.

How an edge drives it::

    session = ServerSession(opened_at_ms=now)
    for event in session.receive_data(data, now):        # after every read
        ...                                              # ConnectRequested -> session.accept() or session.refuse(reason)
    transport.write(session.data_to_send())              # once after every batch of calls
    if session.closed: transport.close()                 # once what is to send was handed over

    session.acknowledge([event.packet_id, ...])          # when the frame that holds these messages is on disk
    if session.deadline_ms is not None and session.deadline_ms <= now: session.handle_timeout(now)

`now` is any clock in milliseconds that does not go back (the same one in every call).
"""

from collections.abc import Sequence

from msgspec import Struct

from gateway.mqtt.events import Event
from gateway.mqtt.reasons import Reason


class Limits(Struct, frozen=True, kw_only=True):
    """What one connection may cost. An MQTT 5 client is told of those it can be told of."""

    packet_bytes: int = 64 * 1024
    """Largest packet taken, fixed header included; judged from the header, before the body is buffered."""
    connect_bytes: int = 8 * 1024
    """Largest first packet: whoever is not yet known may fill less memory."""
    connect_timeout_ms: int = 10_000
    """From the opening of the connection to `accept()`."""
    receive_maximum: int = 256
    """QoS 1 messages an MQTT 5 client may have unanswered."""
    keep_alive_s: int = 120
    """Longest keep-alive of an MQTT 5 client; it is told (Server Keep Alive)."""
    silence_s: int = 7200
    """Longest keep-alive of a 3.1.1 client, which cannot be told; also the one for 0 ("do not check") in both."""
    pages_in_flight: int = 64
    """Messages of ours a client may have unanswered; an MQTT 5 client may ask for fewer."""


class Misused(RuntimeError):
    """The edge broke the contract of this module (a bug on our side, never the client's doing)."""


class ServerSession:
    """One connection. Every method may be called in every state; what comes too late (after the close) does nothing."""

    version: int
    """4 (3.1.1) or 5; 0 before the CONNECT."""
    client_id: str
    """"" before the CONNECT."""
    keep_alive_s: int
    """The keep-alive that is applied; half as much again of silence closes the connection."""
    closed: bool
    """True when the socket is to be closed, after what `data_to_send` still gives was written."""

    def __init__(self, *, opened_at_ms: int, limits: Limits | None = None) -> None:
        raise NotImplementedError

    def receive_data(self, data: bytes, now_ms: int) -> list[Event]:
        """Bytes as read from the socket, any amount (256 KB is well). Never raises on what a client sends.

        While `wants_data` is False do not read: the machine keeps at most what came with the CONNECT in the same read.
        """
        raise NotImplementedError

    def data_to_send(self) -> bytes:
        """Everything to be written now, and forgets it. b"" when there is nothing."""
        raise NotImplementedError

    @property
    def wants_data(self) -> bool:
        """False between ConnectRequested and its answer, and once closed."""
        raise NotImplementedError

    @property
    def unacknowledged(self) -> int:
        """Messages of QoS 1 and 2 given out as Published and not yet answered."""
        raise NotImplementedError

    def accept(self) -> list[Event]:
        """The client is who it says and may come in: CONNACK. Returns the events of bytes that came behind its CONNECT."""
        raise NotImplementedError

    def refuse(self, reason: Reason) -> None:
        """CONNACK with the reason (3.1.1 is told the nearest it knows), then closed. No event follows."""
        raise NotImplementedError

    def acknowledge(self, packet_ids: Sequence[int]) -> None:
        """These messages are on disk: PUBACK (QoS 1) or PUBREC (QoS 2), sent in the order in which they were received.

        An id answered before an earlier one waits for it. Give every id once for every Published that carried it.
        """
        raise NotImplementedError

    def refuse_publish(self, packet_id: int, reason: Reason) -> list[Event]:
        """This message is not taken in. MQTT 5: PUBACK with the reason, in its turn. 3.1.1 has no word for no, and a
        plain PUBACK would be a lie: the connection is closed (returns Disconnected). Where the refusal itself was put
        on disk (`rejects`), call `acknowledge` for 3.1.1 instead."""
        raise NotImplementedError

    def suback(self, packet_id: int, codes: Sequence[int]) -> None:
        """Answer a SubscribeRequested: 0 or 1 is the QoS granted, a Reason from 0x80 a refusal (3.1.1: always 0x80)."""
        raise NotImplementedError

    def unsuback(self, packet_id: int, codes: Sequence[int]) -> None:
        """Answer an UnsubscribeRequested: SUCCESS, NO_SUBSCRIPTION_EXISTED or a refusal (3.1.1 is sent no codes)."""
        raise NotImplementedError

    def publish(self, topic: str, payload: bytes, qos: int) -> int | None:
        """Send a message to this client, with QoS 0 or 1. The packet id (0 for QoS 0), which PageAcked will name.

        None where it cannot be sent now: not connected, no room in the client's receive maximum (try again after the
        next PageAcked), or larger than the client takes (never will).
        """
        raise NotImplementedError

    def close(self, reason: Reason) -> list[Event]:
        """Close from our side; an MQTT 5 client is told why. Returns Disconnected if the client had been accepted."""
        raise NotImplementedError

    def connection_lost(self) -> list[Event]:
        """The socket ended or failed. Returns Disconnected, with the will, if the client had been accepted and was open."""
        raise NotImplementedError

    @property
    def deadline_ms(self) -> int | None:
        """When `handle_timeout` is due if nothing whole is heard before; None when closed. Moves with every packet."""
        raise NotImplementedError

    def handle_timeout(self, now_ms: int) -> list[Event]:
        """Close if the deadline has passed, else nothing. Leave it out while you have stopped reading this socket."""
        raise NotImplementedError

    def reading_resumed(self, now_ms: int) -> None:
        """The edge had stopped reading (backpressure): that silence was ours, the keep-alive starts anew."""
        raise NotImplementedError
