"""The team board over HTTP: answer, done, later; one answer wins; nothing is done twice."""

import asyncio
import sys
import threading

import msgspec
import pytest

from tests.desk_world import World

JSON = {"Accept": "application/json"}
LEFT_OPEN = "g017/5/0402/left-open/1"


async def test_the_board_shows_open_incidents_and_its_figures(world: World) -> None:
    async with world.as_("worker-night") as client:
        page = (await client.get("/board")).text
    assert page.count("<article") == 4
    assert 'data-sum="todo">3<' in page
    assert "18 网格" not in page


async def test_two_who_answer_in_the_same_second_are_told_whose_it_is(world: World) -> None:
    async with world.as_("worker-night") as one, world.as_("worker") as other:
        data = {"incident": LEFT_OPEN, "basis": "2"}
        answers = await asyncio.gather(
            one.post("/g/g017/acknowledge", data=data, headers=JSON),
            other.post("/g/g017/acknowledge", data=data, headers=JSON),
        )
    assert sorted(each.status_code for each in answers) == [200, 409]
    (loser,) = [each.json()["text"] for each in answers if each.status_code == 409]
    winner = "马超" if answers[0].status_code == 200 else "李秀英"
    assert loser == f"{winner} 已先接警（02:37）"
    assert len(world.door.commands) == 1


async def test_the_same_tap_twice_does_one_thing(world: World) -> None:
    async with world.as_("worker-night") as client:
        data = {"incident": LEFT_OPEN, "basis": "2"}
        first = await client.post("/g/g017/acknowledge", data=data, headers=JSON)
        again = await client.post("/g/g017/acknowledge", data=data, headers=JSON)
    assert (first.json()["text"], again.json()["text"]) == ("已接警", "已经做过了，没有重复执行")
    assert len(world.door.commands) == 1


async def test_a_command_on_a_closed_incident_says_who_closed_it(world: World) -> None:
    async with world.as_("worker-night") as client:
        data = {"incident": LEFT_OPEN, "basis": "2"}
        done = await client.post("/g/g017/close", data=data | {"disposition": "false-alarm"}, headers=JSON)
        assert done.json() == {"well": True, "text": "已处置"}
        for act, more in (
            ("acknowledge", {}),
            ("close", {"disposition": "test"}),
            ("snooze", {"minutes": "15", "reason": "x"}),
        ):
            late = await client.post(f"/g/g017/{act}", data=data | more, headers=JSON)
            assert (late.status_code, late.json()["text"]) == (409, "这条警情已处置（马超 02:37）"), act
    assert world.door.commands[-1]["note"] == "误报，门没有开"


async def test_a_note_that_was_written_stays_as_it_was_written(world: World) -> None:
    async with world.as_("worker-night") as client:
        data = {"incident": LEFT_OPEN, "disposition": "true-alarm", "note": "  <b>下楼</b> 👩‍⚕️ "}
        await client.post("/g/g017/close", data=data)
        page = (await client.get("/board")).text
    assert world.door.commands[-1]["note"] == "<b>下楼</b> 👩‍⚕️"
    assert "&lt;b&gt;下楼&lt;/b&gt;" in page


async def test_a_disposition_there_is_not_is_refused(world: World) -> None:
    async with world.as_("worker-night") as client:
        answer = await client.post(
            "/g/g017/close", data={"incident": LEFT_OPEN, "disposition": "shrug"}, headers=JSON
        )  # fmt: skip
    assert answer.status_code == 409
    assert world.projection.picture.incidents[LEFT_OPEN].state != "closed"


@pytest.mark.parametrize(
    "path", ["/board", "/buildings", "/households?q=3/1203", "/handover", "/g/g017/buildings", "/devices?grid=g017"]
)
async def test_a_screen_is_drawn_while_the_core_tells_of_new_households(world: World, path: str) -> None:
    """The outbox is read in another thread: in any moment of the drawing there may be one more."""
    households = world.projection.picture.households
    known = households["g017/3/1203"]
    drawn = threading.Event()

    def tell() -> None:
        number = 0
        while not drawn.is_set() and number < 50_000:
            number += 1
            home = f"g017/9/{number}"
            households[home] = msgspec.structs.replace(known, household=home, watched=False)

    switch_s = sys.getswitchinterval()
    telling = threading.Thread(target=tell)
    try:
        async with world.as_("supervisor") as client:
            sys.setswitchinterval(1e-6)
            telling.start()
            answer = await client.get(path)
    finally:
        drawn.set()
        telling.join(60)
        sys.setswitchinterval(switch_s)
    assert answer.status_code in (200, 303)


async def test_an_incident_tells_its_whole_history(world: World) -> None:
    async with world.as_("worker-night") as client:
        page = (await client.get("/g/g017/incident", params={"id": "g017/3/1203/undeclared-opening/1"})).text
    for told in ("02:15:00", "呼叫 民警", "社区工作者未在 5 分钟内接警", "社区工作者 马超 接警"):
        assert told in page
