"""A robot of a Feishu (飞书) group: the target is its webhook address, the secret signs.

Answers are `{"code": 0, "msg": "success"}`; older ones `{"StatusCode": 0}`.  At most 100 a minute and 5 a second.
"""

from base64 import b64encode
from hashlib import sha256
from hmac import digest

from duty.edge.channels.base import Answer, Message, Reply, Tools, by_code, encode
from duty.edge.channels.wecom import cut
from duty.people import Channel

LONGEST_BYTES = 18_000
# Too often (two spellings of it), and faults of Feishu's own.
LATER: dict[object, float | None] = {11232: 60, 99991400: 60, 11247: None, 1500: None, 190005: None}


class Carrier:
    """19024 (keyword missing), 19021 (signature), 19022 (address not allowed) are not mended by trying again."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    async def send(self, channel: Channel, message: Message) -> Answer:
        """Try once."""
        body: dict[str, object] = {
            "msg_type": "text",
            "content": {"text": cut(message.text.plain(), LONGEST_BYTES)},
        } | signature(channel.secret, self._tools.clock_ms() // 1000)
        reply = await self._tools.post(channel.target, content=encode(body))
        if isinstance(reply, Reply) and "StatusCode" in (reply.json() or {}) and "code" not in (reply.json() or {}):
            return by_code(reply, "StatusCode", 0, LATER, "StatusMessage")
        return by_code(reply, "code", 0, LATER, "msg")


def signature(secret: str, now_s: int) -> dict[str, object]:
    """Time and signature, where the robot has a secret.  The secret is in the key; the text that is signed is empty."""
    if not secret:
        return {}
    mac = digest(f"{now_s}\n{secret}".encode(), b"", sha256)
    return {"timestamp": str(now_s), "sign": b64encode(mac).decode()}
