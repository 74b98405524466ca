"""A bad clock hurts nobody, not even its own device."""

import random

from streams.device_clock import trust
from streams.state import DeviceClock
from tests.streams.core import POLICY

MIN, HOUR = 60_000, 3_600_000
T = 1_581_816_600_000


def feed(pairs: list[tuple[int, int]], clock: DeviceClock | None = None, live: bool = True) -> list[tuple[int, int]]:
    """(received, device) pairs in ms after T → (trusted after T, late)."""
    clock = clock or DeviceClock()
    out: list[tuple[int, int]] = []
    for received, device in pairs:
        trusted = trust(clock, T + device, T + received, live, POLICY)
        clock = trusted.clock
        out.append((trusted.at_ms - T, trusted.late_ms))
    return out


def test_the_first_message_is_trusted_to_be_on_time() -> None:
    assert feed([(0, -3 * HOUR)]) == [(0, 0)]


def test_late_is_what_lies_above_the_smallest_difference() -> None:
    assert feed([(0, -HOUR), (10 * MIN, -HOUR)]) == [(0, 0), (0, 10 * MIN)]


def test_two_minutes_are_not_late() -> None:
    assert feed([(0, 0), (3 * MIN, MIN)])[1] == (MIN, 0)
    assert feed([(0, 0), (3 * MIN + 1, MIN)])[1] == (MIN, 2 * MIN + 1)


def test_a_time_too_far_off_is_not_used() -> None:
    assert feed([(0, 2 * MIN + 1)]) == [(0, 0)]
    assert feed([(0, 2 * MIN)]) == [(0, 0)]
    assert feed([(0, -24 * HOUR - 1)]) == [(0, 0)]
    assert feed([(0, 0), (HOUR, HOUR - 24 * HOUR - 1)])[1] == (HOUR, 0)


def test_a_smaller_difference_is_learnt_at_once() -> None:
    assert feed([(0, -HOUR), (MIN, MIN)]) == [(0, 0), (MIN, 0)]


def test_a_clock_set_anew_is_learnt_from_five_messages_that_agree() -> None:
    jumped = [(n * MIN, n * MIN - HOUR) for n in range(1, 7)]
    late = [late for _, late in feed([(0, 0), *jumped])]
    assert late == [0, HOUR, HOUR, HOUR, HOUR, 0, 0]


def test_messages_less_than_a_minute_apart_do_not_count() -> None:
    burst = [(MIN + n * 1000, MIN + n * 1000 - HOUR) for n in range(10)]
    assert all(late == HOUR for _, late in feed([(0, 0), *burst])[1:])


def test_a_message_on_time_ends_the_doubt() -> None:
    pairs = [(0, 0), *[(n * MIN, n * MIN - HOUR) for n in range(1, 5)], (5 * MIN, 5 * MIN),
             *[(n * MIN, n * MIN - HOUR) for n in range(6, 10)]]  # fmt: skip
    assert feed(pairs)[-1][1] == HOUR


def test_a_retained_message_teaches_nothing() -> None:
    trusted = trust(DeviceClock(), T - HOUR, T, False, POLICY)
    assert trusted.clock == DeviceClock()


def test_what_was_learnt_is_forgotten_after_a_day() -> None:
    assert feed([(0, 0), (25 * HOUR, 24 * HOUR)])[1] == (25 * HOUR, 0)


def test_a_drifting_clock_keeps_little() -> None:
    clock = DeviceClock()
    for n in range(5000):
        clock = trust(clock, T + n * 1000 - n * 3, T + n * 1000, True, POLICY).clock
    assert len(clock.least) <= 24
    assert clock.skew_ms == 0


def test_trusted_time_is_never_in_the_future() -> None:
    for device in (-5 * MIN, -MIN, 0, MIN, 2 * MIN):
        at_ms = trust(DeviceClock(), T + device, T, True, POLICY).at_ms
        assert at_ms <= T


def test_what_is_kept_gives_the_smallest_of_the_window() -> None:
    chosen = random.Random(5)
    for _ in range(20):
        clock, seen = DeviceClock(), []
        for n in range(60):
            received, difference = n * HOUR, chosen.randrange(0, 100_000)
            seen.append((received, difference))
            clock = trust(clock, T + received - difference, T + received, True, POLICY).clock
            assert clock.skew_ms == min(each for at, each in seen if at >= received - 24 * HOUR)


def test_a_clock_learnt_anew_goes_on_from_the_smallest_of_those_that_agreed() -> None:
    late = (5000, 3000, 4000, 1000, 2000)
    pairs = [(n * MIN, n * MIN - HOUR - more) for n, more in enumerate(late, start=1)]
    clock = DeviceClock()
    for received, device in [(0, 0), *pairs]:
        clock = trust(clock, T + device, T + received, True, POLICY).clock
    assert clock.skew_ms == HOUR + 1000
    assert clock.least == ((T + 4 * MIN, HOUR + 1000), (T + 5 * MIN, HOUR + 2000))
