from msgspec.structs import replace

from streams.effects import Cause, Reason
from streams.ladder import closing_step, first_role, next_ms, released_ms, roles_of, timed_steps, valid_until
from streams.state import Answered, Book, Incident
from tests.streams.core import HOME, POLICY, ms

T = ms("09:00")


def incident(**fields: object) -> Incident:
    base = Incident(1, "standing", T, T, 1, Reason("opened"), Cause(), clock_ms=T, supervisor_clock_ms=T)
    return replace(base, **fields)


def steps(kind: str, **fields: object) -> list[tuple[int, int, tuple[str, ...]]]:
    return [((d.at_ms - T) // 60_000, d.step, d.roles) for d in timed_steps(kind, incident(**fields), POLICY)]


def test_steps_of_an_undeclared_opening() -> None:
    assert steps("undeclared-opening") == [(5, 1, ("police", "doctor")), (60, 2, ("supervisor",))]
    assert steps("undeclared-opening", out=(1,)) == [(60, 2, ("supervisor",))]
    assert steps("undeclared-opening", paged={"supervisor": 2}) == [(5, 1, ("police", "doctor"))]


def test_the_first_roles_acknowledgement_holds_the_others_not_the_supervisor() -> None:
    held = {"worker": Answered(T, "w1", True)}
    assert steps("undeclared-opening", answers=held) == [(60, 2, ("supervisor",))]
    assert steps("missed-visit", answers=held) == [(60, 1, ("supervisor",))]
    assert steps("undeclared-opening", answers={"police": Answered(T, "p1", True)})[0][1] == 1
    assert steps("undeclared-opening", answers={"worker": Answered(T, "w1", False)})[0][1] == 1


def test_limited_it_climbs_no_further_than_the_supervisor() -> None:
    assert steps("undeclared-opening", limited=True) == [(60, 2, ("supervisor",))]
    assert roles_of(POLICY.ladders["fever"].steps[0], incident(limited=True)) == ()


def test_stopped_by_a_late_declaration() -> None:
    assert steps("undeclared-opening", stopped_until_ms=T + 1) == [(60, 2, ("supervisor",))]


def test_part_of_an_area_nothing_is_due() -> None:
    assert steps("sensor-silent", part_of_area=True) == []
    book = Book(HOME, "household", "g017")
    assert released_ms(book, "sensor-silent", incident(part_of_area=True), "worker", T, POLICY) > ms("+300 00:00")


def test_what_holds_a_page() -> None:
    book = Book(HOME, "household", "g017", muted_until_ms=T + 100)
    assert released_ms(book, "undeclared-opening", incident(), "worker", T, POLICY) == T + 100
    assert released_ms(book, "undeclared-opening", incident(), "supervisor", T, POLICY) <= T
    assert released_ms(book, "tamper", incident(), "worker", T, POLICY) <= T
    assert released_ms(book, "undeclared-opening", incident(snoozed_until_ms=T + 500), "worker", T, POLICY) == T + 500
    night = ms("22:00")
    assert released_ms(book, "low-battery", incident(), "worker", night, POLICY) == ms("+1 08:00")


def test_next_is_the_earliest_of_steps_expiries_and_held_pages() -> None:
    book = Book(HOME, "household", "g017", {"undeclared-opening": incident(answers={"worker": Answered(T, "w", True)})})
    assert next_ms(book, POLICY) == T + 30 * 60_000
    assert next_ms(Book(HOME, "household", "g017"), POLICY) is None
    held = Book(HOME, "household", "g017", {"low-battery": incident(pending=((0, "worker", T + 7),))})
    assert next_ms(held, POLICY) == T + 7


def test_words() -> None:
    assert first_role(POLICY.ladders["fever"]) == "doctor"
    assert closing_step(POLICY.ladders["fever"]) == 3
    assert valid_until(incident(answers={"worker": Answered(T, "w", False)}), "worker", POLICY) is None
