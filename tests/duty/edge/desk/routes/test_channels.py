"""Channels over HTTP: secrets never come back, a test says what the channel answered."""

from tests.desk_world import World

JSON = {"Accept": "application/json"}
ROBOT = {"person": "w-001", "kind": "wecom", "order": "2", "target": "https://robot.example/send?key=SECRET-KEY-1234"}


async def test_a_target_is_shown_only_in_part(world: World) -> None:
    async with world.as_("supervisor") as client:
        assert (await client.post("/channels", data=ROBOT | {"secret": "SIGNING"})).status_code == 303
        page = (await client.get("/channels")).text
    assert "https://robot.example/…1234" in page
    assert "SECRET-KEY" not in page
    assert "SIGNING" not in page
    assert not any("SECRET" in row.detail or "robot.example" in row.detail for row in world.store.audit_rows())


async def test_what_is_no_channel_is_refused(world: World) -> None:
    async with world.as_("supervisor") as client:
        for wrong in ({"kind": "pigeon"}, {"target": " "}):
            assert (await client.post("/channels", data=ROBOT | wrong)).status_code == 422
        assert (await client.post("/channels", data=ROBOT | {"person": "nobody"})).status_code == 404


async def test_a_test_says_what_the_channel_answered(world: World) -> None:
    async with world.as_("supervisor") as client:
        away = await client.post("/channels/w-001-desk/test", headers=JSON)
        assert (away.status_code, away.json()["text"]) == (409, "未送达 · not at the desk")
        with world.dispatcher.presence("w-001"):
            there = await client.post("/channels/w-001-desk/test", headers=JSON)
        assert there.json()["well"] is True


async def test_a_channel_is_turned_off_and_deleted(world: World) -> None:
    async with world.as_("admin") as client:
        await client.post("/channels/w-001-desk", data={"enabled": "no"})
        channel = world.store.channel("w-001-desk")
        assert channel is not None
        assert not channel.enabled
        await client.post("/channels/w-001-desk/delete")
    assert world.store.channel("w-001-desk") is None
