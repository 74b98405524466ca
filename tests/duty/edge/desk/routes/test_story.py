"""An incident told event by event, over HTTP."""

import pytest

from duty.edge.desk.routes import story
from streams.edge.log import LogFull
from tests.desk_world import World

ADDRESS = "/g/g017/story?id=g017/3/1203/undeclared-opening/1"


async def test_every_step_with_its_reason(world: World) -> None:
    async with world.as_("worker-night") as client:
        page = (await client.get(ADDRESS)).text
    for told in ("门开", "→ 发生", "门开了，没有报备", "→ 呼叫社区工作者（第 0 级）", "再次发生（第 2 次）", "时间到"):
        assert told in page, told
    assert page.index("→ 发生") < page.index("再次发生（第 2 次）")


async def test_whoever_did_something_is_named_and_not_by_an_id(world: World) -> None:
    [person] = [each for each in world.store.people() if each.id == "w-001-night"]
    async with world.as_("worker-night") as client:
        page = (await client.get(ADDRESS)).text
        declared = (await client.get("/g/g017/story?id=g017/5/0402/left-open/1")).text
    assert f"{person.name} 已接警" in page
    assert "w-001-night" not in page
    assert "<span>住户</span>" in declared and "resident" not in declared


async def test_it_is_reached_from_the_incident_and_from_the_household(world: World) -> None:
    async with world.as_("worker-night") as client:
        incident = (await client.get("/g/g017/incident?id=g017/3/1203/undeclared-opening/1")).text
        household = (await client.get("/g/g017/h/3/1203")).text
    assert "/g/g017/story?id=g017%2F3%2F1203%2Fundeclared-opening%2F1" in incident
    assert "/g/g017/story?id=" in household


async def test_what_nobody_knows_and_what_is_elsewhere_is_not_there(world: World) -> None:
    async with world.as_("worker-night") as client:
        assert (await client.get("/g/g017/story?id=g017/3/1203/fever/9")).status_code == 404
        assert (await client.get("/g/g017/story?id=g018/1/0101/undeclared-opening/1")).status_code == 404
        assert (await client.get("/g/g017/story")).status_code == 422


async def test_raw_messages_that_are_gone_are_named(world: World) -> None:
    world.story.now_ms += 40 * 86_400_000
    world.follow()
    async with world.as_("supervisor") as client:
        page = (await client.get(ADDRESS)).text
    assert "已按期删除" in page


async def test_a_log_that_cannot_be_read_is_told_in_words(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object, **__: object) -> None:
        raise LogFull("Kafka at nowhere:1: is it running?")

    monkeypatch.setattr(story, "story_of", away)
    async with world.as_("worker-night") as client:
        answer = await client.get(ADDRESS)
    assert answer.status_code == 200 and "记录现在读不出：Kafka at nowhere:1" in answer.text


async def test_of_a_long_story_the_rest_is_counted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(story, "MOST", 3)
    async with world.as_("worker-night") as client:
        page = (await client.get(ADDRESS)).text
    assert page.count("<li><time>") == 3 and "只列出前 3 步" in page
