"""A served desk at 02:37 of one night, and somebody's phone or computer looking at it."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.desk_world import Served, World

PICTURES = Path(__file__).parents[2] / "build" / "screens"
SIZES = {"phone": (390, 844), "desk": (1280, 800)}


PATIENCE_S = 60  # a busy machine needs long; where all is well it costs nothing
# A message stands for some seconds only, and whoever looks for it may come later.
SAYING = """
window.said = [];
document.addEventListener('DOMContentLoaded', () => {
  const place = document.getElementById('toast');
  const note = () => {
    if (!place.hidden) window.said.push({ text: place.textContent, ill: place.classList.contains('ill') });
  };
  if (place) new MutationObserver(note).observe(place, { attributes: true, childList: true });
});
"""


class Screen:
    """A page of `login` in a browser context of its own.  `faults` is what its console complained of."""

    def __init__(self, served: Served, browser: Any, login: str, size: str, language: str, **options: Any) -> None:
        width, height = SIZES[size]
        self.served = served
        self.context = browser.new_context(
            viewport={"width": width, "height": height},
            has_touch=size == "phone",
            timezone_id="Asia/Shanghai",
            locale="zh-CN" if language == "zh" else "en-GB",
            **options,
        )
        self.context.set_default_timeout(PATIENCE_S * 1000)
        cookies = [{"name": "threshold_language", "value": language, "url": served.address}]
        if login:
            world = served.world
            cookies.append({"name": world.auth.cookie_name, "value": world.token(login), "url": served.address})
        self.context.add_cookies(cookies)
        self.context.add_init_script(SAYING)
        self.page = self.context.new_page()
        self.faults: list[str] = []
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("console", self._console)

    def _console(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.faults.append(message.text)

    def go(self, path: str) -> Any:
        """Open a page of the desk; the page."""
        self.page.goto(self.served.address + path)
        return self.page

    def lose_network(self) -> None:
        """The browser is told that it is offline, which lets a request of a page that is just loading through; so the
        desk hears nobody either."""
        self.served.unplug()
        self.context.set_offline(True)

    def find_network(self) -> None:
        """It is back."""
        self.served.plug_in()
        self.context.set_offline(False)

    def said(self, words: str = "", *, ill: bool = False) -> None:
        """Wait until the page said this in a message; the message may have gone again meanwhile."""
        self.page.wait_for_function(
            "([words, ill]) => window.said.some((each) => each.text.includes(words) && each.ill === ill)",
            arg=[words, ill],
        )

    def picture(self, name: str, *, whole: bool = False) -> None:
        """A picture for people to look at: build output."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=PICTURES / f"{name}.png", full_page=whole)


def until(page: Any, condition: Callable[[], object], what: str) -> None:
    """Return once the condition holds; the page goes on meanwhile.  What a page shows may come before what it did."""
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, f"{what} did not come in {PATIENCE_S} s"
        page.wait_for_timeout(20)


def hold_still(page: Any) -> None:
    """From here on no timer of the page draws it anew: what is looked over stays what it is."""
    page.evaluate("() => { for (let n = setInterval(() => {}, 1e9); n > 0; n -= 1) clearInterval(n); }")


Look = Callable[..., Screen]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.close()


@pytest.fixture
def served(world: World) -> Iterator[Served]:
    with Served(world) as running:
        yield running


@pytest.fixture
def look(served: Served, browser: Any) -> Iterator[Look]:
    """`look("worker", size="phone", language="en")`: a screen, closed after the test."""
    made: list[Screen] = []

    def open_screen(login: str, *, size: str = "phone", language: str = "zh", **options: Any) -> Screen:
        made.append(Screen(served, browser, login, size, language, **options))
        return made[-1]

    yield open_screen
    for screen in made:
        screen.context.close()
