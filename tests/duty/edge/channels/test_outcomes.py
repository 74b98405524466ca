"""One table for every channel that speaks HTTP: what a vendor says, and what came of it.

A real server answers on this machine.  Rows are (status, body, headers) → outcome, and the pause asked for.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from duty.attempts import OUTCOMES
from duty.edge.channels import carrier
from duty.edge.channels.base import Answer, Message, Tools
from duty.message import Text
from duty.people import Channel, ChannelKind
from tests.duty.edge.peers import Peer, Says, nobody_there, peer

NOW_MS = 1_581_816_600_000
TEXT = Text(
    title="【小区】未报备开门 · 3 栋 1203", lines=("门开了，没有报备",), link="https://desk/a/x", link_word="接警："
)
MESSAGE = Message(id="m1", text=TEXT)

WELL: dict[str, Any] = {
    "wecom": {"errcode": 0, "errmsg": "ok"},
    "dingtalk": {"errcode": 0, "errmsg": "ok"},
    "feishu": {"code": 0, "msg": "success", "data": {}},
    "webhook": b"",
    "sms-aliyun": {"Code": "OK", "Message": "OK", "BizId": "9^0", "RequestId": "r"},
    "sms-tencent": {"Response": {"SendStatusSet": [{"Code": "Ok", "Message": "send success"}], "RequestId": "r"}},
}
KINDS = sorted(WELL)


def tencent(code: str) -> dict[str, Any]:
    return {"Response": {"SendStatusSet": [{"Code": code, "Message": "m"}], "RequestId": "r"}}


# What each vendor says with status 200 when it means something else.
BODIES: list[tuple[str, Any, str]] = [
    ("wecom", {"errcode": 45009, "errmsg": "api freq out of limit"}, "try-later"),
    ("wecom", {"errcode": -1, "errmsg": "system busy"}, "try-later"),
    ("wecom", {"errcode": 45033, "errmsg": "api concurrent out of limit"}, "try-later"),
    ("wecom", {"errcode": 93000, "errmsg": "invalid webhook url"}, "gave-up"),
    ("wecom", {"errcode": 40058, "errmsg": "exceed max length 2048"}, "gave-up"),
    ("wecom", {"errcode": "0", "errmsg": "ok"}, "gave-up"),
    ("wecom", {"errcode": False}, "gave-up"),
    ("dingtalk", {"errcode": 310000, "errmsg": "keywords not in content"}, "gave-up"),
    ("dingtalk", {"errcode": 310000, "errmsg": "sign not match"}, "gave-up"),
    ("dingtalk", {"errcode": 300001, "errmsg": "token is not exist"}, "gave-up"),
    ("dingtalk", {"errcode": 130101, "errmsg": "send too fast, exceed 20 times per minute"}, "try-later"),
    ("dingtalk", {"errcode": 410100, "errmsg": "发送速度太快而限流"}, "try-later"),
    ("dingtalk", {"errcode": -1, "errmsg": "系统繁忙"}, "try-later"),
    ("feishu", {"code": 19024, "msg": "Key Words Not Found"}, "gave-up"),
    ("feishu", {"code": 19021, "msg": "sign match fail or timestamp is not within one hour"}, "gave-up"),
    ("feishu", {"code": 19022, "msg": "Ip Not Allowed"}, "gave-up"),
    ("feishu", {"code": 19001, "msg": "param invalid: incoming webhook access token invalid"}, "gave-up"),
    ("feishu", {"code": 11232, "msg": "frequency limited psm[lark.oapi.app_platform_runtime]"}, "try-later"),
    ("feishu", {"code": 9499, "msg": "Bad Request"}, "gave-up"),
    ("feishu", {"StatusCode": 0, "StatusMessage": "success", "Extra": None}, "accepted"),
    ("feishu", {"StatusCode": 11232, "StatusMessage": "limited"}, "try-later"),
    ("sms-aliyun", {"Code": "isv.BUSINESS_LIMIT_CONTROL", "Message": "触发分钟级流控Permits:1"}, "try-later"),
    ("sms-aliyun", {"Code": "isp.SYSTEM_ERROR", "Message": "m"}, "try-later"),
    ("sms-aliyun", {"Code": "isv.AMOUNT_NOT_ENOUGH", "Message": "账户余额不足"}, "gave-up"),
    ("sms-aliyun", {"Code": "isv.MOBILE_NUMBER_ILLEGAL", "Message": "m"}, "gave-up"),
    ("sms-aliyun", {"Code": "SignatureDoesNotMatch", "Message": "m"}, "gave-up"),
    ("sms-tencent", tencent("LimitExceeded.PhoneNumberThirtySecondLimit"), "try-later"),
    ("sms-tencent", tencent("FailedOperation.InsufficientBalanceInSmsPackage"), "gave-up"),
    ("sms-tencent", tencent("InvalidParameterValue.IncorrectPhoneNumber"), "gave-up"),
    ("sms-tencent", {"Response": {"Error": {"Code": "AuthFailure.SignatureFailure", "Message": "m"}}}, "gave-up"),
    ("sms-tencent", {"Response": {"Error": {"Code": "RequestLimitExceeded", "Message": "m"}}}, "try-later"),
    ("sms-tencent", {"Response": {"Error": {"Code": "InternalError", "Message": "m"}}}, "try-later"),
    ("sms-tencent", {"Response": {"SendStatusSet": []}}, "try-later"),
]

# What any server may say, whoever it is.
STATUSES: list[tuple[int, dict[str, str], str, float | None]] = [
    (408, {}, "try-later", None),
    (429, {}, "try-later", None),
    (429, {"Retry-After": "7"}, "try-later", 7),
    (429, {"Retry-After": "Sun, 16 Feb 2020 01:30:30 GMT"}, "try-later", 30),
    (429, {"Retry-After": "soon"}, "try-later", None),
    (500, {}, "try-later", None),
    (502, {}, "try-later", None),
    (503, {"Retry-After": "120"}, "try-later", 120),
    (400, {}, "gave-up", None),
    (401, {}, "gave-up", None),
    (404, {}, "gave-up", None),
    (301, {"Location": "http://127.0.0.1:1/"}, "gave-up", None),
]


@pytest.fixture
async def tools() -> AsyncIterator[Tools]:
    made = Tools(clock_ms=lambda: NOW_MS, timeout_s=60)
    yield made
    await made.close()


@pytest.fixture
async def vendor() -> AsyncIterator[Peer]:
    async with peer() as made:
        yield made


def channel(kind: str, url: str, **more: Any) -> Channel:
    if kind.startswith("sms-"):
        options = {"provider": kind[4:], "key": "AKID", "sign": "阳光小区", "template": "T1", "endpoint": url}
        fields: dict[str, Any] = {"kind": "sms", "target": "13800138000", "secret": "s", "options": options}
    else:
        fields = {"kind": kind, "target": f"{url}/hook?key=K3Y", "secret": "s3cret"}
    return Channel(id="c", person="wang", order=1, **(fields | more))


async def send(tools: Tools, kind: str, url: str, **more: Any) -> Answer:
    name: ChannelKind = "sms" if kind.startswith("sms-") else kind  # type: ignore[assignment]
    answer = await carrier(name, tools).send(channel(kind, url, **more), MESSAGE)
    assert answer.outcome in OUTCOMES
    assert len(answer.detail) <= 200
    for secret in ("s3cret", "K3Y", "13800138000"):
        assert secret not in answer.detail
    return answer


@pytest.mark.parametrize("kind", KINDS)
async def test_a_success_is_accepted(tools: Tools, vendor: Peer, kind: str) -> None:
    vendor.says = lambda _: Says(200, WELL[kind])
    assert await send(tools, kind, vendor.url) == Answer("accepted")
    assert len(vendor.requests) == 1
    assert vendor.requests[0].method == "POST"


@pytest.mark.parametrize(("kind", "body", "outcome"), BODIES)
async def test_a_vendors_own_error_is_read(tools: Tools, vendor: Peer, kind: str, body: Any, outcome: str) -> None:
    vendor.says = lambda _: Says(200, body)
    assert (await send(tools, kind, vendor.url)).outcome == outcome


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("status", "headers", "outcome", "wait_s"), STATUSES)
async def test_a_status_is_read(tools: Tools, vendor: Peer, kind: str, status, headers, outcome, wait_s) -> None:
    vendor.says = lambda _: Says(status, b"<html>no</html>", headers)
    answer = await send(tools, kind, vendor.url)
    assert (answer.outcome, answer.retry_after_s) == (outcome, wait_s)
    assert len(vendor.requests) == 1  # nothing is followed, nothing tried again here


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("status", [400, 500])
async def test_a_success_in_the_body_does_not_outweigh_the_status(tools: Tools, vendor: Peer, kind, status) -> None:
    vendor.says = lambda _: Says(status, WELL[kind])
    assert (await send(tools, kind, vendor.url)).outcome == ("gave-up" if status == 400 else "try-later")


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "webhook"])
@pytest.mark.parametrize(
    "body",
    [b"", b"OK", b"<html>Please log in to this network</html>", b"[]", b"null", b"{}", b"\xff\xfe", b"[" * 60_000,
     {"errcode": None, "code": None, "Code": None, "Response": None}, {"errcode": {}, "code": [], "Code": {}},
     b"x" * 300_000],
)  # fmt: skip
async def test_a_success_that_is_none_of_this_vendors_is_no_success(tools: Tools, vendor: Peer, kind, body) -> None:
    vendor.says = lambda _: Says(200, body)
    assert (await send(tools, kind, vendor.url)).outcome == "try-later"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("says", [Says(hangs=True), Says(drops=True), Says(200, b"", after_s=600)])
async def test_no_answer_in_time_is_no_answer(tools: Tools, vendor: Peer, kind: str, says: Says) -> None:
    vendor.says = lambda _: says
    tools.timeout_s = 0.3
    answer = await asyncio.wait_for(send(tools, kind, vendor.url), 60)  # long before the vendor says anything
    assert answer.outcome == "try-later"


@pytest.mark.parametrize("kind", KINDS)
async def test_a_refused_connection_is_tried_later(tools: Tools, kind: str) -> None:
    assert (await send(tools, kind, nobody_there())).outcome == "try-later"


@pytest.mark.parametrize("kind", [kind for kind in KINDS if not kind.startswith("sms-")])
@pytest.mark.parametrize(
    "target", ["", "robot", "file:///etc/passwd", "ftp://x/", "http://[::1", "http://", "http:// x/"]
)
async def test_a_target_that_is_no_address_gives_up(tools: Tools, kind: str, target: str) -> None:
    answer = await send(tools, kind, "", target=target)
    assert answer.outcome in ("gave-up", "try-later")
    assert answer.outcome == "gave-up" or target in ("http://", "http:// x/")
