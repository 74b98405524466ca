"""The app as a whole: what it says when something is wrong."""

import pytest

from duty.edge.desk.app import build
from tests.desk_world import World


async def test_what_is_not_there_is_said_in_the_readers_language(world: World) -> None:
    async with world.as_("worker-night") as client:
        response = await client.get("/nowhere")
        assert response.status_code == 404
        assert "没有这个页面" in response.text
        client.cookies.set("threshold_language", "en")
        assert "There is no such page" in (await client.get("/g/g017/buildings/99")).text
        asked = await client.get("/g/g017/buildings/99", headers={"Accept": "application/json"})
        assert asked.json() == {"well": False, "text": "There is no such page, or it is not yours to see."}


async def test_a_form_with_a_wrong_field_names_it(world: World) -> None:
    async with world.as_("worker-night") as client:
        response = await client.post("/g/g017/snooze", data={"incident": "x", "minutes": "soon", "reason": "x"})
    assert response.status_code == 422
    assert "minutes" in response.text
    assert "soon" not in response.text


async def test_a_stranger_is_asked_to_log_in_and_led_back(world: World) -> None:
    async with world.client() as client:
        response = await client.get("/g/g017/h/3/1203")
        assert response.headers["location"] == "/login?next=/g/g017/h/3/1203"
        assert 'value="/g/g017/h/3/1203"' in (await client.get(response.headers["location"])).text
        response = await client.post("/g/g017/acknowledge", data={})
        assert response.headers["location"] == "/login?ended=1"


async def test_pages_are_pressed_and_streams_are_not(world: World) -> None:
    async with world.as_("worker-night") as client:
        response = await client.get("/board")
    assert response.headers["content-encoding"] == "gzip"


def test_building_it_starts_nothing_and_may_be_done_twice(world: World) -> None:
    assert build(world.parts) is not build(world.parts)


@pytest.mark.parametrize("path", ["/static/../app.py", "/static/%2e%2e/app.py", "/static//etc/passwd"])
async def test_the_static_files_are_those_of_their_folder(world: World, path: str) -> None:
    async with world.client() as client:
        response = await client.get(path)
    assert response.status_code in (303, 404)
    assert "import" not in response.text
