"""What holds whatever comes, in whatever order, however often, and whenever the process dies."""

from itertools import pairwise

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from streams.effects import Decision
from streams.policy import FEVERS, KINDS, WANT_A_PERSON
from streams.state import Book, Place, encode_record
from tests.streams.core import HOME, Core, ms

MIN = 60_000
SUBJECTS = (HOME, "g017/north/A-1", "g017", "bridge/z2m")

door = st.fixed_dictionaries({
    "what": st.just("door"), "open": st.booleans(),
    "report": st.sampled_from(["live", "live", "retained", "periodic"]),
    "late_min": st.sampled_from([None, 0, 1, 5, 30, 90, 1500]), "counted": st.none() | st.integers(0, 9),
})  # fmt: skip
other = st.sampled_from([
    {"what": "event", "kind": "heartbeat"}, {"what": "event", "kind": "tamper", "tamper": True},
    {"what": "event", "kind": "tamper", "tamper": False}, {"what": "event", "kind": "battery", "battery_percent": 9.0},
    {"what": "event", "kind": "battery", "battery_percent": 90.0}, {"what": "bridge", "online": False},
    {"what": "event", "kind": "availability", "online": False},
    {"what": "event", "kind": "availability", "online": True},
    {"what": "bridge", "online": True}, {"what": "gun", "celsius": 37.0, "pass_id": "A-1"},
    {"what": "gun", "celsius": 36.4, "pass_id": "A-1"}, {"what": "gun", "celsius": 37.6, "pass_id": ""},
    {"what": "gun", "celsius": 38.9, "pass_id": "A-1"}, {"what": "gun", "celsius": 36.0, "pass_id": ""},
])  # fmt: skip
command = st.sampled_from([
    *({"what": "acknowledge", "kind": kind, "role": role, "subject": subject}
      for kind in ("undeclared-opening", "left-open", "fever", "tamper", "suspect-reading", "sensor-silent", "system")
      for role in ("worker", "police", "doctor") for subject in SUBJECTS[:3]),
    *({"what": "close", "kind": kind, "role": role, "subject": subject, "disposition": disposition}
      for kind in KINDS for role in ("worker", "doctor") for subject in SUBJECTS[:3]
      for disposition in ("true-alarm", "false-alarm")),
    *({"what": "snooze", "kind": kind, "role": "worker", "subject": HOME, "reason": "x", "for_min": n}
      for kind in ("undeclared-opening", "left-open", "tamper") for n in (5, 45)),
    {"what": "mute", "household": HOME, "role": "worker", "reason": "x", "for_min": 60},
    {"what": "declare", "household": HOME, "reason": "x", "by": "resident", "for_min": 5},
    {"what": "declare", "household": HOME, "reason": "x", "by": "worker", "for_min": 30},
    {"what": "symptoms", "household": HOME, "symptoms": ["cough"]}, {"what": "call", "household": HOME},
    {"what": "close-case", "household": HOME, "reason": "x"},
])  # fmt: skip
story = st.lists(st.tuples(st.integers(0, 40 * 60), st.one_of(door, other, command)), min_size=1, max_size=25)


def world() -> Core:
    core = Core()
    core.bridge("z2m")
    core.device("door", HOME, bridge="z2m")
    core.device("second", HOME)
    for n in range(3):
        core.device(f"s{n}", f"g017/1/{n:04d}")
        core.case(f"g017/1/{n:04d}")
    core.at("09:00").closes(device_ms=ms("09:00"))
    core.effects.clear()
    return core


def play(core: Core, item: dict[str, object]) -> None:
    item = dict(item)
    what = item.pop("what")
    match what:
        case "door":
            late = item["late_min"]
            device_ms = None if late is None else core.now_ms - int(late) * MIN  # type: ignore[call-overload]
            core.event(open=item["open"], report=item["report"], device_ms=device_ms, opens_counted=item["counted"])
        case "event":
            core.event(**item)  # type: ignore[arg-type]
        case "bridge":
            core.bridge_says("z2m", bool(item["online"]))
        case "gun":
            core.reads(**item)  # type: ignore[arg-type]
        case _:
            if "for_min" in item:
                item["until"] = core.now_ms + int(item.pop("for_min")) * MIN  # type: ignore[call-overload]
            core.command(str(what), **item)


