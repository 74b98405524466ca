import pytest

from duty.incident import FIRST_LINES, LAST_LINES, Incident, after_decision, after_note
from streams.effects import Decision
from tests.duty.effects import decision, incident_of, noted, page, raised


def after(*decisions: Decision) -> Incident:
    incident: Incident | None = None
    for each in decisions:
        incident = after_decision(incident, each)
    assert incident is not None
    return incident


ANSWER = decision(2, "acknowledged", role="worker", by="w1")
EXPIRED = decision(3, "acknowledgement-expired", role="worker")
UNPAGED = decision(3, "acknowledged", role="police", word="acknowledged-unpaged", by="p1")


@pytest.mark.parametrize(
    ("then", "state", "cleared", "acknowledged"),
    [
        ([], "open", False, []),
        ([page(1)], "open", False, []),
        ([page(1), ANSWER], "acknowledged", False, ["worker"]),
        ([page(1), UNPAGED], "open", False, []),
        (
            [page(1), ANSWER, EXPIRED],
            "open", False, [],
        ),
        (
            [page(1), page(1, "doctor"), ANSWER,
             decision(3, "acknowledged", role="doctor"), decision(4, "acknowledgement-expired", role="worker")],
            "acknowledged", False, ["doctor"],
        ),
        ([decision(2, "cleared")], "open", True, []),
        ([page(1), ANSWER, decision(3, "cleared")], "acknowledged", True, ["worker"]),
        (
            [page(1), ANSWER, decision(3, "cleared"), decision(4, "repeated", count=2)],
            "open", False, [],
        ),
        (
            [page(1), ANSWER, decision(4, "repeated", count=2)],
            "acknowledged", False, ["worker"],
        ),
        ([decision(5, "closed", by="w1", role="worker", disposition="true-alarm")], "closed", False, []),
        ([decision(4, "cleared"), decision(5, "closed")], "closed", True, []),
    ],
)  # fmt: skip
def test_how_an_incident_stands_after(then, state, cleared, acknowledged) -> None:
    incident = after(raised(0), *then)
    assert (incident.state, incident.cleared) == (state, cleared)
    assert [view.role for view in incident.roles if view.acknowledged_ms is not None] == acknowledged


def test_each_role_answers_for_itself() -> None:
    incident = after(
        raised(0), page(0), page(300, "police", step=1), decision(400, "acknowledged", role="police", by="p1"),
        page(500, step=0, attempt=2),
    )  # fmt: skip
    worker, police = incident.role("worker"), incident.role("police")
    assert worker is not None
    assert police is not None
    assert (worker.first_paged_ms, worker.last_paged_ms, len(worker.pages), worker.acknowledged_ms) == (0, 500, 2, None)
    assert (police.step, police.acknowledged_ms, police.acknowledged_by) == (1, 400, "p1")
    assert incident.role("doctor") is None


def test_an_expired_answer_still_counts_as_the_first_answer() -> None:
    again = decision(1900, "acknowledged", role="worker", by="w2")
    incident = after(raised(0), page(0), ANSWER, EXPIRED, again)
    worker = incident.role("worker")
    assert worker is not None
    assert (worker.answered_ms, worker.acknowledged_ms, worker.acknowledged_by) == (2, 1900, "w2")


def test_what_it_was_closed_with_is_kept() -> None:
    closed = decision(9, "closed", by="w1", role="worker", disposition="test", note="n")
    incident = after(raised(0, caused_ms=-50), closed)
    assert (incident.closed_ms, incident.closed_by, incident.closed_role) == (9, "w1", "worker")
    assert (incident.disposition, incident.note, incident.cause.received_ms) == ("test", "n", -50)
    assert [line.what for line in incident.lines] == ["raised", "closed"]


def test_repeats_are_counted() -> None:
    incident = after(raised(0), decision(5, "repeated", count=2), decision(6, "repeated", count=3))
    assert (incident.count, incident.repeated_ms) == (3, 6)


def test_a_decision_told_twice_changes_nothing() -> None:
    once = after(raised(0), page(0), decision(5, "repeated", count=2))
    for each in (raised(0), page(0), decision(5, "repeated", count=2)):
        assert after_decision(once, each) is once


def test_a_decision_about_an_incident_never_heard_of() -> None:
    assert after_decision(None, page(1)) is None
    begun = after_decision(None, decision(5, "repeated", count=7))
    assert begun is not None
    assert (begun.count, begun.state) == (7, "open")


def test_a_snooze_shows_until_when_and_a_note_is_a_line() -> None:
    incident = after_note(after(raised(0)), noted(5, "snoozed", incident=incident_of(), command="snooze", until_ms=900))
    assert incident.snoozed_until_ms == 900
    incident = after_note(incident, noted(6, "still-open", incident=incident_of()))
    assert [line.reason.word for line in incident.lines] == ["opened", "snoozed", "still-open"]
    assert after_note(incident, noted(6, "still-open", incident=incident_of())) is incident
    assert after(raised(0), decision(7, "closed")).snoozed_until_ms is None


def test_a_history_that_never_ends_keeps_its_beginning_and_its_end() -> None:
    incident = after(raised(0), *(decision(t, "repeated", count=t) for t in range(1, 500)))
    assert len(incident.lines) == FIRST_LINES + LAST_LINES
    assert incident.lines_left_out == 500 - FIRST_LINES - LAST_LINES
    assert incident.lines[0].what == "raised"
    assert incident.lines[FIRST_LINES - 1].count == FIRST_LINES - 1
    assert incident.lines[-1].count == 499
