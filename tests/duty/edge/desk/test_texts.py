"""Every sentence in both languages, with the same values, and every one that a page asks for is there."""

import re

import pytest

from duty.edge.desk import look
from duty.edge.desk.texts import LANGUAGES, SCREENS, for_scripts, text

ROWS = [(screen, name, row) for screen, rows in SCREENS.items() for name, row in rows.items()]
CODE = "\n".join(
    path.read_text("utf-8")
    for path in [*look.HERE.rglob("*.py"), *look.HERE.rglob("*.html"), *(look.HERE / "static").glob("*.js")]
)


def test_every_sentence_that_a_page_names_is_there() -> None:
    for template in look.HERE.rglob("*.html"):
        for screen, name in re.findall(r"\bt\(\s*[\"'](\w+)\.([\w\-]+)[\"']\s*[,)]", template.read_text("utf-8")):
            assert name in SCREENS[screen], f"{template.name}: {screen}.{name}"


def test_every_sentence_that_the_code_names_is_there() -> None:
    for path in look.HERE.rglob("*.py"):
        for screen, name in re.findall(r"text\(\s*\"(\w+)\.([\w\-]+)\"", path.read_text("utf-8")):
            assert name in SCREENS[screen], f"{path.name}: {screen}.{name}"


def test_every_sentence_that_a_script_asks_for_is_there() -> None:
    common = for_scripts("common", "zh")
    asked_of = {"board.js": "board", "checkpoint.js": "checkpoint"}
    for script in (look.HERE / "static").glob("*.js"):
        known = common | for_scripts(asked_of.get(script.name, "common"), "zh")
        for name in re.findall(r"\bt\(\"([\w\-]+)\"", script.read_text("utf-8")):
            assert name in known, f"{script.name}: {name}"


def test_no_sentence_is_there_for_nothing() -> None:
    # Names put together in code (`f"outcome_{outcome}"`) are known by their beginning.
    asked = re.findall(r"[\"'.](?:\w+\.)?([a-z]\w*_)[\"']\s*~", CODE)
    begun = {*asked, *re.findall(r"[\".]([a-z]\w*_)\{", CODE)}
    unused = [
        f"{screen}.{name}"
        for screen, name, _ in ROWS
        if not re.search(rf"[\"'.]{re.escape(name.removeprefix('js_'))}[\"']", CODE)
        and not any(name.startswith(each) for each in begun)
        and not name.startswith("js_")
    ]
    assert unused == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_unknown_sentence_is_an_error(language: str) -> None:
    with pytest.raises(KeyError):
        text("board.nothing", language)  # type: ignore[arg-type]
