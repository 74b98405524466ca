"""The picture of the buildings over HTTP."""

import re

from tests.desk_world import World


async def test_every_home_has_a_cell_and_only_watched_ones_are_links(world: World) -> None:
    async with world.as_("worker-night") as client:
        page = (await client.get("/g/g017/buildings")).text
    homes = re.findall(r'data-h="([^"]+)"', page)
    known = [each for each in world.projection.picture.households if each.startswith("g017/")]
    assert sorted(homes) == sorted(known)
    watched = sum(1 for each in world.projection.picture.households.values() if each.watched and each.grid == "g017")
    assert len(re.findall(r'<a class="cell', page)) == watched


async def test_a_cell_says_its_home_and_state_to_a_screen_reader(world: World) -> None:
    async with world.as_("worker-night") as client:
        page = (await client.get("/g/g017/buildings")).text
    assert 'href="/g/g017/h/3/1203" aria-label="3 栋 1203 警情"' in page


async def test_one_building_is_large_and_one_that_is_not_there_is_not_found(world: World) -> None:
    async with world.as_("worker-night") as client:
        assert 'data-unit="1203"' in (await client.get("/g/g017/buildings/3")).text
        assert (await client.get("/g/g017/buildings/99")).status_code == 404
        assert (await client.get("/buildings")).headers["location"] == "/g/g017/buildings"
