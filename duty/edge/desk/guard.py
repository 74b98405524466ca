"""What stands before every route: limits on size, the Origin check of changes, and the headers of every answer.

Plain ASGI, so that a streamed answer is passed on piece by piece.
"""

from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

BODY_MAX_BYTES = 256 * 1024  # the largest honest body is a roster of a few hundred rows
URL_MAX_BYTES = 4096

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "manifest-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; object-src 'none'; "
    "frame-ancestors 'none'"
)

HEADERS: dict[str, str] = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not no-referrer: browsers then say "Origin: null" of our own forms.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "X-Robots-Tag": "noindex, nofollow",
}
STRICT_TRANSPORT = "max-age=31536000; includeSubDomains"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class SecurityHeaders:
    """Adds `HEADERS` to every answer, and `no-store` where the answer does not say how long it may be kept."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
                if scope.get("scheme") == "https":
                    headers.setdefault("Strict-Transport-Security", STRICT_TRANSPORT)
            await send(message)

        await self.app(scope, receive, send_with_headers)


class BodyTooLarge(Exception):
    """More came than `BODY_MAX_BYTES`, whatever the header said."""


class Limits:
    """Refuses what is too large before anything reads it: by its header where it has one, else as it comes in."""

    def __init__(self, app: ASGIApp, body_max_bytes: int = BODY_MAX_BYTES) -> None:
        self.app = app
        self.body_max_bytes = body_max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if len(scope.get("raw_path") or b"") + len(scope.get("query_string") or b"") > URL_MAX_BYTES:
            await PlainTextResponse("address too long", 414)(scope, receive, send)
            return
        length = Headers(scope=scope).get("content-length", "0")
        if not length.isascii() or not length.isdigit() or int(length) > self.body_max_bytes:
            await PlainTextResponse("too large", 413, {"Connection": "close"})(scope, receive, send)
            return
        seen = 0
        started = False

        async def receive_counted() -> Message:
            nonlocal seen
            message = await receive()
            if message["type"] == "http.request":
                seen += len(message.get("body", b""))
                if seen > self.body_max_bytes:
                    raise BodyTooLarge
            return message

        async def send_noted(message: Message) -> None:
            nonlocal started
            # Whoever read the body may have made an answer of its own of the exception: this one is the right one.
            if seen > self.body_max_bytes and not started:
                raise BodyTooLarge
            started = True
            await send(message)

        try:
            await self.app(scope, receive_counted, send_noted)
        except BodyTooLarge:
            if not started:
                await PlainTextResponse("too large", 413, {"Connection": "close"})(scope, receive, send)


class SameOrigin:
    """A change must come from a page of this desk: its Origin (or Referer) names this host.

    Cookies are SameSite as well; this holds where a browser does not know them, and against pages of sibling hosts.
    A request with neither header is refused, whoever sends it.
    """

    def __init__(self, app: ASGIApp, also: Iterable[str] = ()) -> None:
        self.app = app
        self.also = frozenset(also)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] not in SAFE_METHODS and not self._same(Headers(scope=scope)):
            await PlainTextResponse("a change must come from a page of this desk", 403)(scope, receive, send)
            return
        await self.app(scope, receive, send)

    def _same(self, headers: Headers) -> bool:
        source = headers.get("origin") or headers.get("referer") or ""
        try:
            host = urlsplit(source).netloc
        except ValueError:
            return False
        return bool(host) and (host == headers.get("host") or source.rstrip("/") in self.also)
