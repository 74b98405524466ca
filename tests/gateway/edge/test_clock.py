from gateway.edge.clock import Clock

SECOND = 1_000_000_000


class Machine:
    wall = 1000 * SECOND
    passed = 0

    def pass_(self, seconds: float) -> None:
        self.wall += int(seconds * SECOND)
        self.passed += int(seconds * SECOND)

    def clock(self, **options) -> Clock:
        return Clock(wall_ns=lambda: self.wall, monotonic_ns=lambda: self.passed, **options)


def test_it_is_the_machines_time():
    machine = Machine()
    clock = machine.clock()
    machine.pass_(1.5)
    assert clock.now_ms() == 1_001_500


def test_set_forward_it_follows_at_once():
    machine = Machine()
    clock = machine.clock()
    machine.wall += 3600 * SECOND
    assert clock.now_ms() == 4_600_000


def test_set_back_it_goes_on_a_little_slower_until_they_agree():
    machine = Machine()
    clock = machine.clock()
    machine.wall -= 60 * SECOND
    times = []
    for _ in range(700):
        machine.pass_(1)
        times.append(clock.now_ms())
    assert times == sorted(times)
    assert times[0] == 1_000_900
    assert times[99] == 1_090_000
    assert times[-1] == machine.wall // 1_000_000  # ten minutes later nothing is left of it


def test_a_restart_does_not_go_behind_what_was_written():
    machine = Machine()
    clock = machine.clock(not_before_ms=1_005_000)
    assert clock.now_ms() == 1_005_000
    machine.pass_(1)
    assert clock.now_ms() == 1_005_900
