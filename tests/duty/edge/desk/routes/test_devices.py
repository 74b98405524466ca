"""Fitting a sensor over HTTP: armed only after an opening was heard within two minutes."""

from tests.desk_world import World

JSON = {"Accept": "application/json"}
FIT = {"household": "7/0101", "device": "pool-01", "first": "2020-02-16", "last": "2020-03-01", "visits": "yes"}


def says(world: World, *words: bool, pause_min: float = 0.05, **facets: object) -> None:
    """The sensor says open (True) or closed, one after another."""
    for word in words:
        world.story.event("pool-01", "g017/7/0101", "household", "door", open=word, **facets)
        world.story.wait(pause_min)
    world.follow()


async def test_a_sensor_is_armed_only_after_its_test(world: World) -> None:
    async with world.as_("worker-night") as client:
        page = (await client.post("/g/g017/devices/fit", data=FIT)).headers["location"]
        assert "现在请开门，再关上" in (await client.get(page)).text
        early = await client.post(f"{page}/arm", headers=JSON)
        assert (early.status_code, world.door.commands) == (409, [])
        says(world, True, device_ms=world.clock_ms() - 1500)
        half = (await client.get(page)).text
        assert "请关上门" in half
        assert "门磁说：开" in half
        assert "1.5 秒到网关" in half
        assert (await client.post(f"{page}/arm", headers=JSON)).status_code == 409
        says(world, False)
        whole = (await client.get(page)).text
        assert "测试通过" in whole
        assert "门磁说：关" in whole
        assert (await client.post(f"{page}/arm", headers=JSON)).json()["well"] is True
    (command,) = world.door.commands
    assert (command["command"], command["household"], command["device"]) == ("open-case", "g017/7/0101", "pool-01")
    assert command["visits"] is True
    assert world.projection.picture.households["g017/7/0101"].watched
    assert world.store.cases(household="g017/7/0101")[0].released_ms is None


async def test_an_opening_after_two_minutes_is_too_late(world: World) -> None:
    async with world.as_("worker-night") as client:
        page = (await client.post("/g/g017/devices/fit", data=FIT)).headers["location"]
        world.story.wait(2.1)
        says(world, True, False)
        assert "两分钟内没有收到开门和关门" in (await client.get(page)).text
        assert (await client.post(f"{page}/arm", headers=JSON)).status_code == 409
    assert world.door.commands == []


async def test_a_sensor_that_says_it_the_other_way_round_is_not_armed(world: World) -> None:
    async with world.as_("worker-night") as client:
        page = (await client.post("/g/g017/devices/fit", data=FIT)).headers["location"]
        says(world, False, True)
        assert "open_is" in (await client.get(page)).text
        # Moved once more it would end with the right word: what it began with still stands.
        says(world, False)
        assert (await client.post(f"{page}/arm", headers=JSON)).status_code == 409
    assert world.door.commands == []


async def test_states_are_no_test(world: World) -> None:
    async with world.as_("worker-night") as client:
        page = (await client.post("/g/g017/devices/fit", data=FIT)).headers["location"]
        says(world, True, False, report="retained")
        says(world, True, False, report="periodic")
        assert "现在请开门，再关上" in (await client.get(page)).text
        assert (await client.post(f"{page}/arm", headers=JSON)).status_code == 409


async def test_what_cannot_be_fitted_is_refused(world: World) -> None:
    async with world.as_("worker-night") as client:
        for wrong in (
            {"device": "none"}, {"device": "door-g017-3-1203"}, {"household": "g018/1/0101"}, {"household": "x"},
            {"last": "2020-02-01"}, {"last": "2021-02-01"}, {"wellbeing_call": "25:00"},
        ):  # fmt: skip
            assert (await client.post("/g/g017/devices/fit", data=FIT | wrong)).status_code == 422, wrong


async def test_a_fitting_of_another_grid_is_not_to_be_seen(world: World) -> None:
    async with world.as_("worker-night") as mine, world.as_("worker2") as other:
        page = (await mine.post("/g/g017/devices/fit", data=FIT)).headers["location"]
        assert (await other.get(page)).status_code == 404
        assert (await other.get(page.replace("g017", "g018"))).status_code == 404


async def test_release_ends_the_case_and_its_link(world: World) -> None:
    now_ms = world.clock_ms()
    token = world.links.give_resident("g017/3/1203", "none", until_ms=now_ms + 86_400_000, now_ms=now_ms)
    async with world.as_("worker-night") as client:
        data = {"household": "g017/3/1203"}
        assert (await client.post("/g/g017/devices/release", data=data, headers=JSON)).json()["well"] is True
        assert (await client.get(f"/r/{token}")).status_code == 410
        foreign = {"household": "g018/1/0101"}
        assert (await client.post("/g/g017/devices/release", data=foreign)).status_code == 404
    assert not world.projection.picture.households["g017/3/1203"].watched
    assert world.store.cases(household="g017/3/1203")[0].released_ms == now_ms
