from devices.events import REJECT_REASONS
from duty.edge.desk.texts.supervisor import ROWS
from tests.duty.edge.desk.texts.checks import check


def test_both_languages_say_the_same() -> None:
    check("supervisor")


def test_every_reason_of_a_reject_has_a_name() -> None:
    for reason in REJECT_REASONS:
        assert f"reject_{reason}" in ROWS
