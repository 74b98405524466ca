"""The team board in a real browser: it tells by itself, and is answered with one thumb."""

from typing import Any

from tests.browser.conftest import Look, until
from tests.browser.test_screens import TOO_SMALL
from tests.desk_world import Served

HOME = "g017/1/0103"
# A finger that stays down for over two seconds is not waited for, and a busy machine may take longer for a tap.
STEADY = """
const wait = window.setTimeout;
window.setTimeout = (act, ms, ...more) => wait(act, ms === 2000 ? 600000 : ms, ...more);
"""


def card(page: Any, place: str) -> Any:
    return page.locator("article", has_text=place)


def test_an_opening_appears_is_answered_and_closed_without_a_reload(look: Look, served: Served) -> None:
    story = served.world.story
    story.case(HOME)
    screen = look("worker-night")
    page = screen.go("/board")
    page.wait_for_selector('#live[data-state="live"]')
    page.evaluate("window.notReloaded = true")
    assert card(page, "1 栋 0103").count() == 0

    story.door(HOME, open=True)
    there = card(page, "1 栋 0103")
    there.wait_for()
    assert "未报备开门" in there.inner_text()
    assert "门仍开着" in there.inner_text()
    assert "社区工作者 已呼叫" in there.inner_text()
    assert there.locator("button", has_text="我去处理").count() == 1
    screen.said("1 栋 0103")
    screen.picture("story-1-opening")

    there.locator("button", has_text="我去处理").click()
    there.get_by_text("✓ 社区工作者 马超").wait_for()
    assert there.locator("button", has_text="我去处理").count() == 0

    story.wait(0.5)
    story.door(HOME, open=False)
    there.get_by_text("门仍开着").wait_for(state="detached")

    there.get_by_text("处置完成").click()
    page.locator("#sheet-done").wait_for()
    assert page.evaluate(TOO_SMALL) == [], "large enough for a thumb"
    screen.picture("story-2-done")
    page.locator("#sheet-done button", has_text="确有外出，已劝返").click()
    there.wait_for(state="detached")
    page.locator("#sheet-done").wait_for(state="hidden")
    assert page.evaluate("window.notReloaded")

    page.reload()
    page.locator("summary", has_text="最近处置").click()
    closed = page.locator("details.closed li", has_text="1 栋 0103")
    assert "马超 处置：属实" in closed.inner_text()
    assert screen.faults == []


def test_of_two_who_answer_the_second_sees_the_first(look: Look, served: Served) -> None:
    first, second = look("worker-night"), look("worker", size="desk")
    first.go("/board").wait_for_selector('#live[data-state="live"]')
    # Both have the button on their screen; the second one's hears nothing of the first one's answer.
    second.context.route("**/live*", lambda route: route.abort())
    button = card(second.go("/board"), "5 栋 0402").locator("button", has_text="我去处理")
    button.wait_for()
    card(first.page, "5 栋 0402").locator("button", has_text="我去处理").click()
    card(first.page, "5 栋 0402").get_by_text("✓ 社区工作者 马超").wait_for()
    button.click()
    second.said("马超 已先接警", ill=True)
    answers = [each for each in served.world.door.commands if each["command"] == "acknowledge"]
    assert len(answers) == 1


def test_a_card_that_changes_under_the_finger_takes_the_tap_all_the_same(look: Look, served: Served) -> None:
    story = served.world.story
    story.case(HOME)
    screen = look("worker-night")
    screen.page.add_init_script(STEADY)
    page = screen.go("/board")
    page.wait_for_selector('#live[data-state="live"]')
    story.door(HOME, open=True)
    button = card(page, "1 栋 0103").locator("button", has_text="我去处理")
    box = button.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    story.wait(0.5)
    story.door(HOME, open=False)
    page.wait_for_timeout(1_000)
    assert card(page, "1 栋 0103").get_by_text("门仍开着").count() == 1, "it waits for the finger"
    page.mouse.up()
    until(page, lambda: [each["command"] for each in served.world.door.commands] == ["acknowledge"], "the answer")
    card(page, "1 栋 0103").get_by_text("门仍开着").wait_for(state="detached")


def test_a_double_tap_is_one_answer(look: Look, served: Served) -> None:
    page = look("worker-night").go("/board")
    page.wait_for_selector('#live[data-state="live"]')
    card(page, "5 栋 0402").locator("button", has_text="我去处理").dblclick()
    card(page, "5 栋 0402").get_by_text("✓ 社区工作者").wait_for()
    assert sum(each["command"] == "acknowledge" for each in served.world.door.commands) == 1


def test_an_old_picture_says_so_and_lives_again(look: Look, served: Served) -> None:
    screen = look("worker-night")
    page = screen.go("/board")
    page.wait_for_selector('#live[data-state="live"]')
    screen.lose_network()
    page.wait_for_selector("#stale:not([hidden])")
    assert "起画面不再更新" in page.locator("#stale").inner_text()
    assert page.locator("#live").get_attribute("data-state") == "stale"
    screen.picture("board-not-live")

    served.world.story.door("g017/2/0801", open=True)
    screen.find_network()
    page.wait_for_selector("#stale", state="hidden")
    card(page, "2 栋 0801").wait_for()


