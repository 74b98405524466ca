"""Tencent Cloud's SendSms: JSON, signed by TC3-HMAC-SHA256 (the API's version 2021-01-11)."""

from datetime import UTC, datetime
from hashlib import sha256
from hmac import digest
from typing import Any
from urllib.parse import urlsplit

from duty.edge.channels.base import Answer, Message, Reply, Tools, by_code, encode, short
from duty.people import Channel

ENDPOINT = "https://sms.tencentcloudapi.com"
LATER: dict[object, float | None] = {
    "LimitExceeded.PhoneNumberThirtySecondLimit": 30,
    "LimitExceeded.PhoneNumberOneHourLimit": 600,
    "LimitExceeded.DeliveryFrequencyLimit": 30,
    "RequestLimitExceeded": 1,
    "InternalError": None,
    "InternalError.Timeout": None,
    "InternalError.SendAndRecvFail": None,
    "InternalError.OtherError": None,
    "FailedOperation.FailResolvePacket": None,
    "ResourceUnavailable": None,
}


async def send(tools: Tools, channel: Channel, message: Message) -> Answer:
    """Try once."""
    from duty.edge.channels.sms import parameters

    options = channel.options
    number = channel.target if channel.target.startswith("+") else f"+86{channel.target}"
    body = encode(
        {
            "PhoneNumberSet": [number],
            "SmsSdkAppId": options.get("app", ""),
            "SignName": options["sign"],
            "TemplateId": options["template"],
            "TemplateParamSet": list(parameters(message)),
            "SessionContext": message.id,
        }
    )
    endpoint = options.get("endpoint") or ENDPOINT
    now_s = tools.clock_ms() // 1000
    headers = {
        "X-TC-Action": "SendSms",
        "X-TC-Version": "2021-01-11",
        "X-TC-Region": options.get("region") or "ap-guangzhou",
        "X-TC-Timestamp": str(now_s),
        "Authorization": authorization(options["key"], channel.secret, urlsplit(endpoint).netloc, body, now_s),
    }
    return _read(await tools.post(endpoint, content=body, headers=headers))


def _read(reply: Answer | Reply) -> Answer:
    """`{"Response": {"SendStatusSet": [{"Code": "Ok"}]}}`, or `{"Response": {"Error": {"Code": …}}}`."""
    if isinstance(reply, Answer):
        return reply
    response: Any = (reply.json() or {}).get("Response")
    status: Any = response.get("Error") if isinstance(response, dict) else None
    if status is None and isinstance(response, dict):
        statuses = response.get("SendStatusSet")
        status = statuses[0] if isinstance(statuses, list) and statuses else None
    if not isinstance(status, dict):
        return reply.by_status() or Answer("try-later", short("the answer is not this vendor's"))
    return by_code(Reply(reply.status, encode(status), reply.retry_after_s), "Code", "Ok", LATER, "Message")


def authorization(key: str, secret: str, host: str, body: bytes, now_s: int) -> str:
    """The Authorization header of a request at `now_s`."""
    day = datetime.fromtimestamp(now_s, UTC).strftime("%Y-%m-%d")
    headers = f"content-type:application/json; charset=utf-8\nhost:{host}\nx-tc-action:sendsms\n"
    signed_headers = "content-type;host;x-tc-action"
    request = f"POST\n/\n\n{headers}\n{signed_headers}\n{sha256(body).hexdigest()}"
    scope = f"{day}/sms/tc3_request"
    to_sign = f"TC3-HMAC-SHA256\n{now_s}\n{scope}\n{sha256(request.encode()).hexdigest()}"
    signing = digest(f"TC3{secret}".encode(), day.encode(), sha256)
    for part in ("sms", "tc3_request"):
        signing = digest(signing, part.encode(), sha256)
    mac = digest(signing, to_sign.encode(), sha256).hex()
    return f"TC3-HMAC-SHA256 Credential={key}/{scope}, SignedHeaders={signed_headers}, Signature={mac}"
