from hashlib import sha256
from hmac import digest

from msgspec.structs import replace

from duty.edge.channels import carrier
from duty.edge.channels.base import Answer
from tests.duty.edge.channels.test_outcomes import MESSAGE, Peer, Tools, channel, send, tools, vendor
from tests.duty.test_message import page

__all__ = ["tools", "vendor"]


async def test_it_is_signed_and_says_the_same_id_every_time(tools: Tools, vendor: Peer) -> None:
    message = replace(MESSAGE, pages=(page(id="g017/3/1203/x/1#0.worker.1"),))
    hook = channel("webhook", vendor.url)
    for _ in range(2):
        assert await carrier("webhook", tools).send(hook, message) == Answer("accepted")
    first, second = vendor.requests
    assert first.headers["x-threshold-id"] == second.headers["x-threshold-id"] == "m1"
    timestamp = first.headers["x-threshold-timestamp"]
    mac = digest(b"s3cret", timestamp.encode() + b"." + first.body, sha256).hex()
    assert first.headers["x-threshold-signature"] == f"sha256={mac}"
    assert first.json["pages"][0]["page"] == "g017/3/1203/x/1#0.worker.1"
    assert first.json["text"] == MESSAGE.text.plain()


async def test_without_a_secret_it_is_not_signed(tools: Tools, vendor: Peer) -> None:
    await send(tools, "webhook", vendor.url, secret="")
    assert "x-threshold-signature" not in vendor.requests[0].headers


async def test_an_id_with_chinese_in_it_travels_in_a_header(tools: Tools, vendor: Peer) -> None:
    message = replace(MESSAGE, id="g017/三栋/1203")
    assert await carrier("webhook", tools).send(channel("webhook", vendor.url), message) == Answer("accepted")
    assert vendor.requests[0].headers["x-threshold-id"].encode("latin-1").decode() == "g017/三栋/1203"
