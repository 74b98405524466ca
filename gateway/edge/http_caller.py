"""HTTP/1.1 for the gateway's doors: one connection, requests one after another, all of it bounded.

What a caller may send before anybody looks at it: a head and a body of so many bytes, a whole request within so many
seconds, so many requests ahead of their answers.  Whatever is no HTTP is answered once and the connection closed.
"""

import asyncio
from collections import deque
from typing import Any, Protocol

import httptools
import msgspec

STATUS = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    413: "Content Too Large",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
}
# How long a caller may take to read our last words; and how long what it still sends is thrown away, so that it gets
# to read them: closed over unread bytes, TCP takes the answer back.
_LAST_WORDS_S = 5.0
_LINGER_S = 0.5
_encode = msgspec.json.Encoder().encode


class Answer(msgspec.Struct, frozen=True):
    """`body` is JSON-like, or a text with its content type.  `retry_after_s` above 0 tells when to try again.  The
    `last` one ends the connection."""

    status: int
    body: Any
    content_type: str = "application/json"
    retry_after_s: int = 0
    last: bool = False


class HttpRequest(msgspec.Struct, frozen=True):
    """`target` is the path with its query, as it was sent; names of headers are in small letters."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    peer: str = ""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What one connection may take.  Seconds of 0 are no limit."""

    head_bytes: int = 16 * 1024
    body_bytes: int = 256 * 1024
    ahead: int = 100
    request_s: float = 0.0
    idle_s: float = 0.0


class Owner(Protocol):
    """A door: who answers."""

    limits: Limits

    async def answer(self, request: HttpRequest) -> Answer: ...
    def faulty(self, request: HttpRequest, fault: BaseException) -> None: ...
    def joined(self, caller: "Caller") -> bool:
        """Whether this caller may stay."""
        ...

    def left(self, caller: "Caller") -> None: ...
    def misbehaved(self, caller: "Caller", answer: Answer) -> None:
        """What it sent was no request that could be taken."""
        ...


def bad(reason: str, detail: str, status: int = 400, retry_after_s: int = 0, *, last: bool = False) -> Answer:
    """A refusal with its word and a sentence."""
    return Answer(status, {"reason": reason, "detail": detail}, retry_after_s=retry_after_s, last=last)


