"""A robot of a WeCom (企业微信) group: the target is its webhook address.

Answers are `{"errcode": 0, "errmsg": "ok"}` with status 200, whatever happened.  At most 20 messages a minute.
"""

from duty.edge.channels.base import Answer, Message, Tools, by_code, encode
from duty.people import Channel

LONGEST_BYTES = 2048
# Global error codes of qyapi: busy, too often, too many at once.
LATER: dict[object, float | None] = {-1: None, 45009: 60, 45033: 5, 45011: 60}


class Carrier:
    """`options`: `mention` holds user ids to mention, with blanks between; `@all` for everybody."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    async def send(self, channel: Channel, message: Message) -> Answer:
        """Try once."""
        text: dict[str, object] = {"content": cut(message.text.plain(), LONGEST_BYTES)}
        mention = channel.options.get("mention", "").split()
        if mention:
            text["mentioned_list"] = mention
        body = encode({"msgtype": "text", "text": text})
        return by_code(await self._tools.post(channel.target, content=body), "errcode", 0, LATER, "errmsg")


def cut(text: str, most_bytes: int) -> str:
    """`text` in at most so many bytes of UTF-8, the beginning and the last line (the link) kept."""
    data = text.encode()
    if len(data) <= most_bytes:
        return text
    last = ("\n" + text.rpartition("\n")[2]).encode()
    head = data[: max(0, most_bytes - len(last) - 3)].decode(errors="ignore")
    return head + "…" + last.decode() if len(last) < most_bytes else data[:most_bytes].decode(errors="ignore")
