"""The port of a channel: a message goes in, one of four outcomes comes out, and nothing else ever does.

A vendor's answer is read, not guessed: a status of 200 that carries an error is an error.  What a channel cannot tell
(a body that is no answer of this vendor's) is `try-later`, never a success.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from duty.attempts import Outcome
from duty.message import Text
from duty.people import Channel
from duty.picture import Page

if TYPE_CHECKING:
    import httpx

LONGEST_DETAIL = 200
LARGEST_ANSWER = 64 * 1024
# Statuses by which a server says "not now"; every other one below 200 or from 300 on is "not like this".
NOT_NOW = frozenset({408, 425, 429, 500, 502, 503, 504, 507, 520, 521, 522, 523, 524})


class Answer(msgspec.Struct, frozen=True):
    """What a channel said.  `detail` is for a person who mends it: no secrets, no addresses of people."""

    outcome: Outcome
    detail: str = ""
    retry_after_s: float | None = None


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be told.  `id` is the same however often it is tried; `pages` are those it tells of."""

    id: str
    text: Text
    pages: tuple[Page, ...] = ()
    person: str = ""


class Carrier(Protocol):
    """One kind of channel."""

    async def send(self, channel: Channel, message: Message) -> Answer:
        """Try once.  Never raises, and ends within a few seconds of the time-out."""
        ...


class Tools:
    """What carriers share: one HTTP client for the process, made when it is first needed."""

    def __init__(
        self,
        *,
        clock_ms: Callable[[], int],
        timeout_s: float = 10,
        is_present: Callable[[str], bool] = lambda _: False,
        siren_receipt: Callable[[str, str, float], Awaitable[str | None]] | None = None,
    ) -> None:
        """`is_present`: whether a person looks at the desk now.  `siren_receipt(page, hearer, timeout_s)`: what the
        gateway says became of a page at one of its hearers."""
        self.clock_ms = clock_ms
        self.timeout_s = timeout_s
        self.is_present = is_present
        self.siren_receipt = siren_receipt
        self._client: httpx.AsyncClient | None = None

    @property
    def client(self) -> "httpx.AsyncClient":
        """The client.  Redirects are not followed: what is posted goes where it was meant to, or nowhere."""
        import httpx

        if self._client is None:
            self._client = httpx.AsyncClient(
                follow_redirects=False,
                limits=httpx.Limits(max_connections=32, max_keepalive_connections=8, keepalive_expiry=20),
                headers={"User-Agent": "Threshold"},
            )
        return self._client

    async def close(self) -> None:
        """End the client."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def post(
        self,
        url: str,
        *,
        content: bytes,
        headers: Mapping[str, str | bytes] | None = None,
        content_type: str = "application/json; charset=utf-8",
    ) -> "Answer | Reply":
        """Post and read the answer; an Answer where the transport or the status says it all."""
        import httpx

        if not url.startswith(("https://", "http://")):
            return Answer("gave-up", "the target is no http address")
        sent_headers = {b"Content-Type": content_type.encode()}
        for name, value in (headers or {}).items():
            sent_headers[name.encode()] = value if isinstance(value, bytes) else value.encode()
        client = self.client  # to make it takes a moment, which is not the other side's
        try:
            async with asyncio.timeout(self.timeout_s):
                async with client.stream("POST", url, content=content, headers=sent_headers) as response:
                    body = bytearray()
                    async for piece in response.aiter_bytes():
                        body += piece
                        if len(body) > LARGEST_ANSWER:
                            break
        except (httpx.InvalidURL, httpx.UnsupportedProtocol):
            return Answer("gave-up", "the target is no http address")
        except TimeoutError:
            return Answer("try-later", f"no answer within {self.timeout_s:g} s")
        except httpx.HTTPError as error:
            return Answer("try-later", f"no connection: {type(error).__name__}")
        return Reply(response.status_code, bytes(body), retry_after_s(response.headers, self.clock_ms()))


class Reply(msgspec.Struct, frozen=True):
    """An HTTP answer."""

    status: int
    body: bytes
    retry_after_s: float | None = None

    def by_status(self) -> Answer | None:
        """What the status alone says; None for 2xx, where the body may say otherwise."""
        if 200 <= self.status < 300:
            return None
        outcome: Outcome = "try-later" if self.status in NOT_NOW else "gave-up"
        return Answer(outcome, short(f"HTTP {self.status}"), self.retry_after_s)

    def json(self) -> dict[str, Any] | None:
        """The body as a JSON object, or None."""
        try:
            value = msgspec.json.decode(self.body)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
            return None
        return value if isinstance(value, dict) else None


def by_code(reply: Answer | Reply, field: str, well: object, later: Mapping[object, float | None], said: str) -> Answer:
    """Read an answer of the usual form `{field: code, said: sentence}`.

    `well` is the code of success; `later` the codes that mean "not now", with the pause to make; every other code is
    "not like this".
    """
    if isinstance(reply, Answer):
        return reply
    answer = reply.json()
    code = None if answer is None else answer.get(field)
    if answer is None or code is None or isinstance(code, dict | list):
        # A proxy's page, a vendor's outage: whatever this is, nobody was told.
        return reply.by_status() or Answer("try-later", "the answer is not this vendor's")
    if code == well and not isinstance(code, bool):
        return reply.by_status() or Answer("accepted")
    detail = short(f"{code}: {answer.get(said, '')}")
    if code in later:
        return Answer("try-later", detail, reply.retry_after_s or later[code])
    if reply.status in NOT_NOW:
        return Answer("try-later", detail, reply.retry_after_s)
    return Answer("gave-up", detail)


def retry_after_s(headers: Mapping[str, str], now_ms: int) -> float | None:
    """The pause a server asks for, in seconds or as a date; None where it asks for none we understand."""
    text = headers.get("retry-after", "").strip()
    if not text:
        return None
    if text.isascii() and text.isdigit() and len(text) < 10:
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now_ms / 1000)
    except (TypeError, ValueError, OverflowError):
        return None


def short(text: str) -> str:
    """A detail that fits a line."""
    return "".join(c if c.isprintable() else " " for c in text)[:LONGEST_DETAIL]


def encode(value: object) -> bytes:
    """JSON."""
    return msgspec.json.encode(value)
