"""The system's own health over HTTP."""

from tests.desk_world import World


async def test_it_says_what_is_well_and_what_is_not(world: World) -> None:
    async with world.as_("admin") as client:
        assert "网关入口" in (await client.get("/system")).text
        world.door.shut = True
        assert "操作暂时收不下" in (await client.get("/system")).text


async def test_rejects_are_fed_in_again_by_the_administrator(world: World) -> None:
    async with world.as_("admin") as client:
        assert "没有拒收的消息" in (await client.get("/rejects")).text
        answer = await client.post("/rejects/replay", data={"offset": "7"}, headers={"Accept": "application/json"})
        assert answer.json()["text"] == "重新送入：收下 1，仍拒收 0"
        world.door.shut = True
        assert (await client.post("/rejects/replay", data={})).status_code == 503
    rows = [row for row in world.store.audit_rows() if row.action == "replay-rejects"]
    assert [(row.object, row.well) for row in rows] == [("7", True), ("all", False)]
