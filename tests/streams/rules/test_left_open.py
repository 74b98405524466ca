from msgspec.structs import replace

from streams.effects import Decision, Reason
from streams.policy import Window
from streams.rules.left_open import KIND, due_after, due_ms
from streams.words import sentence
from tests.streams.core import HOME, POLICY, Core, ms


def declared(core: Core, until: str) -> None:
    core.command("declare", household=HOME, until=ms(until), reason="parcel", by="resident")


def test_five_minutes_and_never_earlier_than_one_after_the_message() -> None:
    assert due_ms(ms("09:00"), ms("09:00"), POLICY) == ms("09:05")
    assert due_ms(ms("09:00"), ms("09:10"), POLICY) == ms("09:11")
    assert due_after(ms("09:30"), ms("09:10"), POLICY) == ms("09:30")
    assert due_after(ms("09:10"), ms("09:10"), POLICY) == ms("09:11")


def test_a_declaration_replaces_the_five_minutes() -> None:
    core = Core()
    core.at("09:00").closes()
    declared(core, "09:15")
    core.at("09:01").opens()
    core.effects.clear()
    assert core.at("09:14:59").said() == []
    assert core.at("09:15").said() == [f"raised {KIND}", "page worker"]


def reasons(core: Core) -> list[Reason]:
    return [e.reason for e in core.effects if isinstance(e, Decision) and e.decision == "raised"]


def test_the_reason_names_the_end_of_what_was_declared() -> None:
    core = Core()
    core.at("09:00").closes()
    declared(core, "09:15")
    core.at("09:01").opens()
    core.at("09:15")
    assert reasons(core) == [Reason("left-open-declared", {"minutes": 14, "until_ms": ms("09:15")})]
    zone = POLICY.zone
    assert sentence(reasons(core)[0], "zh", zone) == "报备至 09:15，门仍开着，已 14 分钟"
    said = "declared until 09:15, and the door is still open, for 14 min now"
    assert sentence(reasons(core)[0], "en", zone) == said


def test_it_names_the_one_that_ended_last_and_none_that_was_over_before_the_door_opened() -> None:
    core = Core()
    core.at("09:00").closes()
    declared(core, "09:10")
    core.at("09:01").opens()
    core.at("09:09")
    declared(core, "09:20")
    core.at("09:20")
    assert reasons(core)[0].values["until_ms"] == ms("09:20")
    core.at("09:21").closes()
    declared(core, "09:30")
    core.at("09:31").opens()
    core.command("close", subject=HOME, kind="undeclared-opening", role="worker", disposition="declared-late")
    core.at("09:40")
    assert [reason.word for reason in reasons(core)] == ["left-open-declared", "opened", "left-open"]


def test_it_names_the_end_of_a_permitted_window() -> None:
    policy = replace(POLICY, permitted=(Window(from_min=540, to_min=560),))
    core = Core(policy=policy)
    core.at("09:00").closes()
    core.at("09:01").opens()
    core.at("09:20")
    assert reasons(core) == [Reason("left-open-permitted", {"minutes": 19, "until_ms": ms("09:20")})]
    assert sentence(reasons(core)[0], "zh", POLICY.zone).startswith("准许至 09:20")


def test_a_second_declaration_while_it_is_open_moves_its_end() -> None:
    core = Core()
    core.at("09:00").closes()
    declared(core, "09:10")
    core.at("09:01").opens()
    core.at("09:09")
    declared(core, "09:20")
    core.effects.clear()
    assert core.at("09:19").said() == []
    assert core.at("09:20").said()[0] == f"raised {KIND}"


def test_an_undeclared_opening_says_still_open_instead() -> None:
    core = Core()
    core.at("09:00").closes()
    core.at("09:30").opens()
    core.acknowledges("undeclared-opening")
    core.effects.clear()
    core.at("09:35")
    assert core.notes() == ["still-open"]
    assert core.incident(KIND) is None


def test_closing_the_door_ends_it() -> None:
    core = Core()
    core.at("09:00").opens()
    core.at("09:05").effects.clear()
    core.at("09:06").closes()
    assert core.said() == [f"cleared {KIND}", f"closed {KIND}"]


def test_found_open_under_a_declaration_has_the_later_of_both() -> None:
    core = Core()
    core.at("09:00").closes()
    declared(core, "09:03")
    core.at("09:01").opens(report="retained")
    core.effects.clear()
    assert core.at("09:05:59").said() == []
    assert core.at("09:06").said()[0] == f"raised {KIND}"


def test_not_outside_a_case() -> None:
    core = Core(case=False)
    core.at("09:00").opens()
    assert core.at("10:00").said() == []
