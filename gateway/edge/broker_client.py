"""The other way in: a broker the site already has, through paho-mqtt.

A message is acknowledged to the broker only when it is on our disk, over the same connection it came by.  The session
is persistent, so that the broker keeps what comes while we are away.  The connection is tried for ever; paho runs in
the gateway's own event loop, so that there is no thread whose end nobody would notice.
"""

import asyncio
import ssl
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, cast

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from devices.edge.settings import Broker
from devices.events import Message
from gateway.edge.buffered_socket import BufferedSocket
from gateway.edge.gate import Gate
from gateway.edge.pages_out import BROKER, PagesOut
from gateway.edge.say import say
from gateway.mqtt.answers import pubacks
from gateway.mqtt.events import Event, Published
from gateway.pages import Page
from streams.troubles import Detail, Trouble

_FIRST_PAUSE_S = 0.25
_LONGEST_PAUSE_S = 15.0
_KEEP_ALIVE_S = 30
_PINGREQ = b"\xc0\x00"
_FILTERS_AT_ONCE = 50
_PAGES_UNDER_WAY = 100
# So often a message goes through paho like any other packet: it so knows that the broker is alive.
_SHOWN_EVERY_S = 1.0
# Brokers restart; only one that stays away is worth waking a supervisor for.
_REPORTED_AFTER_S = 60.0


class _Client(paho.Client):
    """paho with a socket that reads and writes in bulk."""

    def _create_socket(self) -> Any:
        return BufferedSocket(super()._create_socket())  # pyright: ignore[reportArgumentType]


