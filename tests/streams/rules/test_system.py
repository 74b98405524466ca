from streams.rules.system import KIND
from tests.streams.core import Core


def test_said_again_and_again_it_is_one_incident_for_the_supervisor() -> None:
    core = Core()
    for n in range(5):
        core.at(f"09:0{n}").report("sink", False, "11 min behind")
    assert core.said() == [f"raised {KIND}", "page supervisor"]
    core.at("09:10").report("sink", True)
    assert core.said() == [f"cleared {KIND}", f"closed {KIND}"]


def test_parts_are_subjects_of_their_own() -> None:
    core = Core()
    core.report("sink", False)
    core.report("runtime", False)
    assert [d.subject for d in core.decisions() if d.decision == "raised"] == ["system/sink", "system/runtime"]


def test_well_without_having_been_unwell_is_nothing() -> None:
    core = Core()
    core.report("sink", True)
    assert core.said() == []
