"""The gateway's HTTP door, for this machine's own processes: people's commands, receipts, reports, health.

A command is answered when it is on disk, never before.  Whatever changes something wants the token of `door.token`;
health and metrics hold nothing about a person and are open to this machine.
"""

import asyncio
import os
import secrets
from collections import deque
from collections.abc import Awaitable, Callable
from hmac import compare_digest
from pathlib import Path
from typing import Any

import httptools
import msgspec

TOKEN_FILE = "door.token"
_LARGEST_BODY = 256 * 1024
_LARGEST_HEAD = 16 * 1024
_STATUS = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    405: "Method Not Allowed",
    413: "Content Too Large",
    500: "Internal Server Error",
    503: "Service Unavailable",
}
_encode = msgspec.json.Encoder().encode


class Answer(msgspec.Struct, frozen=True):
    """`body` is JSON-like, or a text with its content type."""

    status: int
    body: Any
    content_type: str = "application/json"


Handler = Callable[[Any], Awaitable[Answer]]
Routes = dict[tuple[str, str], Handler]


def token_of(folder: Path) -> str:
    """The door's token, made at the first start and readable by this user alone.  Raises OSError."""
    path = folder / TOKEN_FILE
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        token = secrets.token_urlsafe(32)
        fd = os.open(path.with_name(TOKEN_FILE + ".new"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(fd, "w") as file:
            file.write(token + "\n")
        os.replace(path.with_name(TOKEN_FILE + ".new"), path)
        return token


def bad(reason: str, detail: str, status: int = 400) -> Answer:
    """A refusal with its word and a sentence."""
    return Answer(status, {"reason": reason, "detail": detail})


class Door:
    """The routes and who may use them.  `fault` is told of what a handler of ours could not stand."""

    def __init__(self, routes: Routes, token: str, fault: Callable[[str, BaseException], None]) -> None:
        self.routes = routes
        self.token = token
        self.fault = fault
        self._server: asyncio.Server | None = None
        self._open: set[_Caller] = set()

    async def listen(self, host: str, port: int) -> tuple[str, int]:
        """Open the door; the address it got.  Raises OSError."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Caller(self), host, port, reuse_address=True)
        bound = self._server.sockets[0].getsockname()
        return bound[0], bound[1]

    def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for caller in list(self._open):
            caller.close()

    async def answer(self, method: str, path: str, token: str, body: bytes) -> Answer:
        """What to say to one request."""
        if path not in {known for _, known in self.routes}:
            return bad("not-found", f"there is nothing at {path[:100]!r}", 404)
        handler = self.routes.get((method, path))
        if handler is None:
            return bad("not-found", f"{path} is not asked with {method[:20]!r}", 405)
        if method != "GET" and not compare_digest(token.encode(), f"Bearer {self.token}".encode()):
            return bad("not-allowed", f"the token of {TOKEN_FILE} is wanted", 401)
        said: Any = None
        if method != "GET":
            try:
                said = msgspec.json.decode(body)
            except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
                return bad("malformed", f"not JSON: {error}")
            if not isinstance(said, dict):
                return bad("malformed", "a JSON object is wanted")
        return await handler(said)

    def joined(self, caller: "_Caller") -> None:
        self._open.add(caller)

    def left(self, caller: "_Caller") -> None:
        self._open.discard(caller)


class _Caller(asyncio.Protocol):
    """One connection: requests one after another."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._transport: asyncio.Transport | None = None
        self._parser: Any = httptools.HttpRequestParser(self)
        self._requests: deque[tuple[str, str, str, bytes, bool]] = deque()
        self._task: asyncio.Task[None] | None = None
        self._begin()

    def _begin(self) -> None:
        self._path = b""
        self._token = ""
        self._body = bytearray()
        self._head = 0

    # What asyncio calls.

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._door.joined(self)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._refuse(bad("malformed", f"not HTTP: {type(error).__name__}"))
        if len(self._requests) > 100 and self._transport is not None:
            self._transport.pause_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._door.left(self)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    # What the parser calls.

    def on_url(self, url: bytes) -> None:
        self._path += url
        self._measure(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        self._measure(len(name) + len(value))
        if name.lower() == b"authorization":
            self._token = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        self._body += body
        if len(self._body) > _LARGEST_BODY:
            self._refuse(bad("too-large", f"at most {_LARGEST_BODY} bytes are taken", 413))
            self._body.clear()

    def on_message_complete(self) -> None:
        method = self._parser.get_method().decode("latin-1")
        path = self._path.decode("latin-1").partition("?")[0]
        self._requests.append((method, path, self._token, bytes(self._body), self._parser.should_keep_alive()))
        self._begin()
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._answer_all())

    def _measure(self, size: int) -> None:
        self._head += size
        if self._head > _LARGEST_HEAD:
            self._refuse(bad("too-large", f"at most {_LARGEST_HEAD} bytes of headers are taken", 413))

    async def _answer_all(self) -> None:
        while self._requests and self._transport is not None:
            method, path, token, body, stay = self._requests.popleft()
            try:
                answer = await self._door.answer(method, path, token, body)
            except Exception as fault:  # noqa: BLE001 - told to whoever asked, and to the operator
                self._door.fault(path, fault)
                answer = bad("fault", f"a fault of this program: {type(fault).__name__}", 500)
            self._write(answer, stay)
        self._task = None
        if self._transport is not None:
            self._transport.resume_reading()

    def _refuse(self, answer: Answer) -> None:
        self._requests.clear()
        self._write(answer, stay=False)

    def _write(self, answer: Answer, stay: bool) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        body = answer.body.encode() if isinstance(answer.body, str) else _encode(answer.body)
        self._transport.write(
            f"HTTP/1.1 {answer.status} {_STATUS[answer.status]}\r\n"
            f"Content-Type: {answer.content_type}\r\nContent-Length: {len(body)}\r\n"
            f"Cache-Control: no-store\r\nConnection: {'keep-alive' if stay else 'close'}\r\n\r\n".encode()
            + body
        )
        if not stay:
            self._transport.close()