class BrokerClient:
    """Make it, then `start` it in the loop.  Its `state` is a word for the health page."""

    def __init__(
        self,
        gate: Gate,
        settings: Broker,
        filters: Sequence[str],
        *,
        loop: asyncio.AbstractEventLoop,
        pages: PagesOut | None,
    ) -> None:
        self.state = "not connected yet"
        self.trouble = ""
        self.connected = False
        self.counts: Counter[str] = Counter()
        self._gate = gate
        self._settings = settings
        share = f"$share/{settings.share}/" if settings.share else ""
        self._filters = [f"{share}{name}" for name in filters]
        self._loop = loop
        self._pages = pages
        self._client = self._make()
        self._socket: BufferedSocket | None = None
        self._generation = 0
        self._paused = False
        self._stopping = False
        self._reported: bool | None = None  # None: nothing was said of it yet
        self._refusal = ""
        self._away_since = loop.time()
        self._writing = False
        self._task: asyncio.Task[None] | None = None
        self._lost = asyncio.Event()
        self._shown_s = 0.0
        self._stayed_s = 0.0
        # Gathered while one read is worked off.
        self._packet_ids: list[int] = []
        self._messages = 0
        self._size = 0

    def _make(self) -> _Client:
        settings = self._settings
        client = _Client(
            CallbackAPIVersion.VERSION2, client_id=settings.client_id, clean_session=False, manual_ack=True
        )
        if settings.username:
            password = Path(settings.password_file).read_text().strip() if settings.password_file else None
            client.username_pw_set(settings.username, password)
        if settings.tls or settings.ca:
            client.tls_set(ca_certs=settings.ca or None, tls_version=ssl.PROTOCOL_TLS_CLIENT)
        client.max_inflight_messages_set(_PAGES_UNDER_WAY)
        client.connect_timeout = 10
        client.on_connect = self._on_connect
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        client.on_subscribe = self._on_subscribe
        client.on_socket_close = self._on_socket_close
        return client

    def start(self) -> None:
        """Begin to connect.  What ends it but `stop` is a fault of ours and ends the process (see the runner)."""
        self._client.connect_async(self._settings.host, self._settings.port, keepalive=_KEEP_ALIVE_S)
        self._task = self._loop.create_task(self._run())

    @property
    def task(self) -> "asyncio.Task[None]":
        assert self._task is not None
        return self._task

    async def stop(self) -> None:
        """Say goodbye; the broker keeps the session."""
        self._stopping = True
        if self._socket is not None:
            self._client.disconnect()
            self._client.loop_write()
            self._close("stopping")
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    # The connection.

    async def _run(self) -> None:
        pause_s = _FIRST_PAUSE_S
        while True:
            self._lost.clear()
            try:
                # Names, sockets and handshakes block: not in the loop's thread.  Nothing else touches paho meanwhile.
                await self._loop.run_in_executor(None, self._client.reconnect)
            except (OSError, ValueError) as error:
                self._away(f"{type(error).__name__}: {error}")
            else:
                self._opened()
                while not self._lost.is_set():
                    if self._paused:
                        self._stay()
                    else:
                        self._client.loop_misc()
                    self._after_calls()
                    if self.connected:
                        pause_s = _FIRST_PAUSE_S
                    try:
                        await asyncio.wait_for(self._lost.wait(), 1.0)
                    except TimeoutError:
                        continue
            # `wait_for` may return what it waited for and forget that it was cancelled meanwhile.
            if self._stopping:
                return
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def _stay(self) -> None:
        """While nothing is read, paho would take our own silence for the broker's and end the connection; and the
        broker ours.  What it answers is read when reading goes on."""
        now_s = self._loop.time()
        if self._socket is not None and now_s - self._stayed_s >= _KEEP_ALIVE_S / 2:
            self._stayed_s = now_s
            self._socket.send(_PINGREQ)

    def _opened(self) -> None:
        sock = self._client.socket()
        assert isinstance(sock, BufferedSocket)
        self._socket = sock
        self._generation += 1
        self.state = "connecting"
        if not self._paused:
            self._loop.add_reader(sock.fileno(), self._readable)
        self._after_calls()

    def _away(self, why: str) -> None:
        if self.trouble != why and not self._stopping:
            say("broker is not reachable, trying on", broker=self._address, trouble=why)
        self.state, self.trouble = "away", why
        away_s = self._loop.time() - self._away_since
        if self._reported is not True and not self._paused and away_s > _REPORTED_AFTER_S:
            self._reported = True
            self._report(False, Trouble.of("broker-away", address=self._address, why=why))

    def _report(self, well: bool, detail: Detail) -> None:
        self._gate.report("broker", well, detail)

    def _close(self, why: str) -> None:
        """The connection is over, whoever ended it."""
        sock, self._socket = self._socket, None
        if sock is None:
            return
        self._leave(sock)
        sock.close()
        if self.connected:
            self.connected = False
            self._away_since = self._loop.time()
            self.counts["connections_lost"] += 1
            if self._pages is not None:
                # paho sends again by itself what it had sent, over the next connection.
                self._pages.disconnect(BROKER, keeps_what_is_under_way=True)
        self._away(self._refusal or why)
        self._lost.set()

    def _leave(self, sock: BufferedSocket) -> None:
        """The loop must forget a socket before it is closed: its number is soon another's."""
        fd = sock.fileno()
        if fd >= 0:
            self._loop.remove_reader(fd)
            self._loop.remove_writer(fd)
        self._writing = False

    def _on_socket_close(self, _client: Any, _data: Any, sock: Any) -> None:
        # paho closes it in the middle of a read; what it closes while it connects (elsewhere) is none of the loop's.
        if sock is self._socket:
            self._leave(sock)

    @property
    def _address(self) -> str:
        return f"{self._settings.host}:{self._settings.port}"

    # Reading and writing.

    def _readable(self) -> None:
        sock = self._socket
        if sock is None:
            return
        try:
            more = sock.fill()
        except OSError as error:
            self._close(f"{type(error).__name__}: {error}")
            return
        self._work_off(sock)
        if more and self._socket is sock and not self._paused:
            self._loop.call_soon(self._readable)

    def _work_off(self, sock: BufferedSocket) -> None:
        outcome = self._take_in(sock)
        if outcome != MQTTErrorCode.MQTT_ERR_SUCCESS:
            self._close(paho.error_string(outcome))
        else:
            self._after_calls()

    def _take_in(self, sock: BufferedSocket) -> MQTTErrorCode:
        outcome = MQTTErrorCode.MQTT_ERR_SUCCESS
        now_s = self._loop.time()
        while outcome == MQTTErrorCode.MQTT_ERR_SUCCESS:
            if now_s - self._shown_s < _SHOWN_EVERY_S and (run := sock.take_publishes()):
                self._take(run)
                continue
            if not sock.lend():
                break
            self._shown_s = now_s
            outcome = self._client.loop_read()
        if self._messages:
            self._gate.when_durable(partial(self._acknowledge, self._generation, self._packet_ids))
            self._gate.count(self._messages, self._size)
            self._packet_ids, self._messages, self._size = [], 0, 0
        return outcome

    def _after_calls(self) -> None:
        """Send what paho has to say."""
        sock = self._socket
        if sock is None:
            return
        if self._client.socket() is not sock:
            self._close("the broker did not answer")
            return
        try:
            if self._client.want_write():
                self._client.loop_write()
            done = sock.flush()
        except OSError as error:
            self._broken(sock, f"{type(error).__name__}: {error}")
            return
        if not done and not self._writing:
            self._writing = True
            self._loop.add_writer(sock.fileno(), self._writable)

    def _broken(self, sock: BufferedSocket, why: str) -> None:
        """It failed while we wrote.  What came before that lies unread, and nobody else may have it: a broker that was
        killed may have forgotten what it had acknowledged."""
        try:
            more = not self._paused
            while more:
                more = sock.fill()
                more = self._take_in(sock) == MQTTErrorCode.MQTT_ERR_SUCCESS and more and not self._paused
        except OSError:
            pass  # that was all
        self._close(why)

    def _writable(self) -> None:
        sock = self._socket
        if sock is None:
            return
        self._loop.remove_writer(sock.fileno())
        self._writing = False
        self._after_calls()

    def pause(self) -> None:
        self._paused = True
        if self._socket is not None and self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket.fileno())

    def resume(self) -> None:
        self._paused = False
        if self._socket is not None and self._socket.fileno() >= 0:
            self._loop.add_reader(self._socket.fileno(), self._readable)

    # What paho calls, in the loop's thread.

    def _on_connect(self, client: paho.Client, _data: Any, flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            self.counts["connections_refused"] += 1
            self._refusal = f"refused: {reason}"
            return
        self._refusal = ""
        self.connected = True
        self.state, self.trouble = "connected", ""
        self.counts["connections"] += 1
        say("connected to the broker", broker=self._address, session_kept=bool(flags.session_present))
        if self._reported is not False:
            self._reported = False
            self._report(True, self._address)
        # Always: a broker that lost its memory knows nothing of our subscriptions.
        for start in range(0, len(self._filters), _FILTERS_AT_ONCE):
            client.subscribe([(name, 1) for name in self._filters[start : start + _FILTERS_AT_ONCE]])
        if self._pages is not None:
            self._pages.connect(BROKER, self)

    def _on_subscribe(self, _client: Any, _data: Any, _mid: int, reasons: Sequence[Any], _properties: Any) -> None:
        denied = sum(reason.is_failure for reason in reasons)
        if denied:
            self.counts["denied_subscriptions"] += denied
            say("the broker denied subscriptions", broker=self._address, denied=denied)

    def _take(self, run: list[Event]) -> None:
        """Messages that were taken out before paho saw them."""
        take, received_ms = self._gate.take, self._gate.now_ms()
        for found in cast(list[Published], run):
            take(Message(found.topic, found.payload, received_ms, found.retain, found.dup, found.packet_id))
            if found.qos:
                self._packet_ids.append(found.packet_id)
            self._size += len(found.payload)
        self._messages += len(run)

    def _on_message(self, _client: Any, _data: Any, found: paho.MQTTMessage) -> None:
        gate = self._gate
        payload = bytes(found.payload)
        marks = (gate.now_ms(), bool(found.retain), bool(found.dup), found.mid)
        try:
            gate.take(Message(found.topic, payload, *marks))
        except UnicodeDecodeError:
            topic = found._topic.decode("utf-8", "replace")
            gate.hold(gate.intake.refuse(Message(topic, payload, *marks), "malformed", "the topic is not UTF-8"))
        if found.qos:
            self._packet_ids.append(found.mid)
        self._messages += 1
        self._size += len(payload)

    def _acknowledge(self, generation: int, packet_ids: list[int]) -> None:
        # Over another connection the same number may stand for another message.
        if generation != self._generation or self._socket is None:
            return
        # What goes through the socket goes as whole packets, paho's as ours.
        self._socket.send(pubacks(packet_ids))
        self._after_calls()

    # A Carrier of pages.

    def send(self, page: Page) -> int | None:
        """Hand a page to the broker; the token its acceptance will name."""
        if not self.connected:
            return None
        told = self._client.publish(page.topic, page.payload, qos=1)
        if told.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            return None
        self._loop.call_soon(self._after_calls)
        return told.mid

    def _on_publish(self, _client: Any, _data: Any, packet_id: int, _reason: Any, _properties: Any) -> None:
        if self._pages is not None:
            self._pages.accepted(BROKER, packet_id)
