"""How a request is let in: language, second factor, new password."""

import pytest

from duty.edge.desk.entry import NotYours, WrongRole, roles_for
from duty.edge.desk.rights import Somewhere
from duty.people import Person
from tests.desk_world import World

WORKER = Person(id="w", login="w", name="w", roles=("worker",), grids=("g017",))
GUARD = Person(id="g", login="g", name="g", roles=("guard",), grids=("g017",))
EVERYWHERE = Person(id="s", login="s", name="s", roles=("supervisor",), grids=("*",))


def test_a_right_of_a_grid_asks_for_the_grid() -> None:
    assert roles_for(WORKER, "see-board", "g017") == ("worker",)
    with pytest.raises(NotYours):
        roles_for(WORKER, "see-board", "g018")
    with pytest.raises(WrongRole):
        roles_for(GUARD, "see-board", "g017")


def test_a_screen_over_all_grids_asks_for_one_in_which_it_may() -> None:
    assert roles_for(WORKER, Somewhere("see-board"), "") == ("worker",)
    assert roles_for(EVERYWHERE, Somewhere("see-board"), "") == ("supervisor",)
    with pytest.raises(WrongRole):
        roles_for(GUARD, Somewhere("see-board"), "")


async def test_chinese_by_default_and_english_by_the_switch(world: World) -> None:
    async with world.as_("worker-night") as client:
        assert 'lang="zh-CN"' in (await client.get("/board")).text
        response = await client.post("/language", data={"to": "en", "back": "/board"})
        assert (response.status_code, response.headers["location"]) == (303, "/board")
        assert '<html lang="en"' in (await client.get("/board")).text


async def test_without_the_second_factor_only_its_page_is_open(world: World) -> None:
    from duty.edge.demo_people import PASSWORD

    async with world.client() as client:
        response = await client.post("/login", data={"name": "supervisor", "password": PASSWORD})
        assert response.headers["location"] == "/login/code"
        for path in ("/board", "/overview", "/staff"):
            assert (await client.get(path)).headers["location"] == "/login/code"
        assert (await client.get("/live?screen=board", headers={"Accept": "application/json"})).status_code == 401


async def test_a_one_time_password_opens_only_the_page_that_changes_it(world: World) -> None:
    password = world.auth.new_password_for("w-001", by="a-001", now_ms=world.clock_ms())
    async with world.client() as client:
        response = await client.post("/login", data={"name": "worker", "password": password})
        assert response.headers["location"] == "/me"
        assert (await client.get("/board")).headers["location"] == "/me"
        new = {"old": password, "new": "a much better one", "again": "a much better one"}
        assert "密码已更改" in (await client.post("/me/password", data=new)).text
        assert (await client.get("/board")).status_code == 200
