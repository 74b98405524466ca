import asyncio
import json
import stat

import pytest

from gateway.edge.http_caller import Answer
from gateway.edge.http_door import TOKEN_FILE, Door, token_of

TOKEN = "the token"


class Open:
    """A door with one route that hands back what it was asked, and one with a fault."""

    def __init__(self) -> None:
        self.faults: list[tuple[str, BaseException]] = []

    async def __aenter__(self):
        async def echo(body):
            return Answer(200, {"got": body})

        async def slow(_body):
            await asyncio.sleep(0.05)
            return Answer(200, {"slow": True})

        async def text(_body):
            return Answer(200, "lines\n", "text/plain")

        async def faulty(_body):
            raise KeyError("a fault of ours")

        routes = {("POST", "/echo"): echo, ("POST", "/slow"): slow, ("GET", "/text"): text, ("GET", "/faulty"): faulty}
        self.door = Door(routes, TOKEN, lambda path, fault: self.faults.append((path, fault)))
        _, self.port = await self.door.listen("127.0.0.1", 0)
        return self

    async def __aexit__(self, *_):
        self.door.close()

    async def raw(self, data: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(data)
        await writer.drain()
        try:
            return await asyncio.wait_for(reader.read(-1), 60)
        finally:
            writer.close()

    async def ask(self, method: str, path: str, body: bytes = b"", token: str = TOKEN) -> tuple[int, object]:
        head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n"
        said = await self.raw(head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        top, _, rest = said.partition(b"\r\n\r\n")
        return int(top.split()[1]), json.loads(rest) if b"json" in top else rest.decode()


async def test_a_request_is_answered():
    async with Open() as it:
        assert await it.ask("POST", "/echo", b'{"a":[1,2]}') == (200, {"got": {"a": [1, 2]}})
        assert await it.ask("GET", "/text?x=1") == (200, "lines\n")


@pytest.mark.parametrize(
    ("method", "path", "body", "token", "status", "reason"),
    [
        ("POST", "/echo", b"{}", "wrong", 401, "not-allowed"),
        ("POST", "/echo", b"{}", "", 401, "not-allowed"),
        ("GET", "/echo", b"", TOKEN, 405, "not-found"),
        ("POST", "/nowhere", b"{}", TOKEN, 404, "not-found"),
        ("POST", "/echo", b"{", TOKEN, 400, "malformed"),
        ("POST", "/echo", b"[1]", TOKEN, 400, "malformed"),
        ("POST", "/echo", b"[" * 100_000, TOKEN, 400, "malformed"),
        ("POST", "/echo", b'{"a":"\xff"}', TOKEN, 400, "malformed"),
        ("POST", "/echo", b" " * 300_000, TOKEN, 413, "too-large"),
    ],
)
async def test_what_is_not_wanted_is_refused_with_its_reason(method, path, body, token, status, reason):
    async with Open() as it:
        got, said = await it.ask(method, path, body, token)
        assert (got, said["reason"]) == (status, reason)


async def test_several_requests_over_one_connection_are_answered_in_order():
    async with Open() as it:
        one = b"POST /%b HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer the token\r\nContent-Length: 2\r\n%b\r\n{}"
        said = await it.raw(one % (b"slow", b"") + one % (b"echo", b"Connection: close\r\n"))
        assert said.index(b'"slow":true') < said.index(b'"got":{}')


@pytest.mark.parametrize("data", [b"\x10\x20\x00\x04MQTT\x04\xc2", b"GET\r\n\r\n", b"x" * 1000 + b"\r\n\r\n"])
async def test_what_is_no_http_is_refused(data):
    async with Open() as it:
        assert (await it.raw(data)).startswith(b"HTTP/1.1 400 ")
        assert await it.ask("GET", "/text") == (200, "lines\n")


async def test_endless_headers_are_refused():
    async with Open() as it:
        head = b"GET /text HTTP/1.1\r\n" + b"".join(b"X-%d: %s\r\n" % (n, b"y" * 500) for n in range(100))
        assert (await it.raw(head)).startswith(b"HTTP/1.1 413 ")


async def test_a_fault_of_ours_is_said_to_both_sides():
    async with Open() as it:
        assert await it.ask("GET", "/faulty") == (
            500,
            {"reason": "fault", "detail": "a fault of this program: KeyError"},
        )
        assert it.faults[0][0] == "/faulty"


def test_the_token_is_made_once_and_for_this_user_alone(tmp_path):
    token = token_of(tmp_path)
    assert len(token) >= 32
    assert token_of(tmp_path) == token
    assert stat.S_IMODE((tmp_path / TOKEN_FILE).stat().st_mode) == 0o600
