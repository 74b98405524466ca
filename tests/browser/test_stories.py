"""The main story of each screen, played in a real browser at phone and desktop size in both languages.

The board, the checkpoint and a whole night have modules of their own; here is what is left of the screens.
"""

import re
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from pyotp.totp import TOTP

from duty.edge import demo_people
from duty.edge.desk.texts import Language, text
from tests.browser.conftest import Screen, until
from tests.desk_world import Served, World

HERO = "g017/3/1203"
LEFT_OPEN = "g017/5/0402/left-open/1"


class Play(NamedTuple):
    """One screen with somebody at it."""

    screen: Screen
    page: Any
    world: World
    language: Language

    def t(self, key: str, **values: object) -> str:
        return text(key, self.language, **values)

    def press(self, key: str, **values: object) -> None:
        self.page.locator("button:visible, a.button:visible", has_text=self.t(key, **values)).first.click()

    def unfold(self, key: str) -> None:
        self.page.locator("summary", has_text=self.t(key)).first.click()

    def says(self, key: str, **values: object) -> None:
        self.page.get_by_text(self.t(key, **values)).first.wait_for()

    def did(self, *commands: str) -> None:
        """The gateway has been told just these, in this order."""
        told = self.world.door.commands
        until(self.page, lambda: len(told) >= len(commands), commands[-1])
        assert [each["command"] for each in told] == list(commands)


def contacts_are_seen_on_a_press(play: Play) -> None:
    play.page.goto(f"{play.screen.served.address}/g/g017/h/3/1203")
    assert "1990000" not in play.page.content()
    before = len(play.world.store.audit_rows())
    play.press("household.contacts_show")
    play.page.locator("a[href^='tel:']").first.wait_for()
    looks = [row.action for row in play.world.store.audit_rows()[before:]]
    assert "see-contacts" in looks


def an_opening_is_announced_for_a_household(play: Play) -> None:
    play.page.goto(f"{play.screen.served.address}/g/g017/h/3/1203")
    play.unfold("household.do_declare")
    play.page.locator("form[action$='/declare'] button[value='30']").click()
    play.screen.said()
    play.did("declare")


def a_cell_of_the_picture_opens_its_household(play: Play) -> None:
    page = play.page
    page.goto(f"{play.screen.served.address}/g/g017/buildings")
    page.wait_for_selector('#live[data-state="live"]')
    page.locator(f'[data-h="{HERO}"]').click()
    page.wait_for_url("**/g/g017/h/3/1203")
    page.get_by_role("heading", name="1203").first.wait_for()


def a_resident_announces_and_is_well(play: Play) -> None:
    now_ms = play.world.clock_ms()
    token = play.world.links.give_resident(HERO, "none", until_ms=now_ms + 86_400_000, now_ms=now_ms)
    page = play.page
    page.goto(f"{play.screen.served.address}/r/{token}")
    page.locator("label", has_text=play.t("resident.parcel")).click()
    with page.expect_navigation():
        page.locator("button[value='10']").click()
    play.says("resident.thanks")
    play.did("declare")
    # The next page looks like the last: what is filled in before it came is gone with it.
    with page.expect_navigation():
        page.locator("form[action$='/well'] button").click()
    play.did("declare", "call")
    page.fill("#celsius", "36.8")
    with page.expect_navigation():
        page.locator("form[action$='/temperature'] button").click()
    play.did("declare", "call", "home-temperature")
    play.says("resident.thanks")


def a_link_answers_only_when_it_is_pressed(play: Play) -> None:
    def told() -> list[str]:
        return [each.id for each in play.world.store.attempts(incident=LEFT_OPEN) if each.role == "worker"]

    until(play.page, told, "the message to the worker")
    play.page.goto(play.screen.served.address + play.world.links.answer_path(told()[0]))
    assert play.world.door.commands == []
    play.press("board.answer_go")
    play.page.locator("p[role=status]").wait_for()
    play.did("acknowledge")


def somebody_stands_in(play: Play) -> None:
    page = play.page
    page.goto(f"{play.screen.served.address}/roster")
    play.unfold("admin.swap_add")
    form = page.locator("form[action$='/roster/swap']")
    form.locator("[name=person]").select_option(label="马超")
    form.locator("[name=instead]").select_option(label="蒋云")
    form.locator("[name=from]").fill("2020-02-17T20:00")
    form.locator("[name=until]").fill("2020-02-18T08:00")
    form.locator("button").click()
    play.says("admin.swap_row", person="马超", instead="蒋云")


