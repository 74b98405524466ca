from typing import get_args

from deploy.rule_words import DEEDS, LIVES, MOVES, RULES
from streams.incident import Deed, Life, Move
from streams.policy import KINDS


def test_there_are_words_for_everything_the_tables_hold():
    assert set(RULES) == set(KINDS)
    assert set(LIVES) == set(get_args(Life))
    assert set(MOVES) == set(get_args(Move))
    assert set(DEEDS) == set(get_args(Deed))


def test_no_sentence_holds_a_number_of_its_own():
    for kind, rule in RULES.items():
        for words in (rule.raised, rule.ends):
            for sentence in (words.zh, words.en):
                outside = "".join(part.partition("}")[2] if "}" in part else part for part in sentence.split("{"))
                assert not any(sign.isdigit() for sign in outside), (kind, sentence)


def test_both_languages_say_the_same_rows():
    for rule in RULES.values():
        for words in (rule.raised, rule.ends):
            named = [
                sorted(part.partition("}")[0].partition(":")[0] for part in text.split("{")[1:])
                for text in (words.zh, words.en)
            ]
            assert named[0] == named[1]
