"""The door for platforms that push over HTTP.  200 means on disk, as PUBACK does.

It faces the internet: who is not known gets 404 or 403 and the end of the connection, and leaves nothing but a count
and, of each platform, a few rejects a minute.  Everything a caller may take of us is bounded: connections, one
address's requests, one platform's.
"""

import asyncio
import ssl
from collections import Counter, OrderedDict
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

import msgspec

from devices.events import Message
from gateway.edge.connection import clock_ms
from gateway.edge.gate import Gate
from gateway.edge.http_caller import Answer, Caller, HttpRequest, Limits, bad
from gateway.edge.say import Seldom, say
from gateway.flow import Allowance
from gateway.push import KINDS
from gateway.push.address import parsed
from gateway.push.values import Greeted, Platform, Pushed, Refused, Request
from gateway.rejects import LARGEST_PAYLOAD

# Base64 of an encrypted message is a third longer than the message.
_LARGEST_BODY = 2 * LARGEST_PAYLOAD
# Of a push that was not let in so much is kept, and of so many: the door is open to everybody.
_KEPT_BYTES = 2048
_KEPT_RATE_S, _KEPT_BURST = 0.2, 20
_MOST_ADDRESSES = 10_000
_PATIENCE_S = 5.0
_LAST_ANSWERS_S = 0.5


class PushRules(msgspec.Struct, frozen=True, kw_only=True):
    """Rates are requests a second; ten seconds' worth at once after a rest."""

    max_connections: int = 200
    rate_per_platform_s: float = 200.0
    rate_per_address_s: float = 100.0
    burst_s: float = 10.0
    request_s: float = 10.0
    idle_s: float = 60.0


