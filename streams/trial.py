"""A policy tried on a log: what it would have raised and paged beside what the one in force did, and each difference.

Pure: whoever replays hands over what two engines decided upon the same record.  Counts are one small table, however
long the log is; differences are kept up to `MOST`, with the last things said by and about their subject.
"""

from collections import Counter, deque
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, tzinfo

import msgspec

from devices.events import Event
from streams.commands import Command
from streams.effects import Decision, Effect
from streams.frames import InboxRecord
from streams.policy import DAY_MS

NIGHT = (22, 7)  # from, to: who is paged then was asleep
MOST = 2000
_TOLD = ("raised", "repeated", "page")
_EVENTS = 12
_NO_HOUR = -1


class Count(msgspec.Struct, frozen=True):
    """`new` and `current` decisions of one sort.  `role` and the local `hour` are of pages, "" and -1 for the rest."""

    grid: str
    kind: str
    decision: str
    role: str
    hour: int
    new: int
    current: int

    @property
    def at_night(self) -> bool:
        return is_night(self.hour)


class Change(msgspec.Struct, frozen=True, omit_defaults=True):
    """A decision that only one of the two made, or both at different times, and the events that led to it."""

    new: Decision | None = None
    current: Decision | None = None
    events: list[InboxRecord] = []

    @property
    def decision(self) -> Decision:
        """Either of the two, the new one first."""
        found = self.new or self.current
        assert found is not None
        return found

    @property
    def t_ms(self) -> int:
        """When the first of them was made."""
        return min(each.t_ms for each in (self.new, self.current) if each is not None)


class Report(msgspec.Struct, frozen=True):
    """What came of it.  `more`: differences beyond those kept; `unreadable`: frames that were passed over."""

    since_ms: int
    until_ms: int
    events: int
    took_s: float
    counts: list[Count]
    changes: list[Change]
    more: int = 0
    unreadable: int = 0


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Report)


def encode_report(report: Report) -> bytes:
    """A report as JSON."""
    return _encoder.encode(report)


def decode_report(data: bytes) -> Report:
    """A report from JSON.  Raises msgspec.MsgspecError."""
    return _decoder.decode(data)


def is_night(hour: int) -> bool:
    """Whether an hour of the day belongs to the night."""
    return hour >= NIGHT[0] or 0 <= hour < NIGHT[1]


def sense(decision: Decision) -> tuple[object, ...]:
    """What makes two decisions of two policies the same one; how many incidents there were before does not."""
    return decision.t_ms, decision.decision, decision.subject, decision.kind, decision.role, decision.step


class Comparison:
    """Takes what both decided, record by record."""

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self._counts: Counter[tuple[int, str, str, str, str, int]] = Counter()
        self._trail: dict[str, deque[InboxRecord]] = {}
        self._changes: list[Change] = []
        self._alone: dict[tuple[object, ...], int] = {}  # what only one has decided so far → its place in `_changes`
        self._more = 0
        self.events = 0

    def heard(self, record: InboxRecord) -> None:
        """A record, before what is decided upon it."""
        self.events += 1
        if type(record) is Event:
            place = record.place
        elif type(record) is Command:
            place = record.subject or record.household
        else:
            return
        trail = self._trail.get(place)
        if trail is None:
            trail = self._trail[place] = deque(maxlen=_EVENTS)
        trail.append(record)

    def decided(self, new: Sequence[Effect], current: Sequence[Effect]) -> None:
        """What the two policies decided upon the same record, or as the same time passed."""
        sides = ([e for e in new if isinstance(e, Decision)], [e for e in current if isinstance(e, Decision)])
        for side, decisions in enumerate(sides):
            for decision in decisions:
                role, hour = "", _NO_HOUR
                if decision.decision == "page":
                    role = decision.role
                    hour = datetime.fromtimestamp(decision.t_ms // 1000, UTC).astimezone(self._zone).hour
                self._counts[side, decision.grid, decision.kind, decision.decision, role, hour] += 1
        told = [[d for d in decisions if d.decision in _TOLD] for decisions in sides]
        if [sense(d) for d in told[0]] != [sense(d) for d in told[1]]:
            self._differ(told[0], told[1])

    def _differ(self, new: list[Decision], current: list[Decision]) -> None:
        both = Counter(sense(d) for d in new) & Counter(sense(d) for d in current)
        for side, decisions in enumerate((new, current)):
            left = both.copy()
            for decision in decisions:
                if left[sense(decision)]:
                    left[sense(decision)] -= 1
                else:
                    self._differs(side, decision)

    def _differs(self, side: int, decision: Decision) -> None:
        what = sense(decision)[1:]
        other = self._alone.pop((1 - side, *what), None)
        if other is not None:
            before = self._changes[other]
            if decision.t_ms - before.t_ms <= DAY_MS:
                # The same, only sooner or later.
                self._changes[other] = Change(
                    before.new or decision, before.current or decision, before.events
                )  # fmt: skip
                return
        if len(self._changes) >= MOST:
            self._more += 1
            return
        self._alone[side, *what] = len(self._changes)
        events = self._events_of(decision)
        self._changes.append(Change(None, decision, events) if side else Change(decision, None, events))

    def _events_of(self, decision: Decision) -> list[InboxRecord]:
        subject = decision.subject
        if subject.startswith("bridge/"):
            return list(self._trail.get(subject.partition("/")[2], ()))
        found = self._trail.get(subject)
        if found is None and subject.count("/") == 2:
            # A person at a checkpoint: the readings of the pass, or of the gun where there was none.
            place, _, name = subject.rpartition("/")
            trail = self._trail.get(place, ())
            named: list[InboxRecord] = [e for e in trail if isinstance(e, Event) and e.pass_id == name]
            return named or list(trail)
        return list(found or ())

    def report(self, *, since_ms: int, until_ms: int, took_s: float, unreadable: int = 0) -> Report:
        """All of it."""
        keys = sorted({key[1:] for key in self._counts})
        counts = [Count(*key, self._counts[0, *key], self._counts[1, *key]) for key in keys]
        changes = sorted(self._changes, key=lambda change: (change.t_ms, change.decision.subject))
        return Report(since_ms, until_ms, self.events, took_s, counts, changes, self._more, unreadable)


def total(counts: Iterable[Count]) -> tuple[int, int]:
    """(new, current) of these rows together."""
    new = current = 0
    for count in counts:
        new += count.new
        current += count.current
    return new, current
