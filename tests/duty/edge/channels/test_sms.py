import pytest

from duty.edge.channels.sms import parameters
from tests.duty.edge.channels.test_outcomes import MESSAGE, Peer, Tools, send, tools, vendor

__all__ = ["tools", "vendor"]


@pytest.mark.parametrize("missing", ["provider", "key", "sign", "template"])
async def test_what_is_not_set_is_named(tools: Tools, vendor: Peer, missing: str) -> None:
    options = {"provider": "aliyun", "key": "k", "sign": "s", "template": "t", "endpoint": vendor.url, missing: ""}
    answer = await send(tools, "sms-aliyun", vendor.url, options=options)
    assert answer.outcome == "gave-up"
    assert missing in answer.detail
    assert vendor.requests == []


def test_what_and_where_fill_the_templates_places() -> None:
    assert parameters(MESSAGE) == ("未报备开门", "3 栋 1203")
