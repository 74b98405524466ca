from hypothesis import given, settings
from hypothesis import strategies as st

from duty.picture import ANSWERS_KEPT, NOTES_KEPT, Picture, Touched, outcome_of, page_of
from streams.effects import Decision
from tests.duty.effects import HOUSEHOLD, answer, decision, incident_of, noted, page, raised, seen

ID = incident_of()


def picture(*effects) -> Picture:
    made = Picture()
    for effect in effects:
        made.apply(effect)
    return made


def test_what_changed_is_told() -> None:
    made = Picture()
    assert made.apply(raised(1)) == [Touched("incident", ID, "g017", 1, "raised")]
    assert made.apply(raised(1)) == []
    assert made.apply(decision(2, "acknowledged", role="worker", command_id="c1")) == [
        Touched("command", "c1", "g017", 2, "acknowledged"),
        Touched("incident", ID, "g017", 2, "acknowledged"),
    ]
    assert made.apply(seen(3)) == [Touched("household", HOUSEHOLD, "g017", 3)]
    assert made.apply(seen(3)) == []
    assert made.apply(answer(4, "again")) == [Touched("checkpoint", "g017/north", "g017", 4, "again")]
    assert made.apply(noted(5, "visited")) == [Touched("note", HOUSEHOLD, "g017", 5, "noted")]
    assert made.apply(noted(5, "visited")) == []
    assert made.apply(noted(6, "still-open", incident=ID)) == [Touched("incident", ID, "g017", 6, "still-open")]


def test_a_matched_opening_and_a_refused_command_are_lines_of_the_household() -> None:
    made = Picture()
    matched = Decision(t_ms=1, decision="matched", grid="g017", subject=HOUSEHOLD)
    refused = Decision(t_ms=2, decision="rejected", grid="g017", subject=HOUSEHOLD, command="close", command_id="c9")
    made.apply(matched)
    assert [t.what for t in made.apply(refused)] == ["command", "note"]
    assert [line.what for line in made.notes[HOUSEHOLD]] == ["matched", "rejected"]
    assert made.incidents == {}


def test_a_board_shows_the_most_urgent_first() -> None:
    made = picture(
        raised(1, kind="low-battery"),
        raised(2, kind="undeclared-opening"),
        page(2, kind="undeclared-opening"),
        decision(3, "acknowledged", role="worker", kind="undeclared-opening"),
        raised(4, subject="g017/3/1", kind="undeclared-opening"),
        raised(5, subject="g018/3/1", kind="fever"),
        raised(6, subject="g018/3/1", kind="left-open"),
        decision(7, "closed", subject="g018/3/1", kind="left-open"),
    )
    assert [(i.subject, i.kind) for i in made.open_incidents()] == [
        ("g018/3/1", "fever"),
        ("g017/3/1", "undeclared-opening"),
        (HOUSEHOLD, "undeclared-opening"),
        (HOUSEHOLD, "low-battery"),
    ]
    assert [i.kind for i in made.open_incidents({"g018"})] == ["fever"]
    assert made.open_incidents(set()) == []


def test_incidents_of_a_subject_and_of_what_lies_below_it() -> None:
    made = picture(
        raised(1, subject="g017/north", kind="sensor-silent"),
        raised(2, subject="g017/north/A-1", kind="fever"),
        raised(3, subject="g017/north2", kind="sensor-silent"),
    )
    assert [i.subject for i in made.incidents_of("g017/north")] == ["g017/north/A-1", "g017/north"]


def test_what_is_long_over_is_forgotten_and_what_is_open_never() -> None:
    made = picture(raised(1), decision(2, "closed"), raised(1, number=2), noted(1, "visited"), noted(9, "called"))
    assert made.forget(2) == []
    assert made.forget(3) == [ID]
    assert list(made.incidents) == [incident_of(number=2)]
    assert [line.t_ms for line in made.notes[HOUSEHOLD]] == [9]


def test_lists_have_an_end() -> None:
    made = picture(*(answer(t) for t in range(200)), *(noted(t, "visited") for t in range(200)))
    assert len(made.answers["g017/north"]) == ANSWERS_KEPT
    assert made.answers["g017/north"][-1].t_ms == 199
    assert len(made.notes[HOUSEHOLD]) == NOTES_KEPT


def test_what_became_of_a_command() -> None:
    done = outcome_of(decision(1, "acknowledged", role="worker", by="w1", command_id="c1"))
    assert done is not None
    assert (done.done, done.decision, done.incident, done.by) == (True, "acknowledged", ID, "w1")
    refused = outcome_of(decision(1, "rejected", word="no-open-incident", command_id="c2"))
    assert refused is not None
    assert (refused.done, refused.reason.word) == (False, "no-open-incident")
    note = outcome_of(noted(1, "visited", command_id="c3"))
    assert note is not None
    assert (note.done, note.decision) == (True, "noted")
    for effect in (raised(1), noted(1, "x"), seen(1), answer(1)):
        assert outcome_of(effect) is None


def test_a_page_holds_what_delivery_needs() -> None:
    made = page_of(page(7, "doctor", step=1, count=3, caused_ms=5))
    assert (made.id, made.role, made.grid, made.step, made.count) == (f"{ID}#1.doctor.1", "doctor", "g017", 1, 3)
    assert (made.t_ms, made.cause.received_ms) == (7, 5)


MADE = st.one_of(
    st.builds(
        lambda what, role, number, count: lambda t: decision(t, what, role=role, number=number, count=count),
        st.sampled_from(["repeated", "page", "acknowledged", "acknowledgement-expired", "cleared", "closed"]),
        st.sampled_from(["worker", "doctor"]), st.integers(1, 2), st.integers(1, 3),
    ),
    st.builds(
        lambda word, incident: lambda t: noted(t, word, incident=incident),
        st.sampled_from(["visited", "snoozed"]), st.sampled_from(["", ID]),
    ),
    st.builds(lambda open: lambda t: seen(t, open=open), st.booleans()),
    st.just(answer),
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(MADE, max_size=30), st.integers(0, 32), st.integers(0, 32))
def test_told_again_from_any_point_the_picture_is_the_same(made, cut: int, back: int) -> None:
    """After a crash the desk reads on from its cursor, which may be a little behind what it had shown."""
    effects = [raised(0), raised(0, number=2), *(make(t) for t, make in enumerate(made, 1))]
    whole = picture(*effects)
    at = min(cut, len(effects))
    again = picture(*effects[:at], *effects[max(0, at - back) :])
    assert again.incidents == whole.incidents
    assert again.households == whole.households
    assert again.answers == whole.answers
    assert again.notes == whole.notes
