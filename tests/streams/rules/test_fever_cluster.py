from streams.rules.fever_cluster import KIND
from tests.streams.core import HOME, Core


def ill(core: Core, *households: str) -> None:
    for household in households:
        core.command("symptoms", household=household, symptoms=["cough"], by="resident")


def building() -> Core:
    core = Core()
    for n in (1, 2, 3):
        core.device(f"s{n}", f"g017/3/000{n}")
    core.effects.clear()
    return core


def test_three_subjects_of_one_building() -> None:
    core = building()
    ill(core, HOME, "g017/3/0001")
    assert f"raised {KIND}" not in core.said()
    ill(core, "g017/3/0002")
    said = core.said()
    assert said[:4] == [f"raised {KIND}", "page doctor", "page worker", "page supervisor"]


def test_one_household_three_times_is_one_subject() -> None:
    core = building()
    ill(core, HOME, HOME, HOME)
    assert f"raised {KIND}" not in core.said()


def test_another_building_does_not_count() -> None:
    core = building()
    core.device("other", "g017/4/0001")
    ill(core, HOME, "g017/3/0001", "g017/4/0001")
    assert f"raised {KIND}" not in core.said()


def test_forty_eight_hours() -> None:
    for clock, raised in (("+2 08:00", True), ("+2 08:00:01", False)):
        core = building()
        ill(core, HOME)
        core.at("09:00")
        ill(core, "g017/3/0001")
        core.at(clock)
        core.effects.clear()
        ill(core, "g017/3/0002")
        assert (f"raised {KIND}" in core.said()) is raised


def test_a_false_alarm_is_not_counted() -> None:
    core = building()
    ill(core, HOME, "g017/3/0001")
    core.closes_incident("home-fever", "false-alarm", "doctor", HOME)
    core.effects.clear()
    ill(core, "g017/3/0002")
    assert f"raised {KIND}" not in core.said()


def test_a_checkpoints_fever_counts_once_its_pass_is_registered() -> None:
    core = building()
    ill(core, HOME, "g017/3/0001")
    core.reads(38.6, "A-1")
    assert f"raised {KIND}" not in core.said()
    core.command("register", checkpoint="g017/north", household="g017/3/0002", role="guard", **{"pass": "A-1"})
    assert f"raised {KIND}" in core.said()


def test_registered_before_the_reading_it_counts_too() -> None:
    core = building()
    ill(core, HOME, "g017/3/0001")
    core.command("register", checkpoint="g017/north", household="g017/3/0002", role="guard", **{"pass": "A-1"})
    core.effects.clear()
    core.reads(38.6, "A-1")
    assert f"raised {KIND}" in core.said()