def a_channel_is_tried(play: Play) -> None:
    page = play.page
    page.goto(f"{play.screen.served.address}/channels")
    page.locator("section", has_text="马超").locator("button", has_text=play.t("admin.channel_test")).first.click()
    play.screen.said(ill=True)  # nobody has that person's desk open, and it says so


def a_sensor_is_fitted(play: Play) -> None:
    page, world = play.page, play.world
    page.goto(f"{play.screen.served.address}/devices?grid=g017")
    play.unfold("admin.fit")
    page.fill("[name=household]", "7/0101")
    page.fill("[name=device]", "pool-01")
    play.press("admin.fit_begin")
    page.wait_for_selector("#fitting")
    for door in (True, False):
        world.story.event("pool-01", "g017/7/0101", "household", "door", open=door)
        world.story.wait(0.05)
    page.wait_for_selector('#fitting[data-state="passed"]')
    play.press("admin.fit_arm")
    page.wait_for_load_state()
    play.did("open-case")
    homes = world.projection.picture.households
    until(page, lambda: homes["g017/7/0101"].watched, "the household watched")


def somebody_is_hired(play: Play) -> None:
    page = play.page
    page.goto(f"{play.screen.served.address}/staff")
    page.fill("form[action='/staff'] [name=name]", "<b>孙</b> 👩‍⚕️")
    page.fill("[name=login]", "sun")
    page.fill("[name=grids]", "g017")
    page.locator("label", has=page.locator("[name=role][value=doctor]")).click()
    play.press("admin.staff_add")
    play.says("admin.password_once")
    page.get_by_role("heading", name="<b>孙</b>").wait_for()


def the_overview_leads_on(play: Play) -> None:
    page = play.page
    page.goto(f"{play.screen.served.address}/overview")
    play.says("supervisor.not_told")
    page.get_by_text("3 栋 1203" if play.language == "zh" else "Building 3 · 1203").first.wait_for()
    page.goto(f"{play.screen.served.address}/handover")
    page.locator(".chips a", has_text=play.t("common.grid", grid="18")).click()
    page.wait_for_url("**/g/g018/handover*")
    page.locator("[data-print]").wait_for()


def a_supervisor_logs_in_with_two_factors(play: Play) -> None:
    page = play.page
    page.goto(f"{play.screen.served.address}/overview")
    page.wait_for_url(re.compile("/login"))
    page.fill("[name=name]", "supervisor")
    page.fill("[name=password]", demo_people.PASSWORD)
    page.locator("main button").click()
    page.fill("[name=code]", "000000")
    page.locator("main button").first.click()
    page.locator("[role=alert]:visible").first.wait_for()
    page.fill("[name=code]", TOTP(demo_people.TOTP_SECRET).at(play.world.clock_ms() // 1000))
    page.locator("main button").first.click()
    page.wait_for_url("**/overview")
    page.goto(f"{play.screen.served.address}/more")
    play.press("common.logout")
    page.wait_for_url(re.compile("/login"))


STORIES: tuple[tuple[str, Callable[[Play], None]], ...] = (
    ("worker-night", contacts_are_seen_on_a_press),
    ("worker-night", an_opening_is_announced_for_a_household),
    ("worker-night", a_cell_of_the_picture_opens_its_household),
    ("", a_resident_announces_and_is_well),
    ("", a_link_answers_only_when_it_is_pressed),
    ("supervisor", somebody_stands_in),
    ("supervisor", a_channel_is_tried),
    ("worker-night", a_sensor_is_fitted),
    ("admin", somebody_is_hired),
    ("supervisor", the_overview_leads_on),
    ("", a_supervisor_logs_in_with_two_factors),
)


@pytest.mark.parametrize(("size", "language"), [("phone", "zh"), ("phone", "en"), ("desk", "zh"), ("desk", "en")])
@pytest.mark.parametrize(("login", "story"), STORIES, ids=[story.__name__ for _, story in STORIES])
def test_a_story(
    served: Served, browser: Any, login: str, story: Callable[[Play], None], size: str, language: Language
) -> None:
    screen = Screen(served, browser, login, size, language)
    try:
        story(Play(screen, screen.page, served.world, language))
        screen.picture(f"story-{story.__name__}-{language}-{size}")
        # A code that was refused and a test that reached nobody are noted by the console.
        assert [fault for fault in screen.faults if "401" not in fault and "409" not in fault] == []
    finally:
        screen.context.close()