def test_the_sheet_is_worked_by_keyboard_and_gives_the_focus_back(look: Look) -> None:
    page = look("worker-night", size="desk").go("/board")
    page.wait_for_selector('#live[data-state="live"]')
    there = card(page, "5 栋 0402").locator('[data-sheet="done"]')
    there.focus()
    page.keyboard.press("Enter")
    page.locator("#sheet-done").wait_for()
    assert page.evaluate("document.activeElement.name") == "disposition"
    for _ in range(12):
        page.keyboard.press("Tab")
        assert page.evaluate("document.getElementById('sheet-done').contains(document.activeElement)")
    page.keyboard.press("Escape")
    page.locator("#sheet-done").wait_for(state="hidden")
    assert page.evaluate("document.activeElement.dataset.sheet") == "done"


def test_later_puts_it_off_with_an_end(look: Look) -> None:
    page = look("worker-night").go("/board")
    page.wait_for_selector('#live[data-state="live"]')
    there = card(page, "5 栋 0402")
    there.get_by_text("稍后", exact=True).click()
    assert page.evaluate(TOO_SMALL) == [], "large enough for a thumb"
    page.locator("#sheet-later button", has_text="30 分钟").click()
    there.get_by_text("稍后：到 03:07").wait_for()


def test_without_scripts_it_is_answered_too(look: Look, served: Served) -> None:
    screen = look("worker-night", java_script_enabled=False)
    page = screen.go("/board")
    assert "请手动刷新" in page.content()
    card(page, "5 栋 0402").locator("button", has_text="我去处理").click()
    page.get_by_text("已接警").first.wait_for()
    page.locator("a.button", has_text="返回").click()
    card(page, "5 栋 0402").get_by_text("✓ 社区工作者 马超").wait_for()
    card(page, "5 栋 0402").get_by_text("处置完成").click()
    page.locator("#done button", has_text="误报").click()
    until(page, lambda: served.world.door.commands[-1]["command"] == "close", "the disposition")
    assert served.world.door.commands[-1]["disposition"] == "false-alarm"


def test_a_session_ended_elsewhere_ends_the_live_stream(look: Look, served: Served) -> None:
    page = look("worker-night").go("/board")
    page.wait_for_selector('#live[data-state="live"]')
    served.world.store.disable("w-001-night")
    page.wait_for_url("**/login?ended=1")
    assert "登录已结束" in page.content()


def test_what_changed_while_somebody_worked_in_it_is_drawn_once_they_leave(look: Look, served: Served) -> None:
    page = look("worker-night").go("/g/g017/incident?id=g017/3/1203/undeclared-opening/1")
    page.wait_for_selector('#live[data-state="live"]')
    page.focus("#fresh a >> nth=0")
    served.world.story.door("g017/3/1203", open=True)
    page.wait_for_timeout(1_500)
    assert page.locator("#fresh .times").first.inner_text() == "第 3 次", "it stays as it is under whoever is in it"
    page.evaluate("document.activeElement.blur()")
    page.locator("#fresh .times", has_text="第 4 次").first.wait_for()


def test_a_page_whose_sentences_were_lost_on_the_way_asks_for_them_again(look: Look, served: Served) -> None:
    page = look("worker-night", service_workers="block").page
    lost: list[str] = []

    def lose_the_first(route: Any) -> None:
        if route.request.url in lost:
            route.continue_()
            return
        lost.append(route.request.url)
        route.abort()

    page.route("**/texts/*", lose_the_first)
    page.goto(f"{served.address}/board")
    page.wait_for_selector('#live[data-state="live"]')
    assert len(lost) == 2


# A page of figures that is drawn anew every second instead of every fifteen.
OFTEN = """
const often = () => { document.body.dataset.everyS = "1"; };
document.addEventListener("readystatechange", often, { capture: true, once: true });
"""


def test_figures_that_could_not_be_asked_for_are_not_shown_as_live_ones(look: Look, served: Served) -> None:
    screen = look("supervisor")
    screen.context.add_init_script(OFTEN)
    page = screen.go("/overview")
    assert page.locator("#stale").is_hidden()
    page.route("**/overview", lambda route: route.abort())
    page.locator("#stale").wait_for()
    assert "起画面不再更新" in page.locator("#stale").inner_text()
    page.unroute("**/overview")
    page.locator("#stale").wait_for(state="hidden")
    served.world.store.disable("s-001")
    page.wait_for_url("**/login?next=/overview")


def test_a_tap_is_sent_once_and_at_once_though_the_sentences_are_not_there_yet(look: Look, served: Served) -> None:
    page = look("worker-night", service_workers="block").page
    held: list[Any] = []

    def hold(route: Any) -> None:
        held.append(route)

    page.route("**/texts/*", hold)
    page.goto(f"{served.address}/board")
    card(page, "5 栋 0402").locator("button", has_text="我去处理").dblclick()
    until(page, lambda: served.world.door.commands, "the answer")
    page.wait_for_timeout(500)
    assert [each["command"] for each in served.world.door.commands] == ["acknowledge"]
    for route in held:
        route.abort()
