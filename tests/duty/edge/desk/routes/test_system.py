"""The system's own health over HTTP."""

from streams.edge.series import Refused
from tests.desk_world import World
from tests.duty.edge.desk.test_site_health import refuse


async def test_it_says_what_is_well_and_what_is_not(world: World) -> None:
    async with world.as_("admin") as client:
        assert "网关入口" in (await client.get("/system")).text
        world.door.shut = True
        assert "操作暂时收不下" in (await client.get("/system")).text


async def test_it_says_what_the_gateway_cannot_do_and_what_waits_on_its_disk(world: World) -> None:
    full = {"parcels": 1640, "bytes": 999_124, "most_bytes": 1_000_000}
    inbox = {"well": False, "trouble": "the buffer is full (1 MB): Kafka at k:9092: nobody answers", "buffer": full}
    async with world.as_("admin") as client:
        world.door.says = {"well": False, "inbox": inbox}
        page = (await client.get("/system")).text
        assert "收不下消息和操作：the buffer is full (1 MB): Kafka at k:9092: nobody answers" in page
        assert "1.0 / 1 MB 等待送入 Kafka" in page
        client.cookies.set("threshold_language", "en")
        page = (await client.get("/system")).text
        assert "nothing can be taken in: the buffer is full (1 MB)" in page
        assert "1.0 of 1 MB wait for Kafka" in page
        empty = {"parcels": 0, "bytes": 0, "most_bytes": 50_000_000}
        world.door.says = {"well": True, "inbox": {"well": True, "trouble": "", "buffer": empty}}
        page = (await client.get("/system")).text
        assert "empty (of 50 MB)" in page
        assert "cannot be taken in" not in page
        broker = {"state": "connecting", "trouble": "refused"}
        world.door.says = {"well": False, "inbox": {"well": True, "trouble": ""}, "broker": broker}
        assert "not connected to the broker: refused" in (await client.get("/system")).text


async def test_rejects_are_fed_in_again_by_the_administrator(world: World) -> None:
    async with world.as_("admin") as client:
        assert "没有拒收的消息" in (await client.get("/rejects")).text
        answer = await client.post("/rejects/replay", data={"offset": "7"}, headers={"Accept": "application/json"})
        assert answer.json()["text"] == "重新送入：收下 1，仍拒收 0"
        world.door.shut = True
        assert (await client.post("/rejects/replay", data={})).status_code == 503
    rows = [row for row in world.store.audit_rows() if row.action == "replay-rejects"]
    assert [(row.object, row.well) for row in rows] == [("7", True), ("all", False)]


async def test_what_the_time_series_refused_is_shown_in_both_languages(world: World) -> None:
    folder = world.parts.settings.data_path
    async with world.as_("admin") as client:
        assert "时序库拒收" not in (await client.get("/system")).text + (await client.get("/rejects")).text
        refuse(folder, Refused('door,grid=g1 open="<b>" 7', "field type conflict: open"))
        assert "时序库拒收的数据点" in (await client.get("/system")).text
        page = (await client.get("/rejects")).text
        assert "field type conflict: open" in page
        assert "&lt;b&gt;" in page
        assert "未写入时序库" in page
        client.cookies.set("threshold_language", "en")
        assert "Points the time series refused" in (await client.get("/rejects")).text
