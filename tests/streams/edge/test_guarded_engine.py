"""One record that raises: put aside whole, with everything before and after it as if it had not been there."""

import msgspec

from streams.edge.guarded_engine import GuardedEngine
from streams.effects import Decision
from streams.frames import decode_inbox
from streams.state import Book, Place, encode_record
from tests.streams.edge.boxes import expected, policy
from tests.streams.edge.scripts import MINUTE_MS, T0_MS, door, fleet, household, script

OPENED_MS = T0_MS + 1000


def pages(effects) -> list[tuple[str, str]]:
    return [(e.role, e.kind) for e in effects if isinstance(e, Decision) and e.decision == "page"]


def guarded(*records) -> GuardedEngine:
    engine = GuardedEngine(policy())
    for record in records:
        engine.apply(record)
    return engine


def test_without_faults_it_is_the_engine():
    records = script(41, 300)
    engine = GuardedEngine(policy())
    effects = [effect for record in records for effect in engine.apply(record)]
    assert (effects, {key: encode_record(record) for key, record in engine.records.items()}) == expected(records)
    assert engine.take_faults() == []


def test_a_record_that_raises_changes_nothing_and_loses_no_timer_before_it():
    """The police is due at the very time of the bad record: it is paged all the same."""
    opened = door(1, OPENED_MS, True, 2)
    engine = guarded(*fleet(3), door(1, T0_MS + 500, False, 1), opened)
    before = dict(engine.records)
    bad = msgspec.structs.replace(door(2, OPENED_MS + 5 * MINUTE_MS, True, 3), id="no hex")
    effects = engine.apply(bad)
    assert ("police", "undeclared-opening") in pages(effects)
    (fault,) = engine.take_faults()
    assert (fault.sort, decode_inbox(fault.data)) == ("record", [bad])
    assert "non-hexadecimal" in fault.why
    assert engine.records["d:door-2"] == before["d:door-2"]
    assert engine.take_faults() == []


def test_a_timer_that_raises_is_put_aside_and_the_others_go_on():
    """The memory of a household as no program of ours makes it: a time that is none."""
    engine = guarded(*fleet(3), door(1, T0_MS + 400, False, 1), door(2, T0_MS + 500, False, 2))
    engine.apply(door(1, OPENED_MS, True, 3))
    engine.apply(door(2, OPENED_MS, True, 4))
    key = f"p:{household(1)}"
    place = engine.records[key]
    assert isinstance(place, Place)
    broken = msgspec.structs.replace(place.doors["door-1"], changed_ms="long ago")
    engine.records[key] = msgspec.structs.replace(place, doors={"door-1": broken})
    effects = engine.advance(OPENED_MS + 6 * MINUTE_MS)
    (fault,) = engine.take_faults()
    assert (fault.sort, fault.key, fault.data) == ("wake", key, encode_record(engine.records[key]))
    assert pages(effects).count(("police", "undeclared-opening")) == 2, "both ladders climb all the same"
    assert engine.advance(OPENED_MS + 7 * MINUTE_MS) == []
    assert engine.take_faults() == [], "it is not tried again and again"


def test_a_memory_whose_timer_cannot_be_planned_is_put_aside_at_the_start():
    first = guarded(*fleet(3), door(1, T0_MS + 400, False, 1), door(1, OPENED_MS, True, 3))
    key = f"z:{household(1)}"
    book = first.records[key]
    assert isinstance(book, Book)
    incident = book.open["undeclared-opening"]
    first.records[key] = msgspec.structs.replace(book, open={"no such kind": incident})
    second = GuardedEngine(policy(), first.records.items())
    second.advance(OPENED_MS + 60 * MINUTE_MS)
    assert [(fault.sort, fault.key) for fault in second.take_faults()] == [("timer", key)], "said once"
