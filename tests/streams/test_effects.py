from typing import get_args

from streams.effects import Choice, Decision, Reason


def test_the_choices_are_those_of_the_contract() -> None:
    assert set(get_args(Choice)) == {
        "raised", "repeated", "page", "acknowledged", "acknowledgement-expired", "cleared", "closed", "matched",
        "rejected",
    }  # fmt: skip


def test_a_decision_is_a_value() -> None:
    one = Decision(1, "raised", "g017", reason=Reason("opened", {"n": 1}))
    assert one == Decision(1, "raised", "g017", reason=Reason("opened", {"n": 1}))
