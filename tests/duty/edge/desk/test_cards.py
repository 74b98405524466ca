"""An incident as one viewer's card."""

from zoneinfo import ZoneInfo

import pytest

from duty.edge.desk.cards import PRESETS, CardMaker, answering_role, basis_of, case_days, command_id, group_of
from duty.edge.desk.moments import Moments
from duty.edge.desk.say import Say
from duty.people import Person
from duty.picture import Incident
from streams.commands import DISPOSITIONS
from tests.desk_world import World

ZONE = ZoneInfo("Asia/Shanghai")
HERO = "g017/3/1203/undeclared-opening/1"
LEFT_OPEN = "g017/5/0402/left-open/1"
FEVER = "g017/north/A-0193/fever/1"


def person(*roles: str, id: str = "x") -> Person:
    return Person(id=id, login=id, name=id, roles=roles, grids=("g017", "g018"))  # type: ignore[arg-type]


def incident(world: World, id: str) -> Incident:
    return world.projection.picture.incidents[id]


def card(world: World, id: str, who: Person, language: str = "zh"):
    moments = Moments(language, ZONE, world.clock_ms())  # type: ignore[arg-type]
    making = CardMaker(moments, Say(language, ZONE), lambda each: each, many_grids=False)  # type: ignore[arg-type]
    found = incident(world, id)
    return making.make(found, who, world.projection.picture.households.get(found.subject))


def test_it_says_what_where_since_when_and_what_was_tried_by_whom(world: World) -> None:
    shown = card(world, HERO, person("worker"))
    assert (shown.title, shown.count, shown.place, shown.case) == ("未报备开门", 3, "3 栋 1203", "管控第 6/14 天")
    assert shown.what == "02:33 门开了，没有报备"
    assert shown.before == "此前 02:15, 02:24"
    assert [each.text for each in shown.team] == [
        "✓ 社区工作者 w-001-night 02:33 已接警", "民警 已呼叫 02:20", "医生 已呼叫 02:20",
    ]  # fmt: skip
    assert [each.state for each in shown.team] == ["yes", "no", "no"]


def test_the_same_in_english(world: World) -> None:
    shown = card(world, HERO, person("worker"), "en")
    assert (shown.title, shown.place, shown.case) == (
        "Undeclared opening", "Building 3 · 1203", "isolation day 6 of 14",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("id", "roles", "answer", "close", "put_off"),
    [
        (HERO, ("worker",), False, True, True),  # answered already
        (HERO, ("police",), True, True, True),  # the doctor's and the worker's answers do not speak for the police
        (LEFT_OPEN, ("worker",), True, True, True),
        (LEFT_OPEN, ("police",), False, True, True),  # not paged
        (FEVER, ("doctor",), True, True, False),  # a fever is never put off
        (FEVER, ("worker",), False, False, False),
        (FEVER, ("supervisor",), False, True, False),
        (FEVER, ("guard",), False, False, False),
    ],
)
def test_each_role_may_do_what_is_its_to_do(
    world: World, id: str, roles: tuple[str, ...], answer: bool, close: bool, put_off: bool
) -> None:
    shown = card(world, id, person(*roles))
    assert (shown.can_answer, shown.can_close, shown.can_put_off) == (answer, close, put_off)


def test_what_waits_for_me_comes_first_then_the_urgent_then_the_old(world: World) -> None:
    ranks = {id: card(world, id, person("worker")).rank for id in (HERO, LEFT_OPEN, FEVER)}
    assert sorted(ranks, key=ranks.__getitem__) == [LEFT_OPEN, FEVER, HERO]
    ranks = {id: card(world, id, person("doctor")).rank for id in (HERO, LEFT_OPEN, FEVER)}
    assert sorted(ranks, key=ranks.__getitem__) == [FEVER, HERO, LEFT_OPEN]


def test_what_is_put_off_comes_last_and_says_until_when(world: World) -> None:
    world.story.command(
        {"command": "snooze", "subject": "g017/5/0402", "kind": "left-open", "role": "worker", "by": "w-001-night",
         "until": world.clock_ms() + 1_800_000, "reason": "later"}
    )  # fmt: skip
    world.follow()
    shown = card(world, LEFT_OPEN, person("worker"))
    assert "稍后：到 03:07" in [tag.text for tag in shown.tags]
    assert shown.rank > card(world, HERO, person("worker")).rank
    assert shown.due_ms == world.clock_ms() + 1_800_000
    assert shown.taken
    assert not shown.todo


def test_a_door_that_stands_open_and_one_that_is_well_again_say_so(world: World) -> None:
    assert [tag.text for tag in card(world, LEFT_OPEN, person("worker")).tags] == ["门仍开着"]
    world.story.door("g017/5/0402", open=False)
    world.follow()
    closed = incident(world, LEFT_OPEN)
    assert closed.state == "closed"
    assert card(world, LEFT_OPEN, person("worker")).closed.endswith("自行结束")


def test_the_role_that_is_owed_an_answer_speaks(world: World) -> None:
    assert answering_role(incident(world, HERO), person("worker", "police")) == "police"
    assert answering_role(incident(world, HERO), person("worker")) == "worker"
    assert answering_role(incident(world, HERO), person("guard")) == ""


def test_two_taps_on_one_form_are_one_command_and_a_later_state_is_another(world: World) -> None:
    before = basis_of(incident(world, LEFT_OPEN))
    assert command_id("w1", "acknowledge", LEFT_OPEN, before) == command_id("w1", "acknowledge", LEFT_OPEN, before)
    assert command_id("w1", "acknowledge", LEFT_OPEN, before) != command_id("w2", "acknowledge", LEFT_OPEN, before)
    world.story.wait(11)
    world.follow()
    assert basis_of(incident(world, LEFT_OPEN)) != before


def test_every_group_offers_only_dispositions_there_are() -> None:
    assert {each for presets in PRESETS.values() for each, _ in presets} <= set(DISPOSITIONS)
    assert {group_of(kind) for kind in ("fever", "tamper", "low-battery")} == {"fever", "door", "upkeep"}


def test_days_of_a_case_count_from_the_first() -> None:
    day = 86_400_000
    moments = Moments("zh", ZONE, 1_581_790_440_000)
    start = moments.day_start_ms(moments.now_ms)
    assert case_days(moments, start - 5 * day, start + 9 * day) == (6, 14)
    assert case_days(moments, start, start + 14 * day) == (1, 14)
    assert case_days(moments, start - 20 * day, start - 6 * day) == (14, 14)
    assert case_days(moments, start + day, start + 2 * day) == (1, 1)
