"""Text messages by HTTP: Aliyun (阿里云) or Tencent (腾讯云), as the option `provider` says.

Both send templates a site has had approved; ours fills two places: what, and where.  Options: `key` (access key id),
`sign` (签名), `template`, and for Tencent `app`; the secret is the access key's, the target the number.
`endpoint` and `region` have the vendors' own as defaults.
"""

from duty.edge.channels import sms_aliyun, sms_tencent
from duty.edge.channels.base import Answer, Message, Tools
from duty.people import Channel

_PROVIDERS = {"aliyun": sms_aliyun.send, "tencent": sms_tencent.send}


class Carrier:
    """`accepted` means that the vendor took it: whether the phone got it, no vendor says in its answer."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    async def send(self, channel: Channel, message: Message) -> Answer:
        """Try once."""
        send = _PROVIDERS.get(channel.options.get("provider", ""))
        needed = [name for name in ("key", "sign", "template") if not channel.options.get(name)]
        if send is None:
            return Answer("gave-up", "provider must be aliyun or tencent")
        if needed or not channel.secret or not channel.target:
            return Answer("gave-up", f"not set: {', '.join(needed) or 'secret or number'}")
        return await send(self._tools, channel, message)


def parameters(message: Message) -> tuple[str, str]:
    """What and where, short enough for a template's places (35 characters each)."""
    title = message.text.title
    title = title.partition("】")[2] or title.partition("] ")[2] or title
    what, _, where = title.partition(" · ")
    return what[:35], (where or "值班台")[:35]
