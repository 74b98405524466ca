"""Against a real mail server on this machine."""

import socket
from collections.abc import Iterator
from email import message_from_bytes, policy
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from msgspec.structs import replace

from duty.edge.channels import carrier
from duty.edge.channels.base import Answer, Tools
from duty.people import Channel
from tests.duty.edge.channels.test_outcomes import MESSAGE, tools
from tests.duty.edge.peers import nobody_there

__all__ = ["tools"]


class Server:
    """Answers RCPT and DATA as a test says."""

    def __init__(self) -> None:
        self.rcpt = "250 OK"
        self.data = "250 OK"
        self.mails: list[Any] = []

    async def handle_RCPT(self, server, session, envelope, address, options) -> str:  # noqa: N802
        if self.rcpt.startswith("2"):
            envelope.rcpt_tos.append(address)
        return self.rcpt

    async def handle_DATA(self, server, session, envelope) -> str:  # noqa: N802
        self.mails.append((envelope.mail_from, envelope.rcpt_tos, envelope.content))
        return self.data


class OnAnyPort(Controller):
    """One that listens on a port of the kernel's choice from the beginning."""

    def _create_server(self) -> Any:
        listening = socket.create_server(("127.0.0.1", 0))
        self.port = listening.getsockname()[1]
        return self.loop.create_server(self._factory_invoker, sock=listening)


@pytest.fixture
def server() -> Iterator[tuple[Server, str]]:
    handler = Server()
    controller = OnAnyPort(handler, hostname="127.0.0.1", ready_timeout=60)
    controller.start()
    yield handler, str(controller.port)
    controller.stop()


def to(port: str, **options: str) -> Channel:
    settings = {"host": "127.0.0.1", "port": port, "tls": "none", "from": "desk@example.org"} | options
    return Channel(id="c", person="wang", order=1, kind="email", target="wang@example.org", options=settings)


async def test_a_mail_arrives_as_it_was_meant(tools: Tools, server: tuple[Server, str]) -> None:
    handler, port = server
    for _ in range(2):
        assert await carrier("email", tools).send(to(port), MESSAGE) == Answer("accepted")
    sender, recipients, content = handler.mails[0]
    assert (sender, recipients) == ("desk@example.org", ["wang@example.org"])
    mail = message_from_bytes(content, policy=policy.default)
    assert mail["Subject"] == MESSAGE.text.title
    assert mail["Message-ID"] == "<m1@example.org>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail.get_content().strip().replace("\r\n", "\n") == MESSAGE.text.plain()
    assert message_from_bytes(handler.mails[1][2])["Message-ID"] == "<m1@example.org>"


@pytest.mark.parametrize(
    ("rcpt", "data", "outcome"),
    [
        ("250 OK", "250 OK", "accepted"),
        ("450 4.2.1 mailbox busy", "250 OK", "try-later"),
        ("452 4.2.2 mailbox full", "250 OK", "try-later"),
        ("550 5.1.1 no such user", "250 OK", "gave-up"),
        ("250 OK", "451 4.3.0 try again", "try-later"),
        ("250 OK", "554 5.7.1 spam", "gave-up"),
        ("421 4.3.2 shutting down", "250 OK", "try-later"),
    ],
)
async def test_what_the_server_says_is_read(tools: Tools, server, rcpt, data, outcome) -> None:
    handler, port = server
    handler.rcpt, handler.data = rcpt, data
    answer = await carrier("email", tools).send(to(port), MESSAGE)
    assert answer.outcome == outcome
    assert "wang@" not in answer.detail


async def test_no_server_a_dead_server_and_one_without_tls(tools: Tools, server: tuple[Server, str]) -> None:
    closed = nobody_there().rpartition(":")[2]
    assert (await carrier("email", tools).send(to(closed), MESSAGE)).outcome == "try-later"
    _, port = server
    assert (await carrier("email", tools).send(to(port, tls="starttls"), MESSAGE)).outcome != "accepted"
    assert (await carrier("email", tools).send(to(port, tls="tls"), MESSAGE)).outcome == "try-later"
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        tools.timeout_s = 0.3
        hung = await carrier("email", tools).send(to(str(silent.getsockname()[1])), MESSAGE)
    assert hung.outcome == "try-later"


@pytest.mark.parametrize("options", [{"host": ""}, {"tls": "ssl"}, {"port": "x"}, {"port": "٣"}])
async def test_a_server_that_is_not_set(tools: Tools, options: dict[str, str]) -> None:
    channel = to("25")
    channel = replace(channel, options=channel.options | options)
    assert (await carrier("email", tools).send(channel, MESSAGE)).outcome == "gave-up"


async def test_an_address_with_a_line_break_sends_nothing(tools: Tools, server: tuple[Server, str]) -> None:
    handler, port = server
    channel = replace(to(port), target="wang@example.org\r\nBcc: all@example.org")
    assert (await carrier("email", tools).send(channel, MESSAGE)).outcome == "gave-up"
    assert handler.mails == []
