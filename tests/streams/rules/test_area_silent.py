import pytest

from streams.rules.area_silent import KIND, many
from tests.streams.core import POLICY, Core


@pytest.mark.parametrize(
    ("missing", "watched", "area"),
    [(5, 500, True), (4, 500, False), (3, 15, True), (3, 16, False), (2, 2, False), (3, 3, True), (4, 20, True)],
)
def test_five_or_a_fifth_and_at_least_three(missing: int, watched: int, area: bool) -> None:
    assert many(missing, watched, POLICY) is area


def grid(sensors: int) -> Core:
    core = Core()
    core.closes()
    for n in range(sensors):
        core.device(f"s{n}", f"g017/1/{n:04d}")
        core.case(f"g017/1/{n:04d}")
        core.closes(f"s{n}")
    core.effects.clear()
    return core


def test_silent_in_the_same_minute_they_are_one_matter() -> None:
    core = grid(30)
    said = core.at("10:30").said()
    assert said.count(f"raised {KIND}") == 1
    assert core.at("10:35").said().count("page worker") == 0


def test_one_alone_is_itself() -> None:
    core = grid(30)
    for n in range(30):
        core.at("09:30").closes(f"s{n}")
    core.effects.clear()
    assert core.at("10:30").said() == ["raised sensor-silent"]
    assert core.at("10:31").said() == ["page worker"]


def test_offline_counts_at_once() -> None:
    core = grid(30)
    for n in range(5):
        core.at("09:00").event(f"s{n}", kind="availability", online=False)
    assert core.said() == [f"raised {KIND}", "page worker", "page supervisor"]


def test_over_when_four_fifths_are_heard_again_and_the_rest_is_itself() -> None:
    core = grid(30)
    for n in range(5):
        core.at("09:00").event(f"s{n}", kind="availability", online=False)
    core.at("09:10")
    core.effects.clear()
    for n in range(4):
        core.at(f"09:2{n}").event(f"s{n}", kind="availability", online=True)
    assert core.said() == ["page police", f"cleared {KIND}", f"closed {KIND}", "raised sensor-silent"]
    assert core.at("09:24").said() == ["page worker"]


def test_closed_by_a_person_everything_starts_again() -> None:
    core = grid(30)
    for n in range(5):
        core.at("09:00").event(f"s{n}", kind="availability", online=False)
    core.at("09:05").closes_incident(KIND, "device-fault", "supervisor", "g017")
    core.effects.clear()
    assert core.at("09:14:59").said() == []
    assert f"raised {KIND}" in core.at("09:15").said()


def test_the_end_of_the_cases_ends_it() -> None:
    core = grid(5)
    for n in range(5):
        core.at("09:00").event(f"s{n}", kind="availability", online=False)
    for n in range(5):
        core.command("close-case", household=f"g017/1/{n:04d}", reason="released", role="worker")
    assert core.incident(KIND, "g017") is None
