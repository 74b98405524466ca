from streams.rules.missed_visit import KIND, next_due_ms
from tests.streams.core import HOME, POLICY, Core, ms


def visited(start: str = "08:00") -> Core:
    core = Core(case=False, start=start)
    core.case(HOME, start=start, visits=True)
    core.effects.clear()
    return core


def visit(core: Core) -> None:
    core.command("visit", household=HOME, role="worker")


def test_deadlines() -> None:
    assert next_due_ms(ms("11:59"), POLICY) == ms("12:00")
    assert next_due_ms(ms("12:00"), POLICY) == ms("18:00")
    assert next_due_ms(ms("18:00"), POLICY) == ms("+1 12:00")


def test_the_supervisor_hears_of_it_though_the_worker_answered() -> None:
    core = visited()
    assert core.at("12:00").said() == [f"raised {KIND}", "page worker"]
    core.at("12:10").acknowledges(KIND)
    core.effects.clear()
    assert "page supervisor" in core.at("13:00").said()


def test_a_visit_in_time_and_one_too_late() -> None:
    core = visited()
    core.at("11:59")
    visit(core)
    assert core.at("12:00").said() == []
    assert core.at("18:00").said() == [f"raised {KIND}", "page worker"]
    core.at("18:20")
    visit(core)
    assert core.said()[-2:] == [f"cleared {KIND}", f"closed {KIND}"]


def test_yesterdays_visit_is_not_todays() -> None:
    core = visited()
    core.at("11:00")
    visit(core)
    core.at("17:00")
    visit(core)
    core.effects.clear()
    core.at("+1 11:59:59").effects.clear()
    assert f"raised {KIND}" in core.at("+1 12:00").said()


def test_deadlines_before_the_case_are_not_missed() -> None:
    core = visited("13:00")
    assert core.at("17:59").said() == []
    assert core.at("18:00").said()[0] == f"raised {KIND}"


def test_after_the_case_none() -> None:
    core = visited()
    core.command("close-case", household=HOME, role="worker", reason="released")
    core.effects.clear()
    assert core.at("+1 18:00").said() == []
