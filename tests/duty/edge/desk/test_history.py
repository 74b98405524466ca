"""What happened to an incident, told line by line."""

from zoneinfo import ZoneInfo

from duty.attempts import Attempt
from duty.edge.desk.cards import CardMaker
from duty.edge.desk.history import attempt_rows, history_of
from duty.edge.desk.moments import Moments
from duty.edge.desk.say import Say
from tests.desk_world import World

ZONE = ZoneInfo("Asia/Shanghai")


def making(world: World) -> CardMaker:
    return CardMaker(Moments("en", ZONE, world.clock_ms()), Say("en", ZONE, str.upper), str.upper, many_grids=False)


def test_a_night_is_told_in_order(world: World) -> None:
    told = history_of(world.projection.picture.incidents["g017/3/1203/undeclared-opening/1"], making(world))
    assert [(line.time, line.title) for line in told] == [
        ("02:15:00", "Raised"),
        ("02:15:00", "Paged community worker"),
        ("02:20:00", "Paged police officer"),
        ("02:20:00", "Paged doctor"),
        ("02:24:00", "Happened again"),
        ("02:33:00", "Happened again"),
        ("02:33:00", "community worker W-001-NIGHT answered"),
    ]
    assert told[2].text == "the community worker did not acknowledge within 5 min"


def test_how_it_was_closed_is_told_with_the_note(world: World) -> None:
    world.story.command(
        {"command": "close", "subject": "g017/3/1203", "kind": "undeclared-opening", "role": "worker", "by": "w1",
         "disposition": "true-alarm", "note": "brought back"}
    )  # fmt: skip
    world.follow()
    last = history_of(world.projection.picture.incidents["g017/3/1203/undeclared-opening/1"], making(world))[-1]
    assert (last.title, last.text, last.tone) == ("W1 closed it: true alarm", "brought back", "good")


def test_deliveries_are_told_newest_first(world: World) -> None:
    def attempt(number: int, **more: object) -> Attempt:
        fields: dict[str, object] = {
            "id": str(number), "page": "p", "incident": "i", "grid": "g017", "role": "worker", "person": "w1",
            "channel": "c", "kind": "wecom", "started_ms": number * 1000,
        }  # fmt: skip
        return Attempt(**(fields | more))  # type: ignore[arg-type]

    rows = attempt_rows(
        [attempt(1, outcome="try-later", finished_ms=1500, detail="45009 busy"), attempt(2)], making(world)
    )
    assert [row["text"] for row in rows] == [
        "WeCom → W1 (community worker): under way", "WeCom → W1 (community worker): trying again",
    ]  # fmt: skip
    assert [row["tone"] for row in rows] == ["", "warn"]
    assert rows[1]["detail"] == "45009 busy"
