import pytest

from streams.rules.low_battery import KIND, verdict
from tests.streams.core import POLICY, Core


@pytest.mark.parametrize(
    ("percent", "low", "said"),
    [(15, None, True), (15.1, None, None), (25, None, None), (25.1, None, False), (None, True, True), (100, True, True),
     (None, False, False), (None, None, None), (10, False, True), (20, False, None)],
)  # fmt: skip
def test_verdict(percent: float | None, low: bool | None, said: bool | None) -> None:
    assert verdict(percent, low, POLICY) is said


def test_by_day_the_worker_at_once() -> None:
    core = Core()
    core.at("19:59:59").event(kind="battery", battery_percent=15)
    assert core.said() == [f"raised {KIND}", "page worker"]


def test_at_night_when_the_hours_begin() -> None:
    core = Core()
    core.at("20:00").event(kind="battery", battery_percent=15)
    core.at("+1 06:00").event(kind="heartbeat")
    core.effects.clear()
    assert core.at("+1 07:59:59").said() == []
    assert core.at("+1 08:00").said() == ["page worker"]


def test_not_at_all_if_well_by_then() -> None:
    core = Core()
    core.at("20:00").event(kind="battery", battery_percent=15)
    core.at("21:00").event(kind="battery", battery_percent=26)
    core.effects.clear()
    assert f"page {KIND}" not in core.at("+1 09:00").said()
    assert core.incident(KIND) is None


def test_no_police_ever() -> None:
    core = Core()
    core.at("09:00").event(kind="battery", battery_percent=3)
    core.device("door", "g017/3/1203", every_s=None)
    assert "page police" not in core.at("+3 09:00").said()
