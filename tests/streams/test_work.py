from streams.state import Grid, Sensor
from streams.work import Work
from tests.streams.core import POLICY


def test_a_step_sees_its_own_changes_and_leaves_the_view_alone() -> None:
    old = Sensor("d", "g017", "household", "g017/3/1203", 1)
    view = {"d:d": old}
    work = Work(view, POLICY, 5)
    work.put_sensor(Sensor("d", "g017", "household", "g017/3/1203", 2))
    seen = work.sensor("d")
    assert seen is not None and seen.known_ms == 2
    assert view == {"d:d": old}
    work.drop("d:d")
    assert work.sensor("d") is None
    assert work.changes == {"d:d": None}


def test_a_key_of_another_sort_is_not_taken_for_one() -> None:
    work = Work({"d:g017": Grid("g017")}, POLICY, 5)
    assert work.sensor("g017") is None
    assert work.grid("new") == Grid("new")
