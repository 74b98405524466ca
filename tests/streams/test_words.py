import re
from pathlib import Path

import pytest

from streams.effects import Reason
from streams.policy import KINDS as POLICY_KINDS
from streams.words import DISPOSITION_NAMES, KINDS, ROLE_NAMES, SENTENCES, name, sentence
from tests.streams.core import ZONE, ms

STREAMS = Path(__file__).parents[2] / "streams"


def test_every_kind_has_a_name_in_both_languages() -> None:
    assert set(KINDS) == set(POLICY_KINDS)
    for table in (KINDS, ROLE_NAMES, DISPOSITION_NAMES):
        assert all(row["zh"] and row["en"] for row in table.values())


def test_every_reason_in_the_code_has_its_sentence() -> None:
    words: set[str] = set()
    for path in STREAMS.rglob("*.py"):
        words |= set(re.findall(r'Reason\(\s*"([a-z-]*[a-z])"', path.read_text("utf-8")))
    words |= {"lost-declared", "lost-permitted", "declared", "permitted", "fever-at-once", "fever-twice"}
    words |= {"left-open-declared", "left-open-permitted"}
    assert words - set(SENTENCES) == set()


@pytest.mark.parametrize("word", sorted(SENTENCES))
def test_both_languages_name_the_same_values(word: str) -> None:
    zh, en = (set(re.findall(r"{(\w+)", text)) for text in SENTENCES[word])
    assert zh == en


def test_times_are_said_as_local_clock_times() -> None:
    reason = Reason("found-open", {"since_ms": ms("09:20")})
    assert sentence(reason, "en", ZONE) == "found open, since after 09:20"
    assert sentence(reason, "zh", ZONE) == "发现门开着，09:20 之后某时打开"


def test_names_within_a_sentence_are_in_its_language() -> None:
    reason = Reason("not-acknowledged", {"minutes": 5.0, "first": "worker"})
    assert sentence(reason, "en", ZONE) == "the community worker did not acknowledge within 5 min"
    assert sentence(reason, "zh", ZONE) == "社区工作者未在 5 分钟内接警"


def test_words_of_another_release_are_said_as_they_are() -> None:
    assert sentence(Reason("from-the-future", {"x": 1}), "en", ZONE) == "from-the-future"
    assert sentence(Reason("quiet", {"hours": 1}), "en", ZONE) == "quiet: hours=1"
    assert name(KINDS, "nonsense", "zh") == "nonsense"
