"""One page on its way to a person: a machine that is told what happened and says what to do next.

    page → person of the role, by the roster → that person's channels, in order
           ├─ accepted: told; what counts now is the answer
           ├─ unknown:  unsure; the next channel is tried too, after a while
           ├─ try later: again after a pause, then the next channel
           └─ gave up:  the next channel
    no answer in 2 min → the role's next person too … in the end the supervisor
    nobody could be told → the next one at once
    answered, or closed → over

Nothing here sends or looks at a clock.  `AFTER` is the whole table of what an outcome does to a leg; a pair that is not
in it is an outcome that came too late and changes nothing.
"""

from typing import Literal

import msgspec
from msgspec.structs import replace

from duty.attempts import Outcome, attempt_id
from duty.picture import Page
from duty.telling import Telling
from duty.urgency import is_urgent

LegState = Literal["due", "sending", "told", "unsure", "failed"]
Why = Literal["on-duty", "next", "flood", "gap", "supervisor"]
Move = Literal["told", "unsure", "again", "next-channel"]
Word = Literal[
    "gap",  # nobody is on duty for the role: the supervisor is told instead
    "nobody",  # there is no supervisor either
    "next-person",  # no answer: the next person is told too
    "supervisor",  # no answer: the supervisor is told too
    "undeliverable",  # no channel of a person took it
    "unanswered",  # everyone was told, and nobody has answered
    "again",  # the desk died in the middle: told again, perhaps twice
    "answered",
    "closed",
    "too-old",
]

AFTER: dict[tuple[LegState, Outcome], Move] = {
    ("sending", "accepted"): "told",
    ("sending", "unknown"): "unsure",
    ("sending", "try-later"): "again",
    ("sending", "gave-up"): "next-channel",
}


class Leg(msgspec.Struct, frozen=True, array_like=True):
    """One person being told.  `channels` are tried in order; `channel` is the place of the one in hand."""

    person: str
    why: Why
    channels: tuple[str, ...]
    begun_ms: int
    state: LegState = "due"
    channel: int = 0
    tries: int = 0  # of the channel in hand
    rounds: int = 0  # how often every channel has failed
    at_ms: int | None = None  # when there is something to do next
    attempt: str = ""  # under way
    told_ms: int | None = None
    repeat: bool = False


class Note(msgspec.Struct, frozen=True, array_like=True):
    """One line of how the page was delivered."""

    t_ms: int
    word: Word
    person: str = ""


class Delivery(msgspec.Struct, frozen=True, array_like=True):
    """A page and everyone it is told to.  `climbs_ms`: when the next one is told, without an answer till then."""

    page: Page
    begun_ms: int
    legs: tuple[Leg, ...] = ()
    notes: tuple[Note, ...] = ()
    climbs_ms: int | None = None
    attempts: int = 0
    answered_ms: int | None = None
    over_ms: int | None = None

    @property
    def is_over(self) -> bool:
        """Whether nobody is told any more."""
        return self.over_ms is not None

    @property
    def is_told(self) -> bool:
        """Whether a channel of anyone has taken it."""
        return any(leg.told_ms is not None for leg in self.legs)

    def has(self, word: Word) -> bool:
        """Whether it came to this."""
        return any(note.word == word for note in self.notes)


class Whom(msgspec.Struct, frozen=True):
    """Who could be told now: ids in the order they are called, with their channels.  `flooded`: those who have more
    than they can take."""

    on_duty: tuple[str, ...] = ()
    supervisors: tuple[str, ...] = ()
    channels: dict[str, tuple[str, ...]] = {}
    flooded: frozenset[str] = frozenset()


class Send(msgspec.Struct, frozen=True):
    """To do: try this channel of this person.  Answered by `resulted` with the same attempt."""

    attempt: str
    page: Page
    person: str
    channel: str
    repeat: bool


def begin(page: Page, now_ms: int, whom: Whom, rows: Telling) -> Delivery:
    """Take a page on: the first person is due at once."""
    return _climb(Delivery(page, now_ms), now_ms, whom, rows)


