from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from duty.attempts import OUTCOMES
from duty.delivery import (
    AFTER,
    Delivery,
    Leg,
    LegState,
    Whom,
    advance,
    answered,
    begin,
    closed,
    resulted,
    resume,
    wake_at,
)
from duty.telling import Telling
from tests.duty.deliveries import ROWS, TEAM, Played, page

STATES = get_args(LegState)


# ── the table ──


@pytest.mark.parametrize("outcome", OUTCOMES)
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("tries", [0, 1, 2])
@pytest.mark.parametrize("last", [False, True])
def test_state_by_outcome(state: LegState, outcome, tries: int, last: bool) -> None:
    leg = Leg("wang", "on-duty", ("a",) if last else ("a", "b"), 0, state=state, tries=tries, attempt="x")
    before = Delivery(page(), 0, legs=(leg,), climbs_ms=120_000)
    after = resulted(before, "x", outcome, 1000, ROWS)
    if state != "sending":
        assert after is before
        return
    now = after.legs[0]
    assert now.attempt == ""
    match outcome:
        case "accepted":
            assert (now.state, now.at_ms, now.told_ms) == ("told", None, 1000)
        case "unknown":
            assert (now.state, now.at_ms) == ("unsure", None if last else 61_000)
        case "try-later" if tries < 2:
            assert (now.state, now.channel, now.tries, now.at_ms) == ("due", 0, tries + 1, (6000, 16_000)[tries])
        case _ if last:
            assert (now.state, now.rounds, now.at_ms) == ("failed", 1, 61_000)
            assert after.has("undeliverable")
            assert after.climbs_ms == 1000
        case _:
            assert (now.state, now.channel, now.tries, now.at_ms) == ("due", 1, 0, 1000)


def test_the_table_names_every_outcome_of_an_attempt_and_nothing_else() -> None:
    assert set(AFTER) == {("sending", outcome) for outcome in OUTCOMES}


def test_an_outcome_of_another_attempt_changes_nothing() -> None:
    before = Delivery(page(), 0, legs=(Leg("wang", "on-duty", ("a",), 0, state="sending", attempt="x"),))
    assert resulted(before, "y", "accepted", 1, ROWS) is before


# ── one person ──


def test_the_first_on_duty_is_told_at_once_by_the_first_channel() -> None:
    played = Played().until(0)
    assert played.sent == [(0, "wang", "w-robot")]
    assert played.delivery.is_told


def test_try_later_is_tried_again_with_growing_pauses_and_then_the_next_channel() -> None:
    played = Played({"w-robot": "try-later"}).until(60)
    assert [(at, channel) for at, _, channel in played.sent] == [
        (0, "w-robot"), (5, "w-robot"), (20, "w-robot"), (20, "w-sms"),
    ]  # fmt: skip
    assert played.words == []


def test_a_channel_that_comes_back_is_enough() -> None:
    assert [sent[2] for sent in Played({"w-robot": ["try-later", "accepted"]}).until(60).sent] == ["w-robot", "w-robot"]


@pytest.mark.parametrize(
    ("retry_after_s", "expected"),
    [
        (3, [(0, "w-robot"), (5, "w-robot")]),
        (12, [(0, "w-robot"), (12, "w-robot")]),
        (31, [(0, "w-robot"), (0, "w-sms")]),
    ],
)
def test_a_vendor_that_asks_for_a_pause_gets_it_unless_it_is_too_long(retry_after_s, expected) -> None:
    played = Played({"w-robot": [("try-later", retry_after_s), "accepted"]}).until(60)
    assert [(at, channel) for at, _, channel in played.sent] == expected


def test_what_gave_up_is_followed_by_the_next_channel_at_once() -> None:
    assert Played({"w-robot": "gave-up"}).until(0).sent == [(0, "wang", "w-robot"), (0, "wang", "w-sms")]


def test_where_nobody_can_say_the_next_channel_is_tried_too() -> None:
    played = Played({"w-robot": "unknown"}).until(90)
    assert played.sent == [(0, "wang", "w-robot"), (60, "wang", "w-sms")]
    played = Played({"w-robot": "unknown", "w-sms": "unknown"}).until(119)
    assert len(played.sent) == 2


