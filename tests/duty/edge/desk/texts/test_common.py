from duty.edge.desk.texts import text
from tests.duty.edge.desk.texts.checks import check


def test_both_languages_say_the_same() -> None:
    # The switch of the language is written in the language it leads to.
    check("common", chinese_in_english=("language", "language_label"))


def test_the_switch_is_written_in_the_language_it_leads_to() -> None:
    assert text("common.language", "zh") == "English"
    assert text("common.language", "en") == "中文"
