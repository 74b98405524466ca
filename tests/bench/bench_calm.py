"""What one box costs when nothing much happens: 3,000 households on their own connections, at the pace of clocks.

`python -m pytest -m bench tests/bench/bench_calm.py -s`.  Under 300 MB for all processes together, the simulated
compound among them, and under 5 % of one core; from the start to ready in under 5 s.
"""

import time

import pytest

from deploy.demo import Demo

pytestmark = pytest.mark.bench

HOUSEHOLDS = 3000
CONNECTED_WITHIN_S = 60.0
CALM_S = 60.0


@pytest.mark.timeout(300)
def test_three_thousand_households_and_their_simulator(tmp_path):
    demo = Demo(tmp_path, headless=True, seconds=None, households=HOUSEHOLDS, seed=7, pace=1.0)
    try:
        demo.start()
        ready_s = demo.ready_s
        end_s = time.monotonic() + CONNECTED_WITHIN_S
        while demo.stats().get("connected", 0) < HOUSEHOLDS and time.monotonic() < end_s:
            time.sleep(0.5)
        time.sleep(10)
        before, sent, began_s = demo.used(), demo.stats()["sent"], time.monotonic()
        time.sleep(CALM_S)
        after, seconds = demo.used(), time.monotonic() - began_s
        seen = demo.stats()
        demo.stop()
    finally:
        demo.kill()
    rate = (seen["sent"] - sent) / seconds
    names = [name for name in after if name != "demo"]  # that is this test
    print(f"\nready after {ready_s:.1f} s; {seen['connected']} connected; {rate:.1f} messages/s")
    percent = {name: (after[name].cpu_s - before[name].cpu_s) / seconds * 100 for name in names}
    for name in names:
        use = after[name]
        print(
            f"  {name:<12} {percent[name]:5.2f} % of a core, {use.own_mb:6.1f} MB ({use.resident_mb:.1f} MB resident)"
        )
    whole = sum(after[name].own_mb for name in names)
    print(f"  {'together':<12} {sum(percent.values()):5.2f} % of a core, {whole:6.1f} MB "
          f"({sum(after[name].resident_mb for name in names):.1f} MB resident)")  # fmt: skip
    assert seen["connected"] > HOUSEHOLDS
    assert whole < 300
    assert sum(percent.values()) < 5
    assert ready_s < 5
