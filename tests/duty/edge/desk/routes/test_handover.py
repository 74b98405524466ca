"""The handover sheet: a night told rightly at 08:00."""

from zoneinfo import ZoneInfo

from duty.edge.desk.moments import Moments
from duty.edge.desk.routes.handover import shift_bounds
from tests.desk_world import World

ZONE = ZoneInfo("Asia/Shanghai")
HOUR = 3_600_000


def test_shifts_change_at_eight_and_at_twenty() -> None:
    midnight = 1_581_782_400_000  # 16 February 2020
    for hour, starts in ((0, -4), (7, -4), (8, 8), (19, 8), (20, 20), (23, 20)):
        moments = Moments("zh", ZONE, midnight + hour * HOUR)
        assert shift_bounds(moments, 0) == (midnight + starts * HOUR, midnight + (starts + 12) * HOUR)
    assert shift_bounds(Moments("zh", ZONE, midnight + 8 * HOUR), 1) == (midnight - 4 * HOUR, midnight + 8 * HOUR)


async def test_the_night_is_told_at_eight(world: World) -> None:
    story = world.story
    story.wait(18)
    story.command(
        {"command": "close", "subject": "g017/3/1203", "kind": "undeclared-opening", "role": "worker",
         "by": "w-001-night", "disposition": "true-alarm", "note": "已劝返"}
    )  # fmt: skip
    story.wait(5 * 60 + 6)
    world.follow()
    async with world.as_("worker") as client:
        page = (await client.get("/handover", params={"back": 1})).text
    settled = page.partition("本班已处置")[2]
    for told in (
        "3 栋 1203",
        "02:15",
        "02:24",
        "02:33",
        "社区工作者 马超 接警",
        "呼叫 民警",
        "02:55 马超 处置：属实",
        "已劝返",
    ):
        assert told in settled, told
    assert "5 栋 0402" in page.partition("本班已处置")[0], "what nobody closed is handed over"
    assert "/g/g018/" not in page, "nothing of another grid"
