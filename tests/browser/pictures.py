"""The pictures of the README: each screen at a phone's size, of the same night, made by the tests.

./threshold test tests/browser/test_pictures.py                       into build/pictures, to look at
THRESHOLD_PICTURES=docs/pictures ./threshold test tests/browser/test_pictures.py      the README's own, again
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.browser.conftest import Screen
from tests.desk_world import Served
from tests.house.tree import ROOT

KEPT = ROOT / "docs" / "pictures"


def folder() -> Path:
    """Where they are written."""
    return ROOT / os.environ.get("THRESHOLD_PICTURES", "build/pictures")


def as_it_is(screen: Screen) -> None:
    """The page as it opens."""


def live(screen: Screen) -> None:
    screen.page.wait_for_selector('#live[data-state="live"]')


def closing(screen: Screen) -> None:
    """The two taps that settle a matter."""
    live(screen)
    screen.page.locator("article", has_text="3 栋 1203").get_by_text("处置完成").click()
    screen.page.locator("#sheet-done").wait_for()


def measured(celsius: float, verdict: str) -> Callable[[Screen], None]:
    """The answer to a reading of the gun."""

    def at(screen: Screen) -> None:
        live(screen)
        story = screen.served.world.story
        story.wait(0.1)
        story.gun("g017/north", celsius)
        screen.page.wait_for_selector(f'#answer[data-verdict="{verdict}"]')

    return at


def not_live(screen: Screen) -> None:
    """The network is gone."""
    live(screen)
    screen.context.set_offline(True)
    screen.page.wait_for_selector("#stale:not([hidden])")


# (name, who looks, address, what happens before the picture); {resident} is a household's own link.
PICTURES: tuple[tuple[str, str, str, Callable[[Screen], None]], ...] = (
    ("board", "worker-night", "/board", live),
    ("done", "worker-night", "/board", closing),
    ("not-live", "worker-night", "/board", not_live),
    ("buildings", "worker-night", "/g/g017/buildings", live),
    ("household", "worker-night", "/g/g017/h/3/1203", live),
    ("checkpoint-pass", "guard", "/g/g017/c/north", measured(36.4, "pass")),
    ("checkpoint-again", "guard", "/g/g017/c/north", measured(37.0, "again")),
    ("resident", "", "{resident}", as_it_is),
    ("overview", "supervisor", "/overview", as_it_is),
    ("handover", "supervisor", "/g/g017/handover", as_it_is),
    ("roster", "supervisor", "/roster", as_it_is),
    ("policy", "admin", "/policy", as_it_is),
)


def take(served: Served, browser: Any, into: Path) -> None:
    """All of them."""
    into.mkdir(parents=True, exist_ok=True)
    world = served.world
    now_ms = world.clock_ms()
    token = world.links.give_resident("g017/3/1203", "none", until_ms=now_ms + 8 * 86_400_000, now_ms=now_ms)
    for name, who, address, before in PICTURES:
        screen = Screen(served, browser, who, "phone", "zh")
        try:
            screen.go(address.format(resident=f"/r/{token}"))
            before(screen)
            screen.page.evaluate("document.fonts.ready")
            screen.page.screenshot(path=into / f"{name}.png", animations="disabled")
        finally:
            screen.context.close()
