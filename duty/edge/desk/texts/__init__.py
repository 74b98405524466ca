"""What the desk says, in Chinese and English: a row a sentence, the rows of a screen in a file.

Names of kinds, roles, dispositions and the sentences of reasons are `streams.words`; here is only what the desk itself
adds.  A sentence names its values in braces: `"第 {n} 次"`.
"""

from collections.abc import Mapping
from typing import Literal

from duty.edge.desk.texts import admin, board, checkpoint, common, household, policy, resident, review, supervisor

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")
Row = tuple[str, str]

SCREENS: dict[str, Mapping[str, Row]] = {
    "common": common.ROWS,
    "board": board.ROWS,
    "household": household.ROWS,
    "checkpoint": checkpoint.ROWS,
    "resident": resident.ROWS,
    "supervisor": supervisor.ROWS,
    "admin": admin.ROWS,
    "policy": policy.ROWS,
    "review": review.ROWS,
}


def text(key: str, language: Language, **values: object) -> str:
    """The sentence `screen.name` in `language`, its braces filled.  An unknown key raises KeyError: a test finds it."""
    screen, _, name = key.partition(".")
    sentence = SCREENS[screen][name][LANGUAGES.index(language)]
    return sentence.format(**values) if values else sentence


def for_scripts(screen: str, language: Language) -> dict[str, str]:
    """The rows of `screen` that scripts need (their names begin with `js_`), without the prefix."""
    index = LANGUAGES.index(language)
    return {name[3:]: row[index] for name, row in SCREENS[screen].items() if name.startswith("js_")}
