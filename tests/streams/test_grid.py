"""One step: pure, whatever comes."""

import msgspec
import pytest

from devices.events import Event
from streams.frames import Receipt
from streams.grid import Wake, step, time_of, wake_at
from streams.state import encode_record
from tests.streams.core import HOME, POLICY, Core, ms


def frozen(core: Core) -> dict[str, bytes]:
    return {key: encode_record(record) for key, record in core.engine.records.items()}


def test_a_step_changes_nothing_that_it_was_given() -> None:
    core = Core()
    core.at("09:00").closes()
    before, records = frozen(core), dict(core.engine.records)
    event = Event("00000000000000ff", "door", "g017", "household", HOME, ms("09:30"), "door", open=True)
    done = step(records, event, POLICY)
    assert done.effects
    assert records == core.engine.records
    assert frozen(core) == before


def test_the_same_step_twice_gives_the_same() -> None:
    core = Core()
    core.at("09:00").closes()
    event = Event("00000000000000ff", "door", "g017", "household", HOME, ms("09:30"), "door", open=True)
    assert step(core.engine.records, event, POLICY) == step(core.engine.records, event, POLICY)


def test_a_wake_for_what_is_gone_or_not_due_is_nothing() -> None:
    core = Core()
    for key in ["d:nobody", *core.engine.records]:
        done = step(core.engine.records, Wake(key, ms("08:00")), POLICY)
        assert done.effects == []


def test_a_receipt_decides_nothing() -> None:
    assert step({}, Receipt(ms("09:00"), "g017", "p", "mqtt", "accepted"), POLICY).effects == []


def test_every_record_says_when_it_happened() -> None:
    core = Core()
    assert time_of(Wake("d:door", 5)) == 5
    for record in core.engine.records.values():
        wake = wake_at(record, POLICY)
        assert wake is None or wake > 0


@pytest.mark.parametrize("kind", ["door", "temperature", "heartbeat", "battery", "tamper", "availability", "button"])
def test_an_event_that_says_nothing_is_only_a_word(kind: str) -> None:
    core = Core()
    core.event(kind=kind)
    assert core.said() == []
    sensor = msgspec.structs.asdict(core.engine.records["d:door"])
    assert sensor["heard_ms"] == core.now_ms
