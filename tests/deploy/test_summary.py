"""Decisions counted."""

from datetime import UTC
from zoneinfo import ZoneInfo

import pytest

from deploy.summary import Summary, is_night
from streams.effects import Decision

CHINA = ZoneInfo("Asia/Shanghai")
NINE_MS = 1_581_814_800_000  # 2020-02-16T09:00:00+08:00
HOUR_MS = 3_600_000


def page(kind, role, at_ms=NINE_MS):
    return Decision(t_ms=at_ms, decision="page", grid="g", kind=kind, role=role)


def test_pages_are_counted_by_kind_role_and_hour_with_nights_apart():
    summary = Summary(CHINA)
    for decision in (
        Decision(t_ms=NINE_MS, decision="raised", grid="g", kind="fever"),
        page("fever", "doctor"),
        page("fever", "worker", NINE_MS + 14 * HOUR_MS),
        page("left-open", "worker"),
        Decision(t_ms=NINE_MS, decision="rejected", grid=""),
    ):
        summary.add(decision)
    assert summary.text() == (
        "decisions  raised  rejected\n"
        "fever           1         .\n"
        "-               .         1\n"
        "together        1         1\n"
        "\n"
        "pages      worker  doctor\n"
        "left-open       1       .\n"
        "fever           1       1\n"
        "together        2       1\n"
        "\n"
        "pages at night (22:00-07:00)  worker  doctor\n"
        "fever                              1       .\n"
        "together                           1       .\n"
        "\n"
        "pages by hour  worker  doctor\n"
        "09:00               1       1\n"
        "23:00               1       .\n"
        "together            2       1\n"
    )


def test_two_policies_stand_side_by_side_where_they_differ():
    ours, theirs = Summary(CHINA), Summary(CHINA)
    for summary in (ours, theirs):
        summary.add(page("fever", "doctor"))
    theirs.add(page("fever", "police"))
    text = ours.text(theirs)
    assert "fever      0 → 1       1\n" in text
    assert "together   0 → 1       1\n" in text


def test_hours_are_those_of_the_policys_zone():
    summary = Summary(UTC)
    summary.add(page("fever", "doctor"))
    assert "01:00" in summary.text()


def test_nothing_decided_is_an_empty_text():
    assert Summary(CHINA).text() == ""


@pytest.mark.parametrize(("hour", "night"), [(21, False), (22, True), (0, True), (6, True), (7, False)])
def test_the_night(hour, night):
    assert is_night(hour) is night
