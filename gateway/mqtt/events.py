"""What one MQTT connection tells the edge. Frozen values; the list is closed."""

from msgspec import Struct

from gateway.mqtt.reasons import Reason

PropertyValue = int | str | bytes | tuple[str, str]

# Properties of MQTT 5 in the order of the packet: (identifier, value). An integer property is an int, a string a str,
# binary data bytes, a user property the pair (name, value). Always () in 3.1.1.
Properties = tuple[tuple[int, PropertyValue], ...]


class Will(Struct, frozen=True, gc=False):
    """What the client wants said if its connection ends without a goodbye."""

    topic: str
    payload: bytes
    qos: int
    retain: bool
    properties: Properties = ()


class ConnectRequested(Struct, frozen=True, gc=False):
    """A well-formed CONNECT: answer with `accept()` or `refuse(reason)`. No further byte is parsed before that."""

    version: int
    """4 is MQTT 3.1.1, 5 is MQTT 5."""
    client_id: str
    """Never empty: an empty one was refused before this event."""
    username: str | None
    password: bytes | None
    will: Will | None
    """Its topic is not yet checked against what this client may publish: do that before `accept()`."""
    clean_start: bool
    keep_alive_s: int
    """As the client asked; 0 means "do not check". What is applied is `ServerSession.keep_alive_s`."""
    session_expiry_s: int
    """As the client asked; a session is never kept, and an MQTT 5 client is told so."""
    properties: Properties


class Published(Struct, frozen=True, gc=False):
    """A message from the client. QoS 1 and 2 stay unanswered until `acknowledge` or `refuse_publish`."""

    topic: str
    """Valid UTF-8, not empty, no wildcard, no NUL. Not yet checked against what this client may publish."""
    payload: bytes
    qos: int
    packet_id: int
    """1-65535; 0 for QoS 0."""
    dup: bool
    retain: bool
    """The client asks that it be retained. Nothing is: over a direct connection such a message is live, no replay."""
    properties: Properties


class Subscription(Struct, frozen=True, gc=False):
    """One line of a SUBSCRIBE. The filter is UTF-8 and not empty; its syntax and rights are for `access` to judge."""

    topic_filter: str
    qos: int
    options: int
    """The options byte of MQTT 5 (bits 2-5: no local, retain as published, retain handling); the QoS alone in 3.1.1."""


class SubscribeRequested(Struct, frozen=True, gc=False):
    """Answer with `suback(packet_id, codes)`, one code a line, in order."""

    packet_id: int
    subscriptions: tuple[Subscription, ...]


class UnsubscribeRequested(Struct, frozen=True, gc=False):
    """Answer with `unsuback(packet_id, codes)`, one code a line, in order."""

    packet_id: int
    topic_filters: tuple[str, ...]


class PageAcked(Struct, frozen=True, gc=False):
    """The client answered a message of ours: `packet_id` is what `publish` returned; there is room for another."""

    packet_id: int
    reason_code: int
    """0 or another success below 0x80; 0x80 and above: the client refused it (MQTT 5 only)."""


class ProtocolFailed(Struct, frozen=True, gc=False):
    """The client broke the protocol or ran out of time; the connection is closed. For counters and the log."""

    code: Reason
    reason: str
    """A short sentence in English; holds no bytes of the client's."""


class Disconnected(Struct, frozen=True, gc=False):
    """The end of an accepted connection: exactly once after `accept()`, whatever the cause, and the last event."""

    will: Will | None
    """To be taken in as a message of this client; None after a goodbye or where there was none."""
    by: str
    """`client` (DISCONNECT), `protocol` (ProtocolFailed came just before), `network` (connection lost) or `server`."""


Event = (
    ConnectRequested | Published | SubscribeRequested | UnsubscribeRequested | PageAcked | ProtocolFailed | Disconnected
)
