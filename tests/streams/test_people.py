"""Every command: carried out, or refused with its reason, and then nothing has changed."""

import pytest

from tests.streams.core import HOME, Core, ms

KIND = "undeclared-opening"


def opened() -> Core:
    core = Core()
    core.at("09:00").closes()
    core.at("09:30").opens()
    core.effects.clear()
    return core


REFUSED: list[tuple[str, dict[str, object], str]] = [
    ("acknowledge", {"subject": HOME, "kind": "left-open", "role": "worker"}, "no-open-incident"),
    ("acknowledge", {"subject": "g017/9/9", "kind": KIND, "role": "worker"}, "unknown-subject"),
    ("acknowledge", {"subject": HOME, "kind": "nonsense", "role": "worker"}, "malformed"),
    ("close", {"subject": HOME, "kind": KIND, "role": "guard", "disposition": "test"}, "not-allowed"),
    ("snooze", {"subject": HOME, "kind": KIND, "role": "worker", "until": ms("09:30"), "reason": "x"}, "malformed"),
    (
        "snooze",
        {"subject": HOME, "kind": KIND, "role": "worker", "until": ms("+1 09:31"), "reason": "x"},
        "not-allowed",
    ),
    ("snooze", {"subject": HOME, "kind": KIND, "role": "guard", "until": ms("09:50"), "reason": "x"}, "not-allowed"),
    ("mute", {"household": HOME, "role": "worker", "until": ms("13:31"), "reason": "x"}, "not-allowed"),
    ("mute", {"household": HOME, "role": "guard", "until": ms("10:00"), "reason": "x"}, "not-allowed"),
    ("mute", {"household": HOME, "role": "worker", "until": ms("09:30"), "reason": "x"}, "malformed"),
    ("declare", {"household": "g017/9/9", "until": ms("09:40"), "reason": "x", "by": "resident"}, "unknown-subject"),
    ("declare", {"household": HOME, "until": ms("09:45:01"), "reason": "x", "by": "resident"}, "not-allowed"),
    ("declare", {"household": HOME, "until": ms("13:30:01"), "reason": "x", "by": "worker"}, "not-allowed"),
    ("declare", {"household": HOME, "until": ms("09:40"), "reason": "x", "by": "someone"}, "malformed"),
    ("declare", {"household": HOME, "until": ms("09:40"), "reason": "x", "by": "g", "role": "guard"}, "not-allowed"),
    ("declare", {"household": HOME, "until": ms("09:30"), "reason": "x", "by": "resident"}, "malformed"),
    ("open-case", {"household": "g017/9/9", "from": ms("09:00"), "until": ms("12:00")}, "unknown-subject"),
    ("open-case", {"household": HOME, "device": "nope", "from": ms("09:00"), "until": ms("12:00")}, "unknown-subject"),
    ("open-case", {"household": HOME, "from": ms("08:00"), "until": ms("09:00")}, "malformed"),
    ("close-case", {"household": "g017/9/9"}, "unknown-subject"),
    ("register", {"checkpoint": "g017/south", "pass": "A-1"}, "unknown-subject"),
    ("register", {"checkpoint": "g017/north", "household": "g018/3/1203", "pass": "A-1"}, "not-allowed"),
    ("visit", {"household": "g017/9/9"}, "unknown-subject"),
    ("call", {"household": "g017/9/9"}, "unknown-subject"),
]


@pytest.mark.parametrize(
    ("name", "fields", "reason"), REFUSED, ids=[f"{n}-{r}-{i}" for i, (n, _, r) in enumerate(REFUSED)]
)
def test_refused(name: str, fields: dict[str, object], reason: str) -> None:
    core = opened()
    before = dict(core.engine.records)
    core.command(name, **fields)
    assert core.said() == [f"rejected {reason}"]
    assert core.engine.records == before


def test_limits_are_within() -> None:
    core = opened()
    core.command("declare", household=HOME, until=ms("09:45"), reason="x", by="resident")
    core.command("declare", household=HOME, until=ms("13:30"), reason="x", by="worker")
    core.command("mute", household=HOME, role="worker", until=ms("13:30"), reason="x")
    assert core.said() == []


def test_a_case_tells_what_it_did() -> None:
    core = opened()
    core.command("close-case", household=HOME, reason="released", role="worker")
    assert core.notes() == ["case-closed"]


def test_a_declaration_after_the_opening_is_marked() -> None:
    core = opened()
    core.command("declare", household=HOME, until=ms("09:40"), reason="x", by="resident")
    assert core.notes() == ["declared", "declared-late"]


def test_a_workers_late_declaration_after_more_than_ten_minutes_stops_nothing() -> None:
    core = opened()
    core.at("09:31").closes()
    core.acknowledges(KIND)
    core.at("09:40:01").command("declare", household=HOME, until=ms("09:50"), reason="x", by="worker")
    incident = core.incident(KIND)
    assert incident is not None and incident.stopped_until_ms == 0