def test_a_dead_provider_costs_less_than_a_minute() -> None:
    """10 s of waiting for each answer that does not come."""
    played = Played({"w-robot": None})
    rows = ROWS
    while not any(channel == "w-sms" for _, _, channel in played.sent):
        before = len(played.sent)
        played.until(played.now_s + 0.5)
        if len(played.sent) > before:
            played.until(played.now_s + rows.timeout_s)
            played.delivery = resulted(
                played.delivery, played.sends[-1].attempt, "try-later", round(played.now_s * 1000), rows
            )
    assert next(at for at, _, channel in played.sent if channel == "w-sms") < 60


# ── the next one ──


def test_without_an_answer_in_two_minutes_the_next_person_is_told_too_and_in_the_end_the_supervisor() -> None:
    played = Played().until(86_000)
    assert played.sent == [(0, "wang", "w-robot"), (120, "li", "l-robot"), (600, "boss", "b-sms")]
    assert played.words == ["next-person", "supervisor", "unanswered"]


def test_a_page_that_is_not_urgent_leaves_the_supervisor_alone_for_an_hour() -> None:
    played = Played(kind="low-battery").until(4000)
    assert played.sent == [(0, "wang", "w-robot"), (120, "li", "l-robot"), (3600, "boss", "b-sms")]


def test_an_answer_ends_it() -> None:
    played = Played().until(100).answered().until(90_000)
    assert played.sent == [(0, "wang", "w-robot")]
    assert played.words == ["answered"]
    assert played.delivery.answered_ms == 100_000


def test_a_closed_incident_ends_it_also_in_the_middle_of_an_attempt() -> None:
    played = Played({"w-robot": None}).until(1).closed()
    attempt = played.sends[0].attempt
    late = resulted(played.delivery, attempt, "try-later", 2000, ROWS)
    assert wake_at(late, ROWS) is None
    assert advance(late, 10_000, TEAM, ROWS) == (late, [])
    assert resulted(played.delivery, attempt, "accepted", 2000, ROWS).is_told


def test_who_cannot_be_told_makes_the_page_climb_at_once_and_says_so() -> None:
    played = Played({"w-robot": "gave-up", "w-sms": "gave-up"}).until(30)
    assert played.sent == [(0, "wang", "w-robot"), (0, "wang", "w-sms"), (0, "li", "l-robot")]
    assert played.words == ["undeliverable", "next-person"]


def test_when_every_provider_is_down_everyone_is_tried_again_and_again() -> None:
    dead = dict.fromkeys(("w-robot", "w-sms", "l-robot", "b-sms"), "gave-up")
    played = Played(dead).until(3600)
    assert [sent[1] for sent in played.sent[:4]] == ["wang", "wang", "li", "boss"]
    assert played.sent[3][0] == 0
    tries = [at for at, person, channel in played.sent if channel == "b-sms"]
    assert tries == [0, 60, 180, 480, 1080, 1680, 2280, 2880, 3480]
    assert [w for w in played.words if w != "undeliverable"] == ["next-person", "supervisor", "unanswered"]
    assert played.words.count("undeliverable") == 3
    played.channels = {}
    assert played.until(4200).delivery.is_told


def test_a_gap_in_the_roster_falls_to_the_supervisor() -> None:
    played = Played(whom=replace(TEAM, on_duty=())).until(86_000)
    assert played.sent == [(0, "boss", "b-sms")]
    assert played.words == ["gap", "unanswered"]
    assert played.delivery.legs[0].why == "gap"


def test_whoever_comes_on_duty_later_and_was_not_told_is_told_then() -> None:
    played = Played(whom=replace(TEAM, on_duty=("wang",), supervisors=())).until(1000)
    assert played.words == ["unanswered"]
    played.whom = replace(TEAM, on_duty=("li",), supervisors=())
    played.until(3000)
    assert [sent[1] for sent in played.sent] == ["wang", "li"]


def test_with_nobody_at_all_it_says_so_and_looks_again() -> None:
    played = Played(whom=Whom()).until(90)
    assert played.words == ["nobody"]
    played.whom = TEAM
    assert [sent[1] for sent in played.until(130).sent] == ["wang"]


def test_a_page_to_the_guard_stays_at_the_checkpoint() -> None:
    played = Played(whom=Whom(supervisors=("boss",), channels={"boss": ("b",)}), role="guard").until(86_000)
    assert played.sent == []
    played = Played(whom=replace(TEAM, on_duty=("wang",)), role="guard").until(86_000)
    assert [sent[1] for sent in played.sent] == ["wang"]


def test_in_a_flood_the_second_person_is_called_at_once() -> None:
    played = Played(whom=replace(TEAM, flooded=frozenset({"wang"}))).until(0)
    assert [sent[1] for sent in played.sent] == ["wang", "li"]
    assert [leg.why for leg in played.delivery.legs] == ["on-duty", "flood"]


