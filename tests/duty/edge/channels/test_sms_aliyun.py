from base64 import b64encode
from hashlib import sha1
from hmac import digest
from urllib.parse import parse_qsl, quote

from duty.edge.channels.sms_aliyun import signature
from tests.duty.edge.channels.test_outcomes import WELL, Peer, Says, Tools, send, tools, vendor

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


def test_the_signature_is_that_of_the_vendors_example() -> None:
    """The example in Aliyun's documents is a GET; everything but that word is the same for our POST."""
    fields = {
        "AccessKeyId": "testid",
        "Action": "DescribeRegions",
        "Format": "XML",
        "SignatureMethod": "HMAC-SHA1",
        "SignatureNonce": "3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf",
        "SignatureVersion": "1.0",
        "Timestamp": "2016-02-23T12:46:24Z",
        "Version": "2014-05-26",
    }
    query = "&".join(f"{quote(k, safe='-_.~')}={quote(fields[k], safe='-_.~')}" for k in sorted(fields))
    text = f"GET&%2F&{quote(query, safe='-_.~')}"

    def signed(what: str) -> str:
        return b64encode(digest(b"testsecret&", what.encode(), sha1)).decode()

    assert signed(text) == "OLeaidS1JvxuMvnyHOwuJ+uX5qY="
    assert signature(fields, "testsecret") == signed(text.replace("GET", "POST", 1))
