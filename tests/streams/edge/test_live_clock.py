"""Time for timers and for what the gateway writes: forwards only, and never standing still."""

from random import Random

import pytest

from streams.edge.live_clock import LiveClock, apart_ms


class World:
    def __init__(self, wall_ms: int = 1_000_000) -> None:
        self.wall_ms = wall_ms
        self.passed_s = 0.0

    def clock(self) -> LiveClock:
        return LiveClock(wall_ms=lambda: self.wall_ms, passing_s=lambda: self.passed_s)

    def sleep(self, seconds: float) -> None:
        self.passed_s += seconds
        self.wall_ms += round(seconds * 1000)


def test_it_is_the_wall_clock_while_that_is_right():
    world = World()
    clock = world.clock()
    for _ in range(10):
        world.sleep(1.5)
        assert clock.now_ms() == world.wall_ms
    assert clock.behind_ms() == 0


def test_a_jump_ahead_is_followed():
    world = World()
    clock = world.clock()
    clock.now_ms()
    world.wall_ms += 3_600_000
    assert clock.now_ms() == world.wall_ms


def test_a_clock_set_back_holds_up_no_ladder():
    """Five minutes are at most 20 s longer, though the wall clock went back an hour."""
    world = World()
    clock = world.clock()
    before_ms = clock.now_ms()
    world.wall_ms -= 3_600_000
    world.sleep(300)
    assert 280_000 <= clock.now_ms() - before_ms <= 300_000
    assert clock.behind_ms() > 3_500_000


def test_a_small_step_back_is_made_good():
    world = World()
    clock = world.clock()
    clock.now_ms()
    world.wall_ms -= 1_000
    for _ in range(20):
        world.sleep(1)
        clock.now_ms()
    assert clock.now_ms() == world.wall_ms


def test_it_goes_on_from_where_the_last_process_was():
    world = World()
    clock = world.clock()
    clock.not_before(2_000_000)
    assert clock.now_ms() == 2_000_000
    world.sleep(16)
    assert clock.now_ms() == 2_015_000


def test_it_never_goes_back():
    random = Random(1)
    world = World()
    clock = world.clock()
    last_ms = clock.now_ms()
    for _ in range(2_000):
        world.sleep(random.random())
        world.wall_ms += random.randrange(-5_000, 5_000)
        assert clock.now_ms() >= last_ms
        last_ms = clock.now_ms()


@pytest.mark.parametrize(
    ("theirs_ms", "ahead_ms"), [(1_000, 0), (4_000, 0), (9_000, 0), (9_001, 1), (15_000, 6_000), (400, -600)]
)
def test_another_clock_is_apart_only_as_far_as_the_wait_for_it_cannot_explain(theirs_ms: int, ahead_ms: int) -> None:
    assert apart_ms(theirs_ms, before_ms=1_000, after_ms=9_000) == ahead_ms