def test_a_person_without_a_channel_is_tried_at_the_desk() -> None:
    assert Played(whom=Whom(on_duty=("wang",))).until(0).sent == [(0, "wang", "")]


def test_nobody_is_told_of_what_is_a_day_old() -> None:
    played = Played(dict.fromkeys(("w-robot", "w-sms", "l-robot", "b-sms"), "gave-up")).until(86_400)
    assert played.delivery.is_over
    assert played.words[-1] == "too-old"
    assert wake_at(played.delivery, ROWS) is None


# ── after a restart ──


def test_what_was_under_way_goes_out_again_and_is_marked() -> None:
    played = Played({"w-robot": None}).until(1)
    again = resume(played.delivery, 5000)
    assert [note.word for note in again.notes] == ["again"]
    again, sends = advance(again, 5000, TEAM, ROWS)
    assert [(send.channel, send.repeat) for send in sends] == [("w-robot", True)]
    assert sends[0].attempt != played.sends[0].attempt
    # What the first attempt answers after all does not count for the second.
    assert resulted(again, played.sends[0].attempt, "accepted", 6000, ROWS) is again


def test_what_was_told_is_not_told_again() -> None:
    played = Played().until(10)
    assert resume(played.delivery, 11_000) is played.delivery
    assert advance(resume(played.delivery, 11_000), 11_000, TEAM, ROWS)[1] == []


def test_a_deadline_survives_and_what_is_overdue_goes_out_at_once() -> None:
    played = Played().until(10)
    late, sends = advance(resume(played.delivery, 500_000), 500_000, TEAM, ROWS)
    assert [send.person for send in sends] == ["li"]
    assert wake_at(late, ROWS) == 620_000


# ── whatever happens ──

CHANNEL = st.sampled_from(["accepted", "unknown", "try-later", "gave-up", None])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("wait"), st.integers(0, 700)),
        st.tuples(st.just("restart"), st.just(0)),
        st.tuples(st.just("answer"), st.just(0)),
        st.tuples(st.just("close"), st.just(0)),
    ),
    max_size=12,
)


@settings(max_examples=300, deadline=None)
@given(st.fixed_dictionaries(dict.fromkeys(("w-robot", "w-sms", "l-robot", "b-sms"), CHANNEL)), STEPS)
def test_a_page_is_never_dropped_in_silence(channels, steps) -> None:
    played = Played(channels)
    ended = False
    for step, seconds in steps:
        sent_before = len(played.sent)
        match step:
            case "wait":
                played.until(played.now_s + seconds)
                assert not (ended and len(played.sent) > sent_before), "told after it was over"
            case "restart":
                played.delivery = resume(played.delivery, round(played.now_s * 1000))
            case "answer":
                played.answered()
                ended = True
            case "close":
                played.closed()
                ended = True
    now = played.delivery
    ids = [send.attempt for send in played.sends]
    assert len(ids) == len(set(ids)), "two attempts with one id"
    assert now.is_over == ended
    if ended:
        assert wake_at(now, ROWS) is None
        return
    wake = wake_at(now, ROWS)
    assert wake is not None
    under_way = {leg.attempt for leg in now.legs if leg.state == "sending"}
    assert under_way <= set(ids)
    for leg in now.legs:
        waits = leg.at_ms is not None
        assert waits or leg.state in ("told", "unsure", "sending"), f"{leg} will never be looked at again"


@settings(max_examples=100, deadline=None)
@given(st.fixed_dictionaries({c: CHANNEL.filter(bool) for c in ("w-robot", "w-sms", "l-robot", "b-sms")}))
def test_within_eleven_minutes_everyone_was_tried_whatever_the_channels_say(channels) -> None:
    played = Played(channels).until(660)
    assert {sent[1] for sent in played.sent} == {"wang", "li", "boss"}


def test_rows_of_a_site_are_used() -> None:
    rows = Telling(next_person_after_s=30, supervisor_after_s=90, retry_pauses_s=())
    played = Played({"w-robot": "try-later"}, rows=rows).until(200)
    assert played.sent == [(0, "wang", "w-robot"), (0, "wang", "w-sms"), (30, "li", "l-robot"), (90, "boss", "b-sms")]


def test_answering_and_closing_again_change_nothing() -> None:
    over = answered(begin(page(), 0, TEAM, ROWS), 5)
    assert answered(over, 9) is over
    assert closed(over, 9) is over
