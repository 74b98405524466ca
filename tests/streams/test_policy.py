from streams.policy import FEVERS, KINDS, WANT_A_PERSON, hours_ms, minutes_ms, seconds_ms
from tests.streams.core import POLICY


def test_every_kind_has_a_ladder() -> None:
    assert set(POLICY.ladders) == set(KINDS)
    assert set(KINDS) >= WANT_A_PERSON >= FEVERS


def test_units() -> None:
    assert (minutes_ms(2.5), seconds_ms(0.25), hours_ms(24)) == (150_000, 250, 86_400_000)


def test_an_unknown_site_is_not_said() -> None:
    assert POLICY.limit_celsius("forehead") == 36.9
    assert POLICY.limit_celsius("elbow") == POLICY.limit_celsius("") == 37.3


def test_who_is_never_called() -> None:
    """The rows that keep people's trust: a flat battery never reaches the police, tampering never the doctor."""
    roles = {k: {*row.page, *(r for s in row.steps for r in s.roles)} for k, row in POLICY.ladders.items()}
    assert roles["low-battery"] == roles["sensor-silent"] == roles["chattering"] == {"worker"}
    assert "doctor" not in roles["tamper"]
    assert roles["system"] == {"supervisor"}
    assert POLICY.ladders["low-battery"].hours_min == POLICY.ladders["chattering"].hours_min == (480, 1200)
