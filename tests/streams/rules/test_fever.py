from streams.rules.fever import KIND
from tests.streams.core import Core

SUBJECT = "g017/north/A-1"


def test_one_of_38_5_is_one_at_once_with_no_suspicion() -> None:
    core = Core()
    core.reads(38.5, "A-1")
    assert core.said() == [f"raised {KIND}", "page doctor"]


def test_two_of_three() -> None:
    core = Core()
    for celsius in (37.0, 36.4, 37.2):
        core.reads(celsius, "A-1")
    assert f"raised {KIND}" in core.said()


def test_the_ladder_waits_for_the_doctor_only() -> None:
    core = Core()
    core.reads(38.6, "A-1")
    core.at("08:01").acknowledges(KIND, "worker", SUBJECT)
    core.effects.clear()
    assert core.at("08:05").said() == ["page worker"]
    core.at("08:06").acknowledges(KIND, "doctor", SUBJECT)
    core.effects.clear()
    assert core.at("08:30").said() == []


def test_only_the_doctor_or_the_supervisor_closes_it() -> None:
    for role, allowed in (
        ("worker", False),
        ("police", False),
        ("guard", False),
        ("doctor", True),
        ("supervisor", True),
    ):
        core = Core()
        core.reads(38.6, "A-1")
        core.effects.clear()
        core.closes_incident(KIND, "true-alarm", role, SUBJECT)
        assert core.said() == ([f"closed {KIND}"] if allowed else ["rejected not-allowed"])


def test_a_low_reading_after_it_does_not_open_the_gate() -> None:
    core = Core()
    core.reads(38.6, "A-1")
    core.effects.clear()
    core.reads(36.4, "A-1")
    assert core.answers() == ["stop"]


def test_more_high_ones_are_repeats() -> None:
    core = Core()
    core.reads(38.6, "A-1")
    core.effects.clear()
    core.reads(37.2, "A-1")
    assert core.said() == [f"repeated {KIND}"]


def test_a_mute_or_the_end_of_a_case_does_not_concern_it() -> None:
    core = Core()
    core.command("symptoms", household="g017/3/1203", symptoms=["fever"], by="resident")
    core.command("mute", household="g017/3/1203", role="worker", until=core.now_ms + 3_600_000, reason="x")
    core.command("close-case", household="g017/3/1203", role="worker", reason="released")
    core.effects.clear()
    assert core.at("08:15").said() == ["page police"]
