"""One HTTP connection: cut anywhere, drip-fed, endless, garbled; it is answered or dropped, never a fault."""

import asyncio
import contextlib
import random

import msgspec
import pytest

from gateway.edge.http_caller import Answer, Caller, HttpRequest, Limits, bad

# Nothing is slow here that is not meant to be: a request cut in two may lie for a while on a busy machine.
LIMITS = Limits(head_bytes=2000, body_bytes=5000, ahead=4, request_s=60, idle_s=60)
HURRIED = Limits(head_bytes=2000, body_bytes=5000, ahead=4, request_s=0.4, idle_s=0.6)
WAIT_S = 60
GOOD = (
    b"POST /push/a?x=1 HTTP/1.1\r\nHost: h\r\nX-Key: k\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"3\r\nabc\r\n4;ext=1\r\ndefg\r\n0\r\n\r\n"
)
PLAIN = b"GET /last HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"


class Server:
    """Answers each request with its body; keeps what it heard."""

    def __init__(self, limits: Limits = LIMITS) -> None:
        self.limits = limits
        self.heard: list[HttpRequest] = []
        self.bad: list[Answer] = []
        self.faults: list[BaseException] = []
        self.open: set[Caller] = set()
        self.gate = asyncio.Event()
        self.gate.set()
        self.full = False

    async def __aenter__(self) -> "Server":
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _loop, context: self.faults.append(context.get("exception") or KeyError()))
        self.server = await loop.create_server(lambda: Caller(self), "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self.server.close()
        for caller in list(self.open):
            caller.abort()
        await asyncio.sleep(0)
        assert self.faults == []

    async def answer(self, request: HttpRequest) -> Answer:
        await self.gate.wait()
        self.heard.append(request)
        if request.target == "/faulty":
            raise KeyError("ours")
        return Answer(200, request.body.decode("latin-1") or "-", "text/plain")

    def faulty(self, request: HttpRequest, fault: BaseException) -> None:
        assert isinstance(fault, KeyError)

    def joined(self, caller: Caller) -> bool:
        if self.full:
            return False
        self.open.add(caller)
        return True

    def left(self, caller: Caller) -> None:
        self.open.discard(caller)

    def misbehaved(self, caller: Caller, answer: Answer) -> None:
        self.bad.append(answer)

    async def say(self, *parts: bytes, pause_s: float = 0.0, end: bool = False) -> bytes:
        """All that is answered to `parts` until the connection ends."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            for part in parts:
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(pause_s)
            if end:
                writer.write_eof()
            return await asyncio.wait_for(reader.read(-1), WAIT_S)
        except (ConnectionResetError, BrokenPipeError):
            return b""
        finally:
            writer.close()


async def test_a_request_whole():
    async with Server() as it:
        said = await it.say(GOOD + PLAIN)
        assert said.count(b"HTTP/1.1 200 OK") == 2
        assert b"abcdefg" in said
        first = it.heard[0]
        assert (first.method, first.target, first.headers["x-key"], first.body, first.peer) == (
            "POST", "/push/a?x=1", "k", b"abcdefg", "127.0.0.1",
        )  # fmt: skip


async def test_a_request_cut_at_every_byte_and_gone_on_with_is_the_same_request():
    async with Server() as it:
        for cut in range(1, len(GOOD)):
            said = await it.say(GOOD[:cut], GOOD[cut:] + PLAIN)
            assert said.count(b"HTTP/1.1 200 OK") == 2, cut
        assert {request.body for request in it.heard} == {b"abcdefg", b""}


async def test_a_request_cut_at_every_byte_and_ended_is_never_heard():
    async with Server() as it:
        for cut in range(len(GOOD)):
            assert b" 200 " not in await it.say(GOOD[:cut], end=True)
        assert it.heard == []


async def test_garbled_requests_get_an_answer_or_an_end_and_nobody_else_is_disturbed():
    chance = random.Random(6)
    async with Server() as it:
        for _ in range(400):
            data = bytearray(GOOD + PLAIN)
            for _ in range(chance.randint(1, 6)):
                at = chance.randrange(len(data))
                match chance.randint(0, 3):
                    case 0:
                        data[at] = chance.randrange(256)
                    case 1:
                        del data[at : at + chance.randint(1, 9)]
                    case 2:
                        data[at:at] = chance.randbytes(chance.randint(1, 20))
                    case _:
                        data[at:at] = chance.choice(
                            [b"\r\n", b"\n", b"\r\n\r\n", b" ", b"\0", b"Content-Length: 9\r\n"]
                        )
            await it.say(bytes(data), end=True)
        assert it.bad, "nothing was garbled enough to be refused"
        assert b" 200 " in await it.say(PLAIN)


@pytest.mark.parametrize(
    "head",
    [
        b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1e3\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
        b"CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(40),
    ],
)
async def test_what_two_parsers_could_read_differently_or_is_another_protocol_is_refused(head):
    async with Server() as it:
        assert b"HTTP/1.1 400 " in await it.say(head)
        assert len(it.heard) <= 1
        assert len(it.bad) == 1


async def test_a_body_that_says_it_is_too_large_is_refused_before_it_comes():
    async with Server() as it:
        said = await it.say(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10000000\r\n\r\n")
        assert said.startswith(b"HTTP/1.1 413 ")


async def test_ten_megabytes_are_refused_and_the_answer_can_be_read():
    async with Server() as it:
        head = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10000000\r\n\r\n"
        reader, writer = await asyncio.open_connection("127.0.0.1", it.port)
        writer.write(head + b"x" * 100_000)
        assert (await asyncio.wait_for(reader.readline(), WAIT_S)).startswith(b"HTTP/1.1 413 ")
        writer.close()


@pytest.mark.parametrize(
    "endless",
    [
        b"GET / HTTP/1.1\r\nX-Long: " + b"y" * 4000,
        b"GET /" + b"z" * 4000,
        b"GET / HTTP/1.1\r\n" + b"".join(b"X-%d: %s\r\n" % (n, b"y" * 90) for n in range(40)),
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1000\r\n" + b"q" * 4096 + b"\r\n1000\r\n" + b"q" * 4096,
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1;" + b"e" * 14_000,
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Trailer: " + b"t" * 14_000,
    ],
)
async def test_what_never_ends_is_refused_when_it_is_too_much(endless):
    async with Server() as it:
        pieces = [endless[at : at + 700] for at in range(0, len(endless), 700)]
        said = await it.say(*pieces)
        assert said.startswith(b"HTTP/1.1 413 ") or it.bad[0].status == 413
        assert it.heard == []


async def test_a_request_that_drips_is_ended_in_time():
    async with Server(HURRIED) as it:
        reader, writer = await asyncio.open_connection("127.0.0.1", it.port)
        said = asyncio.ensure_future(reader.read(-1))
        dripped = 0
        while not said.done() and dripped < len(GOOD) - 1:
            writer.write(GOOD[dripped : dripped + 1])
            dripped += 1
            await asyncio.wait({said}, timeout=0.05)
        await asyncio.wait({said}, timeout=WAIT_S)
        assert [answer.status for answer in it.bad] == [408]
        assert it.heard == []
        with contextlib.suppress(ConnectionResetError):  # it dripped on behind the end
            assert said.result().startswith(b"HTTP/1.1 408 ")
        writer.close()


async def test_a_connection_that_says_nothing_is_ended():
    async with Server(HURRIED) as it:
        assert await it.say(b"") == b""
        assert it.bad == []
    async with Server(msgspec.structs.replace(HURRIED, request_s=60)) as it:
        assert await it.say(PLAIN.replace(b"Connection: close\r\n", b"")) != b"", "ended after its answer, being idle"
        assert it.bad == []


async def test_requests_ahead_of_their_answers_are_bounded_and_keep_their_order():
    async with Server() as it:
        it.gate.clear()
        one = b"POST /%d HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\n%d"
        reader, writer = await asyncio.open_connection("127.0.0.1", it.port)
        for n in range(9):
            writer.write(one % (n, n))
            await asyncio.sleep(0.01)
        [caller] = it.open
        assert len(caller._waiting) <= LIMITS.ahead + 2
        it.gate.set()
        got = b""
        while got.count(b"HTTP/1.1 200") < 9:
            got += await asyncio.wait_for(reader.read(10_000), WAIT_S)
        assert [request.target for request in it.heard] == [f"/{n}" for n in range(9)]
        writer.close()


async def test_a_refusal_comes_behind_the_answers_before_it():
    async with Server() as it:
        said = await it.say(GOOD + b"NO HTTP\r\n\r\n")
        assert said.index(b"HTTP/1.1 200") < said.index(b"HTTP/1.1 400")


async def test_a_fault_is_answered_and_the_connection_goes_on():
    async with Server() as it:
        said = await it.say(b"GET /faulty HTTP/1.1\r\nHost: h\r\n\r\n" + PLAIN)
        assert said.index(b"HTTP/1.1 500") < said.index(b"HTTP/1.1 200")


async def test_nothing_is_heard_behind_a_last_request():
    async with Server() as it:
        await it.say(PLAIN + GOOD)
        assert [request.target for request in it.heard] == ["/last"]


async def test_a_caller_that_asks_to_go_on_is_told_to():
    async with Server() as it:
        head = b"POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\nConnection: close\r\n\r\n"
        said = await it.say(head, b"hi", pause_s=0.05)
        assert said.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK")


async def test_a_header_said_twice_says_nothing():
    async with Server() as it:
        await it.say(b"GET / HTTP/1.1\r\nX-Key: a\r\nX-Key: b\r\nConnection: close\r\n\r\n")
        assert it.heard[0].headers["x-key"] == ""


async def test_whoever_may_not_stay_is_dropped():
    async with Server() as it:
        it.full = True
        assert await it.say(PLAIN) == b""
        assert it.heard == []


def test_a_refusal_has_its_word_and_a_sentence():
    assert bad("x", "a sentence", 429, retry_after_s=3) == Answer(
        429, {"reason": "x", "detail": "a sentence"}, retry_after_s=3
    )
