"""A real HTTP peer on this machine, which answers as a test says: well, wrongly, late, or not at all."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec


class Request(msgspec.Struct, frozen=True):
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Says(msgspec.Struct, frozen=True):
    """An answer.  `after_s` before it comes; `drops` closes the connection instead; `hangs` says nothing for ever."""

    status: int = 200
    body: Any = b""
    headers: dict[str, str] = {}
    after_s: float = 0
    drops: bool = False
    hangs: bool = False


class Peer:
    """`says` is asked for every request."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.says: Callable[[Request], Says] = lambda _: Says()
        self.port = 0
        self.asked = asyncio.Event()  # set by every request

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                method, path, _ = head[0].split(" ", 2)
                headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in head[1:] if line)}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                self.requests.append(Request(method, path, headers, body))
                self.asked.set()
                says = self.says(self.requests[-1])
                await asyncio.sleep(says.after_s)
                if says.hangs:
                    await asyncio.sleep(3600)
                if says.drops:
                    return
                payload = says.body if isinstance(says.body, bytes) else json.dumps(says.body).encode()
                more = "".join(f"{name}: {value}\r\n" for name, value in says.headers.items())
                writer.write(
                    f"HTTP/1.1 {says.status} X\r\nContent-Length: {len(payload)}\r\n{more}\r\n".encode() + payload
                )
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass  # the other side has gone, or the test is over
        finally:
            writer.close()


@asynccontextmanager
async def peer() -> AsyncIterator[Peer]:
    made = Peer()
    server = await asyncio.start_server(made._serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()


_HELD: list[socket.socket] = []


def nobody_there() -> str:
    """The URL of a port on which nothing listens, and will not: it is held to the end, so that nobody else is given
    it meanwhile."""
    held = socket.socket()
    held.bind(("127.0.0.1", 0))
    _HELD.append(held)
    return f"http://127.0.0.1:{held.getsockname()[1]}"
