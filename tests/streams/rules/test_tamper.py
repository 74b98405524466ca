from streams.rules.tamper import KIND
from tests.streams.core import Core


def test_worker_and_police_at_once_and_only_for_the_first_true() -> None:
    core = Core()
    core.at("09:00").event(kind="tamper", tamper=True)
    core.at("09:01").event(kind="tamper", tamper=True)
    assert core.said() == [f"raised {KIND}", "page worker", "page police"]


def test_never_the_doctor() -> None:
    core = Core()
    core.at("09:00").event(kind="tamper", tamper=True)
    assert "page doctor" not in core.at("12:00").said()


def test_a_retained_true_is_a_first_word() -> None:
    core = Core()
    core.at("09:00").event(kind="tamper", tamper=True, report="retained")
    assert core.said()[0] == f"raised {KIND}"


def test_outside_a_case_nothing_but_when_one_starts_it_stands() -> None:
    core = Core(case=False)
    core.at("09:00").event(kind="tamper", tamper=True)
    assert core.said() == []
    core.at("09:10").case("g017/3/1203", start="09:10")
    assert core.said() == [f"raised {KIND}", "page worker", "page police"]


def test_a_gun_belongs_to_its_checkpoint() -> None:
    core = Core()
    core.at("09:00").event("gun", kind="tamper", tamper=True)
    assert core.decisions()[0].subject == "g017/north"


def test_two_sensors_clear_together() -> None:
    core = Core()
    core.device("second", "g017/3/1203")
    core.at("09:00").event(kind="tamper", tamper=True)
    core.event("second", kind="tamper", tamper=True)
    core.effects.clear()
    core.at("09:01").event(kind="tamper", tamper=False)
    assert core.said() == []
    core.at("09:02").event("second", kind="tamper", tamper=False)
    assert core.said() == [f"cleared {KIND}"]