class Caller(asyncio.Protocol):
    """One connection.  `asked` is how many whole requests it has sent."""

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self._limits = owner.limits
        self._transport: Any = None
        self._parser: Any = httptools.HttpRequestParser(self)
        self._waiting: deque[tuple[HttpRequest | Answer, bool]] = deque()
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._over = False
        self._slow_reader = False
        self.peer = ""
        self.asked = 0
        self._begin()

    def _begin(self) -> None:
        self._url = b""
        self._headers: dict[str, str] = {}
        self._body = bytearray()
        self._raw = 0
        self._head = 0
        self._in_head = True

    # What asyncio calls.

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        peer = transport.get_extra_info("peername")
        self.peer = str(peer[0]) if peer else ""
        if not self._owner.joined(self):
            self._over = True
            transport.abort()
            return
        self._expect(self._limits.request_s or self._limits.idle_s)

    def data_received(self, data: bytes) -> None:
        if self._over:
            return
        if self._raw == 0 and self._task is None:
            self._expect(self._limits.request_s)
        self._raw += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._refuse(bad("malformed", "nothing but HTTP/1.1 is spoken here"))
        except httptools.HttpParserError as error:
            self._refuse(bad("malformed", f"not HTTP: {type(error).__name__}"))
        # What the parser holds back of a header that does not end, or of a body in tiny chunks, counts too.
        most = self._limits.head_bytes + (0 if self._in_head else 2 * self._limits.body_bytes)
        if not self._over and self._raw > most:
            self._refuse(bad("too-large", f"at most {most} bytes are taken for one request", 413))
        if len(self._waiting) > self._limits.ahead and self._transport is not None:
            self._transport.pause_reading()

    def eof_received(self) -> None:
        return None

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._over = True
        if self._timer is not None:
            self._timer.cancel()
        self._owner.left(self)

    def pause_writing(self) -> None:
        # It asks and does not read its answers.
        self._slow_reader = True
        if self._transport is not None:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        self._slow_reader = False
        self._read_on()

    @property
    def answering(self) -> "asyncio.Task[None] | None":
        """What answers it just now."""
        return self._task

    def close(self) -> None:
        """Say nothing more."""
        self._over = True
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Drop it without a word."""
        self._over = True
        if self._transport is not None:
            self._transport.abort()

    # What the parser calls.

    def on_url(self, url: bytes) -> None:
        self._url += url
        self._measure(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        self._measure(len(name) + len(value))
        key = name.decode("latin-1").lower()
        # Two of a header that decides something are none: which of them would be meant?
        self._headers[key] = "" if key in self._headers else value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self._in_head = False
        length = self._headers.get("content-length", "")
        if length.isascii() and length.isdigit() and int(length[:12]) > self._limits.body_bytes:
            self._too_large()
        elif self._headers.get("expect", "").lower() == "100-continue" and self._transport is not None:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        if self._over:
            return
        self._body += body
        if len(self._body) > self._limits.body_bytes:
            self._too_large()

    def on_message_complete(self) -> None:
        if self._over:
            return
        method = self._parser.get_method().decode("latin-1")
        request = HttpRequest(method, self._url.decode("latin-1"), self._headers, bytes(self._body), self.peer)
        self.asked += 1
        self._queue(request, bool(self._parser.should_keep_alive()))
        self._begin()

    def _measure(self, size: int) -> None:
        self._head += size
        if self._head > self._limits.head_bytes:
            self._refuse(bad("too-large", f"at most {self._limits.head_bytes} bytes of headers are taken", 413))

    def _too_large(self) -> None:
        self._body.clear()
        self._refuse(bad("too-large", f"at most {self._limits.body_bytes} bytes are taken", 413))

    # Answering.

    def _refuse(self, answer: Answer) -> None:
        if self._over:
            return
        self._over = True
        self._owner.misbehaved(self, answer)
        # Behind the answers to what came before it.
        self._queue(answer, stay=False)

    def _queue(self, item: HttpRequest | Answer, stay: bool) -> None:
        self._waiting.append((item, stay))
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._answer_all())

    async def _answer_all(self) -> None:
        while self._waiting and self._transport is not None:
            item, stay = self._waiting.popleft()
            if isinstance(item, Answer):
                self._write(item, stay)
                break
            try:
                answer = await self._owner.answer(item)
            except Exception as fault:  # noqa: BLE001 - told to whoever asked, and to the operator
                self._owner.faulty(item, fault)
                answer = bad("fault", f"a fault of this program: {type(fault).__name__}", 500)
            stay = stay and not answer.last
            self._write(answer, stay)
            if not stay:
                break
        self._task = None
        self._read_on()
        if not self._over:
            self._expect(self._limits.request_s if self._raw else self._limits.idle_s)

    def _read_on(self) -> None:
        if self._transport is not None and not self._slow_reader and not self._transport.is_closing():
            self._transport.resume_reading()

    def _write(self, answer: Answer, stay: bool) -> None:
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        body = answer.body.encode() if isinstance(answer.body, str) else _encode(answer.body)
        again = f"Retry-After: {answer.retry_after_s}\r\n" if answer.retry_after_s else ""
        transport.write(
            f"HTTP/1.1 {answer.status} {STATUS[answer.status]}\r\n"
            f"Content-Type: {answer.content_type}\r\nContent-Length: {len(body)}\r\n{again}"
            f"Cache-Control: no-store\r\nConnection: {'keep-alive' if stay else 'close'}\r\n\r\n".encode()
            + body
        )
        if stay:
            return
        self._over = True
        loop = asyncio.get_running_loop()
        if answer.status == 413:
            loop.call_later(_LINGER_S, transport.close)
        else:
            transport.close()
        loop.call_later(_LAST_WORDS_S, transport.abort)

    # Time.

    def _expect(self, seconds: float) -> None:
        """Something must have come within `seconds` (0: whenever it likes)."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if seconds:
            self._timer = asyncio.get_running_loop().call_later(seconds, self._too_slow)

    def _too_slow(self) -> None:
        self._timer = None
        if self._task is not None or self._over:
            return  # it waits for us, or is on its way out
        if self._raw:
            self._refuse(bad("too-slow", "the request took too long to come", 408))
        else:
            self.close()
