from streams.rules.chattering import KIND
from tests.streams.core import HOME, Core, ms


def toggle(core: Core, times: int, every_s: int, start: str = "09:30") -> None:
    for n in range(times):
        core.now_ms = ms(start) + n * every_s * 1000
        core.effects += core.engine.advance(core.now_ms)
        core.event(open=n % 2 == 0)


def watched() -> Core:
    core = Core()
    core.at("09:00").closes()
    core.command("declare", household=HOME, until=ms("12:00"), reason="child", by="worker")
    core.effects.clear()
    return core


def test_five_toggles_are_not_six() -> None:
    core = watched()
    toggle(core, 5, 10)
    assert f"raised {KIND}" not in core.said()


def test_six_within_five_minutes_are_one_item() -> None:
    core = watched()
    toggle(core, 12, 10)
    assert [s for s in core.said() if KIND in s] == [f"raised {KIND}"]


def test_six_in_more_than_five_minutes_are_not() -> None:
    core = watched()
    toggle(core, 6, 61)
    assert f"raised {KIND}" not in core.said()


def test_over_after_ten_quiet_minutes() -> None:
    core = watched()
    toggle(core, 6, 10)
    core.effects.clear()
    assert core.at("09:40:49").said() == []
    assert core.at("09:40:50").said() == [f"cleared {KIND}", f"closed {KIND}"]


def test_it_suppresses_no_alarm() -> None:
    core = Core()
    core.at("09:00").closes()
    toggle(core, 12, 10)
    said = core.said()
    assert "raised undeclared-opening" in said and "page police" in said
