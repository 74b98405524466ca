from duty.edge.desk.cards import PRESETS
from duty.edge.desk.texts import text
from streams.commands import DISPOSITIONS
from tests.duty.edge.desk.texts.checks import check


def test_both_languages_say_the_same() -> None:
    check("board")


def test_every_disposition_has_a_sentence_of_its_own() -> None:
    for presets in PRESETS.values():
        for disposition, preset in presets:
            assert disposition in DISPOSITIONS
            assert text(f"board.{preset}", "zh") != text(f"board.{preset}", "en")
