"""E-mail over a site's own mail server.

Options: `host`, `port`, `tls` ("starttls", "tls" or "none"), `username`, `from`; the secret is the password, the target
the address.  A server's 4xx is "not now", its 5xx "not like this".
"""

import asyncio
from email.message import EmailMessage
from email.utils import formatdate
from importlib import import_module
from typing import Any

from duty.edge.channels.base import Answer, Message, Tools, short
from duty.people import Channel

_PORTS = {"tls": 465, "starttls": 587, "none": 25}


class Carrier:
    """One connection a message: there are few of them."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    async def send(self, channel: Channel, message: Message) -> Answer:
        """Try once."""
        smtp: Any = import_module("aiosmtplib")
        options = channel.options
        host, tls = options.get("host", ""), options.get("tls", "starttls")
        port = options.get("port", "") or str(_PORTS.get(tls, 0))
        if not host or tls not in _PORTS or not port.isascii() or not port.isdigit():
            return Answer("gave-up", "no mail server is set: host, port, tls")
        try:
            mail = compose(channel, message, self._tools.clock_ms())
        except ValueError:
            return Answer("gave-up", "the address cannot be written to")
        try:
            async with asyncio.timeout(self._tools.timeout_s):
                await smtp.send(
                    mail,
                    hostname=host,
                    port=int(port),
                    use_tls=tls == "tls",
                    start_tls=tls == "starttls",
                    username=options.get("username") or None,
                    password=channel.secret or None,
                    timeout=self._tools.timeout_s,
                )
        except smtp.SMTPRecipientsRefused as error:
            return _by_code(error.recipients[0].code, error.recipients[0].message)
        except smtp.SMTPResponseException as error:
            return _by_code(error.code, error.message)
        except (smtp.SMTPException, OSError, TimeoutError) as error:
            return Answer("try-later", f"no connection: {type(error).__name__}")
        return Answer("accepted")


def compose(channel: Channel, message: Message, now_ms: int) -> EmailMessage:
    """The mail, with the same Message-ID however often it is sent.  Raises ValueError for an address that is none."""
    sender = channel.options.get("from", "") or channel.options.get("username", "") or "threshold@localhost"
    mail = EmailMessage()
    mail["From"] = sender
    mail["To"] = channel.target
    mail["Subject"] = message.text.title
    mail["Date"] = formatdate(now_ms / 1000)
    mail["Message-ID"] = f"<{message.id}@{sender.rpartition('@')[2].strip('<> ') or 'localhost'}>"
    mail["Auto-Submitted"] = "auto-generated"
    if message.text.urgent:
        mail["X-Priority"] = "1"
    mail.set_content(message.text.plain())
    return mail


def _by_code(code: int, said: str) -> Answer:
    detail = short(f"{code}: {said}")
    return Answer("try-later" if 400 <= code < 500 else "gave-up", detail)
