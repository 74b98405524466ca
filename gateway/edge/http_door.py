"""The gateway's HTTP door, for this machine's own processes: people's commands, receipts, reports, health.

A command is answered when it is on disk, never before.  Whatever changes something wants the token of `door.token`;
health and metrics hold nothing about a person and are open to this machine.
"""

import asyncio
import os
import secrets
from collections.abc import Awaitable, Callable
from hmac import compare_digest
from pathlib import Path
from typing import Any

import msgspec

from gateway.edge.http_caller import Answer, Caller, HttpRequest, Limits, bad

TOKEN_FILE = "door.token"

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


class Door:
    """The routes and who may use them.  `fault` is told of what a handler of ours could not stand."""

    def __init__(self, routes: Routes, token: str, fault: Callable[[str, BaseException], None]) -> None:
        self.routes = routes
        self.token = token
        self.fault = fault
        # Only this machine's own processes come here, and they keep their connection.
        self.limits = Limits()
        self._server: asyncio.Server | None = None
        self._open: set[Caller] = set()

    async def listen(self, host: str, port: int) -> tuple[str, int]:
        """Open the door; the address it got.  Raises OSError."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Caller(self), host, port, reuse_address=True)
        bound = self._server.sockets[0].getsockname()
        return bound[0], bound[1]

    def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for caller in list(self._open):
            caller.close()

    async def answer(self, request: HttpRequest) -> Answer:
        """What to say to one request."""
        method, path = request.method, _path(request)
        if path not in {known for _, known in self.routes}:
            return bad("not-found", f"there is nothing at {path[:100]!r}", 404)
        handler = self.routes.get((method, path))
        if handler is None:
            return bad("not-found", f"{path} is not asked with {method[:20]!r}", 405)
        token = request.headers.get("authorization", "").encode("latin-1")
        if method != "GET" and not compare_digest(token, f"Bearer {self.token}".encode()):
            return bad("not-allowed", f"the token of {TOKEN_FILE} is wanted", 401)
        said: Any = None
        if method != "GET":
            try:
                said = msgspec.json.decode(request.body)
            except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
                return bad("malformed", f"not JSON: {error}")
            if not isinstance(said, dict):
                return bad("malformed", "a JSON object is wanted")
        return await handler(said)

    # What its callers tell it.

    def faulty(self, request: HttpRequest, fault: BaseException) -> None:
        self.fault(_path(request), fault)

    def joined(self, caller: Caller) -> bool:
        self._open.add(caller)
        return True

    def left(self, caller: Caller) -> None:
        self._open.discard(caller)

    def misbehaved(self, caller: Caller, answer: Answer) -> None:
        """Our own processes: whoever sent it hears it."""


def _path(request: HttpRequest) -> str:
    return request.target.partition("?")[0]
