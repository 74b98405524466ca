"""kill -9 at random moments of a real process, while another one writes its inbox: as if nothing had happened."""

import subprocess
import sys
import time
from pathlib import Path
from random import Random

import pytest

from streams.edge.doorbell import Bell
from tests.streams.edge.boxes import Box, expected, in_frames
from tests.streams.edge.scripts import script

ROOT = Path(__file__).resolve().parents[3]
KILLS = 15

PROCESS = """
import sys
from pathlib import Path
from tests.streams.edge.boxes import Box, policy, standing_clock
from streams.edge import streams_db
from streams.edge.local import LocalRuntime
streams_db.BUSY = 50  # so that many are killed while the core's memory is moved to its place
runtime = LocalRuntime(folder=Path(sys.argv[1]), policy=policy(), clock=standing_clock())
print("ready", flush=True)
runtime.run()
"""


def start(folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", PROCESS, str(folder)], cwd=ROOT, stdout=subprocess.PIPE)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", [20200216])
def test_killed_again_and_again_it_decides_the_same_once(tmp_path, seed):
    random = Random(seed)
    records = script(seed, 2_500)
    frames = in_frames(records, 4)
    box = Box(tmp_path)
    bell = Bell(tmp_path / "bell", "inbox")
    process = start(tmp_path)
    kills_in_work = 0
    try:
        sent = 0
        for _ in range(KILLS):
            assert process.stdout.readline() == b"ready\n"
            # Some die in the middle of work, some while they wait, some with work waiting for them.
            until = min(len(frames), sent + random.randrange(len(frames) // KILLS * 2))
            die_at = random.randrange(sent, until + 1)
            while sent < until:
                box.put(frames[sent])
                sent += 1
                bell.ring()
                if sent == die_at:
                    time.sleep(random.random() * 0.01)
                    process.kill()
            process.kill()
            process.wait()
            done = box.ask("SELECT offset FROM cursors WHERE log = 'inbox'")
            kills_in_work += bool(done and done[0][0] < sent)
            process = start(tmp_path)
        assert process.stdout.readline() == b"ready\n"
        box.put(*frames[sent:])
        end_s = time.monotonic() + 60
        while box.ask("SELECT offset FROM cursors WHERE log = 'inbox'") != [(len(frames),)]:
            assert time.monotonic() < end_s
            time.sleep(0.05)
    finally:
        process.kill()
        process.wait()
        bell.close()
    effects, remembered = expected(records)
    assert box.decided() == effects
    assert box.remembered() == remembered
    assert kills_in_work > KILLS // 4, "kills that hit nothing show nothing"
    box.close()
