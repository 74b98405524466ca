"""Every state times every packet, whole and cut: what the table of states says happens, and nothing else."""

import pytest

from gateway.mqtt.events import Disconnected, ProtocolFailed, Subscription, Will
from gateway.mqtt.packets import (
    V5,
    V311,
    Answer,
    Auth,
    Connack,
    Connect,
    Disconnect,
    PacketType,
    Pingreq,
    Pingresp,
    Suback,
    Subscribe,
    Unsuback,
    Unsubscribe,
    build,
)
from gateway.mqtt.reasons import Reason
from gateway.mqtt.states import TRANSITIONS, State, Step
from tests.gateway.mqtt.client import Client, message

WILL = Will("door-1/status", b"offline", 0, False)
PACKETS = {
    PacketType.CONNECT: lambda version: Connect(version=version, client_id="door-1", will=WILL),
    PacketType.CONNACK: lambda _: Connack(False, 0),
    PacketType.PUBLISH: lambda _: message(qos=1, packet_id=1),
    PacketType.PUBACK: lambda _: Answer(PacketType.PUBACK, 1),
    PacketType.PUBREC: lambda _: Answer(PacketType.PUBREC, 1),
    PacketType.PUBREL: lambda _: Answer(PacketType.PUBREL, 1),
    PacketType.PUBCOMP: lambda _: Answer(PacketType.PUBCOMP, 1),
    PacketType.SUBSCRIBE: lambda _: Subscribe(1, (Subscription("a", 1, 1),)),
    PacketType.SUBACK: lambda _: Suback(1, (0,)),
    PacketType.UNSUBSCRIBE: lambda _: Unsubscribe(1, ("a",)),
    PacketType.UNSUBACK: lambda version: Unsuback(1, (0,) if version == V5 else ()),
    PacketType.PINGREQ: lambda _: Pingreq(),
    PacketType.PINGRESP: lambda _: Pingresp(),
    PacketType.DISCONNECT: lambda _: Disconnect(),
    PacketType.AUTH: lambda _: Auth(),
}
VERSIONS = pytest.mark.parametrize("version", [V311, V5])


def in_state(state: State, version: int) -> Client:
    client = Client(version)
    if state is State.AWAITING_CONNECT:
        return client
    if state is State.AUTHENTICATING:
        client.asks(will=WILL)
        return client
    client.comes_in(will=WILL)
    if state is State.CLOSED:
        client.session.connection_lost()
    return client


@VERSIONS
@pytest.mark.parametrize("kind", PacketType)
@pytest.mark.parametrize("state", State)
def test_every_packet_in_every_state(state, kind, version):
    client = in_state(state, version)
    data = build(PACKETS[kind](version), version)
    # An incomplete packet moves nothing, unless its first byte says enough.
    if state is State.CONNECTED or kind is PacketType.CONNECT:
        for position in range(len(data) - 1):
            assert client.sends_bytes(data[position : position + 1]) == []
        events = client.sends_bytes(data[-1:])
    else:
        events = client.sends_bytes(data)

    following = TRANSITIONS[state].get(Step(kind))
    if state is State.CLOSED:
        assert events == []
        assert client.session.closed
    elif state is State.AUTHENTICATING:
        assert events == []  # not looked at before the edge has answered
        assert not client.session.closed
    elif following is None:
        assert isinstance(events[0], ProtocolFailed)
        assert events[0].code == Reason.PROTOCOL_ERROR
        assert events[1:] == ([Disconnected(WILL, "protocol")] if state is State.CONNECTED else [])
        assert client.session.closed
    else:
        assert not any(isinstance(event, ProtocolFailed) for event in events)
        assert client.session.closed == (following is State.CLOSED)
        assert client.session.wants_data == (following is State.CONNECTED)


@VERSIONS
@pytest.mark.parametrize("state", State)
def test_every_state_ends_once(state, version):
    for end in ("lost", "closed", "silent"):
        client = in_state(state, version)
        by = {"lost": "network", "closed": "server", "silent": "protocol"}[end]
        events = end_by(client, end)
        ends = [event for event in events if isinstance(event, Disconnected)]
        assert ends == ([Disconnected(WILL, by)] if state is State.CONNECTED else [])
        assert client.session.closed
        assert [end_by(client, again) for again in ("lost", "closed", "silent")] == [[], [], []]


def end_by(client: Client, end: str) -> list:
    if end == "lost":
        return client.session.connection_lost()
    if end == "closed":
        return client.session.close(Reason.SERVER_SHUTTING_DOWN)
    return client.waits(10_801)  # one and a half times the longest keep-alive, and a second
