"""The review screens with something on them: a policy tried to its end, charts, an incident event by event.

Whole, quiet, large enough for a thumb and without anything serious for axe-core, light and dark, phone and desk.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.conftest import Screen
from tests.browser.test_accessibility import axe, look_at  # noqa: F401 - a fixture
from tests.browser.test_screens import look_at as look_whole
from tests.desk_world import Served, World
from tests.duty.edge.desk.routes.test_charts import night_at_the_gate
from tests.sunk import sink

pytestmark = [pytest.mark.live, pytest.mark.timeout(600)]
SCREENS = (
    ("story", "/g/g017/story?id=g017/3/1203/undeclared-opening/1"),
    ("trials", "/trials"),
    ("charts-grid", "/g/g017/charts?days=1"),
    ("charts-week", "/g/g017/charts?days=7"),
    ("charts-household", "/g/g017/h/3/1203/charts?days=1"),
    ("charts-checkpoint", "/g/g017/c/north/charts?days=1"),
)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("review")
    world = World(folder)
    night_at_the_gate(world)
    sink(folder)
    with Served(world) as running:
        yield running
    world.app.state.trials.close()
    world.close()


def try_a_policy(screen: Screen) -> str:
    """A policy that calls the worker alone, tried by hand; the address of what came of it."""
    page = screen.go("/trials")
    page.fill("input[name=name]", "只叫一人")
    page.fill("textarea[name=policy]", '[ladder.undeclared-opening]\npage = ["worker"]\nsteps = []\n')
    page.click("form[action='/trials'] button.main-button")
    page.wait_for_url("**/trials/*")
    # The page draws itself anew while it runs.
    page.wait_for_selector(".change-gone, .rows li.good", timeout=300_000)
    return page.url.removeprefix(screen.served.address)


def test_a_policy_is_tried_and_compared(served: Served, browser: Any) -> None:
    screen = Screen(served, browser, "supervisor", "phone", "zh")
    address = try_a_policy(screen)
    page = screen.page
    assert "不再有" in page.inner_text("main") and "呼叫民警" in page.inner_text("main")
    page.click("ul.rows > li summary >> nth=0")
    page.wait_for_timeout(5_000)  # longer than its own beat while it ran: what is finished is drawn anew no more
    assert "门开" in page.inner_text("ul.rows > li:first-child details")
    assert screen.faults == []
    screen.context.close()
    for size, language, scheme in (("phone", "zh", "light"), ("desk", "en", "dark")):
        whole = Screen(served, browser, "supervisor", size, language, color_scheme=scheme)
        assert look_whole(whole, f"trial-{scheme}", address, size, language) == []
        whole.context.close()


@pytest.mark.parametrize(
    ("size", "language", "scheme"),
    [("phone", "zh", "light"), ("phone", "en", "dark"), ("desk", "zh", "dark"), ("desk", "en", "light")],
)
def test_every_screen(served: Served, browser: Any, size: str, language: str, scheme: str) -> None:
    screen = Screen(served, browser, "supervisor", size, language, color_scheme=scheme)
    wrong: list[str] = []
    for name, address in SCREENS:
        wrong += look_whole(screen, f"{name}-{scheme}", address, size, language)
    screen.context.close()
    assert wrong == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_serious(served: Served, browser: Any, axe: str, scheme: str) -> None:  # noqa: F811
    screen = Screen(served, browser, "supervisor", "phone", "zh", color_scheme=scheme, bypass_csp=True)
    address = try_a_policy(screen)
    wrong: list[str] = []
    for name, each in (*SCREENS, ("trial", address)):
        wrong += look_at(screen, axe, name, each)
    screen.context.close()
    assert not wrong, "\n".join(wrong)
