"""A bad clock hurts nobody, not even its own device: how far a device's clock is off is learnt from its messages.

difference = gateway time - device time.  A message cannot arrive before it was sent, so the smallest difference of the
last 24 h is the clock's error plus the quickest way, and trusted time = device time + that skew.  What lies above it
is lateness.  A clock that was set anew shows itself by several live messages that agree on another difference.
"""

from typing import NamedTuple

from streams.policy import Policy, hours_ms, seconds_ms
from streams.state import DeviceClock

_MOST_KEPT = 24


class Trusted(NamedTuple):
    """The time trusted, how late the message was (0 when not late), and the clock with this message learnt."""

    at_ms: int
    late_ms: int
    clock: DeviceClock


def trust(clock: DeviceClock, device_ms: int | None, received_ms: int, live: bool, policy: Policy) -> Trusted:
    """The time to trust for a message that claims `device_ms` and arrived at `received_ms`."""
    if device_ms is None:
        return Trusted(received_ms, 0, clock)
    difference = received_ms - device_ms
    if difference < -seconds_ms(policy.clock_ahead_s) or difference > hours_ms(policy.clock_behind_h):
        return Trusted(received_ms, 0, clock)
    if live:
        clock = _learn(clock, difference, received_ms, policy)
    skew = difference if clock.skew_ms is None else clock.skew_ms
    late = difference - skew
    return Trusted(device_ms + skew, late if late > seconds_ms(policy.late_s) else 0, clock)


def _learn(clock: DeviceClock, difference: int, received_ms: int, policy: Policy) -> DeviceClock:
    horizon = received_ms - hours_ms(policy.clock_window_h)
    least = [pair for pair in clock.least if pair[0] >= horizon and pair[1] < difference]
    least.append((received_ms, difference))
    if len(least) > _MOST_KEPT:
        # The one whose loss changes least: the younger of the two neighbours that are closest together.
        drop = min(range(1, len(least) - 1), key=lambda i: least[i][1] - least[i - 1][1])
        del least[drop]
    skew = least[0][1]
    agree = seconds_ms(policy.clock_agree_s)
    if difference - skew <= agree:
        return DeviceClock(skew, tuple(least), ())
    candidate = clock.candidate
    if candidate and received_ms - candidate[-1][0] < seconds_ms(policy.clock_apart_s):
        return DeviceClock(skew, tuple(least), candidate)
    others = [pair[1] for pair in candidate] + [difference]
    candidate = (
        (*candidate, (received_ms, difference)) if max(others) - min(others) <= agree else ((received_ms, difference),)
    )
    if len(candidate) >= policy.clock_messages:
        best = min(candidate, key=lambda pair: pair[1])
        return DeviceClock(best[1], (best, *(p for p in candidate if p[0] > best[0] and p[1] > best[1])), ())
    return DeviceClock(skew, tuple(least), candidate)
