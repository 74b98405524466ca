from streams.state import BridgeState, Grid, Sensor
from tests.streams.core import HOME, Core


def test_told_again_nothing_changes() -> None:
    core = Core()
    before = dict(core.engine.records)
    core.device("door", HOME)
    core.device("gun", "g017/north", every_s=None)
    assert core.engine.records == before


def test_a_device_that_leaves_takes_its_conditions_with_it() -> None:
    core = Core()
    core.at("09:00").event(kind="battery", battery_percent=5)
    core.event(kind="tamper", tamper=True)
    core.closes()
    core.at("11:35")
    core.effects.clear()
    core.device("door", HOME, present=False)
    said = core.said()
    assert "cleared low-battery" in said and "cleared tamper" in said and "cleared sensor-silent" in said
    assert core.place().devices == ()
    assert "d:door" not in core.engine.records


def test_a_device_that_moves_is_watched_at_its_new_place() -> None:
    core = Core()
    core.device("other", "g017/5/0402")
    core.case("g017/5/0402")
    core.at("09:00").closes()
    core.device("door", "g017/5/0402")
    assert core.place(HOME).devices == ()
    assert set(core.place("g017/5/0402").devices) == {"other", "door"}
    core.at("09:01").opens()
    assert core.said() == []
    core.at("09:02").closes()
    core.at("09:03").opens()
    assert core.decisions()[0].subject == "g017/5/0402"


def test_a_gun_is_always_watched_and_never_counted_in_its_area() -> None:
    core = Core()
    gun = core.engine.records["d:gun"]
    grid = core.engine.records["g:g017"]
    assert isinstance(gun, Sensor) and gun.watched_ms is not None
    assert isinstance(grid, Grid) and grid.watched == ("door",)


def test_bridges_know_what_hangs_on_them() -> None:
    core = Core()
    core.bridge("z2m")
    core.device("door", HOME, bridge="z2m")
    bridge = core.engine.records["l:z2m"]
    assert isinstance(bridge, BridgeState) and bridge.devices == ("door",)
    core.device("door", HOME)
    bridge = core.engine.records["l:z2m"]
    assert isinstance(bridge, BridgeState) and bridge.devices == ()
    core.bridge("z2m", present=False)
    assert "l:z2m" not in core.engine.records
