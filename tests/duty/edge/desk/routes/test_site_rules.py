"""The policy in words."""

from duty.edge.desk.files import SiteFiles
from tests.desk_world import World


async def test_every_ladder_is_told_and_every_row_shown(world: World) -> None:
    async with world.as_("worker") as client:
        page = (await client.get("/policy")).text
    assert "立即呼叫：社区工作者" in page
    assert "5 分钟无人接警，或 30 分钟内第 3 次：再呼叫 民警、医生" in page
    assert "一次达到它就算发热" in page
    assert "38.5 ℃" in page
    assert "fever_at_once_celsius" in page
    assert "<form" not in page.partition("<main")[2], "it is only to be read"


async def test_a_row_that_only_this_site_has_is_told_as_its_file_tells_it(world: World) -> None:
    own = (world.story.folder / "own.toml").resolve()
    own.write_text("[doors]\nlate_s = 90  # ours\nknock_min = 3  # as we say it\n")
    world.app.state.files = SiteFiles(world.parts.settings.fleet_path, own)
    async with world.as_("worker") as client:
        page = (await client.get("/policy")).text
    assert "90 秒" in page
    assert "as we say it" in page
    assert "3 分钟" in page
