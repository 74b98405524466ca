import pytest

from streams.rules.sensor_silent import KIND
from tests.streams.core import HOME, Core, ms


@pytest.mark.parametrize(("every_s", "due"), [(3600, "11:30"), (60, "09:10"), (240, "09:10"), (300, "09:12:30")])
def test_two_and_a_half_intervals_and_at_least_ten_minutes(every_s: float, due: str) -> None:
    core = Core()
    core.device("door", HOME, every_s=every_s)
    core.at("09:00").closes()
    core.effects.clear()
    core.now_ms = ms(due) - 1
    core.effects += core.engine.advance(core.now_ms)
    assert core.said() == []
    assert core.at(due).said() == [f"raised {KIND}"]
    core.now_ms += 60_000
    core.effects += core.engine.advance(core.now_ms)
    assert core.said() == ["page worker"]


def test_any_live_message_is_a_word_a_retained_one_is_not() -> None:
    core = Core()
    core.at("09:00").closes()
    core.at("10:00").event(kind="heartbeat")
    core.at("11:00").closes(report="retained")
    core.effects.clear()
    assert core.at("12:29").said() == []
    assert core.at("12:30").said() == [f"raised {KIND}"]


def test_even_the_same_message_again_shows_that_it_lives() -> None:
    core = Core()
    core.at("09:00").event(open=False, id="00000000000000aa", has_cause=True)
    core.at("11:00").event(open=False, id="00000000000000aa", has_cause=True)
    core.effects.clear()
    assert core.at("13:29").said() == []


def test_offline_for_ten_minutes() -> None:
    core = Core()
    core.at("09:00").event(kind="availability", online=False)
    assert core.at("09:09:59").said() == []
    assert core.at("09:10").said() == [f"raised {KIND}"]
    core.at("09:11").event(kind="availability", online=True)
    assert core.said()[-2:] == [f"cleared {KIND}", f"closed {KIND}"]


def test_back_online_in_time_is_nothing() -> None:
    core = Core()
    core.at("09:00").event(kind="availability", online=False)
    core.at("09:05").event(kind="availability", online=True)
    assert core.at("09:30").said() == []


def test_a_retained_offline_at_a_restart_is_one_too() -> None:
    core = Core()
    core.at("09:00").event(kind="availability", online=False, report="retained")
    assert core.at("09:10").said() == [f"raised {KIND}"]


def test_never_heard_has_a_day() -> None:
    core = Core()
    assert core.at("+1 07:59:59").said() == []
    assert core.at("+1 08:00").said() == [f"raised {KIND}"]


def test_a_gun_has_no_interval() -> None:
    core = Core()
    core.reads(36.5)
    core.at("08:30").closes()
    core.effects.clear()
    assert [d.subject for d in core.at("+2 08:00").decisions() if d.decision == "raised"] == [HOME]


def test_closed_by_a_person_its_clock_starts_again() -> None:
    core = Core()
    core.at("09:00").closes()
    core.at("11:40").closes_incident(KIND, "device-fault")
    core.effects.clear()
    assert core.at("14:09").said() == []
    assert core.at("14:10").said() == [f"raised {KIND}"]
    core.at("14:12").closes()
    assert f"cleared {KIND}" in core.said()


def test_it_stands_when_a_case_starts() -> None:
    core = Core(case=False)
    core.at("09:00").closes()
    assert core.at("12:00").said() == []
    core.at("13:00").case(HOME, start="13:00")
    core.at("13:01")
    assert core.said() == [f"raised {KIND}", "page worker"]
