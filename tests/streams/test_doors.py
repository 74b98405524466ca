"""A state is not an event."""

import itertools

import pytest

from tests.streams.core import HOME, Core, ms


def test_every_pair_of_reports() -> None:
    raised = {}
    for first, second, report in itertools.product(
        (None, False, True), (False, True), ("live", "retained", "periodic")
    ):
        core = Core()
        if first is not None:
            core.at("09:00").event(open=first)
        core.at("09:01").event(open=second, report=report)
        raised[first, second, report] = "raised undeclared-opening" in core.said()
    assert {key for key, value in raised.items() if value} == {
        (False, True, "live"), (False, True, "retained"), (False, True, "periodic"),
    }  # fmt: skip


@pytest.mark.parametrize("gap", [0, 1])
def test_a_report_of_the_same_instant_or_later_moves_the_door(gap: int) -> None:
    core = Core()
    core.at("09:00").closes(device_ms=ms("09:00"))
    core.opens(device_ms=ms("09:00") + gap)
    assert core.place().doors["door"].open


def test_an_older_report_does_not_move_the_door() -> None:
    core = Core()
    core.at("09:00").closes(device_ms=ms("09:00"))
    core.at("09:10").opens(device_ms=ms("09:10"))
    core.effects.clear()
    core.at("09:11").closes(device_ms=ms("09:05"))
    assert core.place().doors["door"].open
    assert core.said() == []


def test_an_older_open_within_a_known_opening_says_nothing_new() -> None:
    core = Core()
    core.at("09:00").closes(device_ms=ms("09:00"))
    core.at("09:10").opens(device_ms=ms("09:10"))
    core.at("09:12").closes(device_ms=ms("09:12"))
    core.effects.clear()
    core.at("09:13").opens(device_ms=ms("09:11"))
    assert core.said() == []


def test_two_doors_of_a_household_are_apart() -> None:
    core = Core()
    core.device("back", HOME)
    core.at("09:00").closes()
    core.closes("back")
    core.at("09:01").opens()
    core.opens("back")
    assert core.said() == ["raised undeclared-opening", "page worker", "repeated undeclared-opening"]


def test_the_picture_follows_the_door() -> None:
    core = Core()
    core.at("09:00").closes()
    seen = core.picture()
    assert seen is not None and seen.open is False
    core.at("09:01").opens()
    seen = core.picture()
    assert seen is not None
    assert (seen.open, seen.open_since_ms, seen.incidents) == (True, ms("09:01"), ["undeclared-opening"])
