"""axe-core, an accessibility checker that many others trust, finds nothing serious on any screen, light or dark."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests import servers
from tests.browser.conftest import Screen, hold_still
from tests.browser.pictures import as_it_is, closing, live, measured, not_live
from tests.browser.test_screens import SCREENS
from tests.desk_world import Served, World

pytestmark = [pytest.mark.live, pytest.mark.timeout(900)]  # axe-core comes from npm


@pytest.fixture(scope="module")
def axe() -> str:
    script = servers.cache() / "npm" / "node_modules" / "axe-core" / "axe.min.js"
    if not script.exists():
        raise servers.Missing("axe-core of npm")
    return script.read_text("utf-8")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    world = World(tmp_path_factory.mktemp("accessibility"))
    with Served(world) as running:
        yield running
    world.close()


def look_at(screen: Screen, axe: str, name: str, address: str) -> list[str]:
    page = screen.go(address)
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    return complaints(page, axe, name)


def complaints(page: Any, axe: str, name: str) -> list[str]:
    hold_still(page)
    page.evaluate(axe)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{name}: {each['id']} ({each['impact']}): {each['help']}: {node['html'][:120]}"
        for each in found["violations"]
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"][:3]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_serious_on_any_screen(served: Served, browser: Any, axe: str, scheme: str) -> None:
    wrong: list[str] = []
    links = served.world.links
    now_ms = served.world.clock_ms()
    token = links.give_resident("g017/3/1203", "none", until_ms=now_ms + 86_400_000, now_ms=now_ms)
    screens = (*SCREENS, ("resident", "", f"/r/{token}"), ("void", "", "/r/none"), ("answer", "", "/a/none"))
    for login in dict.fromkeys(who for _, who, _ in screens):
        # A checker is no page of ours: the page's own rules against foreign scripts do not hold for it.
        screen = Screen(served, browser, login, "phone", "zh", color_scheme=scheme, bypass_csp=True)
        for name, who, address in screens:
            if who == login:
                wrong += look_at(screen, axe, name, address)
        screen.context.close()
    assert not wrong, "\n".join(wrong)


def paged(screen: Screen) -> None:
    """A page comes in: its card is marked, a message says so."""
    live(screen)
    story = screen.served.world.story
    home = next(each for each in ("g017/2/0801", "g017/6/0805", "g017/7/0508") if each not in opened)
    opened.append(home)
    story.door(home, open=True)
    screen.page.wait_for_selector("article.news")
    screen.said()


def refused(screen: Screen) -> None:
    """A log-in that was wrong."""
    screen.page.fill("[name=name]", "nobody")
    screen.page.fill("[name=password]", "wrong")
    screen.page.locator("main button").click()
    screen.page.wait_for_selector("[role=alert]:visible")


opened: list[str] = []
# What a screen looks like while something is the matter.
STATES: tuple[tuple[str, str, str, Callable[[Screen], None]], ...] = (
    ("sheet", "worker-night", "/board", closing),
    ("paged", "worker-night", "/board", paged),
    ("not-live", "worker-night", "/board", not_live),
    ("picture-not-live", "worker-night", "/g/g017/buildings", not_live),
    ("pass", "guard", "/g/g017/c/north", measured(36.4, "pass")),
    ("again", "guard", "/g/g017/c/north", measured(37.0, "again")),
    ("no-reading", "guard", "/g/g017/c/north", measured(34.1, "no-reading")),
    ("stop", "guard", "/g/g017/c/north", measured(38.6, "stop")),
    ("gate-not-live", "guard", "/g/g017/c/north", not_live),
    ("log-in-refused", "", "/login", refused),
    ("forbidden", "worker-night", "/audit", as_it_is),
    ("absent", "worker-night", "/g/g017/h/9/9999", as_it_is),
)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_serious_while_something_is_the_matter(served: Served, browser: Any, axe: str, scheme: str) -> None:
    wrong: list[str] = []
    for name, who, address, happens in STATES:
        screen = Screen(
            served, browser, who, "phone", "zh", color_scheme=scheme, bypass_csp=True, reduced_motion="reduce"
        )
        screen.go(address)
        happens(screen)
        wrong += complaints(screen.page, axe, name)
        screen.context.close()
    assert not wrong, "\n".join(wrong)
