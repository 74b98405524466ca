"""The closed list of what can be wrong with a part: both languages, bounded, readable by earlier and later releases."""

import re
from pathlib import Path
from string import Formatter
from zoneinfo import ZoneInfo

import msgspec
import pytest

from streams.effects import Decision, Reason
from streams.frames import SystemReport, decode_inbox, encode_inbox
from streams.troubles import TROUBLES, Trouble, fields, named, parsed, report, said
from streams.words import sentence
from tests.streams.core import Core

ROOT = Path(__file__).resolve().parents[2]
ZONE = ZoneInfo("Asia/Shanghai")
EVERY = {"why": "HTTP 500", "what": "a page", "address": "mqtt.lan:1883", "how": "ended"}


def example(code: str) -> Trouble:
    return Trouble.of(code, **{name: EVERY.get(name, 7) for name in named(code)})


@pytest.mark.parametrize("code", sorted(TROUBLES))
def test_both_languages_name_the_same_values_and_none_that_a_reason_has_anyway(code: str) -> None:
    zh, en = ({name for _, name, _, _ in Formatter().parse(text) if name} for text in TROUBLES[code])
    assert zh == en == named(code)
    assert not named(code) & {"part", "detail", "code", "disposition", "first", "by"}
    assert re.search("[一-鿿]", TROUBLES[code][0]) and not re.search("[一-鿿]", TROUBLES[code][1])
    assert "{" not in str(example(code)) and str(example(code)) != code


def test_every_code_that_is_reported_is_in_the_list_and_every_one_in_the_list_is_reported() -> None:
    used: set[str] = set()
    for package in ("gateway", "streams", "duty", "deploy"):
        for path in (ROOT / package).rglob("*.py"):
            text = path.read_text("utf-8")
            used |= set(re.findall(r'Trouble\.of\(\s*"([\w-]+)"', text))
            used |= set(re.findall(r'self\._unwell\(child, said, "([\w-]+)"', text))
            used |= set(re.findall(r'^\w+_PART = "([\w-]+)"', text, re.MULTILINE))
    assert used == set(TROUBLES)


def test_a_report_says_it_in_the_readers_language() -> None:
    core = Core()
    core.effects += core.engine.apply(report(core.now_ms, "sink", False, Trouble.of("sink-refused", count=3)))
    [reason] = [e.reason for e in core.effects if isinstance(e, Decision) and e.decision == "raised"]
    assert sentence(reason, "zh", ZONE) == "sink：有 3 个点或帧被拒收，见退件"
    assert sentence(reason, "en", ZONE) == "sink: 3 points or frames were refused: see the rejects"


def test_a_report_of_an_earlier_release_is_read_and_its_text_said_as_it_came() -> None:
    old = msgspec.msgpack.decode(encode_inbox([SystemReport(5, "sink", False, "behind")]))
    old[1][0] = old[1][0][:6]  # tag, at, part, well, detail, grid
    [read] = decode_inbox(msgspec.msgpack.encode(old))
    assert read == SystemReport(5, "sink", False, "behind")
    core = Core()
    core.effects += core.engine.apply(read)
    [reason] = [e.reason for e in core.effects if isinstance(e, Decision) and e.decision == "raised"]
    assert reason == Reason("system-unwell", {"part": "sink", "detail": "behind"})
    assert sentence(reason, "zh", ZONE) == "sink：behind"


def test_a_code_or_values_of_a_later_release_are_said_in_its_english() -> None:
    assert said("moon-full", {"n": 1}, "the moon is full", "zh") == "the moon is full"
    assert said("sink-refused", {"number": 3}, "3 were refused", "zh") == "3 were refused"
    reason = Reason("system-unwell", {"part": "sink", "code": "moon-full", "detail": "the moon is full"})
    assert sentence(reason, "zh", ZONE) == "sink：the moon is full"


@pytest.mark.parametrize("code", sorted(TROUBLES))
def test_what_goes_through_the_door_comes_out_as_it_was(code: str) -> None:
    assert parsed(fields(example(code))) == example(code)


@pytest.mark.parametrize(
    "raw",
    [
        {"detail": 7},
        {"code": "moon-full"},
        {"code": 7},
        {"values": {"count": 3}},
        {"code": "sink-refused"},
        {"code": "sink-refused", "values": {"count": 3, "more": 1}},
        {"code": "sink-refused", "values": {"count": None}},
        {"code": "sink-refused", "values": {"count": True}},
        {"code": "sink-refused", "values": [3]},
        {"code": "disk-low", "values": {"percent": "a text"}},
    ],
)
def test_what_is_not_in_the_list_does_not_come_in(raw: dict[str, object]) -> None:
    assert parsed({"detail": "x"} | raw) is None


def test_what_a_system_said_is_cut() -> None:
    told = report(1, "sink", False, Trouble.of("sink-behind", why="x" * 10_000))
    assert len(str(told.values["why"])) == 200 and len(told.detail) < 500
    assert len(report(1, "sink", False, "y" * 10_000).detail) == 500
