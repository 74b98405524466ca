"""The page that draws the rules for people, `docs/rules.md`: `python -m deploy.rule_page` writes it.

Made of the default policy's rows, of the table of kinds, and of the table of an incident's life; the words are those of
`deploy/rule_words.py` and `streams/words.py`.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from deploy.rule_words import DEEDS, LIVES, MOVES, RULES, Words
from streams.edge import policy_file
from streams.incident import TABLE
from streams.policy import FEVERS, KINDS, WANT_A_PERSON, Kind, Ladder, Policy, Rung
from streams.words import KINDS as KIND_NAMES
from streams.words import ROLE_NAMES, Language

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "rules.md"
POLICY = ROOT / "deploy" / "policy.toml"
_NOTE = (
    "<!-- Made by `python -m deploy.rule_page`; change the policy or the words it is made from, not this page. -->\n"
)
_LANGUAGES: tuple[Language, ...] = ("en", "zh")


def main(page: Path = PAGE) -> int:
    """Write the page.  Returns the exit code."""
    page.write_text(text(policy_file.load(POLICY)), encoding="utf-8")
    print(f"{page}")
    return 0


def text(policy: Policy) -> str:
    """The whole page."""
    return "\n".join(
        [
            "# The rules · 规则\n",
            _NOTE,
            "What is an incident, who is paged about it and when, and when it is over, by the default policy",
            "(`deploy/policy.toml`, where every number is a row). 默认策略下的警情：何时发生，何时呼叫谁，何时结束。\n",
            *kinds(policy),
            "## An incident's life · 一件警情的一生\n",
            "A subject has at most one open incident of a kind. Arrows are drawn from the table that decides",
            "(`streams/incident.py`); what has no arrow does not happen. 同一对象同一种类最多一件未结束的警情。\n",
            *life(),
            "## Always · 总是\n",
            *always(policy),
        ]
    )


def kinds(policy: Policy) -> Iterator[str]:
    """One part a language, one row a kind."""
    heads = {
        "en": ("kind", "raised when", "paged", "over when", "closed by"),
        "zh": ("种类", "何时发生", "呼叫", "何时恢复", "由谁结束"),
    }
    for language in _LANGUAGES:
        yield f"## {'Kinds' if language == 'en' else '种类'}\n"
        yield "| " + " | ".join(heads[language]) + " |"
        yield "|---|---|---|---|---|"
        for kind in KINDS:
            rule, ladder = RULES[kind], policy.ladders[kind]
            cells = (
                f"**{KIND_NAMES[kind][language]}** `{kind}`",
                said(rule.raised, policy, language),
                ladder_text(ladder, language),
                said(rule.ends, policy, language),
                _closed_by(kind, language),
            )
            yield "| " + " | ".join(cells) + " |"
        yield ""


def said(words: Words, policy: Policy, language: Language) -> str:
    """A sentence with the policy's numbers in it.  Raises KeyError for a row that does not exist."""
    values = msgspec.structs.asdict(policy)
    values["visit_morning"] = _clock(policy.visit_morning_min)
    values["visit_afternoon"] = _clock(policy.visit_afternoon_min)
    return getattr(words, language).format_map(values)


def ladder_text(ladder: Ladder, language: Language) -> str:
    """Step 0 and those after it, in the order they come."""
    en = language == "en"
    lines = [("at once: " if en else "立即：") + _roles(ladder.page, language)]
    lines += [_rung(rung, language) for rung in ladder.steps]
    if ladder.hours_min is not None:
        hours = f"{_clock(ladder.hours_min[0])}-{_clock(ladder.hours_min[1])}"
        lines.append(f"only {hours}" if en else f"只在 {hours} 呼叫")
    if ladder.hold_s:
        lines.append(f"held {ladder.hold_s:g} s first" if en else f"先等 {ladder.hold_s:g} 秒")
    return "<br>".join(lines)


