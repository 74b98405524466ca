"""The resident's page: the link is the key, and opens one household until the case ends."""

import pytest

from duty.edge.desk.routes.resident import POSTS_MAX, POSTS_WITHIN_MS, Throttle
from tests.desk_world import World

HOME = "g017/3/1203"


def link(world: World, *, days: float = 8) -> str:
    until_ms = world.clock_ms() + round(days * 86_400_000)
    return world.links.give_resident(HOME, "none", until_ms=until_ms, now_ms=world.clock_ms())


@pytest.mark.parametrize(
    ("what", "data", "command", "said"),
    [
        ("declare", {"reason": "rubbish", "minutes": "5"}, "declare", "请在 02:42 前关好"),
        ("temperature", {"celsius": "36.5"}, "home-temperature", "36.5 °C 已登记"),
        ("symptoms", {"symptom": ["fever", "cough"], "note": "夜里"}, "symptoms", "医生已收到"),
        ("well", {}, "call", "祝您安好"),
        ("help", {}, "symptoms", "医生和社区已收到"),
    ],
)
async def test_what_a_resident_tells_reaches_the_core(
    world: World, what: str, data: dict[str, object], command: str, said: str
) -> None:
    async with world.client() as client:
        answer = await client.post(f"/r/{link(world)}/{what}", data=data)
    assert said in answer.text
    (sent,) = world.door.commands
    assert (sent["command"], sent["household"], sent["by"]) == (command, HOME, "resident")


@pytest.mark.parametrize("token", ["none", "A" * 32, "%00", "x" * 500])
async def test_a_forged_link_opens_nothing(world: World, token: str) -> None:
    async with world.client() as client:
        assert (await client.get(f"/r/{token}")).status_code in (404, 410)
        assert (await client.post(f"/r/{token}/help")).status_code in (404, 410)
    assert world.door.commands == []


async def test_the_link_ends_with_the_case_and_when_it_is_withdrawn(world: World) -> None:
    async with world.client() as client:
        ended, withdrawn = link(world, days=0), link(world)
        assert (await client.get(f"/r/{ended}")).status_code == 410
        assert (await client.get(f"/r/{withdrawn}")).status_code == 200
        world.store.withdraw_links(HOME, world.clock_ms())
        assert (await client.get(f"/r/{withdrawn}")).status_code == 410


@pytest.mark.parametrize(
    ("what", "data"),
    [("temperature", {"celsius": "99"}), ("symptoms", {}), ("declare", {"minutes": "240"}), ("nothing", {})],
)
async def test_what_cannot_be_meant_is_said_and_not_sent(world: World, what: str, data: dict[str, str]) -> None:
    async with world.client() as client:
        assert (await client.post(f"/r/{link(world)}/{what}", data=data)).status_code == 422
    assert world.door.commands == []


async def test_a_resident_sees_no_place_of_the_desk(world: World) -> None:
    async with world.as_("supervisor") as client:
        page = (await client.get(f"/r/{link(world)}")).text
    assert '<nav class="bar"' not in page
    assert "3 栋 1203，您好" in page


def test_a_link_may_speak_so_often() -> None:
    throttle = Throttle()
    assert all(throttle.allows("a", n) for n in range(POSTS_MAX))
    assert not throttle.allows("a", POSTS_MAX)
    assert throttle.allows("b", POSTS_MAX)
    assert throttle.allows("a", POSTS_WITHIN_MS + 1)
