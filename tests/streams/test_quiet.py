"""What is told without a step is what the step would have told, to the last field."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings

from devices.events import Event
from streams.engine import Engine
from streams.grid import step, wake_at
from streams.quiet import still
from tests.properties.test_core import play, story, world
from tests.simulation.test_days import inbox
from tests.streams.core import HOME, POLICY, Core, ms


class Checked(Engine):
    """An engine that makes the step as well, wherever it could have gone without."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.quiet = self.loud = 0

    def _run(self, item: Any) -> Any:
        if type(item) is Event:
            sensor = still(self.records, item, self.policy, self.now_ms)
            made = step(self.records, item, self.policy, self.now_ms)
            if sensor is None:
                self.loud += 1
            else:
                self.quiet += 1
                key = "d:" + item.device
                assert made.changes == {key: sensor} and made.effects == []
                before, after = (wake_at(record, self.policy) for record in (self.records[key], sensor))
                assert (before is None) == (after is None) and (after or 0) >= (before or 0)
        return super()._run(item)


def test_over_a_day_of_a_compound() -> None:
    engine = Checked(POLICY)
    for record in inbox(3, sent_again=True):
        engine.apply(record)
    assert engine.quiet > engine.loud > 0


@settings(max_examples=100, deadline=None)
@given(story)
def test_whatever_comes(items: list[tuple[int, dict[str, object]]]) -> None:
    core = world()
    checked = Checked(POLICY, core.engine.records.items())
    checked.now_ms = core.engine.now_ms
    core.engine = checked
    for wait_s, item in items:
        core.now_ms += wait_s * 1000
        core.engine.advance(core.now_ms)
        play(core, item)


BASE = Event("00" * 8, "door", "g017", "household", HOME, ms("09:10"), "door", open=False, battery_percent=90.0)


@pytest.mark.parametrize(
    ("is_still", "said"),
    [
        (True, {}),
        (True, {"kind": "heartbeat", "open": None}),
        (True, {"report": "periodic", "opens_counted": 7, "tamper": False, "battery_low": False}),
        (True, {"device": "second", "place": "g017/9/9999", "open": None, "kind": "battery"}),
        (False, {"device": "second", "place": "g017/9/9999"}),
        (False, {"open": True}),
        (False, {"tamper": True}),
        (False, {"battery_percent": 9.0}),
        (False, {"battery_low": True, "battery_percent": None}),
        (False, {"opens_counted": 8}),
        (False, {"opens_counted": 8, "open": None}),
        (False, {"online": True}),
        (False, {"report": "retained"}),
        (False, {"report_hint": "periodic"}),
        (False, {"celsius": 36.5}),
        (False, {"where": "bridge"}),
        (False, {"device": "unheard"}),
        (False, {"device": "unknown"}),
        (False, {"received_ms": ms("08:30")}),
        (False, {"device_ms": ms("08:40")}),
        (False, {"redelivered": True, "id": "11" * 8}),
    ],
)
def test_only_what_changes_nothing_is_still(is_still: bool, said: dict[str, Any]) -> None:
    core = Core()
    core.device("unheard", HOME)
    core.device("second", "g017/9/9998")
    core.engine.apply(msgspec.structs.replace(BASE, id="22" * 8, device="second", received_ms=ms("09:00")))
    first = msgspec.structs.replace(BASE, id="11" * 8, received_ms=ms("09:00"), device_ms=ms("09:00"), opens_counted=7)
    core.engine.apply(first)
    event = msgspec.structs.replace(BASE, **said)
    found = still(core.engine.records, event, POLICY, ms("09:10"))
    assert (found is not None) is is_still
    if found is not None:
        assert step(core.engine.records, event, POLICY).changes == {"d:" + event.device: found}


def test_a_silent_sensor_and_one_behind_a_bridge_that_is_down_are_news() -> None:
    core = Core()
    core.at("09:00").closes()
    core.bridge("z2m")
    core.device("door", HOME, bridge="z2m")
    event = msgspec.structs.replace(BASE, received_ms=ms("09:10"))
    assert still(core.engine.records, event, POLICY, ms("09:10")) is not None
    core.bridge_says("z2m", False)
    assert still(core.engine.records, event, POLICY, ms("09:10")) is None
    core.bridge_says("z2m", True)
    core.at("14:00")
    late = msgspec.structs.replace(BASE, received_ms=ms("14:00"))
    assert still(core.engine.records, late, POLICY, ms("14:00")) is None


def test_an_engine_that_passes_over_a_timer_still_finds_it() -> None:
    """The timer of a silence is not moved by what is still; it is looked at again when it comes."""
    core = Core()
    core.at("09:00").closes()
    for minute in range(1, 60):
        core.now_ms = ms("09:00") + minute * 60_000
        core.event(kind="heartbeat")
    core.effects.clear()
    assert core.at("12:28").said() == []
    assert core.at("12:30").said() == ["raised sensor-silent", "page worker"]
