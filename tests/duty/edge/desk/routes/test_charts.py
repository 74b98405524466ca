"""Charts of a household, a checkpoint and a grid, over HTTP, out of the time series that the sink made."""

from pathlib import Path
from random import Random

import pytest

from tests.desk_world import World
from tests.sunk import sink

HOME = "/g/g017/h/3/1203/charts"


def night_at_the_gate(world: World, guns: tuple[float, ...] = (0.0, 0.0, 0.5)) -> None:
    """The night of the story, with a warm household, guns that are off by so much, and somebody who acknowledged."""
    story, random = world.story, Random(3)
    story.command({"command": "home-temperature", "household": "g017/3/1203", "celsius": 36.9, "site": "ear",
                   "by": "w-001", "role": "worker"})  # fmt: skip
    story.command({"command": "acknowledge", "subject": "g017/3/1203", "kind": "undeclared-opening", "role": "worker",
                   "by": "w-001"})  # fmt: skip
    for number in range(60):
        for gun, off in ((f"gun-north-{n}", off) for n, off in enumerate(guns, 1)):
            story.now_ms += 20_000
            celsius = round(random.gauss(36.3, 0.15) + off, 1)
            story.event(gun, "g017/north", "checkpoint", "temperature", celsius=celsius, site="forehead",
                        pass_id=f"B-{number:04d}")  # fmt: skip
    story.door("g017/3/1203", open=False)
    world.follow()


@pytest.fixture
def drawn(world: World, tmp_path: Path) -> World:
    night_at_the_gate(world)
    sink(tmp_path)
    return world


async def test_a_household(drawn: World) -> None:
    async with drawn.as_("worker-night") as client:
        page = (await client.get(HOME)).text
        assert "3 栋 1203 · 图表" in page and page.count('<svg viewBox="0 0 360 190"') >= 2
        assert "电量（%）" in page and ">87<" in page and "-71" in page
        assert "/charts" in (await client.get("/g/g017/h/3/1203")).text
        client.cookies.set("threshold_language", "en")
        assert "Battery (%)" in (await client.get(HOME + "?days=1")).text


async def test_health_figures_are_not_for_the_police(drawn: World) -> None:
    async with drawn.as_("police") as client:
        page = (await client.get(HOME)).text
    assert "体温（°C）" not in page and "电量（%）" in page


async def test_a_checkpoint_with_a_gun_that_is_off(drawn: World) -> None:
    async with drawn.as_("supervisor") as client:
        page = (await client.get("/g/g017/c/north/charts")).text
    assert 'class="chart-box"' in page and 'class="chart-rule"' in page
    assert page.count("⚠") == 1 and "+0.5" in page
    assert page.index("gun-north-3") < page.index("⚠") < page.index("gun-north-1"), "the largest drift first"
    assert "看不出是哪一支" not in page


async def test_of_two_guns_that_differ_neither_is_blamed(world: World, tmp_path: Path) -> None:
    night_at_the_gate(world, (0.0, 0.5))
    sink(tmp_path)
    async with world.as_("supervisor") as client:
        page = (await client.get("/g/g017/c/north/charts")).text
        assert "⚠" not in page and "+0.5" in page and "-0.5" in page
        assert "只有两支可比，看不出是哪一支偏了" in page
        client.cookies.set("threshold_language", "en")
        assert "With two there is no telling which of them is off" in (await client.get("/g/g017/c/north/charts")).text


async def test_a_grid_by_hour_and_by_day(drawn: World) -> None:
    async with drawn.as_("supervisor") as client:
        hours = (await client.get("/g/g017/charts?days=1")).text
        days = (await client.get("/g/g017/charts?days=7")).text
        overview = (await client.get("/overview")).text
    for page in (hours, days):
        for told in ("开门", "警情", "呼叫", "接警用时（分钟）", "未报备", "夜间", 'class="chart-part-1"', "<desc"):
            assert told in page, told
    assert '<th scope="row">02</th>' in hours and '<th scope="row">2-16</th>' in days
    assert "未报备开门" in days and "社区工作者" in days
    assert 'href="/g/g017/charts"' in overview
    assert "/g/g017/c/north/charts" in days


async def test_nothing_yet_and_no_time_series_are_told(world: World, tmp_path: Path) -> None:
    async with world.as_("supervisor") as client:
        page = (await client.get("/g/g017/charts")).text
        assert page.count("这段时间没有数据") == 4
        assert "没有还能对应到这一户的数据" in (await client.get(HOME)).text
        (tmp_path / "series.db").write_bytes(b"no database at all" * 100)
        for address in ("/g/g017/charts", HOME, "/g/g017/c/north/charts"):
            answer = await client.get(address)
            assert answer.status_code == 200 and "时间序列库现在用不了" in answer.text


async def test_bad_questions(world: World) -> None:
    async with world.as_("supervisor") as client:
        assert (await client.get("/g/g017/charts?days=31")).status_code == 422
        assert (await client.get("/g/g017/charts?days=x")).status_code == 422
        assert (await client.get("/g/g099/charts")).status_code == 404
        assert (await client.get("/g/g017/c/nowhere/charts")).status_code == 404
        assert (await client.get("/g/g017/h/9/9999/charts")).status_code == 404
