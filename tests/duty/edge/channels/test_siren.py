import pytest
from msgspec.structs import replace

from duty.edge.channels import carrier
from duty.edge.channels.base import Tools
from duty.people import Channel
from tests.duty.edge.channels.test_outcomes import MESSAGE
from tests.duty.test_message import page

SIREN = Channel(id="c", person="wang", order=1, kind="siren", target="siren-1")


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
    assert (await carrier("siren", tools).send(SIREN, message)).outcome == outcome
    assert asked == [("p2", "siren-1")]
    assert (await carrier("siren", tools).send(SIREN, MESSAGE)).outcome == "gave-up"
