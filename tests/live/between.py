"""What stands between a client and an HTTP server in a test: it can be slow, busy, or small-minded."""

import http.client
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

# Method, path, body → an answer of its own (status, headers), or None: the server behind answers.
Says = Callable[[str, str, bytes], tuple[int, dict[str, str]] | None]


class Between:
    """Hands requests on to 127.0.0.1:`port`.  `bytes_per_s` is how fast it takes what is sent; `says` may refuse."""

    def __init__(self, port: int, *, bytes_per_s: float = 0.0, says: Says = lambda _method, _path, _body: None) -> None:
        self.bytes_per_s = bytes_per_s
        self.says = says
        self.asked: list[tuple[float, str, int]] = []  # when, the path, how many bytes
        between = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _hand_on(self) -> None:
                between.hand_on(self, port)

            do_GET = do_POST = _hand_on  # noqa: N815 - the names http.server looks for

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def hand_on(self, handler: BaseHTTPRequestHandler, port: int) -> None:
        body = self._taken(handler)
        if len(body) < int(handler.headers.get("Content-Length") or 0):
            handler.close_connection = True  # the client gave up
            return
        self.asked.append((time.monotonic(), handler.path, len(body)))
        own = self.says(handler.command, handler.path, body)
        if own is not None:
            status, headers, answer = *own, b'{"code":"refused","message":"not now"}'
        else:
            there = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            passed = {key: value for key, value in handler.headers.items() if key.lower() not in ("host", "connection")}
            there.request(handler.command, handler.path, body or None, passed)
            said = there.getresponse()
            status, answer, headers = said.status, said.read(), {"Content-Type": said.getheader("Content-Type") or ""}
            there.close()
        handler.send_response(status)
        for key, value in headers.items():
            handler.send_header(key, value)
        if status != 204:
            handler.send_header("Content-Length", str(len(answer)))
        handler.end_headers()
        handler.wfile.write(answer)

    def _taken(self, handler: BaseHTTPRequestHandler) -> bytes:
        left = int(handler.headers.get("Content-Length") or 0)
        parts: list[bytes] = []
        while left > 0:
            part = handler.rfile.read(min(left, 4096))
            if not part:
                break
            if self.bytes_per_s:
                time.sleep(len(part) / self.bytes_per_s)
            parts.append(part)
            left -= len(part)
        return b"".join(parts)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
