from streams.rules.left_open import KIND, due_after, due_ms
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