def run(steps: list[tuple[int, dict[str, object]]], *, dies: bool = False) -> tuple[list[object], Core]:
    core = world()
    for gap_s, item in steps:
        core.now_ms += gap_s * 1000
        core.effects += core.engine.advance(core.now_ms)
        if dies:
            core.dies()
        play(core, item)
    core.now_ms += 3 * 3_600_000
    core.effects += core.engine.advance(core.now_ms)
    return list(core.effects), core


@given(story)
@settings(max_examples=150, deadline=None)
def test_a_process_that_dies_before_every_record_decides_the_same(steps: list[tuple[int, dict[str, object]]]) -> None:
    calm, one = run(steps)
    dying, other_one = run(steps, dies=True)
    assert calm == dying
    assert one.engine.records == other_one.engine.records


@given(story)
@settings(max_examples=150, deadline=None)
def test_what_holds_of_every_run(steps: list[tuple[int, dict[str, object]]]) -> None:
    effects, core = run(steps)
    decisions = [e for e in effects if isinstance(e, Decision)]
    pages = [d.page for d in decisions if d.decision == "page"]
    assert len(pages) == len(set(pages)), "a page's id is said once"
    assert all(a.t_ms <= b.t_ms for a, b in pairwise(decisions)), "time goes on"
    open_now: set[str] = set()
    for d in decisions:
        if d.decision == "raised":
            assert d.incident not in open_now
            open_now.add(d.incident)
        elif d.decision not in ("rejected", "matched"):
            assert d.incident in open_now, f"{d.decision} of an incident that is not open"
        if d.decision == "closed":
            open_now.discard(d.incident)
        if d.decision == "page":
            assert not (d.kind == "low-battery" and d.role == "police")
            assert not (d.kind == "tamper" and d.role == "doctor")
            assert not (d.kind == "sensor-silent" and d.role == "police")
        if d.decision == "closed" and d.kind in FEVERS:
            assert d.role in ("doctor", "supervisor")
    for record in core.engine.records.values():
        if isinstance(record, Book):
            for kind, incident in record.open.items():
                assert f"{record.subject}/{kind}/{incident.number}" in open_now
                assert incident.life == "standing" or kind in WANT_A_PERSON
        assert len(encode_record(record)) < 8_000


@given(story)
@settings(max_examples=60, deadline=None)
def test_nobody_who_was_not_paged_about_a_fever_is_forgotten(steps: list[tuple[int, dict[str, object]]]) -> None:
    """Every fever pages its doctor at its raising, whatever was muted, snoozed or closed before."""
    effects, _ = run(steps)
    decisions = [e for e in effects if isinstance(e, Decision)]
    for n, d in enumerate(decisions):
        if d.decision == "raised" and d.kind in FEVERS:
            roles = {
                x.role for x in decisions[n:] if x.decision == "page" and x.incident == d.incident and x.t_ms == d.t_ms
            }
            assert "doctor" in roles


@given(
    st.lists(st.integers(1, 300), min_size=1, max_size=4, unique=True),
    st.permutations(range(8)),
    st.lists(st.integers(0, 7), max_size=6),
)
@settings(max_examples=150, deadline=None)
def test_openings_are_the_same_in_any_order_however_often_and_late(
    minutes: list[int], order: list[int], again: list[int]
) -> None:
    """Alternating openings and closings with the device's own times, delivered anyhow: each opening once.

    Left out is the one order in which a repeated "open" and a new one look alike: the closing between them comes last.
    """
    events = [(t * MIN + half * 20_000, half == 0) for t in sorted(minutes) for half in (0, 1)]
    first = [n for n in order if n < len(events)]
    assume(not any(
        first.index(a) < first.index(b) and all(first.index(c) > first.index(b) for c in range(a + 1, b, 2))
        for a in range(0, len(events), 2) for b in range(a + 2, len(events), 2)
    ))  # fmt: skip
    core = world()
    start = ms("09:00")
    core.now_ms = start + 301 * MIN
    core.effects += core.engine.advance(core.now_ms)
    for place in [n for n in order if n < len(events)] + [n for n in again if n < len(events)]:
        at_ms, opens = events[place]
        core.now_ms += 4000
        core.event(open=opens, device_ms=start + at_ms, id=f"{1000 + place:016x}", has_cause=True)
    record = core.engine.records["p:" + HOME]
    assert isinstance(record, Place)
    assert sorted(o.at_ms for o in record.openings) == sorted(start + at for at, opens in events if opens)
    door = record.doors["door"]
    assert door.open is False
