from msgspec.structs import replace

from duty.edge.channels import carrier
from duty.edge.channels.base import Tools
from duty.people import Channel
from tests.duty.edge.channels.test_outcomes import MESSAGE

DESK = Channel(id="", person="wang", order=1, kind="desk")


async def test_the_desk_accepts_for_whoever_looks_at_it() -> None:
    tools = Tools(clock_ms=lambda: 0, is_present=lambda person: person == "wang")
    message = replace(MESSAGE, person="wang")
    assert (await carrier("desk", tools).send(DESK, message)).outcome == "accepted"
    away = replace(MESSAGE, person="li")
    assert (await carrier("desk", tools).send(DESK, away)).outcome == "gave-up"
