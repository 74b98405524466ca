"""The guard's screen over HTTP."""

import pytest

from tests.desk_world import World

JSON = {"Accept": "application/json"}
GATE = "/g/g017/c/north"
READING = {"id": "0123456789ab", "celsius": "36.4", "at": "1581791820000", "site": "forehead"}


async def test_a_guard_with_one_gate_is_led_to_it(world: World) -> None:
    async with world.as_("guard") as client:
        assert (await client.get("/checkpoints")).headers["location"] == GATE
        assert (await client.get(GATE)).status_code == 200
        assert (await client.get("/g/g017/c/south")).status_code == 404


async def test_a_typed_reading_goes_the_way_of_a_device(world: World) -> None:
    async with world.as_("guard") as client:
        answer = await client.post(f"{GATE}/reading", data=READING | {"pass_id": "A-1"}, headers=JSON)
    assert answer.json()["well"] is True
    (sent,) = world.door.messages
    assert (sent["client"], sent["topic"]) == ("screen-north", "threshold/g017/screen-north/temperature")
    assert (sent["celsius"], sent["site"], sent["pass"], sent["id"]) == (36.4, "forehead", "A-1", READING["id"])


async def test_a_phone_whose_clock_runs_ahead_does_not_measure_in_the_future(world: World) -> None:
    async with world.as_("guard") as client:
        await client.post(f"{GATE}/reading", data=READING | {"at": "9999999999999"}, headers=JSON)
    assert world.door.messages[0]["at"] == world.clock_ms()


@pytest.mark.parametrize(
    "wrong",
    [{"celsius": "hot"}, {"celsius": "nan"}, {"celsius": "-3"}, {"id": "x"}, {"id": "a b c d e f"}, {"at": "-1"}],
)
async def test_a_reading_that_is_none_is_refused_for_good(world: World, wrong: dict[str, str]) -> None:
    async with world.as_("guard") as client:
        answer = await client.post(f"{GATE}/reading", data=READING | wrong, headers=JSON)
    assert answer.status_code == 422
    assert world.door.messages == []


async def test_a_shut_gateway_lets_the_reading_wait_on_the_phone(world: World) -> None:
    world.door.shut = True
    async with world.as_("guard") as client:
        assert (await client.post(f"{GATE}/reading", data=READING, headers=JSON)).status_code == 503


async def test_register_names_the_household_in_full(world: World) -> None:
    async with world.as_("guard") as client:
        data = {"id": "0123456789ab", "pass_id": "A-0193", "household": "3/1203"}
        assert (await client.post(f"{GATE}/register", data=data, headers=JSON)).status_code in (200, 202)
        bad = await client.post(f"{GATE}/register", data=data | {"household": "somewhere"}, headers=JSON)
    assert bad.status_code == 422
    assert world.door.commands[0]["household"] == "g017/3/1203"
    assert len(world.door.commands) == 1


async def test_a_retest_is_of_a_person_of_this_gate(world: World) -> None:
    subject = "g017/north/gun-north-1@2020-02-16T02:33:00+08:00"
    async with world.as_("guard") as client:
        data = {"id": "0123456789ab", "subject": subject}
        await client.post(f"{GATE}/retest", data=data, headers=JSON)
        other = await client.post(f"{GATE}/retest", data=data | {"subject": "g018/south/x@1"}, headers=JSON)
    assert [each["subject"] for each in world.door.commands] == [subject]
    assert other.status_code == 404


async def test_the_last_answers_are_told(world: World) -> None:
    async with world.as_("guard") as client:
        told = (await client.get(f"{GATE}/answers")).json()
    assert [each["verdict"] for each in told["answers"]] == ["pass", "pass", "pass", "again", "stop"]
