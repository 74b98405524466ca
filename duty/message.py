"""What a page says when it leaves the house: what, where, since when, and a link.  No names, no numbers of people.

A chat robot, a text message and a mail pass through others' hands.  So only reasons of a closed list are said, none of
which holds what somebody typed or what a thermometer read; the rest is behind the link, for whoever may see it.
"""

from collections.abc import Sequence
from datetime import datetime, tzinfo

import msgspec

from duty.bundling import Sort
from duty.people import Language
from duty.picture import Page
from streams import troubles
from streams.effects import Reason
from streams.words import KINDS, ROLE_NAMES, name, sentence

PLACES_SHOWN = 8
SITES_SHOWN_CHARACTERS = 20

# Reasons whose sentence holds nothing about a person.
SAYABLE = frozenset(
    {
        "opened", "opened-late", "found-open", "opened-often", "left-open", "left-open-declared",
        "left-open-permitted", "still-open", "lost", "tampered",
        "chattering", "silent", "offline", "never-heard", "battery-at", "battery-low", "bridge-offline",
        "bridge-silent", "area-silent", "visit-morning", "visit-afternoon", "call-late", "not-acknowledged",
        "acknowledgement-expired", "still-standing", "not-closed", "no-second-reading", "system-unwell",
    }
)  # fmt: skip
SAYABLE_VALUES = frozenset(
    {"minutes", "count", "of", "since_ms", "until_ms", "device", "percent", "first", "what", "part", "hours"}
)
HEALTH = frozenset({"fever", "home-fever", "fever-cluster", "suspect-reading"})

_TEXTS: dict[str, dict[Language, str]] = {
    "health": {"zh": "健康警情", "en": "Health alert"},
    "household": {"zh": "{building} 栋 {unit}", "en": "bldg {building}, {unit}"},
    "building": {"zh": "{building} 栋", "en": "bldg {building}"},
    "checkpoint": {"zh": "卡点 {name}", "en": "checkpoint {name}"},
    "bridge": {"zh": "网关 {name}", "en": "bridge {name}"},
    "grid": {"zh": "网格 {name}", "en": "grid {name}"},
    "times": {"zh": "第 {count} 次", "en": "{count} times"},
    "since": {"zh": "{time} 起", "en": "since {time}"},
    "for": {"zh": "呼叫{role}", "en": "for the {role}"},
    "step": {"zh": "升级第 {step} 级", "en": "step {step}"},
    "repeat": {"zh": "（可能重复）", "en": "(perhaps told before)"},
    "more": {"zh": "等共 {count} 条", "en": "… {count} in all"},
    "bundle": {"zh": "{kind} {count} 条", "en": "{kind}: {count}"},
    "summary": {"zh": "非紧急警情 {count} 条", "en": "{count} alarms that are not urgent"},
    "answer": {"zh": "接警：", "en": "Answer: "},
    "look": {"zh": "查看：", "en": "See: "},
    "test": {"zh": "通道测试", "en": "Channel test"},
    "test-body": {
        "zh": "这是值班台的测试消息，无需处理。",
        "en": "This is a test from the duty desk. There is nothing to do.",
    },
}


class Text(msgspec.Struct, frozen=True, kw_only=True):
    """A message.  `title` fits a line; `lines` follow it; `link` is "" where there is none."""

    title: str
    lines: tuple[str, ...] = ()
    link: str = ""
    link_word: str = ""
    urgent: bool = False

    def plain(self, *, most: int = 10_000) -> str:
        """All of it as plain text, at most `most` characters; the link is never cut."""
        end = f"\n{self.link_word}{self.link}" if self.link else ""
        body = "\n".join((self.title, *self.lines))
        room = max(0, most - len(end))
        return (body if len(body) <= room else body[: max(0, room - 1)] + "…") + end


def say(word: str, language: Language, **values: object) -> str:
    """One of this module's own texts."""
    return _TEXTS[word][language].format(**values)


def kind_name(kind: str, language: Language, *, say_fever: bool) -> str:
    """The kind, or only that it is about health."""
    return say("health", language) if kind in HEALTH and not say_fever else name(KINDS, kind, language)


