"""The supervisor's overview over HTTP."""

from tests.desk_world import World


async def test_it_counts_what_is_open_and_names_gaps_and_people(world: World) -> None:
    async with world.as_("supervisor") as client:
        page = (await client.get("/overview")).text
    for told in ("未报备开门", "马超 → 08:00", "17 网格 · 值守"):
        assert told in page, told


async def test_false_alarms_are_told_by_kind_and_device(world: World) -> None:
    world.story.command(
        {"command": "close", "subject": "g017/3/1203", "kind": "undeclared-opening", "role": "worker", "by": "w-001",
         "disposition": "false-alarm", "note": ""}
    )  # fmt: skip
    world.follow()
    async with world.as_("supervisor") as client:
        page = (await client.get("/overview")).text
    assert '<th scope="row">door-g017-3-1203</th><td class="number">1</td><td class="number">1</td>' in page
