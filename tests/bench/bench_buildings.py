"""The picture of 3,000 households on a phone a quarter as fast as this machine: how soon it lives, how it scrolls.

python -m pytest tests/bench/bench_buildings.py -m bench -s
"""

import time
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import Screen
from tests.desk_story import Story
from tests.desk_world import Served, World

SLOWER = 4
FRAMES = 120
HOME = "g017/1/0301"
SCROLL = """(frames) => new Promise((done) => {
  const gaps = []; let last = performance.now();
  function step() {
    const now = performance.now(); gaps.push(now - last); last = now; window.scrollBy(0, 120);
    if (gaps.length < frames) requestAnimationFrame(step); else done(gaps.sort((a, b) => a - b));
  }
  requestAnimationFrame(step);
})"""


def towers(story: Story) -> None:
    """25 towers of 30 floors; a fifth of the homes has a case."""
    for building in range(1, 26):
        for floor in range(1, 31):
            for door in range(1, 5):
                home = f"g017/{building}/{floor:02d}{door:02d}"
                if (building + floor + door) % 5 == 0:
                    story.case(home)
                else:
                    story.sensor(home)


@pytest.mark.bench
@pytest.mark.timeout(300)
def test_the_picture_of_3000_households(tmp_path: Path, browser: Any) -> None:
    world = World(tmp_path, towers)
    with Served(world) as served:
        screen = Screen(served, browser, "worker-night", "phone", "zh")
        page = screen.page
        screen.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
        began_s = time.monotonic()
        answer = page.goto(f"{served.address}/g/g017/buildings")
        page.wait_for_selector('#live[data-state="live"]')
        live_s = time.monotonic() - began_s
        gaps = page.evaluate(SCROLL, FRAMES)
        began_s = time.monotonic()
        world.story.door(HOME, open=True)
        page.wait_for_selector(f'[data-h="{HOME}"].incident', state="attached")
        changed_s = time.monotonic() - began_s
        cells = page.locator("#picture .cell").count()
        print(
            f"\n{cells} cells, {len(answer.body()) / 1000:.0f} kB before compression; live after {live_s:.1f} s; "
            f"a frame while scrolling p50 {gaps[FRAMES // 2]:.0f}, p90 {gaps[FRAMES * 9 // 10]:.0f}, "
            f"worst {gaps[-1]:.0f} ms; a change shown after {changed_s * 1000:.0f} ms"
        )
        screen.context.close()
    world.close()
    assert cells == 3000
