"""One direct connection: a socket, its MQTT session, and the client behind it.

This file moves bytes and clocks; what MQTT means is the session's, who may do what the rows' of `access`.
"""

import asyncio
import contextlib
import socket
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from devices.events import Message
from gateway.flow import Allowance
from gateway.mqtt.access import Allowed, Denied, Principal, allowed
from gateway.mqtt.events import (
    ConnectRequested,
    Disconnected,
    Event,
    PageAcked,
    ProtocolFailed,
    Published,
    SubscribeRequested,
    UnsubscribeRequested,
    Will,
)
from gateway.mqtt.reasons import Reason
from gateway.mqtt.server_session import ServerSession
from gateway.presence import was_cut_off

if TYPE_CHECKING:
    from gateway.edge.listener import Listener

FLOW, RATE, SLOW_READER = 1, 2, 4  # why a connection is not read
_V311 = 4
# How long a client may take to read our last words.
_LAST_WORDS_S = 5.0


def clock_ms() -> int:
    """Milliseconds that never go back: for deadlines, not for what is written."""
    return time.monotonic_ns() // 1_000_000


class Connection(asyncio.BufferedProtocol):
    """One socket and its session."""

    __slots__ = (
        "_allowance",
        "_client",
        "_connected_ms",
        "_gate",
        "_heard_ms",
        "_listener",
        "_not_read",
        "_transport",
        "peer",
        "principal",
        "session",
        "subscriptions",
    )

    def __init__(self, listener: "Listener") -> None:
        self._listener = listener
        self._gate = listener.gate
        self._transport: Any = None
        self._not_read = 0
        self._client = ""
        self._connected_ms = 0
        self._heard_ms = 0
        self._allowance: Allowance | None = None
        self.peer = ""
        self.principal: Principal | None = None
        self.subscriptions: dict[str, int] = {}
        self.session: ServerSession

    # What asyncio calls.

    def connection_made(self, transport: Any) -> None:
        listener = self._listener
        self._transport = transport
        now_ms = clock_ms()
        self.session = ServerSession(opened_at_ms=now_ms, limits=listener.rules.limits)
        peer = transport.get_extra_info("peername")
        self.peer = str(peer[0]) if peer else ""
        if listener.stopping or len(listener.connections) >= listener.rules.max_connections:
            listener.counts["too_many_connections"] += 1
            listener.seldom.say("a connection was turned away", self.peer, because="too many connections")
            transport.abort()
            return
        if len(listener.half_open) >= listener.rules.max_half_open:
            # Whoever has waited longest without saying who it is makes room for the next.
            listener.counts["half_open_dropped"] += 1
            next(iter(listener.half_open)).abort()
        listener.connections[self] = None
        listener.half_open[self] = None
        _watch_for_death(transport.get_extra_info("socket"))
        listener.expect(self, now_ms + listener.rules.limits.connect_timeout_ms)
        if listener.paused:
            self.stop_reading(FLOW)

    def get_buffer(self, _sizehint: int) -> memoryview:
        # One buffer for all: what is in it is taken out before anybody else reads.
        return self._listener.view

    def buffer_updated(self, nbytes: int) -> None:
        session = self.session
        now_ms = clock_ms()
        self._heard_ms = now_ms
        self._follow(session.receive_data(bytes(self._listener.view[:nbytes]), now_ms), now_ms)

    def eof_received(self) -> None:
        return None

    def connection_lost(self, exc: Exception | None) -> None:
        listener = self._listener
        self._transport = None
        self._follow(self.session.connection_lost(), clock_ms())
        listener.connections.pop(self, None)
        listener.half_open.pop(self, None)

    def pause_writing(self) -> None:
        # A client that sends and does not read its answers.
        self.stop_reading(SLOW_READER)

    def resume_writing(self) -> None:
        self.read_again(SLOW_READER, clock_ms())

    # What the session says.

    def _follow(self, events: list[Event], now_ms: int) -> None:
        published: list[Published] = []
        while events:
            # Accepting a CONNECT gives the events of what came behind it.
            further: list[Event] = []
            for event in events:
                if event.__class__ is Published:
                    published.append(event)  # pyright: ignore[reportArgumentType]
                    continue
                if published:
                    self._take(published, now_ms)
                    published = []
                further += self._other(event)
            events = further
        if published:
            self._take(published, now_ms)
        self.flush()

    def _take(self, published: list[Published], now_ms: int) -> None:
        gate = self._gate
        take = gate.take
        client = self._client
        received_ms = gate.now_ms()
        packet_ids: list[int] = []
        denied: list[int] = []
        size = 0
        for event in published:
            packet_id = event.packet_id
            # Nothing is retained here: what a device marks so is said now all the same.
            taken = take(Message(event.topic, event.payload, received_ms, False, event.dup, packet_id, client))
            size += len(event.payload)
            if packet_id:
                packet_ids.append(packet_id)
                if taken.rejects and taken.rejects[0].reason == "forbidden-topic":
                    denied.append(packet_id)
        if denied and self.session.version != _V311:
            gate.when_durable(partial(self._answer_each, packet_ids, frozenset(denied)))
        else:
            gate.when_durable(partial(self._acknowledge, packet_ids) if packet_ids else None)
        gate.count(len(published), size)
        allowance = self._allowance
        if allowance is not None:
            wait_ms = allowance.spend(len(published), now_ms)
            if wait_ms > 0:
                self._listener.counts["rate_limited"] += 1
                self.stop_reading(RATE)
                self._listener.loop.call_later(wait_ms / 1000, self._allowed_again)

    def _acknowledge(self, packet_ids: list[int]) -> None:
        self.session.acknowledge(packet_ids)
        self.flush()

    def _answer_each(self, packet_ids: list[int], denied: frozenset[int]) -> None:
        for packet_id in packet_ids:
            if packet_id in denied:
                self.session.refuse_publish(packet_id, Reason.NOT_AUTHORISED)
            else:
                self.session.acknowledge([packet_id])
        self.flush()

    def _allowed_again(self) -> None:
        self.read_again(RATE, clock_ms())

    def _other(self, event: Event) -> list[Event]:
        listener = self._listener
        match event:
            case ConnectRequested():
                return self._connect(event)
            case SubscribeRequested(packet_id, subscriptions):
                codes: list[int] = []
                for line in subscriptions:
                    assert self.principal is not None
                    judged = allowed(self.principal, "subscribe", line.topic_filter)
                    if isinstance(judged, Allowed):
                        self.subscriptions[line.topic_filter] = min(line.qos, 1)
                        codes.append(min(line.qos, 1))
                    else:
                        listener.counts["denied_subscriptions"] += 1
                        listener.seldom.say("a subscription was denied", self._client, because=judged.reason)
                        codes.append(judged.code)
                self.session.suback(packet_id, codes)
                listener.on_subscribed(self)
            case UnsubscribeRequested(packet_id, topic_filters):
                had = [self.subscriptions.pop(topic, None) is not None for topic in topic_filters]
                self.session.unsuback(
                    packet_id, [Reason.SUCCESS if one else Reason.NO_SUBSCRIPTION_EXISTED for one in had]
                )
            case PageAcked(packet_id, code):
                listener.on_page_acked(self, packet_id, code)
            case ProtocolFailed(code, reason):
                listener.counts["protocol_failures"] += 1
                listener.seldom.say("a connection broke the protocol", self._client or self.peer, because=reason)
                if code is Reason.PACKET_TOO_LARGE and self._client:
                    nothing = Message("", b"", self._gate.now_ms(), client=self._client)
                    self._gate.hold(
                        self._gate.intake.refuse(nothing, "too-large", f"{reason}: the packet was not read")
                    )
                    self._gate.when_durable(None)
            case Disconnected(will, by):
                self._gone(will, by)
            case Published():
                raise AssertionError("a message is taken with its run")
        return []

    def _connect(self, request: ConnectRequested) -> list[Event]:
        listener = self._listener
        judged = listener.admit(request, self._certificate_name())
        if isinstance(judged, Principal) and request.will is not None:
            may = allowed(judged, "will", request.will.topic)
            if isinstance(may, Denied):
                self._refuse_will(request.client_id, request.will)
                judged = may.code
        if not isinstance(judged, Principal):
            listener.counts["refused_connections"] += 1
            listener.seldom.say("a client was refused", request.client_id[:64], peer=self.peer, because=judged.name)
            self.session.refuse(judged)
            return []
        earlier = listener.clients.get(request.client_id)
        if earlier is not None:
            listener.counts["taken_over"] += 1
            earlier.end(Reason.SESSION_TAKEN_OVER)
        self.principal = judged
        self._client = request.client_id
        self._connected_ms = self._heard_ms
        rate = listener.rules.rate_per_device_s * listener.devices_behind(judged)
        self._allowance = Allowance(rate, max(1.0, rate * listener.rules.burst_s), self._heard_ms)
        listener.clients[self._client] = self
        listener.half_open.pop(self, None)
        listener.counts["accepted_connections"] += 1
        self._say_presence(True)
        events = self.session.accept(
            packet_bytes=listener.rules.bridge_packet_bytes if judged.kind == "bridge" else None
        )
        if self.session.deadline_ms is not None:
            listener.expect(self, self.session.deadline_ms)
        return events

    def _certificate_name(self) -> str | None:
        """The common name of the certificate that TLS has verified; None without one."""
        certificate = self._transport.get_extra_info("peercert") if self._transport is not None else None
        for part in (certificate or {}).get("subject", ()):
            for key, value in part:
                if key == "commonName":
                    return value
        return None

    def _refuse_will(self, client: str, will: Will) -> None:
        message = Message(will.topic, will.payload, self._gate.now_ms(), client=client)
        detail = "the last will is not on a topic of this client: its connection is refused"
        self._gate.hold(self._gate.intake.refuse(message, "forbidden-topic", detail))
        self._gate.when_durable(None)

    def _gone(self, will: Will | None, by: str) -> None:
        listener = self._listener
        if listener.clients.get(self._client) is self:
            del listener.clients[self._client]
        listener.counts[f"ended_by_{by}"] += 1
        listener.on_gone(self)
        # Whoever we cut off ourselves (we stop, or it came again over another connection) is not gone.
        if by == "server":
            return
        if will is not None:
            self._gate.take(Message(will.topic, will.payload, self._gate.now_ms(), client=self._client))
            self._gate.when_durable(None)
            self._gate.count(1, len(will.payload))
        keep_alive_s = self.session.keep_alive_s
        if was_cut_off(by, will is not None, self._connected_ms, self._heard_ms, keep_alive_s):
            self._say_presence(False)

    def _say_presence(self, online: bool) -> None:
        event = self._gate.intake.availability(self._client, online, self._gate.now_ms())
        if event is not None:
            self._gate.add([event])

    # Reading, writing, ending.

    def flush(self) -> None:
        """Write what the session has to say; close where it said its last."""
        transport = self._transport
        if transport is None:
            return
        data = self.session.data_to_send()
        if data:
            transport.write(data)
        if self.session.closed:
            self._transport = None
            transport.close()
            if transport.get_write_buffer_size():
                self._listener.loop.call_later(_LAST_WORDS_S, transport.abort)

    def end(self, reason: Reason) -> None:
        """End it from our side."""
        self._follow(self.session.close(reason), clock_ms())

    def abort(self) -> None:
        """Drop it without a word."""
        transport = self._transport
        self._listener.half_open.pop(self, None)
        if transport is not None:
            transport.abort()

    def stop_reading(self, why: int) -> None:
        if not self._not_read and self._transport is not None:
            with contextlib.suppress(RuntimeError):  # closing already
                self._transport.pause_reading()
        self._not_read |= why

    def read_again(self, why: int, now_ms: int) -> None:
        if not self._not_read & why:
            return
        self._not_read &= ~why
        if not self._not_read and self._transport is not None:
            self.session.reading_resumed(now_ms)
            with contextlib.suppress(RuntimeError):
                self._transport.resume_reading()

    def look_at_deadline(self, now_ms: int) -> None:
        deadline_ms = self.session.deadline_ms
        if deadline_ms is None or self._transport is None:
            return
        if self._not_read:
            # The silence is ours.
            self._listener.expect(self, now_ms + 5000)
            return
        if deadline_ms <= now_ms:
            self._follow(self.session.handle_timeout(now_ms), now_ms)
        else:
            self._listener.expect(self, deadline_ms)


def _watch_for_death(sock: socket.socket | None) -> None:
    """Ask TCP to find out about peers that vanished without a word."""
    if sock is None:
        return
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (("TCP_KEEPIDLE", 120), ("TCP_KEEPINTVL", 30), ("TCP_KEEPCNT", 4)):
        if hasattr(socket, option):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
