"""One household over HTTP."""

import pytest

from duty.edge.desk.routes.household import read_celsius
from tests.desk_world import World

JSON = {"Accept": "application/json"}
HOME = "/g/g017/h/3/1203"


async def test_it_shows_case_door_openings_sensor_and_incidents(world: World) -> None:
    async with world.as_("worker-night") as client:
        page = (await client.get(HOME)).text
    for told in ("第 6 天，共 14 天", "关着", "door-g017-3-1203", "87 %", "-71 dBm", "未报备开门"):
        assert told in page, told
    assert page.count('class="mark-bad"') == 3


async def test_contacts_are_shown_on_a_press_only_and_every_look_is_recorded(world: World) -> None:
    async with world.as_("worker-night") as client:
        assert "1990000" not in (await client.get(HOME)).text
        assert "1990000" in (await client.post(f"{HOME}/contacts")).text
    (look,) = [row for row in world.store.audit_rows() if row.action == "see-contacts"]
    assert (look.actor, look.grid, look.well) == ("w-001-night", "g017", True)
    assert look.object.startswith("g017/3/1203@")


async def test_contacts_are_changed_and_the_change_names_nobody_in_the_log(world: World) -> None:
    data = {"name": ["赵六", "", "钱七"], "phone": ["13800000000", "", ""], "note": ["", "", "邻居"]}
    async with world.as_("worker-night") as client:
        assert (await client.post(f"{HOME}/contacts/save", data=data)).status_code == 200
        page = (await client.post(f"{HOME}/contacts")).text
    assert "赵六" in page
    assert "邻居" in page
    assert not any("赵六" in row.detail or "138" in row.detail for row in world.store.audit_rows())


async def test_contacts_whose_key_is_destroyed_are_gone_for_everybody(world: World) -> None:
    far = world.clock_ms() + 400 * 86_400_000
    assert world.store.destroy_due_keys(keep_days=7, now_ms=far)
    async with world.as_("worker-night") as client:
        page = (await client.post(f"{HOME}/contacts")).text
    assert "联系方式已按规定销毁" in page
    assert "1990000" not in page


@pytest.mark.parametrize(
    ("what", "data", "command"),
    [
        ("visit", {}, "visit"),
        ("call", {}, "call"),
        ("declare", {"reason": "倒垃圾", "minutes": "15"}, "declare"),
        ("mute", {"reason": "装修", "minutes": "60"}, "mute"),
        ("temperature", {"celsius": "36,6", "site": "axilla"}, "home-temperature"),
    ],
)
async def test_what_a_worker_records_reaches_the_core_once(
    world: World, what: str, data: dict[str, str], command: str
) -> None:
    async with world.as_("worker-night") as client:
        for _ in range(2):
            answer = await client.post(f"{HOME}/{what}", data=data, headers=JSON)
            assert answer.json()["well"] is True, answer.text
    sent = [each for each in world.door.commands if each["command"] == command]
    assert len({each.get("until") for each in sent}) == 1
    assert all(each["household"] == "g017/3/1203" and each["by"] == "w-001-night" for each in sent)


async def test_a_temperature_that_cannot_be_is_not_sent(world: World) -> None:
    async with world.as_("worker-night") as client:
        answer = await client.post(f"{HOME}/temperature", data={"celsius": "366", "site": "axilla"}, headers=JSON)
    assert answer.status_code == 422
    assert world.door.commands == []


@pytest.mark.parametrize(
    ("typed", "read"),
    [("36.6", 36.6), ("36,6", 36.6), ("37", 37.0), (" 38.25 ", 38.2), ("33", None), ("nan", None), ("1e999", None)],
)
def test_a_typed_temperature(typed: str, read: float | None) -> None:
    assert read_celsius(typed) == read


async def test_the_list_finds_homes_and_puts_those_with_an_incident_first(world: World) -> None:
    async with world.as_("worker-night") as client:
        page = (await client.get("/households")).text
        assert page.index("3 栋 1203") < page.index("1 栋 0101")
        found = (await client.get("/households", params={"q": "3/12"})).text
    assert "3 栋 1203" in found
    assert "5 栋 0402" not in found


async def test_a_fresh_code_ends_those_before_it(world: World) -> None:
    async with world.as_("worker-night") as client:
        assert 'class="qr"' not in (await client.get(f"{HOME}/qr")).text
        await client.post(f"{HOME}/qr")
        assert 'class="qr"' in (await client.post(f"{HOME}/qr")).text
    newest, older = world.store.links_of("g017/3/1203")
    assert sorted(each.withdrawn_ms is None for each in (newest, older)) == [False, True]
