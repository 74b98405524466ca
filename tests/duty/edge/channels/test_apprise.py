from duty.edge.channels import carrier
from duty.edge.channels.base import Answer
from duty.people import Channel
from tests.duty.edge.channels.test_outcomes import MESSAGE, Peer, Says, Tools, tools, vendor
from tests.duty.edge.peers import nobody_there

__all__ = ["tools", "vendor"]


def channel(target: str) -> Channel:
    return Channel(id="c", person="wang", order=1, kind="apprise", target=target)


async def test_apprise_never_says_more_than_it_knows(tools: Tools, vendor: Peer) -> None:
    vendor.says = lambda _: Says(200, {"errcode": 45009})
    target = vendor.url.replace("http://", "json://") + "/x"
    assert await carrier("apprise", tools).send(channel(target), MESSAGE) == Answer("unknown", "receipt unknown")
    dead = nobody_there().replace("http://", "json://")
    assert (await carrier("apprise", tools).send(channel(dead), MESSAGE)).outcome == "try-later"
    assert (await carrier("apprise", tools).send(channel("nothing"), MESSAGE)).outcome == "gave-up"
