"""What each robot is sent, as its vendor documents it."""

from base64 import b64encode
from hashlib import sha256
from hmac import digest
from urllib.parse import parse_qs, urlsplit

import pytest

from duty.edge.channels.dingtalk import signed
from duty.edge.channels.feishu import signature
from duty.edge.channels.wecom import cut
from tests.duty.edge.channels.test_outcomes import (
    NOW_MS,
    TEXT,
    WELL,
    Peer,
    Says,
    Tools,
    send,
    tools,
    vendor,
)

__all__ = ["tools", "vendor"]


async def test_wecom(tools: Tools, vendor: Peer) -> None:
    vendor.says = lambda _: Says(200, WELL["wecom"])
    await send(tools, "wecom", vendor.url, options={"mention": "wang @all"})
    (request,) = vendor.requests
    assert request.path == "/hook?key=K3Y"
    assert request.json == {
        "msgtype": "text",
        "text": {"content": TEXT.plain(), "mentioned_list": ["wang", "@all"]},
    }


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


async def test_feishu(tools: Tools, vendor: Peer) -> None:
    vendor.says = lambda _: Says(200, WELL["feishu"])
    await send(tools, "feishu", vendor.url)
    body = vendor.requests[0].json
    assert body["msg_type"] == "text"
    assert body["content"] == {"text": TEXT.plain()}
    assert body["timestamp"] == str(NOW_MS // 1000)
    assert body["sign"] == b64encode(digest(f"{NOW_MS // 1000}\ns3cret".encode(), b"", sha256)).decode()
    assert signature("", 5) == {}


@pytest.mark.parametrize("most", [60, 100, 2048])
def test_a_long_text_is_cut_in_bytes_and_keeps_its_last_line(most: int) -> None:
    text = "门" * 2000 + "\n接警：https://desk/a/x"
    short = cut(text, most)
    assert len(short.encode()) <= most
    assert short.endswith("接警：https://desk/a/x")
    assert cut("short", most) == "short"


def test_a_last_line_longer_than_all_there_is_room_for() -> None:
    assert len(cut("a\n" + "门" * 100, 30).encode()) <= 30
