from base64 import b64encode
from hashlib import sha256
from hmac import digest

from duty.edge.channels.feishu import signature
from tests.duty.edge.channels.test_outcomes import NOW_MS, TEXT, WELL, Peer, Says, Tools, send, tools, vendor

__all__ = ["tools", "vendor"]


async def test_feishu(tools: Tools, vendor: Peer) -> None:
    vendor.says = lambda _: Says(200, WELL["feishu"])
    await send(tools, "feishu", vendor.url)
    body = vendor.requests[0].json
    assert body["msg_type"] == "text"
    assert body["content"] == {"text": TEXT.plain()}
    assert body["timestamp"] == str(NOW_MS // 1000)
    assert body["sign"] == b64encode(digest(f"{NOW_MS // 1000}\ns3cret".encode(), b"", sha256)).decode()
    assert signature("", 5) == {}
