"""A client at the other end of one session, in memory: it speaks packets and hears packets."""

from gateway.mqtt.events import ConnectRequested, Event, Published
from gateway.mqtt.packets import V5, V311, Connack, Connect, Packet, build, parse
from gateway.mqtt.server_session import Limits, ServerSession
from gateway.mqtt.wire import find_packet


def message(topic: str = "a/b", payload: bytes = b"x", qos: int = 0, packet_id: int = 0, **more) -> Published:
    return Published(topic, payload, qos, packet_id, **({"dup": False, "retain": False, "properties": ()} | more))


class Client:
    def __init__(self, version: int = V311, limits: Limits | None = None) -> None:
        self.version = version
        self.now_ms = 1_000
        self.session = ServerSession(opened_at_ms=self.now_ms, limits=limits)

    def asks(self, **fields) -> list[Event]:
        """Send a CONNECT and no more."""
        return self.sends(Connect(**({"version": self.version, "client_id": "door-1"} | fields)))

    def comes_in(self, **fields) -> "Client":
        """CONNECT, accepted; the CONNACK is taken off the wire."""
        (asked,) = self.asks(**fields)
        assert isinstance(asked, ConnectRequested)
        assert self.session.accept() == []
        (welcome,) = self.hears()
        assert isinstance(welcome, Connack)
        assert welcome.code == 0
        return self

    def sends(self, *packets: Packet) -> list[Event]:
        return self.sends_bytes(b"".join(build(packet, self.version) for packet in packets))

    def sends_bytes(self, data: bytes) -> list[Event]:
        return self.session.receive_data(data, self.now_ms)

    def hears(self) -> list[Packet]:
        """Every packet that the session has sent since the last call."""
        data = self.session.data_to_send()
        assert self.session.data_to_send() == b""
        heard: list[Packet] = []
        position = 0
        while position < len(data):
            body, end = find_packet(data, position, 1 << 28, self.version == V5)
            assert body
            assert end <= len(data)
            heard.append(parse(data[position], data[body:end], self.version))
            position = end
        return heard

    def waits(self, seconds: float) -> list[Event]:
        self.now_ms += int(seconds * 1000)
        return self.session.handle_timeout(self.now_ms)
