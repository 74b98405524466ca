"""Every screen at phone and desktop size in both languages: whole, quiet, large enough for a thumb; with a picture."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.conftest import Screen
from tests.desk_world import Served, World

# (name of the picture, who looks, address)
SCREENS = (
    ("board", "worker-night", "/board"),
    ("incident", "worker-night", "/g/g017/incident?id=g017/3/1203/undeclared-opening/1"),
    ("buildings", "worker-night", "/g/g017/buildings"),
    ("building", "worker-night", "/g/g017/buildings/3"),
    ("households", "worker-night", "/households"),
    ("household", "worker-night", "/g/g017/h/3/1203"),
    ("more", "worker-night", "/more"),
    ("devices", "worker-night", "/devices"),
    ("doctor-board", "doctor", "/board"),
    ("checkpoint", "guard", "/g/g017/c/north"),
    ("overview", "supervisor", "/overview"),
    ("story", "worker-night", "/g/g017/story?id=g017/3/1203/undeclared-opening/1"),
    ("trials", "supervisor", "/trials"),
    ("handover", "supervisor", "/handover"),
    ("roster", "supervisor", "/roster"),
    ("channels", "supervisor", "/channels"),
    ("staff", "admin", "/staff"),
    ("person", "admin", "/staff/w-001"),
    ("system", "admin", "/system"),
    ("rejects", "admin", "/rejects"),
    ("policy", "admin", "/policy"),
    ("audit", "auditor", "/audit"),
    ("login", "", "/login"),
    ("account", "police", "/me"),
    ("second-factor", "police", "/me/totp"),
)

TOO_SMALL = """() => Array.from(document.querySelectorAll(
  'button, select, summary, a.button, .bar a, .chips a, .picks label, ' +
  'input:not([type=hidden]):not([type=checkbox]):not([type=radio])'
)).filter((each) => each.offsetParent !== null && !each.closest('.skip')).map((each) => {
  const box = each.getBoundingClientRect();
  return [Math.round(box.width), Math.round(box.height), each.outerHTML.slice(0, 80)];
}).filter(([width, height]) => width < 44 || height < 44)"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    world = World(tmp_path_factory.mktemp("screens"))
    with Served(world) as running:
        yield running
    world.close()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("size", ["phone", "desk"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_screen(served: Served, browser: Any, size: str, language: str) -> None:
    wrong: list[str] = []
    for login in dict.fromkeys(who for _, who, _ in SCREENS):
        screen = Screen(served, browser, login, size, language)
        for name, who, address in SCREENS:
            if who == login:
                wrong += look_at(screen, name, address, size, language)
        screen.context.close()
    assert not wrong


def look_at(screen: Screen, name: str, address: str, size: str, language: str) -> list[str]:
    page = screen.go(address)
    if page.query_selector("body[data-live]"):
        page.wait_for_selector('#live[data-state="live"]')
    screen.picture(f"{name}-{language}-{size}", whole=name not in ("checkpoint", "board", "doctor-board"))
    wrong = [f"{name}: {fault}" for fault in screen.faults]
    screen.faults.clear()
    width = page.evaluate("document.documentElement.scrollWidth")
    if width > page.viewport_size["width"]:
        wrong.append(f"{name}: {width} px wide, wider than the screen")
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    wrong += [f"{name}: too small for a thumb {each}" for each in page.evaluate(TOO_SMALL)]
    said = page.inner_text("main")
    if language == "en" and any(word in said for word in ("处置", "管控", "网格", "接警")):
        wrong.append(f"{name}: speaks Chinese in English")
    for nothing in ("undefined", "None", "{", "NaN"):
        if nothing in said:
            wrong.append(f"{name}: says {nothing!r}")
    return wrong


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_light_and_dark(served: Served, browser: Any, scheme: str) -> None:
    screen = Screen(served, browser, "worker-night", "phone", "zh", color_scheme=scheme)
    page = screen.go("/board")
    page.wait_for_selector('#live[data-state="live"]')
    screen.picture(f"board-{scheme}")
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(14, 17, 21)") is (scheme == "dark")
    page.goto(screen.served.address + "/more")
    with page.expect_navigation():
        page.locator("button", has_text="深色" if scheme == "light" else "浅色").click()
    changed = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert changed != background, "the switch wins over the system"
    screen.context.close()
