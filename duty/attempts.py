"""One try to tell one person of one page by one channel, and what the channel answered."""

from hashlib import blake2b
from typing import Literal, get_args

import msgspec

# accepted: the channel took it, and says so.  unknown: handed over, and nobody can say what became of it.
# try-later: not now.  gave-up: not like this, however often it is tried.
Outcome = Literal["accepted", "unknown", "try-later", "gave-up"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """`outcome` is "" while it is under way.  Pages told in one message share `bundle`.  `repeat`: the desk cannot know
    whether the same page was told to the same person by the same channel before (it died in the middle)."""

    id: str
    page: str
    incident: str
    grid: str
    role: str
    person: str
    channel: str
    kind: str  # of the channel
    started_ms: int
    finished_ms: int | None = None
    outcome: Outcome | Literal[""] = ""
    detail: str = ""
    repeat: bool = False
    bundle: str = ""


def attempt_id(page: str, person: str, number: int) -> str:
    """24 hexadecimal digits, the same for the n-th try to tell this person of this page."""
    return blake2b(f"{page}\0{person}\0{number}".encode(), digest_size=12, key=b"attempt").hexdigest()