def _rung(rung: Rung, language: Language) -> str:
    en = language == "en"
    when: list[str] = []
    if rung.after_min is not None:
        when.append(f"after {rung.after_min:g} min unanswered" if en else f"{rung.after_min:g} 分钟无人接警")
    if rung.openings is not None:
        within = rung.within_min or 0
        more = f"at {rung.openings} openings within {within:g} min"
        when.append(more if en else f"{within:g} 分钟内第 {rung.openings} 次")
    if not when:
        when.append("when the guard did not measure again" if en else "值守没有复测")
    if rung.roles == ("supervisor",) and rung.after_min is not None:
        # A step to the supervisor waits for nobody's answer.
        when = [f"after {rung.after_min:g} min" if en else f"{rung.after_min:g} 分钟后"] if rung.after_min else []
        when = when or ["at once too" if en else "同时"]
    return (" or " if en else "或").join(when) + (": " if en else "：") + _roles(rung.roles, language)


def _roles(roles: tuple[str, ...], language: Language) -> str:
    return (", " if language == "en" else "、").join(ROLE_NAMES[role][language] for role in roles)


def _closed_by(kind: Kind, language: Language) -> str:
    if kind in FEVERS:
        return _roles(("doctor", "supervisor"), language)
    if kind in WANT_A_PERSON:
        return "a person" if language == "en" else "人"
    return "itself" if language == "en" else "自行"


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def life() -> Iterator[str]:
    """The table of an incident's life as a diagram (Mermaid), and as rows for whoever cannot see it."""
    yield "```mermaid"
    yield "stateDiagram-v2"
    for life_, words in LIVES.items():
        if life_ != "none":
            yield f"    {life_}: {words.en} · {words.zh}"
    for (before, move), (after, deed) in TABLE.items():
        source = "[*]" if before == "none" else before
        target = "[*]" if after == "none" else after
        yield f"    {source} --> {target}: {MOVES[move].zh} → {DEEDS[deed].zh}"
    yield "```\n"
    yield "| from | what happens | to | what is done |"
    yield "|---|---|---|---|"
    for (before, move), (after, deed) in TABLE.items():
        cells = (_both(LIVES[before]), _both(MOVES[move]), _both(LIVES[after]), _both(DEEDS[deed]))
        yield "| " + " | ".join(cells) + " |"
    yield ""


def _both(words: Words) -> str:
    return f"{words.en} · {words.zh}"


def always(policy: Policy) -> Iterator[str]:
    """What holds for every kind."""
    rows = (
        Words(
            "定时的步骤在第一个角色有有效接警时不发出；反复发生时照样升级",
            "A timed step waits while the first role named holds a valid acknowledgement; repeats climb all the same.",
        ),
        Words(
            "接警只代表该角色自己；{acknowledgement_min:g} 分钟没有结果就失效，再次呼叫",
            "An acknowledgement speaks for its role; after {acknowledgement_min:g} min without a result it expires, "
            "and that role is paged again.",
        ),
        Words(
            "要人处置的警情 {not_closed_min:g} 分钟没有处置，告诉街道",
            "One that wants a person and was not closed in {not_closed_min:g} min is told to the supervisor.",
        ),
        Words(
            "报备：居民一次最多 {resident_declares_min:g} 分钟，工作者最多 {worker_declares_min:g} 分钟",
            "A resident declares at most {resident_declares_min:g} min, a worker at most {worker_declares_min:g} min.",
        ),
        Words(
            "消息晚到超过 {late_page_only_min:g} 分钟：只呼叫第一步，最多升级到街道",
            "What arrives more than {late_page_only_min:g} min late pages step 0 and climbs to the supervisor at most.",
        ),
        Words(
            "静默一户最多 {mute_most_min:g} 分钟，推后一件最多 {snooze_most_min:g} 分钟；都会自行结束",
            "A household is muted for at most {mute_most_min:g} min, an incident put off for at most "
            "{snooze_most_min:g} min; both end by themselves.",
        ),
    )
    for words in rows:
        yield f"- {said(words, policy, 'en')}<br>{said(words, policy, 'zh')}"
    yield ""


if __name__ == "__main__":
    sys.exit(main())
