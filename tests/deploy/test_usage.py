"""What a process uses."""

import os

from deploy.usage import of_process


def test_this_process_uses_memory_and_time():
    used = of_process(os.getpid())
    assert used is not None
    assert 0 < used.own_mb <= used.resident_mb < 4096
    before = used.cpu_s
    while of_process(os.getpid()).cpu_s == before:
        sum(range(100_000))


def test_a_process_that_is_not_there():
    assert of_process(2**22 - 1) is None
