"""The test of a sensor that is being fitted: "open and close the door now".

What it proves: that this sensor is heard at all (path), as the sensor of this very door, that open is open and closed
is closed (polarity), and how long its word takes.  Only then may its household be watched.  Times are milliseconds UTC.
"""

from collections.abc import Sequence
from typing import Literal

import msgspec

from devices.fleet import Device

TEST_MS = 2 * 60_000
# A radio contact that can only say open is given so long to say closed all the same.
NEVER_CLOSES_MS = 20_000
# A sensor's own clock that is off by more tells nothing of how long its word took.
CLOCK_USABLE_MS = 10 * 60_000

State = Literal["waiting", "opened", "passed", "reversed", "over"]


class Word(msgspec.Struct, frozen=True):
    """What a contact said: at the gateway's time, on the desk since `seen_ms`, `device_ms` by its own clock."""

    received_ms: int
    open: bool
    seen_ms: int
    device_ms: int | None = None


class Verdict(msgspec.Struct, frozen=True):
    """How the test stands.

    `opening_ms` is how long after the beginning it was heard to open.  `own_clock_ms`: how long that word took to the
    gateway by the sensor's own clock, where it can be believed.  `to_desk_ms`: from the gateway to this screen.
    """

    state: State
    says_open: bool | None = None
    opening_ms: int | None = None
    own_clock_ms: int | None = None
    to_desk_ms: int | None = None


def only_opens(device: Device) -> bool:
    """Whether it is a contact of a kind that may know no word for closed: one code of a 433 MHz bridge."""
    address = device.address.lower()
    by_radio = device.format == "tasmota" and bool(address) and not address.startswith("switch")
    return by_radio and "closed_code" not in device.options


def judge(words: Sequence[Word], begun_ms: int, now_ms: int, *, may_never_close: bool = False) -> Verdict:
    """The verdict on what was heard since `begun_ms`.

    The door was closed when the test began: so its first word is that it opens, and its last that it is closed.  One
    whose first word is closed and whose next is open is wired, or written down, the other way round.
    """
    heard: list[Word] = []
    for word in words:
        inside = begun_ms <= word.received_ms <= begun_ms + TEST_MS
        if inside and (not heard or heard[-1].open != word.open):
            heard.append(word)
    over = now_ms > begun_ms + TEST_MS
    if not heard:
        return Verdict("over" if over else "waiting")
    first, last = heard[0], heard[-1]
    if not first.open:
        return Verdict("reversed" if len(heard) > 1 else "over" if over else "waiting", last.open)
    state: State = "over" if over else "opened"
    if not last.open or (may_never_close and now_ms - first.received_ms >= NEVER_CLOSES_MS):
        state = "passed"
    own_ms = None if first.device_ms is None else first.received_ms - first.device_ms
    return Verdict(
        state,
        last.open,
        opening_ms=first.received_ms - begun_ms,
        own_clock_ms=own_ms if own_ms is not None and abs(own_ms) <= CLOCK_USABLE_MS else None,
        to_desk_ms=max(0, first.seen_ms - first.received_ms),
    )
