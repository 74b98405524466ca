"""Nothing of one machine, of one registry, or of how the work was done is in the repository, and nothing half-done."""

import re

import pytest

from tests.house.tree import ROOT, files, name_of

# Put together from pieces, so that this file does not hold them itself.
FORBIDDEN: dict[str, str] = {
    "a machine's path": "|".join(("/" + "work/", "/" + "tmp/dev", "/" + r"root/", r"/" + r"home/\w+/")),
    "a registry's address": "|".join(
        re.escape(name)
        for name in (
            "pypi" + ".org",
            "python" + "hosted.org",
            "registry." + "npmjs",
            "npmjs" + ".com",
            "repo1." + "maven",
            "maven." + "apache.org",
            "proxy." + "golang.org",
            "crates" + ".io",
            "deb." + "debian.org",
        )
    ),
    "how the work was done": "|".join(
        (
            r"\bclau" + r"de\b",
            "anth" + "ropic",
            "chat" + "gpt",
            "open" + r"ai\b",
            "co" + "pilot",
            r"\bll" + r"ms?\b",
            "language " + "model",
            "sub-?" + "agent",
            r"\bai[ -]" + "(assistant|generated)",
            r"\bissues? " + r"#?\d",
        )
    ),
    "something half-done": r"\b("
    + "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X", "Not" + "ImplementedError"))
    + r")\b",
}
EVEN_IN_SMALL = {"a registry's address", "how the work was done"}


def found_in(text: str) -> dict[str, list[str]]:
    hits: dict[str, list[str]] = {}
    for what, pattern in FORBIDDEN.items():
        flags = re.IGNORECASE if what in EVEN_IN_SMALL else 0
        lines = [line.strip()[:100] for line in text.splitlines() if re.search(pattern, line, flags)]
        if lines:
            hits[what] = lines
    return hits


def text_of(path) -> str:
    data = path.read_bytes()
    return "" if b"\0" in data[:8000] else data.decode(errors="replace")


def test_nothing_is_committed_that_speaks_of_anything_but_the_project():
    hits = [
        f"{name_of(path)}: {what}: {line}"
        for path in files()
        for what, lines in found_in(text_of(path)).items()
        for line in lines
    ]
    assert not hits, "\n".join(hits)


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("cd /" + "work/main", "a machine's path"),
        ("index-url = https://" + "pypi" + ".org/simple", "a registry's address"),
        ("as Clau" + "de said", "how the work was done"),
        ("see issue" + " 12", "how the work was done"),
        ("# TO" + "DO: later", "something half-done"),
    ],
)
def test_a_planted_line_is_caught(line, what):
    assert found_in(f"fine\n{line}\n") == {what: [line]}


def test_words_that_only_look_alike_are_let_through():
    assert found_in("OpenAPI\nan MQTT session\nhomework/\n/var/lib/threshold\nissues a certificate") == {}


def test_no_test_is_skipped_but_for_a_server_that_is_not_at_hand():
    pattern = re.compile(r"pytest\.(skip|xfail|importorskip)\b|mark\.(skip|skipif|xfail)\b")
    allowed = {"tests/conftest.py", name_of(ROOT / "tests/house/test_clean.py")}
    skipping = [name_of(path) for path in files() if path.suffix == ".py" and pattern.search(text_of(path))]
    assert set(skipping) - allowed == set()


def test_no_file_is_large():
    large = [(name_of(path), size) for path in files() if (size := path.stat().st_size) > 1_000_000]
    assert large == []
