from urllib.parse import parse_qsl

import pytest

from duty.edge.channels.sms import parameters
from duty.edge.channels.sms_aliyun import signature
from duty.edge.channels.sms_tencent import authorization
from tests.duty.edge.channels.test_outcomes import MESSAGE, WELL, Peer, Says, Tools, send, tools, vendor

__all__ = ["tools", "vendor"]


async def test_aliyun(tools: Tools, vendor: Peer) -> None:
    vendor.says = lambda _: Says(200, WELL["sms-aliyun"])
    await send(tools, "sms-aliyun", vendor.url)
    (request,) = vendor.requests
    fields = dict(parse_qsl(request.body.decode()))
    assert fields["Action"] == "SendSms"
    assert fields["PhoneNumbers"] == "13800138000"
    assert fields["SignName"] == "阳光小区"
    assert fields["TemplateParam"] == '{"what": "未报备开门", "where": "3 栋 1203"}'
    assert fields["Timestamp"] == "2020-02-16T01:30:00Z"
    signed = fields.pop("Signature")
    assert signed == signature(fields, "s")


def test_the_signature_of_the_vendors_own_example() -> None:
    """The example of the RPC signature in Aliyun's documents is a GET; with POST in its place this is what it gives."""
    fields = {
        "AccessKeyId": "testid", "Action": "DescribeRegions", "Format": "XML", "SignatureMethod": "HMAC-SHA1",
        "SignatureNonce": "3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf", "SignatureVersion": "1.0",
        "Timestamp": "2016-02-23T12:46:24Z", "Version": "2014-05-26",
    }  # fmt: skip
    import duty.edge.channels.sms_aliyun as module

    posted = module.signature(fields, "testsecret")
    assert posted != "OLeaidS1JvxuMvnyHOwuJ+uX5qY="
    # The same text with GET is the published value: only the method differs.
    from base64 import b64encode
    from hashlib import sha1
    from hmac import digest
    from urllib.parse import quote

    query = "&".join(f"{quote(k, safe='-_.~')}={quote(fields[k], safe='-_.~')}" for k in sorted(fields))
    text = f"GET&%2F&{quote(query, safe='-_.~')}"
    assert b64encode(digest(b"testsecret&", text.encode(), sha1)).decode() == "OLeaidS1JvxuMvnyHOwuJ+uX5qY="
    assert b64encode(digest(b"testsecret&", text.replace("GET", "POST", 1).encode(), sha1)).decode() == posted


async def test_tencent(tools: Tools, vendor: Peer) -> None:
    vendor.says = lambda _: Says(200, WELL["sms-tencent"])
    await send(tools, "sms-tencent", vendor.url)
    (request,) = vendor.requests
    assert request.json["PhoneNumberSet"] == ["+8613800138000"]
    assert request.json["TemplateParamSet"] == ["未报备开门", "3 栋 1203"]
    assert request.headers["x-tc-action"] == "SendSms"
    host = vendor.url.removeprefix("http://")
    assert request.headers["authorization"] == authorization("AKID", "s", host, request.body, 1_581_816_600)


@pytest.mark.parametrize("missing", ["provider", "key", "sign", "template"])
async def test_what_is_not_set_is_named(tools: Tools, vendor: Peer, missing: str) -> None:
    options = {"provider": "aliyun", "key": "k", "sign": "s", "template": "t", "endpoint": vendor.url, missing: ""}
    answer = await send(tools, "sms-aliyun", vendor.url, options=options)
    assert answer.outcome == "gave-up"
    assert missing in answer.detail
    assert vendor.requests == []


def test_what_and_where_fill_the_templates_places() -> None:
    assert parameters(MESSAGE) == ("未报备开门", "3 栋 1203")
