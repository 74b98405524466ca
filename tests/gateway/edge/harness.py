"""A gateway's inside in the test's own loop: real file, real committer, real sockets; only the process is missing."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from devices.events import Event
from devices.fleet import Fleet
from gateway.edge import connection, inbox, listener
from gateway.edge.committer import Committer
from gateway.edge.gate import Gate
from gateway.edge.keeping import InboxWriter
from gateway.edge.listener import Listener, Rules
from gateway.flow import Flow
from gateway.mqtt.events import Published, Will
from gateway.mqtt.packets import V311, Connect, Packet, build
from gateway.rejects import decode_reject
from streams.edge.doorbell import Bell
from streams.edge.log import LogFull
from streams.edge.sqlite_log import SqliteReader
from streams.frames import InboxRecord, RejectRecord, decode_inbox
from tests.gateway.worlds import FLEET, SECRET, intake_of

# Only a test that fails waits so long.
WAIT_S = 60


class FailingWriter(inbox.BoxInbox):
    """A log that cannot be written while `trouble` says why, or that waits while `held` is set."""

    trouble = ""

    def append(self, frames, also=()):
        if self.trouble:
            raise LogFull(self.trouble)
        return super().append(frames, also)


class Inside:
    """Use as `async with Inside(tmp_path) as inside`."""

    def __init__(self, folder: Path, fleet: Fleet = FLEET, *, rules: Rules | None = None, flow: Flow | None = None):
        self.folder = folder
        self.now_ms = 1_600_000_000_000
        self.crashes: list[BaseException] = []
        self._fleet = fleet
        self._rules = rules or Rules()
        self._flow = flow

    async def __aenter__(self) -> "Inside":
        loop = asyncio.get_running_loop()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.writer = FailingWriter(
            self.folder / inbox.FILE, "inbox", tables=inbox._TABLES, other_logs=["rejects"], wait_for_lock_s=0.05
        )
        self.kept = inbox.kept(self.writer, 1)
        intake = intake_of(self._fleet, memory=self.kept.memory, bindings=self.kept.bindings)
        intake.remember(self.kept.events)
        self.gate = Gate(intake, loop=loop, now_ms=lambda: self.now_ms, flow=self._flow)
        bell = Bell(self.folder / "bell", "inbox")
        self.committer = Committer(self.writer, bell, self.gate.log_failed, self.gate.log_mended, self.crashes.append)
        self.gate.attach(self.committer)
        self.committer.start()
        self.listener = Listener(self.gate, self._fleet, self._rules, loop=loop)
        self.gate.sources.append(self.listener)
        _, self.port = await self.listener.listen("127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.listener.close()
        self.writer.trouble = ""
        await asyncio.wait_for(self.gate.drained(), WAIT_S)
        await asyncio.get_running_loop().run_in_executor(None, self.committer.stop)
        assert self.crashes == []

    async def until(self, condition: Callable[[], object]) -> None:
        end = time.monotonic() + WAIT_S
        while not condition():
            assert time.monotonic() < end, "waited in vain"
            await asyncio.sleep(0.005)

    async def stored(self) -> inbox.Kept:
        """What the next run would find, read where the file is written: its connection is no other thread's."""
        loop = asyncio.get_running_loop()
        found: asyncio.Future[inbox.Kept] = loop.create_future()

        def read(writer: InboxWriter) -> None:
            assert isinstance(writer, inbox.BoxInbox)
            loop.call_soon_threadsafe(found.set_result, inbox.kept(writer, 1))

        self.committer.ask(read)
        return await asyncio.wait_for(found, WAIT_S)

    async def durable(self) -> None:
        """Everything taken so far is on disk."""
        await asyncio.sleep(0)
        await asyncio.wait_for(self.gate.drained(), WAIT_S)

    def records(self) -> list[InboxRecord]:
        reader = SqliteReader(self.folder / inbox.FILE, "inbox")
        found = [record for _, frame in reader.read(0, 0, 100_000) for record in decode_inbox(frame)]
        reader.close()
        return found

    def events(self, kind: str = "") -> list[Event]:
        """Events of a kind; without one, all but the connections' own."""
        found = [record for record in self.records() if isinstance(record, Event)]
        return [e for e in found if (e.kind == kind if kind else e.kind != "availability")]

    def rejects(self) -> list[RejectRecord]:
        reader = SqliteReader(self.folder / inbox.FILE, "rejects")
        found = [decode_reject(frame) for _, frame in reader.read(0, 0, 100_000)]
        reader.close()
        return found

    async def client(self, name: str = "door-1", **options: Any) -> "Client":
        """A client that was accepted."""
        client = await Client.open(self.port)
        await client.connect(name, **options)
        assert await client.answer() == b"\x20\x02\x00\x00"
        return client


class StillClock:
    """What deadlines of connections are counted by, moved by the test alone: however long the machine takes, no device
    is silent for it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now_ms = 1_000_000
        for module in (connection, listener):
            monkeypatch.setattr(module, "clock_ms", lambda: self.now_ms)

    def passes(self, ms: int, inside: Inside) -> None:
        """So much later the listener looks who has been silent."""
        self.now_ms += ms
        assert inside.listener._sweeper is not None
        inside.listener._sweeper.cancel()
        inside.listener._sweep()


class Client:
    """A socket that speaks 3.1.1 (or whatever bytes it is given)."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, version: int) -> None:
        self.reader = reader
        self.writer = writer
        self.version = version

    @classmethod
    async def open(cls, port: int, version: int = V311) -> "Client":
        return cls(*await asyncio.open_connection("127.0.0.1", port), version)

    def send(self, *packets: Packet | bytes) -> None:
        for packet in packets:
            self.writer.write(packet if isinstance(packet, bytes) else build(packet, self.version))

    async def connect(self, name: str, password: str | None = SECRET, will: Will | None = None, **options: Any) -> None:
        username = options.pop("username", name if password is not None else None)
        self.send(
            Connect(
                version=self.version,
                client_id=name,
                username=username,
                password=None if password is None else password.encode(),
                will=will,
                **options,
            )
        )

    def publish(
        self,
        topic: str = "zigbee2mqtt/door-1",
        payload: bytes = b'{"contact":false}',
        packet_id: int = 1,
        *,
        qos: int = 1,
        dup: bool = False,
        retain: bool = False,
    ) -> None:
        self.send(Published(topic, payload, qos, packet_id if qos else 0, dup, retain, ()))

    async def answer(self, size: int = 4) -> bytes:
        return await asyncio.wait_for(self.reader.readexactly(size), WAIT_S)

    async def packet(self) -> tuple[int, bytes]:
        """First byte and body of the next packet."""
        first, length = await self.answer(2)
        return first, await self.answer(length)

    async def closed(self) -> bool:
        """Wait for the end of the stream, whatever comes before."""
        try:
            await asyncio.wait_for(self.reader.read(-1), WAIT_S)
        except (ConnectionResetError, BrokenPipeError):
            pass  # it may end while we still send
        return True

    def close(self) -> None:
        self.writer.close()

    def vanish(self) -> None:
        """End without a word."""
        self.writer.transport.abort()
