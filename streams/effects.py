"""What the core decided: the records of `outbox`.

`Decision` is what replay prints and people are told.  `Answer` is for a checkpoint's screen, `HouseholdSeen` for the
picture of the buildings, `Noted` for what a person should see beside an incident though nothing was decided.  A reason
is a word from a closed list with its values (`streams/words.py` says it in Chinese and English).
"""

from collections.abc import Mapping
from typing import Literal

import msgspec

Choice = Literal[
    "raised",
    "repeated",
    "page",
    "acknowledged",
    "acknowledgement-expired",
    "cleared",
    "closed",
    "matched",
    "rejected",
]


class Reason(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Why: a word of `streams/words.py` and the values its sentence names (times as ms UTC under keys ending _ms)."""

    word: str
    values: Mapping[str, str | int | float] = {}


class Cause(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The event behind a decision: device, the time trusted, the gateway's time.  `by` for a person's command."""

    device: str = ""
    at_ms: int | None = None
    received_ms: int | None = None
    event: str = ""
    by: str = ""


class Decision(msgspec.Struct, frozen=True, array_like=True, tag="D", gc=False):
    """One decision at `t_ms`.  Fields that a decision does not have are empty."""

    t_ms: int
    decision: Choice
    grid: str
    subject: str = ""
    kind: str = ""
    incident: str = ""
    reason: Reason = Reason("")
    role: str = ""
    step: int = 0
    page: str = ""  # the page's id, for `page`
    at_ms: int | None = None  # the event's own time, where it differs from t
    cause: Cause = Cause()
    by: str = ""
    disposition: str = ""
    note: str = ""
    topic: str = ""  # for a message that was rejected
    command: str = ""  # for a command that was rejected or carried out: its name
    command_id: str = ""
    count: int = 0  # how often the incident has happened, for raised and repeated
    where: str = ""  # what sort of subject: household, checkpoint, pass, building, grid, bridge, system


class Answer(msgspec.Struct, frozen=True, array_like=True, tag="A"):
    """What the checkpoint's screen shows for a reading: let pass, measure again, stop, or no reading."""

    t_ms: int
    grid: str
    checkpoint: str
    device: str
    subject: str
    verdict: Literal["pass", "again", "stop", "no-reading"]
    celsius: float
    limit_celsius: float
    site: str
    reason: Reason
    pass_id: str = ""
    readings: int = 1  # how many readings of this suspicion there were, 0 without one
    at_ms: int = 0
    same_person: bool = False  # taken as the person of the suspicious reading before it, though no pass says so


class HouseholdSeen(msgspec.Struct, frozen=True, array_like=True, tag="H", gc=False):
    """How a household stands, sent when any of it changed.  The desk's picture is the newest of these."""

    t_ms: int
    grid: str
    household: str
    watched: bool  # a case is isolating
    case_from_ms: int | None
    case_until_ms: int | None
    open: bool | None  # None: its door was never heard
    open_since_ms: int | None
    declared_until_ms: int | None
    silent: bool
    battery_low: bool
    tamper: bool
    incidents: list[str]  # kinds with an open incident, sorted
    declared_today: int = 0
    muted_until_ms: int | None = None
    devices: list[str] = []


class Noted(msgspec.Struct, frozen=True, array_like=True, tag="N"):
    """Something to show beside an incident or household that decided nothing: declared late, still open, snoozed …"""

    t_ms: int
    grid: str
    subject: str
    kind: str
    incident: str
    reason: Reason
    by: str = ""
    command: str = ""
    command_id: str = ""
    until_ms: int | None = None


Effect = Decision | Answer | HouseholdSeen | Noted
