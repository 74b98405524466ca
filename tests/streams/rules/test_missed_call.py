from streams.rules.missed_call import KIND, next_due_ms
from tests.streams.core import HOME, POLICY, Core, ms


def calling() -> Core:
    core = Core(case=False)
    core.case(HOME, wellbeing_call="09:30")
    core.effects.clear()
    return core


def call(core: Core) -> None:
    core.command("call", household=HOME, by="resident")


def test_fifteen_minutes_late() -> None:
    assert next_due_ms(ms("08:00"), 570, POLICY) == ms("09:45")
    assert next_due_ms(ms("09:45"), 570, POLICY) == ms("+1 09:45")
    core = calling()
    assert core.at("09:44:59").said() == []
    assert core.at("09:45").said() == [f"raised {KIND}", "page worker"]
    assert core.at("10:00").said() == ["page police", "page doctor"]


def test_the_call_that_came_before() -> None:
    core = calling()
    core.at("09:00")
    call(core)
    core.effects.clear()
    assert core.at("10:00").said() == []
    assert core.at("+1 09:45").said()[-2:] == [f"raised {KIND}", "page worker"]


def test_the_call_that_comes_ends_it() -> None:
    core = calling()
    core.at("09:50")
    call(core)
    assert core.said()[-2:] == [f"cleared {KIND}", f"closed {KIND}"]


def test_acknowledged_nobody_else_is_called() -> None:
    core = calling()
    core.at("09:46").acknowledges(KIND)
    core.effects.clear()
    assert core.at("10:15").said() == []
