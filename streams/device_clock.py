"""A bad clock hurts nobody, not even its own device: how far a device's clock is off is learnt from its messages.

difference = gateway time - device time.  A message cannot arrive before it was sent, so the smallest difference of the
last 24 h is the clock's error plus the quickest way, and trusted time = device time + that skew.  What lies above it
is lateness.  A clock that was set anew shows itself by several live messages that agree on another difference.
"""

from typing import NamedTuple

from streams.policy import Policy, hours_ms, seconds_ms
from streams.state import DeviceClock

_MOST_KEPT = 24

Pairs = tuple[tuple[int, int], ...]  # (received_ms, difference_ms)


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
    least = _least(clock.least, received_ms, difference, received_ms - hours_ms(policy.clock_window_h))
    skew = least[0][1]
    agree = seconds_ms(policy.clock_agree_s)
    if difference - skew <= agree:
        return DeviceClock(skew, least, ())
    candidate = clock.candidate
    if candidate and received_ms - candidate[-1][0] < seconds_ms(policy.clock_apart_s):
        return DeviceClock(skew, least, candidate)
    others = [pair[1] for pair in candidate] + [difference]
    candidate = (
        (*candidate, (received_ms, difference)) if max(others) - min(others) <= agree else ((received_ms, difference),)
    )
    if len(candidate) >= policy.clock_messages:
        anew: Pairs = ()
        for at_ms, each in candidate:
            anew = _least(anew, at_ms, each, 0)
        return DeviceClock(min(pair[1] for pair in candidate), anew, ())
    return DeviceClock(skew, least, candidate)


def _least(pairs: Pairs, received_ms: int, difference: int, horizon_ms: int) -> Pairs:
    """The pairs that are, or may yet become, the smallest of the window: in order of time, each larger than the one
    before it."""
    begin, end = 0, len(pairs)
    while end and pairs[end - 1][1] >= difference:
        end -= 1
    while begin < end and pairs[begin][0] < horizon_ms:
        begin += 1
    least = (*pairs[begin:end], (received_ms, difference))
    if len(least) > _MOST_KEPT:
        # The one whose loss changes least: the younger of the two neighbours that are closest together.
        drop = min(range(1, len(least) - 1), key=lambda i: least[i][1] - least[i - 1][1])
        least = least[:drop] + least[drop + 1 :]
    return least
