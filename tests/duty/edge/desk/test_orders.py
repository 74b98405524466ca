"""A person's commands: one at a time about one thing, recorded, and answered in words."""

import asyncio

from duty.edge.desk.orders import _LOCKS_KEPT, Turns
from tests.desk_world import World

LEFT_OPEN = {"incident": "g017/5/0402/left-open/1", "basis": "1"}


async def test_one_at_a_time_about_one_thing() -> None:
    turns, seen = Turns(), []

    async def take(name: str, key: str) -> None:
        async with turns.of(key):
            seen.append(f"{name} in")
            await asyncio.sleep(0.01)
            seen.append(f"{name} out")

    await asyncio.gather(take("a", "i"), take("b", "i"))
    assert seen == ["a in", "a out", "b in", "b out"]


async def test_locks_are_not_kept_for_ever() -> None:
    turns = Turns()
    held = turns.of("held")
    async with held:
        for n in range(2 * _LOCKS_KEPT):
            turns.of(f"{n}")
        assert turns.of("held") is held
    assert len(turns._locks) <= 2 * _LOCKS_KEPT + 1


async def test_every_command_is_in_the_audit_log_done_or_not(world: World) -> None:
    async with world.as_("worker-night") as client:
        await client.post("/g/g017/acknowledge", data=LEFT_OPEN)
        world.door.shut = True
        await client.post("/g/g017/snooze", data=LEFT_OPEN | {"minutes": "15", "reason": "x"})
    rows = [row for row in world.store.audit_rows() if row.action in ("acknowledge", "snooze")]
    assert [(row.action, row.actor, row.object, row.well, row.detail) for row in rows] == [
        ("acknowledge", "w-001-night", "g017/5/0402", True, "done"),
        ("snooze", "w-001-night", "g017/5/0402", False, "unreachable"),
    ]


async def test_a_gateway_that_is_shut_is_said_and_nothing_is_pretended(world: World) -> None:
    world.door.shut = True
    async with world.as_("worker-night") as client:
        response = await client.post("/g/g017/acknowledge", data=LEFT_OPEN, headers={"Accept": "application/json"})
    assert response.status_code == 503
    assert response.json()["well"] is False
    assert "没有任何改变" in response.json()["text"]


async def test_what_the_core_refuses_is_said_in_words(world: World) -> None:
    async with world.as_("worker-night") as client:
        data = {"minutes": "240", "reason": "long"}
        response = await client.post("/g/g017/h/9/9999/mute", data=data)
        assert response.status_code == 404
        response = await client.post(
            "/g/g017/h/3/1203/declare", data=data | {"minutes": "241"}, headers={"Accept": "application/json"}
        )
        assert response.status_code == 422
