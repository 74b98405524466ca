"""A signed webhook: JSON to an address of the site's own.

`X-Threshold-Signature: sha256=<hex>` is HMAC-SHA-256 with the secret over `<X-Threshold-Timestamp>.<body>`.
`X-Threshold-Id` is the same however often it is sent: whoever receives it twice does it once.  Any 2xx is accepted.
"""

from hashlib import sha256
from hmac import digest

from duty.edge.channels.base import Answer, Message, Tools, encode
from duty.people import Channel


class Carrier:
    """Tells what the message tells, and the pages behind it."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    async def send(self, channel: Channel, message: Message) -> Answer:
        """Try once."""
        body = encode(
            {
                "id": message.id,
                "text": message.text.plain(),
                "link": message.text.link,
                "pages": [
                    {
                        "page": page.id,
                        "incident": page.incident,
                        "kind": page.kind,
                        "subject": page.subject,
                        "grid": page.grid,
                        "role": page.role,
                        "step": page.step,
                    }
                    for page in message.pages
                ],
            }
        )
        return await post_signed(self._tools, channel.target, channel.secret, message.id, body)


async def post_signed(tools: Tools, url: str, secret: str, id: str, body: bytes) -> Answer:
    """Post a body once, signed."""
    timestamp = str(tools.clock_ms() // 1000)
    # An id made of a place may hold Chinese: it travels as UTF-8.
    headers = {"X-Threshold-Id": id.encode(), "X-Threshold-Timestamp": timestamp.encode()}
    if secret:
        headers["X-Threshold-Signature"] = f"sha256={signature(secret, timestamp, body)}".encode()
    reply = await tools.post(url, content=body, headers=headers)
    return reply if isinstance(reply, Answer) else reply.by_status() or Answer("accepted")


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """What a receiver computes too."""
    return digest(secret.encode(), timestamp.encode() + b"." + body, sha256).hex()
