"""A robot of a DingTalk (钉钉) group: the target is its webhook address, the secret signs (加签).

Answers are `{"errcode": 0, "errmsg": "ok"}` with status 200.  At most 20 messages a minute; one over that is silenced
for ten.
"""

from base64 import b64encode
from hashlib import sha256
from hmac import digest
from urllib.parse import quote_plus

from duty.edge.channels.base import Answer, Message, Tools, by_code, encode
from duty.edge.channels.wecom import cut
from duty.people import Channel

LONGEST_BYTES = 20_000
# Busy; too often (old and new); the robot is silenced for ten minutes.
LATER: dict[object, float | None] = {-1: None, 130101: 600, 410100: 600, 88: 60, 90018: 60}


class Carrier:
    """310000 (keyword, address or signature refused) is not mended by trying again."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    async def send(self, channel: Channel, message: Message) -> Answer:
        """Try once."""
        body = encode({"msgtype": "text", "text": {"content": cut(message.text.plain(), LONGEST_BYTES)}})
        url = signed(channel.target, channel.secret, self._tools.clock_ms())
        return by_code(await self._tools.post(url, content=body), "errcode", 0, LATER, "errmsg")


def signed(url: str, secret: str, now_ms: int) -> str:
    """The address with time and signature, where the robot has a secret."""
    if not secret:
        return url
    mac = digest(secret.encode(), f"{now_ms}\n{secret}".encode(), sha256)
    return f"{url}&timestamp={now_ms}&sign={quote_plus(b64encode(mac))}"
