from duty.edge.desk.files import read_policy
from duty.edge.desk.texts import policy
from tests.desk_story import POLICY
from tests.duty.edge.desk.texts.checks import check


def test_both_languages_say_everything() -> None:
    check("policy")


def test_every_row_of_the_policy_has_its_words_and_no_word_is_left_over() -> None:
    rows = [row for row in read_policy(POLICY).rows if not row.table.startswith("ladder")]
    named = {f"{row.table}.{row.key}" if row.table else row.key for row in rows} | {row.table for row in rows} - {""}
    assert named == {key for key in policy.ROWS if not key.startswith("unit_")}
