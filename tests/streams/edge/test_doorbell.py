import os
import subprocess
import sys
import textwrap
import time

import pytest

from streams.edge.doorbell import Bell, Doorbell


@pytest.fixture(params=["short", "a folder with a name so long that no socket address could hold it" * 2])
def folder(request, tmp_path):
    return tmp_path / request.param / "bell"


def test_a_ring_wakes_the_reader(folder):
    door = Doorbell(folder, "streams", ["inbox"])
    bell = Bell(folder, "inbox")
    assert not door.wait(0)
    bell.ring()
    assert door.wait(60)
    assert not door.wait(0)


def test_only_readers_of_the_log_are_woken(folder):
    streams, desk, sink = (
        Doorbell(folder, "streams", ["inbox"]),
        Doorbell(folder, "desk", ["outbox"]),
        Doorbell(folder, "sink", ["inbox", "outbox"]),
    )
    Bell(folder, "inbox").ring()
    assert (streams.drain(), desk.drain(), sink.drain()) == (True, False, True)


def test_many_rings_are_one_waking(folder):
    door = Doorbell(folder, "streams", ["inbox"])
    bell = Bell(folder, "inbox")
    for _ in range(5000):  # far more than the kernel keeps: ringing must not wait
        bell.ring()
    assert door.wait(0)
    assert not door.wait(0)


def test_nobody_there_harms_nothing(folder):
    bell = Bell(folder, "inbox")
    bell.ring()
    door = Doorbell(folder, "streams", ["inbox"])
    bell._look_at = 0
    bell.ring()
    assert door.drain()
    door.close()
    bell.ring()
    assert os.listdir(folder) == []


def test_a_reader_that_was_killed_finds_its_place_again(folder):
    program = f"""
        from pathlib import Path
        from streams.edge.doorbell import Doorbell
        door = Doorbell(Path({str(folder)!r}), "streams", ["inbox"])
        print("there", flush=True)
        door.wait(60)
    """
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(program)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    process.kill()
    process.wait()
    bell = Bell(folder, "inbox")
    bell.ring()
    door = Doorbell(folder, "streams", ["inbox"])
    bell.ring()
    assert door.wait(60)


def test_waiting_ends_at_its_time(folder):
    door = Doorbell(folder, "streams", ["inbox"])
    begin = time.monotonic()
    assert not door.wait(0.05)
    assert time.monotonic() - begin > 0.04


def test_those_on_the_way_of_a_page_are_rung_first(folder):
    readers = [Doorbell(folder, name, ["inbox"]) for name in ("desk", "sink", "streams")]
    bell = Bell(folder, "inbox")
    bell.ring()
    names = [address.rpartition("/")[2] for address in bell._addresses]
    assert names == ["streams.inbox", "desk.inbox", "sink.inbox"]
    for one in (bell, *readers):
        one.close()