def resume(delivery: Delivery, now_ms: int) -> Delivery:
    """After a restart: what was under way may or may not have reached its person, so it goes out again."""
    if delivery.is_over or not any(leg.state == "sending" for leg in delivery.legs):
        return delivery
    legs: list[Leg] = []
    notes = delivery.notes
    for leg in delivery.legs:
        if leg.state == "sending":
            leg = replace(leg, state="due", at_ms=now_ms, attempt="", repeat=True)
            notes = (*notes, Note(now_ms, "again", leg.person))
        legs.append(leg)
    return replace(delivery, legs=tuple(legs), notes=notes)


def advance(delivery: Delivery, now_ms: int, whom: Whom, rows: Telling) -> tuple[Delivery, list[Send]]:
    """Do what is due by `now_ms`: tell the next person, try a channel."""
    if delivery.is_over:
        return delivery, []
    if now_ms >= delivery.begun_ms + _ms(rows.lives_s):
        return _over(delivery, now_ms, "too-old"), []
    if delivery.climbs_ms is not None and now_ms >= delivery.climbs_ms:
        delivery = _climb(delivery, now_ms, whom, rows)
    sends: list[Send] = []
    legs: list[Leg] = []
    for leg in delivery.legs:
        if leg.at_ms is not None and leg.at_ms <= now_ms:
            leg = _ready(leg)
            if leg.state == "due":
                number = delivery.attempts + len(sends) + 1
                attempt = attempt_id(delivery.page.id, leg.person, number)
                leg = replace(leg, state="sending", attempt=attempt, at_ms=None)
                sends.append(Send(attempt, delivery.page, leg.person, leg.channels[leg.channel], leg.repeat))
                leg = replace(leg, repeat=False)
        legs.append(leg)
    return replace(delivery, legs=tuple(legs), attempts=delivery.attempts + len(sends)), sends


def resulted(
    delivery: Delivery,
    attempt: str,
    outcome: Outcome,
    now_ms: int,
    rows: Telling,
    *,
    retry_after_s: float | None = None,
) -> Delivery:
    """A channel has answered.  What comes for an attempt that is not under way any more changes nothing."""
    legs = list(delivery.legs)
    for at, leg in enumerate(legs):
        move = AFTER.get((leg.state, outcome))
        if leg.attempt != attempt or move is None:
            continue
        legs[at] = leg = _moved(replace(leg, attempt=""), move, now_ms, rows, retry_after_s)
        delivery = replace(delivery, legs=tuple(legs))
        if leg.state == "failed" and not delivery.is_over:
            return _undeliverable(delivery, leg, now_ms)
        return delivery
    return delivery


def answered(delivery: Delivery, now_ms: int) -> Delivery:
    """The role has answered: nobody else needs to be told."""
    if delivery.is_over:
        return delivery
    return replace(_over(delivery, now_ms, "answered"), answered_ms=now_ms)


def closed(delivery: Delivery, now_ms: int) -> Delivery:
    """The incident is closed: there is nothing to tell any more."""
    return delivery if delivery.is_over else _over(delivery, now_ms, "closed")


def wake_at(delivery: Delivery, rows: Telling) -> int | None:
    """When `advance` has something to do next; None when it is over."""
    if delivery.is_over:
        return None
    times = [leg.at_ms for leg in delivery.legs if leg.at_ms is not None]
    if delivery.climbs_ms is not None:
        times.append(delivery.climbs_ms)
    return min([*times, delivery.begun_ms + _ms(rows.lives_s)])


def _moved(leg: Leg, move: Move, now_ms: int, rows: Telling, retry_after_s: float | None) -> Leg:
    match move:
        case "told":
            return replace(leg, state="told", at_ms=None, told_ms=now_ms)
        case "unsure":
            last = leg.channel + 1 >= len(leg.channels)
            return replace(leg, state="unsure", at_ms=None if last else now_ms + _ms(rows.unsure_after_s))
        case "again":
            wait_s = retry_after_s or 0
            if leg.tries < len(rows.retry_pauses_s) and wait_s <= rows.longest_wait_s:
                pause_ms = _ms(max(rows.retry_pauses_s[leg.tries], wait_s))
                return replace(leg, state="due", tries=leg.tries + 1, at_ms=now_ms + pause_ms)
            return _next_channel(leg, now_ms, rows)
        case "next-channel":
            return _next_channel(leg, now_ms, rows)


