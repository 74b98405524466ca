"""Incidents as people see them: raised once, counted, answered, expired, climbed, closed."""

from streams.state import Book
from tests.streams.core import HOME, Core

KIND = "undeclared-opening"


def opened(start: str = "09:30") -> Core:
    core = Core()
    core.at("09:00").closes()
    core.at(start).opens()
    core.effects.clear()
    return core


def test_an_acknowledgement_before_the_page_is_noted_and_counts_for_nothing() -> None:
    core = opened()
    core.at("09:31").acknowledges(KIND, "police")
    assert core.decisions()[0].reason.word == "acknowledged-unpaged"
    assert core.at("09:35").said() == ["page police", "page doctor"]


def test_the_doctor_does_not_speak_for_the_worker() -> None:
    core = opened()
    core.at("09:36").acknowledges(KIND, "doctor")
    core.at("09:37").said()
    assert core.at("10:05:59").said() == []
    assert core.at("10:06").said() == ["acknowledgement-expired doctor", "page doctor"]


def test_page_ids_are_their_causes_and_count_attempts() -> None:
    core = opened()
    core.at("09:31").acknowledges(KIND)
    pages = [d.page for d in core.at("10:01").decisions() if d.decision == "page"]
    assert pages == [f"{HOME}/{KIND}/1#0.worker.2"]


def test_given_again_it_runs_anew() -> None:
    core = opened()
    core.at("09:31").acknowledges(KIND)
    core.at("09:55").acknowledges(KIND)
    core.effects.clear()
    assert core.at("10:24").said() == []
    assert core.at("10:25").said()[0] == "acknowledgement-expired worker"


def test_the_supervisor_is_told_once_of_what_nobody_closes() -> None:
    core = opened()
    core.at("09:31").acknowledges(KIND)
    core.at("10:00").acknowledges(KIND)
    core.at("10:29:59").effects.clear()
    assert "page supervisor" in core.at("10:30").said()
    assert "page supervisor" not in core.at("14:00").said()


def test_a_command_sent_twice_does_one_thing() -> None:
    core = opened()
    core.at("09:31").command("acknowledge", id="tap", subject=HOME, kind=KIND, role="worker")
    core.command("acknowledge", id="tap", subject=HOME, kind=KIND, role="worker")
    assert core.said() == ["acknowledged worker"]


def test_numbers_grow_and_are_never_used_again() -> None:
    core = opened()
    for number in (1, 2, 3):
        core.at(f"09:3{number}").closes_incident(KIND, "test")
        core.closes()
        core.opens()
        book = core.engine.records["z:" + HOME]
        assert isinstance(book, Book)
        assert book.numbers[KIND] == number + 1


def test_a_death_at_any_moment_changes_nothing() -> None:
    calm, dying = opened(), opened()
    for clock in ("09:31", "09:36", "09:50", "10:10", "10:31", "11:00"):
        for core in (calm, dying):
            if core is dying:
                core.dies()
            core.at(clock)
            if clock == "09:31":
                core.acknowledges(KIND)
    assert calm.said() == dying.said()


def test_what_a_snooze_held_goes_out_when_it_ends() -> None:
    core = opened()
    core.at("09:31").acknowledges(KIND)
    core.command("snooze", subject=HOME, kind=KIND, role="worker", until=core.now_ms + 45 * 60_000, reason="on the way")
    core.effects.clear()
    assert core.at("10:01").said() == ["acknowledgement-expired worker"]
    assert core.at("10:16").said() == ["page worker"]
    assert core.at("10:21").said() == ["page police", "page doctor"]
