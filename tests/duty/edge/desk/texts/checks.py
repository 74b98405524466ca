"""What holds for the sentences of every screen."""

import re
from string import Formatter

from duty.edge.desk.texts import SCREENS


def values_of(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name}


def check(screen: str, *, chinese_in_english: tuple[str, ...] = ()) -> None:
    """Both languages say every sentence, name the same values, and stay in their language."""
    for name, (chinese, english) in SCREENS[screen].items():
        assert chinese.strip(), name
        assert english.strip(), name
        assert values_of(chinese) <= values_of(english), name
        assert name in chinese_in_english or not re.search("[一-鿿，。：]", english), name
        assert chinese == chinese.strip(), name
        assert english == english.strip(), name
