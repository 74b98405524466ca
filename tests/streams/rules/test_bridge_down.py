from streams.rules.bridge_down import KIND
from tests.streams.core import HOME, Core

BRIDGE = "bridge/z2m"


def hung(every_s: float | None = None) -> Core:
    core = Core()
    core.bridge("z2m", every_s=every_s)
    core.device("door", HOME, bridge="z2m")
    core.closes()
    core.effects.clear()
    return core


def test_offline_is_raised_once() -> None:
    core = hung()
    core.at("09:00").bridge_says("z2m", False)
    core.at("09:01").bridge_says("z2m", False)
    assert core.said() == [f"raised {KIND}", "page worker"]
    assert core.at("09:30").said() == ["page supervisor"]


def test_a_retained_offline_counts() -> None:
    core = hung()
    core.at("09:00").bridge_says("z2m", False, report="retained")
    assert core.said()[0] == f"raised {KIND}"


def test_a_device_behind_it_is_heard_and_so_is_the_bridge() -> None:
    core = hung()
    core.at("09:00").bridge_says("z2m", False)
    core.at("09:05").closes()
    assert core.said()[-2:] == [f"cleared {KIND}", f"closed {KIND}"]


def test_while_it_is_down_no_sensor_is_silent() -> None:
    core = hung()
    core.at("09:00").bridge_says("z2m", False)
    core.effects.clear()
    assert "raised sensor-silent" not in core.at("13:00").said()


def test_back_each_has_its_whole_time() -> None:
    core = hung()
    core.at("09:00").bridge_says("z2m", False)
    core.at("13:00").bridge_says("z2m", True)
    core.effects.clear()
    assert core.at("15:29").said() == []
    assert core.at("15:30").said() == ["raised sensor-silent"]


def test_silent_itself_where_the_fleet_says_how_often_it_reports() -> None:
    core = hung(every_s=600)
    core.at("09:00").bridge_says("z2m", True)
    core.effects.clear()
    assert core.at("09:24").said() == []
    assert core.at("09:25").said() == [f"raised {KIND}", "page worker"]


def test_it_takes_its_sensors_silence_upon_itself() -> None:
    core = hung(every_s=7200)
    core.at("10:30:30")
    core.bridge_says("z2m", False)
    said = core.said()
    assert said == ["raised sensor-silent", f"raised {KIND}", "page worker"]
    assert core.at("10:40").said() == []
