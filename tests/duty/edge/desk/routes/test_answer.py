"""The one-tap link: a preview acknowledges nothing, the button once."""

from tests.desk_world import World

LEFT_OPEN = "g017/5/0402/left-open/1"


def link(world: World) -> str:
    world.dispatcher.absorb()
    world.projection.flush()
    attempt = next(each for each in world.store.attempts(incident=LEFT_OPEN) if each.role == "worker" and each.person)
    return world.links.answer_path(attempt.id)


async def test_looking_at_it_changes_nothing_and_the_button_answers(world: World) -> None:
    path = link(world)
    async with world.client() as client:
        for _ in range(3):
            page = (await client.get(path)).text
        assert world.door.commands == []
        assert "门未关" in page
        assert "5 栋 0402" in page
        assert "我去处理" in page
        assert "已接警。谢谢" in (await client.post(path)).text
        assert "已先接警" in (await client.post(path)).text
    assert [each["command"] for each in world.door.commands] == ["acknowledge"]


async def test_a_forged_or_old_link_is_void(world: World) -> None:
    path = link(world)
    async with world.client() as client:
        assert (await client.post("/a/" + "A" * 32)).status_code == 410
        world.story.now_ms += 25 * 3_600_000
        assert (await client.post(path)).status_code == 410
    assert world.door.commands == []


async def test_a_link_of_somebody_who_was_disabled_is_void(world: World) -> None:
    path = link(world)
    for person in world.store.people():
        world.store.disable(person.id)
    async with world.client() as client:
        assert (await client.post(path)).status_code == 410
    assert world.door.commands == []
