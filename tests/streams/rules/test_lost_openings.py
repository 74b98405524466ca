import pytest

from streams.rules.lost_openings import KIND
from tests.streams.core import HOME, Core, ms


def counting(at: int = 5) -> Core:
    core = Core()
    core.at("09:00").closes(opens_counted=at)
    core.effects.clear()
    return core


@pytest.mark.parametrize(("counted", "lost"), [(5, 0), (6, 1), (9, 4)])
def test_a_jump_without_an_opening_is_lost(counted: int, lost: int) -> None:
    core = counting()
    core.at("09:10").closes(opens_counted=counted)
    decisions = core.decisions()
    assert [d.decision for d in decisions] == (["raised", "page"] if lost else [])
    if lost:
        assert decisions[0].reason.values["count"] == lost


def test_a_reported_opening_counts_one() -> None:
    core = counting()
    core.at("09:10").opens(opens_counted=6)
    assert core.said() == ["raised undeclared-opening", "page worker"]
    core.at("09:11").closes(opens_counted=6)
    assert core.said() == []
    core.at("09:12").opens(opens_counted=9)
    said = core.said()
    assert f"raised {KIND}" in said and "repeated undeclared-opening" in said


def test_open_again_by_its_counter_though_no_closing_was_heard() -> None:
    core = counting()
    core.at("09:10").opens(opens_counted=6)
    core.effects.clear()
    core.at("09:12").opens(opens_counted=7)
    assert core.said() == ["repeated undeclared-opening"]


def test_a_counter_that_went_back_is_learnt_anew() -> None:
    core = counting(50)
    core.at("09:10").closes(opens_counted=1)
    core.at("09:20").closes(opens_counted=1)
    assert core.said() == []
    core.at("09:30").closes(opens_counted=2)
    assert core.said() == [f"raised {KIND}", "page worker"]


def test_within_a_declaration_it_is_matched() -> None:
    core = counting()
    core.command("declare", household=HOME, until=ms("09:10"), reason="rubbish", by="resident")
    core.effects.clear()
    core.at("09:05").closes(opens_counted=6)
    assert core.said() == [f"matched {KIND}"]


def test_a_late_message_does_not_turn_the_counter_back() -> None:
    core = Core()
    core.at("09:00").closes(opens_counted=5, device_ms=ms("09:00"))
    core.at("09:10").opens(opens_counted=6, device_ms=ms("09:10"))
    core.at("09:11").closes(opens_counted=6, device_ms=ms("09:11"))
    core.effects.clear()
    core.at("09:20").closes(opens_counted=5, device_ms=ms("09:05"))
    core.at("09:21").closes(opens_counted=6, device_ms=ms("09:21"))
    assert f"raised {KIND}" not in core.said()


def test_a_heartbeat_tells_of_a_lost_opening_too() -> None:
    core = counting()
    core.at("09:10").event(kind="heartbeat", opens_counted=6)
    assert core.said() == [f"raised {KIND}", "page worker"]
    core.at("09:20").event(kind="heartbeat", opens_counted=6)
    assert core.said() == []


def test_an_old_heartbeat_sent_again_does_not_turn_the_counter_back() -> None:
    core = counting()
    core.at("09:05").event(kind="heartbeat", opens_counted=5, device_ms=ms("09:05"))
    core.at("09:10").opens(opens_counted=6, device_ms=ms("09:10"))
    core.effects.clear()
    # A broker that was killed sends again what it had sent before it could note that it was taken.
    core.at("09:11").event(kind="heartbeat", opens_counted=5, device_ms=ms("09:05"))
    core.at("09:12").closes(opens_counted=6, device_ms=ms("09:12"))
    assert core.said() == []
