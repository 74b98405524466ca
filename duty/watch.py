"""The outside watchdog's mind: when a box counts as dead, and when that is told.

A box that has not said "well" for three minutes is dead.  It is told once, again every half hour while it lasts, and
once more when it is back.
"""

from typing import Literal

import msgspec
from msgspec.structs import replace

DEAD_AFTER_MS = 180_000
AGAIN_EVERY_MS = 1_800_000

Word = Literal["dead", "still-dead", "back"]


class Watch(msgspec.Struct, frozen=True):
    """`good_ms`: when it was last known to be well, or the watch began.  `told_ms`: when its death was last told."""

    good_ms: int
    told_ms: int | None = None


def looked(
    watch: Watch,
    well: bool,
    at_ms: int,
    *,
    dead_after_ms: int = DEAD_AFTER_MS,
    again_every_ms: int = AGAIN_EVERY_MS,
) -> tuple[Watch, Word | None]:
    """One look at the box; what is to be told now."""
    if well:
        return Watch(at_ms), "back" if watch.told_ms is not None else None
    if at_ms - watch.good_ms < dead_after_ms:
        return watch, None
    if watch.told_ms is None:
        return replace(watch, told_ms=at_ms), "dead"
    if at_ms - watch.told_ms >= again_every_ms:
        return replace(watch, told_ms=at_ms), "still-dead"
    return watch, None


def not_told(watch: Watch) -> Watch:
    """No channel took it: the next look tells it again."""
    return replace(watch, told_ms=None)
