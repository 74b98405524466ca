"""axe-core, an accessibility checker that many others trust, finds nothing serious on any screen, light or dark."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests import servers
from tests.browser.conftest import Screen
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
