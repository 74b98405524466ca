"""Aliyun's SendSms: form parameters, signed with HMAC-SHA-1 (the API's version 2017-05-25)."""

import json
import secrets
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha1
from hmac import digest
from urllib.parse import quote

from duty.edge.channels.base import Answer, Message, Tools, by_code
from duty.people import Channel

ENDPOINT = "https://dysmsapi.aliyuncs.com/"
# The phone's minute or hour is full; the vendor or the carrier is not well; too many calls of the API.
LATER: dict[object, float | None] = {
    "isv.BUSINESS_LIMIT_CONTROL": 60,
    "isp.SYSTEM_ERROR": None,
    "isp.GATEWAY_ERROR": None,
    "Throttling": 5,
    "Throttling.User": 5,
    "Throttling.Api": 5,
    "ServiceUnavailable": None,
    "InternalError": None,
}


async def send(tools: Tools, channel: Channel, message: Message) -> Answer:
    """Try once."""
    from duty.edge.channels.sms import parameters

    what, where = parameters(message)
    options = channel.options
    fields = {
        "Action": "SendSms",
        "Version": "2017-05-25",
        "RegionId": options.get("region") or "cn-hangzhou",
        "PhoneNumbers": channel.target,
        "SignName": options["sign"],
        "TemplateCode": options["template"],
        "TemplateParam": json.dumps({"what": what, "where": where}, ensure_ascii=False),
        "OutId": message.id,
        "Format": "JSON",
        "AccessKeyId": options["key"],
        "SignatureMethod": "HMAC-SHA1",
        "SignatureVersion": "1.0",
        "SignatureNonce": secrets.token_hex(16),
        "Timestamp": datetime.fromtimestamp(tools.clock_ms() // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    fields["Signature"] = signature(fields, channel.secret)
    body = "&".join(f"{_escape(name)}={_escape(value)}" for name, value in fields.items()).encode()
    reply = await tools.post(
        options.get("endpoint") or ENDPOINT, content=body, content_type="application/x-www-form-urlencoded"
    )
    return by_code(reply, "Code", "OK", LATER, "Message")


def signature(fields: Mapping[str, str], secret: str) -> str:
    """The signature of a POST with these parameters."""
    query = "&".join(f"{_escape(name)}={_escape(fields[name])}" for name in sorted(fields))
    return b64encode(digest(f"{secret}&".encode(), f"POST&%2F&{_escape(query)}".encode(), sha1)).decode()


def _escape(text: str) -> str:
    return quote(text, safe="-_.~")
