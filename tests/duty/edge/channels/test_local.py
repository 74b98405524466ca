"""The desk itself, a siren, and the long tail."""

import pytest
from msgspec.structs import replace

from duty.edge.channels import carrier
from duty.edge.channels.base import Answer, Tools
from duty.people import CHANNEL_KINDS, Channel, ChannelKind
from tests.duty.edge.channels.test_outcomes import MESSAGE, Peer, Says, tools, vendor
from tests.duty.edge.peers import nobody_there
from tests.duty.test_message import page

__all__ = ["tools", "vendor"]


def channel(kind: ChannelKind, target: str = "") -> Channel:
    return Channel(id="c", person="wang", order=1, kind=kind, target=target)


def test_every_kind_has_a_carrier(tools: Tools) -> None:
    for kind in CHANNEL_KINDS:
        assert callable(carrier(kind, tools).send)


async def test_the_desk_accepts_for_whoever_looks_at_it() -> None:
    tools = Tools(clock_ms=lambda: 0, is_present=lambda person: person == "wang")
    message = replace(MESSAGE, person="wang")
    assert (await carrier("desk", tools).send(channel("desk"), message)).outcome == "accepted"
    away = replace(MESSAGE, person="li")
    assert (await carrier("desk", tools).send(channel("desk"), away)).outcome == "gave-up"


@pytest.mark.parametrize(
    ("receipt", "outcome"), [("accepted", "accepted"), ("gave-up", "gave-up"), (None, "try-later")]
)
async def test_a_siren_is_accepted_when_the_gateway_says_so(receipt: str | None, outcome: str) -> None:
    asked: list[tuple[str, str]] = []

    async def ask(page_id: str, hearer: str, timeout_s: float) -> str | None:
        asked.append((page_id, hearer))
        return receipt

    tools = Tools(clock_ms=lambda: 0, siren_receipt=ask)
    message = replace(MESSAGE, pages=(page(id="p1"), page(id="p2")))
    assert (await carrier("siren", tools).send(channel("siren", "siren-1"), message)).outcome == outcome
    assert asked == [("p2", "siren-1")]
    assert (await carrier("siren", tools).send(channel("siren", "siren-1"), MESSAGE)).outcome == "gave-up"


async def test_apprise_never_says_more_than_it_knows(tools: Tools, vendor: Peer) -> None:
    vendor.says = lambda _: Says(200, {"errcode": 45009})
    target = vendor.url.replace("http://", "json://") + "/x"
    assert await carrier("apprise", tools).send(channel("apprise", target), MESSAGE) == Answer(
        "unknown", "receipt unknown"
    )
    dead = nobody_there().replace("http://", "json://")
    assert (await carrier("apprise", tools).send(channel("apprise", dead), MESSAGE)).outcome == "try-later"
    assert (await carrier("apprise", tools).send(channel("apprise", "nothing"), MESSAGE)).outcome == "gave-up"
