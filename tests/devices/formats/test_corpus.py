"""Every case of tests/corpus: what devices were seen to send and what was made to try them, against what is said."""

import json
from pathlib import Path
from typing import Any

import pytest

from devices.events import REJECT_REASONS, Rejected
from tests.devices.formats.routing import FORMATS, device, known_of, payload_of, said, take

CORPUS = Path(__file__).resolve().parents[2] / "corpus"
LEAST_CASES = 12
# What every format must have been tried with; a case's name says it.
TRIED = ("battery", "retained", "duplicate", "clock", "unknown field", "wrong type", "empty payload", "polarity")


def cases() -> list[Any]:
    found = []
    for path in sorted(CORPUS.glob("*/*.json")):
        file = json.loads(path.read_text(encoding="utf-8"))
        for case in file["cases"]:
            case["rows"] = case.get("rows", file["rows"])
            case["format"] = file["format"]
            found.append(pytest.param(case, id=f"{file['format']}: {case['name']}"))
    return found


CASES = cases()


@pytest.mark.parametrize("case", CASES)
def test_a_message_means_what_the_corpus_says(case: dict[str, Any]):
    rows = [device(row, case["format"]) for row in case["rows"]]
    known = known_of(*rows)
    for earlier in case.get("before", ()):
        take(known, earlier["topic"], payload_of(earlier), earlier.get("retained", False))
    answer = take(known, case["topic"], payload_of(case), case.get("retained", False))
    if "rejected" in case:
        assert isinstance(answer, Rejected), f"taken as {answer}"
        assert answer.reason == case["rejected"], answer.detail
        return
    assert not isinstance(answer, Rejected), f"refused: {answer.detail}"
    assert [said(reading) for reading in answer] == [{"device": rows[0].id, **wanted} for wanted in case["readings"]]


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_each_format_has_its_cases(name: str):
    mine = [param.values[0] for param in CASES if param.values[0]["format"] == name]
    assert len(mine) >= LEAST_CASES
    assert len({case["name"] for case in mine}) == len(mine), "two cases have one name"
    reasons = {case["rejected"] for case in mine if "rejected" in case}
    assert reasons, "no case is refused"
    assert reasons <= set(REJECT_REASONS)
    assert all(case["source"] for case in mine), "a case names its source, or says that it was made"
    assert any(case["source"] != "made" for case in mine), "no case comes from outside"
    names = " | ".join(case["name"].lower() for case in mine)
    missing = [
        word for word in TRIED if word not in names and word.replace("unknown field", "unknown fields") not in names
    ]
    assert not missing, f"never tried with: {', '.join(missing)}"
