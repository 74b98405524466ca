import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from duty.message import HEALTH, SAYABLE, Text, compose, place_name, trial
from duty.picture import Page
from streams.effects import Cause, Reason
from streams.policy import KINDS
from streams.words import SENTENCES
from tests.duty.rosters import SHANGHAI, ms


def page(kind: str = "undeclared-opening", subject: str = "g017/3/1203", **more: object) -> Page:
    fields = {
        "id": "p", "incident": "i", "where": "household", "grid": "g017", "role": "worker", "step": 0,
        "t_ms": ms("2020-02-16 02:10"), "reason": Reason("opened"), "cause": Cause(at_ms=ms("2020-02-16 02:09")),
    } | more  # fmt: skip
    return Page(kind=kind, subject=subject, **fields)  # type: ignore[arg-type]


def text(*pages: Page, sort: str = "single", language: str = "zh", **more: object) -> Text:
    return compose(pages, sort, language=language, zone=SHANGHAI, site="阳光小区", **more)  # type: ignore[arg-type]


def test_a_message_says_what_where_and_since_when() -> None:
    said = text(page(), answer_link="https://desk/a/x")
    assert said.plain() == (
        "【阳光小区】未报备开门 · 3 栋 1203\n门开了，没有报备\n02:09 起 · 呼叫社区工作者\n接警：https://desk/a/x"
    )
    said = text(page(step=1, role="police", count=3), language="en", desk_link="https://desk/")
    assert said.plain() == (
        "[阳光小区] Undeclared opening · bldg 3, 1203\nthe door opened and nothing was declared\n"
        "since 02:09 · 3 times · step 1 · for the police officer\nSee: https://desk/"
    )


@pytest.mark.parametrize("kind", sorted(HEALTH))
@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_fever_is_named_only_where_the_site_says_so(kind: str, language: str) -> None:
    reason = Reason("fever-at-once", {"celsius": 38.7})
    hot = page(kind, reason=reason, role="doctor")
    said = text(hot, language=language).plain()
    assert "38.7" not in said
    assert not any(word in said.lower() for word in ("发热", "fever", "℃", "°c", "体温", "reading"))
    open_ = text(hot, language=language, say_fever=True).plain()
    assert "38.7" not in open_
    assert open_ != said


def test_what_somebody_typed_never_leaves_the_house() -> None:
    for word in SENTENCES:
        reason = Reason(word, {"why": "Zhang San 13912345678", "by": "w-7", "detail": "x", "celsius": 39.9})
        said = text(page(reason=reason)).plain()
        assert "13912345678" not in said
        assert "w-7" not in said
        assert "39.9" not in said


def test_reasons_that_may_be_said_exist_and_hold_nothing_typed_or_measured() -> None:
    assert set(SENTENCES) >= SAYABLE
    for word in SAYABLE:
        for sentence in SENTENCES[word]:
            assert not any(f"{{{field}" in sentence for field in ("why", "by", "celsius", "symptoms", "household"))


def test_a_pass_is_only_its_checkpoint() -> None:
    assert place_name("g017/north/A-0193", "pass", "zh") == "卡点 north"
    assert place_name("g017/3", "building", "en") == "bldg 3"
    assert place_name("g017", "grid", "zh") == "网格 g017"
    assert place_name("bridge/z2m-17", "bridge", "zh") == "网关 z2m-17"
    assert place_name("system/inbox", "system", "zh") == "inbox"


def test_a_bundle_lists_its_places() -> None:
    pages = [page(subject=f"g017/3/{n}") for n in range(1, 13)]
    said = text(*pages, sort="bundle", desk_link="https://desk/")
    assert said.title == "【阳光小区】未报备开门 12 条"
    assert said.lines[:2] == ("3 栋 1", "3 栋 2")
    assert said.lines[-1] == "等共 12 条"
    assert len(said.lines) == 9


def test_a_summary_names_each_kind() -> None:
    said = text(page("low-battery"), page("chattering", subject="g017/4/1"), sort="summary", language="en")
    assert said.title == "[阳光小区] 2 alarms that are not urgent"
    assert said.lines == ("bldg 3, 1203 · Low battery", "bldg 4, 1 · Chattering contact")


def test_one_that_may_have_been_told_before_says_so() -> None:
    assert "可能重复" in text(page(), repeat=True).title


@given(st.integers(0, 400))
def test_a_cut_message_keeps_its_link(most: int) -> None:
    said = text(page(), answer_link="https://desk/a/x").plain(most=most)
    assert said.endswith("接警：https://desk/a/x")
    assert len(said) <= max(most, len("\n接警：https://desk/a/x") + 1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_kind_can_be_said(kind: str, language: str) -> None:
    assert text(page(kind), language=language).title
    assert text(replace(page(kind), where="grid", subject="g017"), language=language).lines


def test_the_trial_of_a_channel_says_it_is_one() -> None:
    assert "测试" in trial("zh", "阳光小区").plain()
    assert "test" in trial("en", "x" * 100).plain()
    assert len(trial("en", "x" * 100).title) < 50
