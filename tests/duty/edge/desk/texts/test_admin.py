from typing import get_args

from duty.edge.desk.texts.admin import ROWS
from duty.roster_check import Word
from tests.duty.edge.desk.texts.checks import check


def test_both_languages_say_the_same() -> None:
    check("admin")


def test_every_conflict_of_a_roster_has_a_sentence() -> None:
    for word in get_args(Word):
        assert f"conflict_{word}" in ROWS