def place_name(subject: str, where: str, language: Language) -> str:
    """Where, in as few words as will do.  A pass is only its checkpoint: its number belongs to a person."""
    parts = subject.split("/")
    match where:
        case "household" if len(parts) == 3:
            return say("household", language, building=parts[1], unit=parts[2])
        case "building" if len(parts) == 2:
            return say("building", language, building=parts[1])
        case "checkpoint" | "pass" if len(parts) >= 2:
            return say("checkpoint", language, name=parts[1])
        case "bridge":
            return say("bridge", language, name=parts[-1])
        case "grid":
            return say("grid", language, name=subject)
        case _:
            return parts[-1]


def compose(
    pages: Sequence[Page],
    sort: Sort,
    *,
    language: Language,
    zone: tzinfo,
    site: str,
    answer_link: str = "",
    desk_link: str = "",
    repeat: bool = False,
    say_fever: bool = False,
) -> Text:
    """The message that tells one person of these pages.  `answer_link` answers the first of them with one tap;
    `desk_link` opens the desk."""
    urgent = any(page.kind in HEALTH or page.step > 0 for page in pages)
    mark = say("repeat", language) if repeat else ""
    prefix = f"【{site[:SITES_SHOWN_CHARACTERS]}】" if language == "zh" else f"[{site[:SITES_SHOWN_CHARACTERS]}] "
    if sort == "single" and len(pages) == 1:
        page = pages[0]
        kind = kind_name(page.kind, language, say_fever=say_fever)
        place = place_name(page.subject, page.where, language)
        return Text(
            title=f"{prefix}{kind} · {place}{mark}",
            lines=tuple(_lines(page, language, zone)),
            link=answer_link or desk_link,
            link_word=say("answer" if answer_link else "look", language),
            urgent=urgent,
        )
    kinds = list(dict.fromkeys(kind_name(page.kind, language, say_fever=say_fever) for page in pages))
    if sort == "summary":
        title = say("summary", language, count=len(pages))
    else:
        title = say("bundle", language, kind=" · ".join(kinds), count=len(pages))
    return Text(
        title=f"{prefix}{title}{mark}",
        lines=tuple(_list(pages, language, say_fever=say_fever, with_kind=len(kinds) > 1)),
        link=desk_link or answer_link,
        link_word=say("look" if desk_link else "answer", language),
        urgent=urgent,
    )


def _lines(page: Page, language: Language, zone: tzinfo) -> list[str]:
    lines: list[str] = []
    if page.kind not in HEALTH and page.reason.word in SAYABLE:
        lines.append(sentence(_sayable(page), language, zone))
    since_ms = page.cause.at_ms or page.cause.received_ms or page.t_ms
    facts = [say("since", language, time=_clock(since_ms, zone))]
    if page.count > 1:
        facts.append(say("times", language, count=page.count))
    if page.step:
        facts.append(say("step", language, step=page.step))
    facts.append(say("for", language, role=name(ROLE_NAMES, page.role, language)))
    lines.append(" · ".join(facts))
    return lines


def _clock(at_ms: int, zone: tzinfo) -> str:
    return datetime.fromtimestamp(at_ms // 1000, zone).strftime("%H:%M")


def _sayable(page: Page) -> Reason:
    """The reason with the values that may be said.  A reason of another release may carry more than its sentence asks
    for, and those are then printed as they are."""
    allowed = SAYABLE_VALUES | {"detail", "code"} | troubles.NAMED if page.kind == "system" else SAYABLE_VALUES
    return Reason(page.reason.word, {key: value for key, value in page.reason.values.items() if key in allowed})


def _list(pages: Sequence[Page], language: Language, *, say_fever: bool, with_kind: bool) -> list[str]:
    lines: list[str] = []
    for page in pages[:PLACES_SHOWN]:
        place = place_name(page.subject, page.where, language)
        kind = kind_name(page.kind, language, say_fever=say_fever)
        lines.append(f"{place} · {kind}" if with_kind else place)
    if len(pages) > PLACES_SHOWN:
        lines.append(say("more", language, count=len(pages)))
    return lines


def trial(language: Language, site: str) -> Text:
    """What the test button of a channel sends."""
    prefix = f"【{site[:SITES_SHOWN_CHARACTERS]}】" if language == "zh" else f"[{site[:SITES_SHOWN_CHARACTERS]}] "
    return Text(title=prefix + say("test", language), lines=(say("test-body", language),))
