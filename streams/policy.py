"""The policy: every number and every ladder of the domain, as rows.  `deploy/policy.toml` holds the defaults.

Read from a file by `streams/edge/policy_file.py`, which complains of a policy that would silence something.  Times in
the rows carry their unit in the name; the zone is an object, so that no rule needs to look one up.
"""

from datetime import tzinfo
from functools import lru_cache
from typing import Literal, get_args

import msgspec

Kind = Literal[
    "undeclared-opening",
    "left-open",
    "lost-openings",
    "tamper",
    "sensor-silent",
    "low-battery",
    "suspect-reading",
    "fever",
    "home-fever",
    "missed-visit",
    "missed-call",
    "overdue-check",
    "fever-cluster",
    "bridge-down",
    "area-silent",
    "chattering",
    "system",
]
KINDS: tuple[Kind, ...] = get_args(Kind)

# Kinds that stay until a person closes them: an acknowledgement that leads to nothing expires, and the supervisor is
# told of one that nobody closes.  All others close by themselves once their condition has ended.
WANT_A_PERSON = frozenset({"undeclared-opening", "lost-openings", "tamper", "fever", "home-fever", "fever-cluster"})
FEVERS = frozenset({"fever", "home-fever", "fever-cluster"})

MINUTE_MS = 60_000
HOUR_MS = 3_600_000
DAY_MS = 86_400_000


class Rung(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a ladder after step 0: due `after_min` from the raising, or at the n-th opening within a window."""

    roles: tuple[str, ...]
    after_min: float | None = None
    openings: int | None = None
    within_min: float | None = None


class Ladder(msgspec.Struct, frozen=True, kw_only=True):
    """Who is paged about one kind: at once (step 0), then step by step; `hours` as minutes of the day, or None."""

    page: tuple[str, ...]
    steps: tuple[Rung, ...] = ()
    hours_min: tuple[int, int] | None = None
    hold_s: float = 0


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """A permitted daily window, minutes of the day; `grid` "" means every grid."""

    from_min: int
    to_min: int
    grid: str = ""


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """All rows.  See `deploy/policy.toml` for what each one means to the people on duty."""

    zone: tzinfo
    ladders: dict[str, Ladder]
    permitted: tuple[Window, ...] = ()

    limits_celsius: dict[str, float]  # by site; "" is "not said"
    plausible_low_celsius: float
    plausible_high_celsius: float
    ambient_low_celsius: float
    ambient_high_celsius: float
    fever_at_once_celsius: float
    confirm_celsius: float
    reading_window_min: float
    same_person_s: float
    suspicion_closes_min: float

    opening_cleared_min: float
    left_open_min: float
    left_open_least_min: float
    late_s: float
    late_page_only_min: float

    resident_declares_min: float
    worker_declares_min: float
    declared_late_min: float
    declarations_shown_after: int

    silent_intervals: float
    silent_least_min: float
    offline_min: float
    unproven_h: float
    area_sensors: int
    area_share: float
    area_least: int
    area_heard_share: float

    battery_low_percent: float
    battery_well_percent: float
    chatter_toggles: int
    chatter_within_min: float
    chatter_quiet_min: float

    cluster_subjects: int
    cluster_within_h: float
    visit_morning_min: int
    visit_afternoon_min: int
    call_late_min: float

    acknowledgement_min: float
    not_closed_min: float
    mute_most_min: float
    snooze_most_min: float

    clock_ahead_s: float
    clock_behind_h: float
    clock_window_h: float
    clock_agree_s: float
    clock_messages: int
    clock_apart_s: float

    def limit_celsius(self, site: str) -> float:
        """The limit of a body site; an unknown one is "not said"."""
        limit = self.limits_celsius.get(site)
        return self.limits_celsius[""] if limit is None else limit


# Asked at every message, always for the same few numbers.
@lru_cache(1024)
def minutes_ms(minutes: float) -> int:
    """Minutes as whole milliseconds."""
    return round(minutes * MINUTE_MS)


@lru_cache(1024)
def seconds_ms(seconds: float) -> int:
    """Seconds as whole milliseconds."""
    return round(seconds * 1000)


@lru_cache(1024)
def hours_ms(hours: float) -> int:
    """Hours as whole milliseconds."""
    return round(hours * HOUR_MS)
