"""What goes out to one person by one channel now, what together, and what a little later.  Nothing is ever dropped.

The first page of its sort goes at once.  The same again within seconds goes out with it as one message; in a flood a
minute's worth does, by cause and place.  Past what a person can take in an hour only urgent pages come at once; the
others come as a summary every ten minutes.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Literal

import msgspec

from devices.places import building_of, is_household
from duty.picture import Page
from duty.telling import Telling
from duty.urgency import is_urgent

Sort = Literal["single", "bundle", "summary"]
Key = tuple[str, ...]

SUMMARY: Key = ("summary",)


class Waiting(msgspec.Struct, frozen=True):
    """One page that one person is to be told of, since when."""

    attempt: str
    page: Page
    since_ms: int


class Recent(msgspec.Struct):
    """What this person was told lately by this channel: when a message of each sort last went out."""

    last_ms: dict[Key, int] = {}


class Outgoing(msgspec.Struct, frozen=True):
    """One message: the pages it tells of, in the order they came."""

    sort: Sort
    key: Key
    items: tuple[Waiting, ...]


class Person(msgspec.Struct, frozen=True):
    """What a person has on their hands: pages of the last hour, and whether it is a flood."""

    told_in_hour: int = 0
    flooded: bool = False


def same(page: Page, flooded: bool) -> Key:
    """What makes pages the same for a person: the cause, the role and the grid; in a flood the cause and the place."""
    if flooded:
        return ("flood", page.kind, _place(page))
    return ("same", page.kind, page.role, page.grid)


def _place(page: Page) -> str:
    return building_of(page.subject) if is_household(page.subject) else page.grid


def plan(
    waiting: Iterable[Waiting], recent: Recent, person: Person, now_ms: int, rows: Telling
) -> tuple[list[Outgoing], int | None]:
    """The messages to send now, and when to look again at what stays (None: nothing stays)."""
    groups: dict[Key, list[Waiting]] = defaultdict(list)
    over = person.told_in_hour >= rows.most_per_hour
    for item in waiting:
        held = over and not is_urgent(item.page.kind)
        groups[SUMMARY if held else same(item.page, person.flooded)].append(item)
    out: list[Outgoing] = []
    look: list[int] = []
    for key, items in groups.items():
        due_ms = _due_ms(key, recent, person, rows, items[0].since_ms)
        if due_ms <= now_ms:
            out.append(Outgoing(_sort(key, items), key, tuple(items)))
        else:
            look.append(due_ms)
    return out, min(look, default=None)


def _due_ms(key: Key, recent: Recent, person: Person, rows: Telling, since_ms: int) -> int:
    if key == SUMMARY:
        # The first summary of an hour waits too: what made the hour full has only just been told.
        return max(since_ms, recent.last_ms.get(key, since_ms)) + round(rows.summary_every_s * 1000)
    last_ms = recent.last_ms.get(key)
    if last_ms is None:
        return since_ms
    within_s = rows.flood_bundle_within_s if person.flooded else rows.bundle_within_s
    return last_ms + round(within_s * 1000)


def _sort(key: Key, items: list[Waiting]) -> Sort:
    if key == SUMMARY:
        return "summary"
    return "single" if len(items) == 1 else "bundle"


def sent(recent: Recent, messages: Iterable[Outgoing], now_ms: int, rows: Telling) -> Recent:
    """What this person was told lately, after these messages; sorts that no longer matter are forgotten."""
    longest_ms = round(max(rows.summary_every_s, rows.flood_bundle_within_s, rows.bundle_within_s) * 1000)
    last_ms = {key: at_ms for key, at_ms in recent.last_ms.items() if now_ms - at_ms < longest_ms}
    for message in messages:
        last_ms[message.key] = now_ms
        for item in message.items:
            # Both names of it: whether a flood begins or ends, the same is the same.
            last_ms[same(item.page, False)] = last_ms[same(item.page, True)] = now_ms
    return Recent(last_ms)
