"""The policy in words."""

from tests.desk_world import World


async def test_every_ladder_is_told_and_every_row_shown(world: World) -> None:
    async with world.as_("worker") as client:
        page = (await client.get("/policy")).text
    assert "立即呼叫：社区工作者" in page
    assert "5 分钟无人接警，或30 分钟内第 3 次：再呼叫 民警、医生" in page
    assert "fever_at_once_celsius" in page
    assert "<form" not in page.partition("<main")[2], "it is only to be read"
