"""The page of the rules is what the code's tables make of it."""

import re

import pytest
from msgspec.structs import replace

from deploy.rule_page import PAGE, POLICY, ladder_text, main, text
from streams.edge import policy_file
from streams.incident import TABLE
from streams.policy import KINDS

DEFAULT = policy_file.load(POLICY)


def test_the_page_in_the_docs_is_current():
    assert PAGE.read_text(encoding="utf-8") == text(DEFAULT), "run `python -m deploy.rule_page`"


def test_every_kind_stands_there_in_both_languages():
    page = text(DEFAULT)
    for kind in KINDS:
        assert page.count(f"`{kind}`") == 2, kind
    assert "{" not in page


@pytest.mark.parametrize(
    ("row", "value", "shown"),
    [
        ("left_open_min", 7.0, "longer than 7 min"),
        ("opening_cleared_min", 11.0, "安静 11 分钟"),
        ("visit_morning_min", 690, "by 11:30"),
        ("fever_at_once_celsius", 38.7, "38.7 ℃"),
        ("area_share", 0.35, "35%"),
        ("acknowledgement_min", 25.0, "25 min without a result"),
    ],
)
def test_a_row_that_is_changed_changes_the_page(row, value, shown):
    assert shown not in text(DEFAULT)
    assert shown in text(replace(DEFAULT, **{row: value}))


def test_ladders_in_words():
    ladders = DEFAULT.ladders
    assert ladder_text(ladders["undeclared-opening"], "en") == (
        "at once: community worker<br>after 5 min unanswered or at 3 openings within 30 min: police officer, doctor"
    )
    assert ladder_text(ladders["low-battery"], "zh") == "立即：社区工作者<br>只在 08:00-20:00 呼叫"
    assert ladder_text(ladders["sensor-silent"], "en").endswith("held 60 s first")
    assert ladder_text(ladders["bridge-down"], "en").endswith("after 30 min: supervisor")
    assert ladder_text(ladders["overdue-check"], "en").endswith("at once too: supervisor")
    assert ladder_text(ladders["suspect-reading"], "en").endswith(
        "when the guard did not measure again: community worker"
    )


def test_the_diagram_has_an_arrow_for_each_row_of_the_table_and_no_other():
    page = text(DEFAULT)
    arrows = re.findall(r"^    (\S+) --> (\S+): ", page, re.MULTILINE)
    wanted = [
        tuple("[*]" if life == "none" else life for life in (before, after))
        for (before, _), (after, _) in TABLE.items()
    ]
    assert arrows == wanted


def test_it_is_written_where_it_is_told(tmp_path, capsys):
    assert main(tmp_path / "r.md") == 0
    assert (tmp_path / "r.md").read_text(encoding="utf-8") == text(DEFAULT)