def _next_channel(leg: Leg, now_ms: int, rows: Telling) -> Leg:
    if leg.channel + 1 < len(leg.channels):
        return replace(leg, state="due", channel=leg.channel + 1, tries=0, at_ms=now_ms)
    pauses = rows.round_pauses_s
    pause_ms = _ms(pauses[min(leg.rounds, len(pauses) - 1)])
    return replace(leg, state="failed", rounds=leg.rounds + 1, at_ms=now_ms + pause_ms)


def _ready(leg: Leg) -> Leg:
    """A leg whose time has come: what it is now."""
    if leg.state == "unsure":
        return replace(leg, state="due", channel=leg.channel + 1, tries=0)
    if leg.state == "failed":
        return replace(leg, state="due", channel=0, tries=0)
    return leg


def _climb(delivery: Delivery, now_ms: int, whom: Whom, rows: Telling) -> Delivery:
    """Tell the next one: of those on duty, then of the supervisors."""
    told = {leg.person for leg in delivery.legs}
    first = not delivery.legs
    free = [person for person in whom.on_duty if person not in told]
    if free:
        why: Why = "on-duty" if first else "next"
        delivery = _with(delivery, free[0], why, now_ms, whom, word=None if first else "next-person")
        if first and free[0] in whom.flooded and len(free) > 1:
            delivery = _with(delivery, free[1], "flood", now_ms, whom, word=None)
        return replace(delivery, climbs_ms=_next_climb(delivery, now_ms, whom, rows))
    if delivery.page.role == "guard":
        # The checkpoint's own screen shows it to whoever stands there.
        return replace(delivery, climbs_ms=None)
    gap = not any(leg.why in ("on-duty", "next", "flood") for leg in delivery.legs)
    supervisors = [person for person in whom.supervisors if person not in told]
    if supervisors:
        why, word = ("gap", "gap") if gap else ("supervisor", "supervisor")
        delivery = _with(delivery, supervisors[0], why, now_ms, whom, word=word)
        return replace(delivery, climbs_ms=_next_climb(delivery, now_ms, whom, rows))
    if first:
        # Somebody may come on duty: look again soon, and say so on the desk meanwhile.
        delivery = _noted(delivery, now_ms, "nobody")
        return replace(delivery, climbs_ms=now_ms + _ms(rows.round_pauses_s[0]))
    # Everyone was told.  Whoever comes on duty later and was not is told then.
    return replace(_noted(delivery, now_ms, "unanswered"), climbs_ms=now_ms + _ms(rows.round_pauses_s[-1]))


def _next_climb(delivery: Delivery, now_ms: int, whom: Whom, rows: Telling) -> int:
    told = {leg.person for leg in delivery.legs}
    soon_ms = now_ms + _ms(rows.next_person_after_s)
    if any(person not in told for person in whom.on_duty):
        return soon_ms
    if any(leg.why in ("gap", "supervisor") for leg in delivery.legs):
        return soon_ms
    after_s = rows.supervisor_after_s if is_urgent(delivery.page.kind) else rows.supervisor_after_calm_s
    return max(soon_ms, delivery.begun_ms + _ms(after_s))


def _with(delivery: Delivery, person: str, why: Why, now_ms: int, whom: Whom, *, word: Word | None) -> Delivery:
    leg = Leg(person, why, whom.channels.get(person) or ("",), now_ms, at_ms=now_ms)
    delivery = replace(delivery, legs=(*delivery.legs, leg))
    return delivery if word is None else _noted(delivery, now_ms, word, person)


def _undeliverable(delivery: Delivery, failed: Leg, now_ms: int) -> Delivery:
    """A person could not be told: said once, and the next one is told at once unless somebody has been."""
    if failed.rounds == 1:
        delivery = _noted(delivery, now_ms, "undeliverable", failed.person)
    hopeless = all(leg.state == "failed" for leg in delivery.legs)
    if hopeless and delivery.climbs_ms is not None:
        delivery = replace(delivery, climbs_ms=now_ms)
    return delivery


def _noted(delivery: Delivery, now_ms: int, word: Word, person: str = "") -> Delivery:
    if any(note.word == word and note.person == person for note in delivery.notes):
        return delivery
    return replace(delivery, notes=(*delivery.notes, Note(now_ms, word, person)))


def _over(delivery: Delivery, now_ms: int, word: Word) -> Delivery:
    legs = tuple(replace(leg, at_ms=None) for leg in delivery.legs)
    return replace(_noted(delivery, now_ms, word), legs=legs, climbs_ms=None, over_ms=now_ms)


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
