"""The loop every runtime shares."""

import pytest

import streams.engine
from streams.engine import Engine
from streams.grid import Step
from streams.state import Sensor
from tests.streams.core import HOME, POLICY, Core, ms


def test_what_is_due_at_the_time_of_a_record_happens_before_it() -> None:
    core = Core()
    core.at("09:00").closes()
    core.at("09:30").opens()
    core.effects.clear()
    core.now_ms = ms("09:35")
    core.acknowledges("undeclared-opening")
    assert core.said() == ["page police", "page doctor", "acknowledged worker"]


def test_timers_of_one_instant_are_told_by_subject() -> None:
    core = Core()
    for n in (3, 1, 2):
        core.device(f"s{n}", f"g017/3/000{n}", every_s=86_400)
        core.case(f"g017/3/000{n}")
        core.closes(f"s{n}")
    core.effects.clear()
    for n in (2, 3, 1):
        core.at("09:30").opens(f"s{n}")
    core.effects.clear()
    pages = [d.subject for d in core.at("09:35").decisions()]
    assert pages == sorted(pages) and len(pages) == 6


def test_decisions_have_the_time_they_were_due() -> None:
    core = Core()
    core.at("09:00").closes()
    core.at("09:30").opens()
    core.effects.clear()
    times = [d.t_ms for d in core.at("12:00").decisions() if d.decision == "page"]
    assert times[:3] == [ms("09:35"), ms("09:35"), ms("10:30")]


def test_a_record_older_than_time_is_handled_now() -> None:
    core = Core()
    core.at("09:00").closes()
    core.now_ms = ms("08:30")
    core.opens()
    assert core.decisions()[0].t_ms == ms("09:00")


def test_changes_are_handed_out_once_and_are_all_there_is() -> None:
    core = Core()
    kept = {}
    for clock, what in (("09:00", core.closes), ("09:30", core.opens), ("09:31", core.closes)):
        core.at(clock)
        what()
        kept |= core.engine.take_changes()
    core.at("11:00")
    kept |= core.engine.take_changes()
    assert {k: v for k, v in kept.items() if v is not None} == core.engine.records
    assert core.engine.take_changes() == {}


def test_heartbeats_do_not_fill_the_heap() -> None:
    core = Core()
    for _ in range(1000):
        core.now_ms += 1000
        core.event(kind="heartbeat")
    assert len(core.engine._heap) < 20


def test_next_wake_may_be_early_never_late() -> None:
    core = Core()
    core.at("09:00").closes()
    core.at("10:00").event(kind="heartbeat")
    wake = core.engine.next_wake_ms
    assert wake is not None and wake <= ms("12:30")


def test_a_timer_that_does_not_move_on_is_an_error_and_no_endless_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    stuck = Sensor("x", "g017", "household", HOME, 0)
    monkeypatch.setattr(streams.engine, "wake_at", lambda record, policy: 5)
    monkeypatch.setattr(streams.engine, "step", lambda *args: Step({"d:x": stuck}, []))
    engine = Engine(POLICY, [("d:x", stuck)])
    with pytest.raises(RuntimeError, match="does not move on"):
        engine.advance(10)
