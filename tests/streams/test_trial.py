"""Two policies over the same events, counted and compared."""

from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from devices.events import Event
from streams.commands import Command, parse_command
from streams.effects import Decision, Noted, Reason
from streams.frames import DeviceRow
from streams.policy import DAY_MS, Ladder, Rung
from streams.trial import MOST, Comparison, Count, decode_report, encode_report, is_night, total
from tests.streams.core import HOME, POLICY, Core, ms

ZONE = ZoneInfo("Asia/Shanghai")


def page(role: str = "worker", at: Any = "02:30", subject: str = HOME, **more: Any) -> Decision:
    return Decision(
        ms(at) if isinstance(at, str) else at, "page", "g017", subject, "undeclared-opening", role=role, **more
    )


def event(place=HOME, at="02:30", **more):
    return Event("00" * 8, "door", "g017", "household", place, ms(at), "door", **more)


def report(comparison):
    return comparison.report(since_ms=0, until_ms=1, took_s=2.5)


def test_both_are_counted_with_the_role_and_the_hour_of_a_page():
    comparison = Comparison(ZONE)
    raised = Decision(ms("02:30"), "raised", "g017", HOME, "undeclared-opening")
    comparison.decided([raised, page(), page("police", "09:00")], [raised, page()])
    comparison.decided([], [page("doctor"), Noted(5, "g017", HOME, "fever", "", Reason("x"))])
    assert report(comparison).counts == [
        Count("g017", "undeclared-opening", "page", "doctor", 2, 0, 1),
        Count("g017", "undeclared-opening", "page", "police", 9, 1, 0),
        Count("g017", "undeclared-opening", "page", "worker", 2, 1, 1),
        Count("g017", "undeclared-opening", "raised", "", -1, 1, 1),
    ]
    assert total(report(comparison).counts) == (3, 3)
    assert total(c for c in report(comparison).counts if c.at_night) == (1, 2)


def test_the_same_at_another_time_is_one_difference():
    comparison = Comparison(ZONE)
    comparison.decided([page("police", "02:33")], [])
    comparison.decided([], [page("police", "02:35")])
    comparison.decided([page("doctor", "02:36")], [page("worker", "02:36")])
    changes = report(comparison).changes
    assert [(c.new and c.new.role, c.current and c.current.role) for c in changes] == [
        ("police", "police"), ("doctor", None), (None, "worker"),
    ]  # fmt: skip
    assert changes[0].t_ms == ms("02:33") and changes[0].decision.t_ms == ms("02:33")


def test_what_comes_a_day_later_is_another():
    comparison = Comparison(ZONE)
    comparison.decided([page()], [])
    comparison.decided([], [page(at=ms("02:31") + DAY_MS)])
    assert len(report(comparison).changes) == 2


def test_the_same_twice_on_one_side_is_one_too_many():
    comparison = Comparison(ZONE)
    comparison.decided([page(), page()], [page()])
    assert [(c.new is None, c.current is None) for c in report(comparison).changes] == [(False, True)]


def test_clearing_and_closing_are_counted_and_no_difference():
    comparison = Comparison(ZONE)
    comparison.decided([Decision(5, "cleared", "g017", HOME, "left-open")], [])
    assert report(comparison).changes == [] and len(report(comparison).counts) == 1


def test_a_difference_has_the_last_things_said_about_its_subject():
    comparison = Comparison(ZONE)
    command = parse_command({"command": "declare", "household": HOME, "until": ms("03:00"), "reason": "x", "by": "w1"},
                            ms("02:00"), "c1")  # fmt: skip
    assert isinstance(command, Command)
    heard = [event(at=f"01:{n:02d}") for n in range(20)]
    for record in (*heard, event("g017/3/9999"), command, DeviceRow(5, "g017", "door", "household", HOME)):
        comparison.heard(record)
    comparison.decided([page()], [])
    assert report(comparison).changes[0].events == [*heard[-11:], command]
    assert report(comparison).events == 23


def test_a_person_at_a_checkpoint_has_the_readings_of_the_pass():
    comparison = Comparison(ZONE)
    mine, other = (event("g017/north", celsius=37.5, pass_id=name) for name in ("A-1", "A-2"))
    for record in (mine, other, event("z2m")):
        comparison.heard(record)
    for subject in ("g017/north/A-1", "g017/north/gun@5", "bridge/z2m", "g017"):
        comparison.decided([page(subject=subject)], [])
    assert [len(c.events) for c in sorted(report(comparison).changes, key=lambda c: c.decision.subject)] == [1, 0, 1, 2]


def test_only_so_many_differences_are_kept_and_the_rest_is_counted():
    comparison = Comparison(ZONE)
    for number in range(MOST + 7):
        comparison.decided([page(subject=f"g017/1/{number:05d}")], [])
    assert (len(report(comparison).changes), report(comparison).more) == (MOST, 7)
    assert total(report(comparison).counts) == (MOST + 7, 0)


def test_a_report_comes_back_as_it_was():
    comparison = Comparison(ZONE)
    comparison.heard(event())
    comparison.decided([page()], [])
    assert decode_report(encode_report(report(comparison))) == report(comparison)
    with pytest.raises(msgspec.MsgspecError):
        decode_report(b'{"since_ms":1}')


@pytest.mark.parametrize(("hour", "night"), [(21, False), (22, True), (0, True), (6, True), (7, False), (-1, False)])
def test_the_night(hour, night):
    assert is_night(hour) is night


def test_the_core_tried_with_another_ladder():
    """Police after 3 minutes instead of 5, and no doctor: moved and gone."""
    row = POLICY.ladders["undeclared-opening"]
    other = Ladder(page=row.page, steps=(Rung(roles=("police",), after_min=3), *row.steps[1:]))
    policy = msgspec.structs.replace(POLICY, ladders=POLICY.ladders | {"undeclared-opening": other})
    cores = Core(policy), Core(POLICY)
    comparison = Comparison(ZONE)
    for clock, what in (("09:00", "closes"), ("09:30", "opens"), ("09:33", ""), ("09:35", "")):
        for core in cores:
            core.at(clock)
            if what:
                getattr(core, what)()
        comparison.decided(cores[0].effects, cores[1].effects)
        for core in cores:
            core.effects.clear()
    found = {(c.decision.role, c.new and c.new.t_ms, c.current and c.current.t_ms) for c in report(comparison).changes}
    assert found == {("police", ms("09:33"), ms("09:35")), ("doctor", None, ms("09:35"))}