class PushDoor:
    """`platforms` is by id, with their secrets."""

    def __init__(
        self, gate: Gate, platforms: Mapping[str, Platform], rules: PushRules, *, loop: asyncio.AbstractEventLoop
    ) -> None:
        self.limits = Limits(body_bytes=_LARGEST_BODY, ahead=16, request_s=rules.request_s, idle_s=rules.idle_s)
        self.counts: Counter[str] = Counter()
        self._gate = gate
        self._platforms = platforms
        self._rules = rules
        self._loop = loop
        self._seldom = Seldom()
        self._server: asyncio.Server | None = None
        self._open: dict[Caller, None] = {}
        self._stopping = False
        self._addresses: OrderedDict[str, Allowance] = OrderedDict()
        now_ms = clock_ms()
        rate = rules.rate_per_platform_s
        self._rates = {name: Allowance(rate, max(1.0, rate * rules.burst_s), now_ms) for name in platforms}
        self._kept = {name: Allowance(_KEPT_RATE_S, _KEPT_BURST, now_ms) for name in platforms}

    @property
    def connections(self) -> int:
        return len(self._open)

    async def listen(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> tuple[str, int]:
        """Open the door; the address it got.  Raises OSError."""
        options: dict[str, Any] = {"ssl": tls, "ssl_handshake_timeout": self._rules.request_s} if tls else {}
        self._server = await self._loop.create_server(
            lambda: Caller(self), host, port, backlog=256, reuse_address=True, **options
        )
        bound = self._server.sockets[0].getsockname()
        return bound[0], bound[1]

    def stop_reading(self) -> None:
        """Take in nothing more, but still answer what was taken."""
        self._stopping = True
        if self._server is not None:
            self._server.close()

    async def close(self) -> None:
        """Answer what is on disk by now, then hang up."""
        self.stop_reading()
        owed = [caller.answering for caller in self._open if caller.answering is not None]
        if owed:
            await asyncio.wait(owed, timeout=_LAST_ANSWERS_S)
        for caller in list(self._open):
            caller.close()

    async def answer(self, request: HttpRequest) -> Answer:
        """What to say to one request."""
        self.counts["requests"] += 1
        now_ms = clock_ms()
        if not _is_own(request.peer) and self._spent(self._address(request.peer, now_ms), now_ms):
            return self._too_many(f"the address {request.peer}")
        found = parsed(request.method, request.target, request.headers, request.body)
        platform = None if found is None or isinstance(found, Refused) else self._platforms.get(found[0])
        if found is None or (platform is None and not isinstance(found, Refused)):
            self.counts["not_found"] += 1
            return bad("not-found", "no platform of the fleet has this address", 404, last=True)
        if isinstance(found, Refused):
            self.counts["not_understood"] += 1
            return bad(found.reason, found.detail, found.status, last=True)
        assert platform is not None
        return await self._of(platform, found[1], request, now_ms)

    async def _of(self, platform: Platform, request: Request, raw: HttpRequest, now_ms: int) -> Answer:
        outcome = KINDS[platform.kind](request, platform)
        match outcome:
            case Refused():
                return self._refused(platform, outcome, raw, now_ms)
            case Greeted(words):
                self.counts["greeted"] += 1
                say("a platform verified its address", platform=platform.id, peer=raw.peer)
                return Answer(200, words, "text/plain; charset=utf-8")
            case Pushed(messages):
                if self._spent(self._rates[platform.id], now_ms):
                    return self._too_many(f"the platform {platform.id}")
                return await self._taken(platform, messages)

    async def _taken(self, platform: Platform, messages: tuple[tuple[str, bytes], ...]) -> Answer:
        """Take the messages in; answered when they are on disk."""
        gate = self._gate
        if self._stopping or gate.flow.failing or not gate.flow.reading:
            self.counts["not_ready"] += 1
            return bad("inbox-full", gate.trouble or "the disk is slow: push it again", 503, retry_after_s=5)
        written: asyncio.Future[None] = self._loop.create_future()
        taken = 0
        refused = ""
        for below, payload in messages:
            topic = f"{platform.topic}/{below}" if below else platform.topic
            found = gate.take(Message(topic, payload, gate.now_ms(), client=platform.id))
            taken += len(found.events)
            refused = refused or (found.rejects[0].reason if found.rejects else "")
        gate.when_durable(lambda: None if written.done() else written.set_result(None))
        gate.count(len(messages), sum(len(payload) for _, payload in messages))
        try:
            await asyncio.wait_for(written, _PATIENCE_S)
        except TimeoutError:
            # It may still be written: pushed again it is a duplicate then.
            self.counts["not_ready"] += 1
            return bad("inbox-full", gate.trouble or "not on disk yet: push it again", 503, retry_after_s=5)
        self.counts["taken"] += 1
        # What is not understood is kept in rejects, and pushing it again would not help: 200 all the same.
        return Answer(200, {"taken": taken, "refused": refused})

    def _refused(self, platform: Platform, why: Refused, raw: HttpRequest, now_ms: int) -> Answer:
        self.counts["refused_keys" if why.status in (401, 403) else "not_understood"] += 1
        self._seldom.say("a push was refused", platform.id, peer=raw.peer, because=why.detail)
        # A push with nothing in it has lost nothing; a Shelly says it all in the address.
        holds = bool(raw.body) or (platform.kind == "shelly" and raw.method == "GET")
        if holds and not self._spent(self._kept[platform.id], now_ms):
            # The name of whoever pushed is nobody's of the fleet: fed in again, it is refused again.
            message = Message(
                platform.topic, raw.body[:_KEPT_BYTES], self._gate.now_ms(), client=f"push from {raw.peer}"
            )
            self._gate.hold(self._gate.intake.refuse(message, why.reason, f"{platform.id}: {why.detail}"))
            self._gate.when_durable(None)
        return bad(why.reason, why.detail, why.status, last=True)

    # Limits.

    def _address(self, peer: str, now_ms: int) -> Allowance:
        allowance = self._addresses.get(peer)
        if allowance is None:
            rate = self._rules.rate_per_address_s
            allowance = self._addresses[peer] = Allowance(rate, max(1.0, rate * self._rules.burst_s), now_ms)
            if len(self._addresses) > _MOST_ADDRESSES:
                self._addresses.popitem(last=False)
        else:
            self._addresses.move_to_end(peer)
        return allowance

    @staticmethod
    def _spent(allowance: Allowance, now_ms: int) -> bool:
        """Whether this request is one too many; one that is turned away costs nothing."""
        if allowance.spend(1, now_ms) <= 0:
            return False
        allowance.spend(-1, now_ms)
        return True

    def _too_many(self, who: str) -> Answer:
        self.counts["over_rate"] += 1
        self._seldom.say("pushes came too fast", who)
        return bad("too-many", f"{who} pushes too fast", 429, retry_after_s=1, last=True)

    # What its callers tell it.

    def joined(self, caller: Caller) -> bool:
        if self._stopping:
            return False
        if len(self._open) >= self._rules.max_connections:
            # Whoever has been here longest without one whole request makes room, else the newest is turned away: those
            # who stay after a request have shown a key.
            idle = next((other for other in self._open if not other.asked), None)
            self.counts["turned_away"] += 1
            self._seldom.say("a connection was turned away", (idle or caller).peer, because="too many connections")
            if idle is None:
                return False
            del self._open[idle]
            idle.abort()
        self._open[caller] = None
        return True

    def left(self, caller: Caller) -> None:
        self._open.pop(caller, None)

    def misbehaved(self, caller: Caller, answer: Answer) -> None:
        self.counts["not_http"] += 1
        self._seldom.say("a caller of the push door was refused", caller.peer, because=answer.body["detail"])

    def faulty(self, request: HttpRequest, fault: BaseException) -> None:
        # Not the address: it may hold a key.
        say("a fault of this program met a push", method=request.method[:20], fault=f"{type(fault).__name__}: {fault}")


def _is_own(peer: str) -> bool:
    """Whether it comes from this machine: a proxy, behind which everybody has one address."""
    try:
        return ip_address(peer).is_loopback
    except ValueError:
        return False
