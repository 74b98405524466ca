from base64 import b64encode
from hashlib import sha256
from hmac import digest
from urllib.parse import parse_qs, urlsplit

from duty.edge.channels.dingtalk import signed
from tests.duty.edge.channels.test_outcomes import NOW_MS, TEXT, WELL, Peer, Says, Tools, send, tools, vendor

__all__ = ["tools", "vendor"]


async def test_dingtalk(tools: Tools, vendor: Peer) -> None:
    vendor.says = lambda _: Says(200, WELL["dingtalk"])
    await send(tools, "dingtalk", vendor.url)
    (request,) = vendor.requests
    assert request.json == {"msgtype": "text", "text": {"content": TEXT.plain()}}
    query = parse_qs(urlsplit(request.path).query)
    assert query["timestamp"] == [str(NOW_MS)]
    expected = b64encode(digest(b"s3cret", f"{NOW_MS}\ns3cret".encode(), sha256)).decode()
    assert query["sign"] == [expected]
    assert signed("https://x/y?access_token=t", "", 5) == "https://x/y?access_token=t"
