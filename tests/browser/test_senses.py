"""What is heard, felt and moved; and the desk worked without a mouse or a finger."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.conftest import Look, Screen, hold_still
from tests.browser.test_screens import SCREENS
from tests.desk_world import Served, World

HOME = "g017/1/0103"
CALL = [880, 1175, 880, 1175]
LOST = [300, 220]

# A phone that writes down what it would play and how it would shake.
LISTENING = """
window.heard = []; window.felt = [];
const start = OscillatorNode.prototype.start;
OscillatorNode.prototype.start = function (...when) {
  window.heard.push(Math.round(this.frequency.value));
  return start.apply(this, when);
};
Object.defineProperty(navigator, 'vibrate', { value: (pattern) => { window.felt.push(pattern); return true; } });
"""

# What moves comes to rest after some seconds: it is written down when it begins.
MOVING = """
window.moved = [];
document.addEventListener('animationstart', (event) => window.moved.push(event.animationName));
"""

# Everything that can be worked, as the page shows it; a group of radio buttons is one stop.
STOPS = """() => Array.from(
  document.querySelectorAll('a[href], button, input, select, textarea, summary')
).filter((each) =>
  each.offsetParent !== null && !each.disabled && each.type !== 'hidden' && !each.closest('.skip') &&
  !(each.type === 'radio' && !each.checked)
).map((each, n) => { each.dataset.stop = n; return each.outerHTML.slice(0, 90); })"""
WHERE = """() => { const at = document.activeElement; const look = getComputedStyle(at);
  return [at.dataset.stop || '', look.outlineStyle !== 'none' && parseFloat(look.outlineWidth) >= 2]; }"""
MOST_STOPS = 120  # of a longer page the rest is of the same kind


def listening(look: Look) -> Any:
    screen = look("worker-night")
    screen.page.add_init_script(LISTENING)
    page = screen.go("/board")
    page.wait_for_selector('#live[data-state="live"]')
    return screen


def heard(page: Any, after: int) -> list[int]:
    return page.evaluate("window.heard")[after:]


def test_a_page_is_heard_and_felt_and_so_is_a_lost_line(look: Look, served: Served) -> None:
    story = served.world.story
    story.case(HOME)
    screen = listening(look)
    page = screen.page
    page.locator("#sound").click()
    page.wait_for_function(f"() => window.heard.length >= {len(CALL)}")  # the switch plays what it turns on
    assert heard(page, 0) == CALL
    felt = len(page.evaluate("window.felt"))

    story.door(HOME, open=True)
    page.wait_for_function(f"() => window.heard.length >= {2 * len(CALL)}")
    assert heard(page, len(CALL)) == CALL
    assert len(page.evaluate("window.felt")) == felt + 1

    story.wait(0.5)
    story.door(HOME, open=False)  # a change that is no page is not heard
    page.locator("article", has_text="1 栋 0103").get_by_text("门仍开着").wait_for(state="detached")
    assert heard(page, 2 * len(CALL)) == []

    screen.context.set_offline(True)
    page.wait_for_selector("#stale:not([hidden])")
    page.wait_for_function(f"() => window.heard.length >= {2 * len(CALL) + len(LOST)}")
    assert heard(page, 2 * len(CALL)) == LOST
    assert page.locator("#stale").get_attribute("role") == "alert", "a screen reader says it by itself"


def test_whoever_turned_the_sound_off_hears_nothing(look: Look, served: Served) -> None:
    served.world.story.case(HOME)
    screen = listening(look)
    page = screen.page
    served.world.story.door(HOME, open=True)
    page.locator("article", has_text="1 栋 0103").wait_for()
    screen.said("1 栋 0103")
    assert heard(page, 0) == []
    assert page.evaluate("window.felt") == []


@pytest.mark.parametrize(("motion", "moves"), [("no-preference", True), ("reduce", False)])
def test_nothing_moves_for_whoever_wants_it_still(look: Look, served: Served, motion: str, moves: bool) -> None:
    served.world.story.case(HOME)
    screen = look("worker-night", reduced_motion=motion)
    screen.page.add_init_script(MOVING)
    page = screen.go("/board")
    page.wait_for_selector('#live[data-state="live"]')
    served.world.story.door(HOME, open=True)
    page.wait_for_selector("article.news")
    if moves:
        page.wait_for_function("() => window.moved.includes('news')")
    else:
        page.wait_for_timeout(1_000)
        assert page.evaluate("window.moved") == []


def test_an_incident_is_answered_and_settled_by_keyboard_alone(look: Look, served: Served) -> None:
    page = look("worker-night", size="desk").go("/board")
    page.wait_for_selector('#live[data-state="live"]')
    there = page.locator("article", has_text="5 栋 0402")

    def tab_to(wanted: str) -> None:
        for _ in range(80):
            page.keyboard.press("Tab")
            if page.evaluate(
                "(wanted) => document.activeElement.textContent.trim() === wanted && "
                "document.activeElement.closest('article')?.textContent.includes('5 栋 0402')",
                wanted,
            ):
                return
        raise AssertionError(f"{wanted} cannot be reached")

    tab_to("我去处理")
    page.keyboard.press("Enter")
    there.get_by_text("✓ 社区工作者 马超").wait_for()
    page.evaluate("document.getElementById('main').focus()")
    tab_to("处置完成")
    page.keyboard.press("Enter")
    page.locator("#sheet-done").wait_for()
    page.keyboard.press("Enter")  # the first choice has the focus
    there.wait_for(state="detached")
    assert [each["command"] for each in served.world.door.commands] == ["acknowledge", "close"]


@pytest.fixture(scope="module")
def one_for_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    world = World(tmp_path_factory.mktemp("keyboard"))
    with Served(world) as running:
        yield running
    world.close()


@pytest.mark.timeout(600)
def test_everything_on_every_screen_is_reached_by_tab_and_shows_it(one_for_all: Served, browser: Any) -> None:
    wrong: list[str] = []
    for login in dict.fromkeys(who for _, who, _ in SCREENS):
        screen = Screen(one_for_all, browser, login, "desk", "zh")
        for name, who, address in SCREENS:
            if who == login:
                wrong += unreached(screen.go(address), name)
        screen.context.close()
    assert not wrong, "\n".join(wrong)


def unreached(page: Any, name: str) -> list[str]:
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    page.evaluate("document.activeElement.blur()")
    hold_still(page)
    stops = page.evaluate(STOPS)
    reached: set[str] = set()
    unseen: set[str] = set()
    for _ in range(min(len(stops), MOST_STOPS) * 2 + 20):
        page.keyboard.press("Tab")
        stop, shows = page.evaluate(WHERE)
        if stop and not shows:
            unseen.add(stop)
        reached.add(stop)
        if len(reached - {""}) >= min(len(stops), MOST_STOPS):
            break
    missed = [stop for n, stop in enumerate(stops[:MOST_STOPS]) if str(n) not in reached]
    return [f"{name}: not reached {stop}" for stop in missed] + [
        f"{name}: no mark of the focus on {stops[int(stop)]}" for stop in sorted(unseen)
    ]
