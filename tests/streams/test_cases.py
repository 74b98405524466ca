from streams.state import Sensor
from tests.streams.core import HOME, Core, ms


def watched(core: Core) -> bool:
    sensor = core.engine.records["d:door"]
    assert isinstance(sensor, Sensor)
    return sensor.watched_ms is not None


def test_from_its_start_until_its_end() -> None:
    core = Core(case=False)
    core.case(HOME, "09:00", "17:00")
    assert not watched(core)
    core.at("09:00")
    assert watched(core)
    core.at("16:59:59")
    assert watched(core)
    core.at("17:00")
    assert not watched(core)


def test_disarmed_by_itself() -> None:
    core = Core(case=False)
    core.case(HOME, "08:00", "09:00")
    core.closes()
    core.at("09:00").opens()
    assert core.said() == []


def test_what_closes_by_itself_closes_with_it_the_rest_stays() -> None:
    core = Core(case=False)
    core.case(HOME, "08:00", "10:00")
    core.closes()
    core.at("09:30").opens()
    core.event(kind="battery", battery_percent=5)
    core.effects.clear()
    assert core.at("10:00").said()[-1] == "closed low-battery"
    assert core.incident("undeclared-opening") is not None
    assert core.at("10:30").said() == ["page supervisor"]


def test_told_again_with_another_end_it_goes_on() -> None:
    core = Core(case=False)
    core.case(HOME, "08:00", "10:00")
    core.closes()
    core.case(HOME, "08:00", "12:00")
    core.at("11:00").opens()
    assert "raised undeclared-opening" in core.said()
    core.at("12:00")
    assert not watched(core)


def test_a_second_case_after_the_first() -> None:
    core = Core(case=False)
    core.case(HOME, "08:00", "10:00")
    core.case(HOME, "11:00", "12:00")
    core.closes()
    for clock, armed in (("09:00", True), ("10:30", False), ("11:30", True), ("12:30", False)):
        core.at(clock)
        assert watched(core) is armed, clock


def test_a_case_that_is_to_come_can_be_called_off() -> None:
    core = Core(case=False)
    core.case(HOME, "10:00", "12:00")
    core.command("close-case", household=HOME, reason="mistake", role="worker")
    core.at("10:30")
    assert not watched(core)


def test_a_late_opening_of_a_case_that_has_ended_is_for_the_worker_and_the_supervisor() -> None:
    core = Core(case=False)
    core.case(HOME, "08:00", "10:00")
    core.at("09:00").closes(device_ms=ms("09:00"))
    core.at("10:05").opens(device_ms=ms("09:55"))
    assert core.said() == ["raised undeclared-opening", "page worker"]
    assert "page police" not in core.at("10:30").said()
    core.at("11:00").opens(device_ms=ms("10:30"))
    assert core.said() == []
