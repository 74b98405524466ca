"""Devices connect here: MQTT connections over TCP and TLS, each with its session, all with one intake.

PUBACK means on disk: what a connection sent is answered when the batch that holds it is committed, in one write.
"""

import asyncio
import ssl
from collections import Counter
from collections.abc import Callable
from typing import Any

import msgspec

from devices.fleet import Fleet
from gateway.edge.connection import FLOW, Connection, clock_ms
from gateway.edge.gate import Gate
from gateway.edge.say import Seldom, say
from gateway.mqtt.access import Denied, Principal, may_connect
from gateway.mqtt.events import (
    ConnectRequested,
)
from gateway.mqtt.reasons import Reason
from gateway.mqtt.server_session import Limits
from gateway.principals import knows_secret, secrets

_RECEIVE_BYTES = 64 * 1024
# A sweep that comes late by a second or more waits so long: first is read what lies in the sockets.
_READ_FIRST_S = 0.5


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """What a listener allows.  `rate_per_device_s` messages a second, ten seconds' worth at once after a rest."""

    max_connections: int = 6000
    max_half_open: int = 1000
    rate_per_device_s: float = 20.0
    burst_s: float = 10.0
    allow_anonymous: bool = False
    limits: Limits = Limits()
    # Zigbee2MQTT publishes the list of its devices, and of all it knows of Zigbee, as one packet each.
    bridge_packet_bytes: int = 4 * 1024 * 1024


class Listener:
    """Every direct connection.  `heard` is told of page acknowledgements and subscriptions (`pages_out`)."""

    def __init__(self, gate: Gate, fleet: Fleet, rules: Rules, *, loop: asyncio.AbstractEventLoop) -> None:
        self.gate = gate
        self.rules = rules
        self.loop = loop
        self.connections: dict[Connection, None] = {}
        self.half_open: dict[Connection, None] = {}
        self.clients: dict[str, Connection] = {}
        self.counts: Counter[str] = Counter()
        self.seldom = Seldom()
        self.on_subscribed: Callable[[Connection], None] = lambda _connection: None
        self.on_page_acked: Callable[[Connection, int, int], None] = lambda _connection, _packet_id, _code: None
        self.on_gone: Callable[[Connection], None] = lambda _connection: None
        self.paused = False
        self.stopping = False
        self._fleet = fleet
        self._secrets = secrets(fleet)
        self._servers: list[asyncio.Server] = []
        self._due: dict[int, set[Connection]] = {}
        self._swept_s = clock_ms() // 1000
        self._sweeper: asyncio.TimerHandle | None = None
        self._has_read = False
        self.buffer = bytearray(_RECEIVE_BYTES)
        self.view = memoryview(self.buffer)

    # Opening and closing.

    async def listen(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> tuple[str, int]:
        """Open one address; the address it got (port 0 asks for a free one).  Raises OSError."""
        options: dict[str, Any] = {"ssl": tls, "ssl_handshake_timeout": 10} if tls else {}
        server = await self.loop.create_server(
            lambda: Connection(self), host, port, backlog=4096, reuse_address=True, **options
        )
        self._servers.append(server)
        if self._sweeper is None:
            self._sweep()
        bound = server.sockets[0].getsockname()
        return bound[0], bound[1]

    async def close(self) -> None:
        """Take nobody in any more and say goodbye to all; what is taken in should be committed before."""
        self.stopping = True
        for server in self._servers:
            server.close()
        if self._sweeper is not None:
            self._sweeper.cancel()
        for connection in list(self.connections):
            connection.end(Reason.SERVER_SHUTTING_DOWN)
        await asyncio.sleep(0)

    def stop_reading(self) -> None:
        """Take in nothing more, but still acknowledge what was taken."""
        self.stopping = True
        for server in self._servers:
            server.close()
        self.pause()

    # Backpressure (a Source of the gate).

    def pause(self) -> None:
        self.paused = True
        for connection in self.connections:
            connection.stop_reading(FLOW)

    def resume(self) -> None:
        if self.stopping:
            return
        self.paused = False
        now_ms = clock_ms()
        for connection in self.connections:
            connection.read_again(FLOW, now_ms)

    # Who comes in.

    def admit(self, request: ConnectRequested, certificate_name: str | None) -> Principal | Reason:
        """The client of this CONNECT, or why it is turned away."""
        principal = self.gate.intake.principals.get(request.client_id)
        if principal is not None and principal.kind == "platform":
            # It comes by the push door; its name is nobody's here.
            principal = None
        if certificate_name is None and request.username is None and self.rules.allow_anonymous:
            # A row with a secret is opened by it alone, whatever else is let in.
            if principal is not None and request.client_id not in self._secrets:
                return principal
            return Reason.NOT_AUTHORISED
        named = may_connect(request.client_id, request.username, certificate_name)
        if isinstance(named, Denied):
            return named.code
        # Asked even where the answer is known, so that the time it takes tells nothing about the fleet.
        knows = knows_secret(self._secrets, request.client_id, request.password)
        if principal is None or not (knows or certificate_name is not None):
            return Reason.BAD_USER_NAME_OR_PASSWORD
        return principal

    def devices_behind(self, principal: Principal) -> int:
        """How many devices speak through one connection."""
        if principal.kind != "bridge" or not principal.behind:
            return 1
        return 1 + sum(device.topic.startswith(principal.behind) for device in self._fleet.devices.values())

    # Time.

    def expect(self, connection: "Connection", deadline_ms: int) -> None:
        """Look at this connection again when its deadline may have come."""
        slot = max(deadline_ms // 1000 + 1, self._swept_s + 1)
        self._due.setdefault(slot, set()).add(connection)

    def _sweep(self) -> None:
        """Once a second: connections whose deadline may have come.  It moves with every packet, and is looked up only
        here; a few at a time, so that a connection costs nothing while it lives."""
        now_ms = clock_ms()
        if now_ms // 1000 - self._swept_s > 1 and not self._has_read:
            # We were held up ourselves (stopped, swapped out): what devices said meanwhile is still to be read.
            self._has_read = True
            self._sweeper = self.loop.call_later(_READ_FIRST_S, self._sweep)
            return
        self._has_read = False
        while self._swept_s < now_ms // 1000:
            self._swept_s += 1
            for connection in self._due.pop(self._swept_s, ()):
                connection.look_at_deadline(now_ms)
        self._sweeper = self.loop.call_later(1.0 - (now_ms % 1000) / 1000 + 0.001, self._sweep)


def server_tls(certificate: str, private_key: str, client_ca: str) -> ssl.SSLContext:
    """TLS for devices; with `client_ca` a device may show a certificate instead of a secret.  Raises OSError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, private_key)
    if client_ca:
        context.load_verify_locations(client_ca)
        context.verify_mode = ssl.CERT_OPTIONAL
    return context


def announce(listener: Listener, what: str, address: tuple[str, int]) -> None:
    """One line for the operator: where it listens."""
    say("listening", what=what, address=f"{address[0]}:{address[1]}", connections=listener.rules.max_connections)
