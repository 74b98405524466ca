from duty.edge.channels.sms_tencent import authorization
from tests.duty.edge.channels.test_outcomes import WELL, Peer, Says, Tools, send, tools, vendor

__all__ = ["tools", "vendor"]


async def test_tencent(tools: Tools, vendor: Peer) -> None:
    vendor.says = lambda _: Says(200, WELL["sms-tencent"])
    await send(tools, "sms-tencent", vendor.url)
    (request,) = vendor.requests
    assert request.json["PhoneNumberSet"] == ["+8613800138000"]
    assert request.json["TemplateParamSet"] == ["未报备开门", "3 栋 1203"]
    assert request.headers["x-tc-action"] == "SendSms"
    host = vendor.url.removeprefix("http://")
    assert request.headers["authorization"] == authorization("AKID", "s", host, request.body, 1_581_816_600)
