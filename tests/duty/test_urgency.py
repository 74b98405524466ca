from duty.urgency import ORDER, ROWS, is_urgent, urgency_of
from streams.policy import FEVERS, KINDS


def test_every_kind_has_a_row() -> None:
    assert set(ROWS) == set(KINDS)


def test_fevers_come_first_and_batteries_last() -> None:
    ordered = sorted(KINDS, key=lambda kind: ORDER[urgency_of(kind)])
    assert set(ordered[:3]) == FEVERS
    assert set(ordered[-2:]) == {"low-battery", "chattering"}


def test_what_no_row_names_is_not_overlooked() -> None:
    assert is_urgent("something-new")
    assert is_urgent("tamper")
    assert not is_urgent("left-open")
