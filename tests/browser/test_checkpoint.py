"""The guard's screen in a real browser: one huge answer, also when the network is gone."""

import re
from typing import Any

import pytest

from tests.browser.conftest import Look, until
from tests.desk_world import Served

GATE = "/g/g017/c/north"


def verdict(page: Any) -> str:
    return page.locator("#answer").get_attribute("data-verdict")


def wait_for(page: Any, word: str) -> None:
    page.wait_for_selector(f'#answer[data-verdict="{word}"]')


def type_in(page: Any, celsius: str) -> None:
    page.locator("#manual").click()
    page.fill("#form-manual [name=celsius]", celsius)
    page.locator("#form-manual .main-button").click()


def readings(served: Served) -> list[float]:
    return [each["celsius"] for each in served.world.door.messages]


def test_what_the_gun_says_by_mqtt_is_on_the_screen(look: Look, served: Served) -> None:
    screen = look("guard")
    page = screen.go(GATE)
    page.wait_for_selector('#live[data-state="live"]')
    story = served.world.story
    story.wait(15)
    story.gun("g017/north", 36.2)
    wait_for(page, "pass")
    assert page.locator("#number").inner_text() == "36.2°"
    screen.picture("checkpoint-pass")
    story.gun("g017/north", 37.1)
    wait_for(page, "again")
    assert "36.9°" in page.locator("#why").inner_text()
    assert "最多 3 次" in page.locator("#why").inner_text()
    screen.picture("checkpoint-again")
    story.gun("g017/north", 34.1)
    wait_for(page, "no-reading")
    assert "34.1：没测到，请暖一暖枪和额头再测" in page.locator("#why").inner_text()
    screen.picture("checkpoint-no-reading")
    story.gun("g017/north", 37.2)
    wait_for(page, "stop")
    screen.picture("checkpoint-stop")
    assert screen.faults == []


def test_ask_measure_check_register_are_four_taps(look: Look, served: Served) -> None:
    page = look("guard").go(GATE)
    page.wait_for_selector('#live[data-state="live"]')
    served.world.story.wait(15)
    page.locator("#step-ask").click()
    served.world.story.gun("g017/north", 36.4, pass_id="A-0777")
    wait_for(page, "pass")
    page.locator("#step-check").click()
    page.locator("#step-register").click()
    assert page.input_value("#form-register [name=pass_id]") == "A-0777"
    page.fill("#form-register [name=household]", "3/1203")
    page.locator("#form-register .main-button").click()
    until(page, lambda: served.world.door.commands, "the register command")
    page.get_by_text("已全部上传").wait_for()
    for step in ("ask", "measure", "check", "register"):
        assert page.locator(f"#step-{step}").get_attribute("aria-pressed") == "true", step
    sent = [each for each in served.world.door.commands if each["command"] == "register"]
    assert [(each["checkpoint"], each["pass"], each["household"]) for each in sent] == [
        ("g017/north", "A-0777", "g017/3/1203")
    ]
    page.locator("#next").click()
    wait_for(page, "waiting")


KEPT = """caches.open('threshold-checkpoint-1').then((kept) => kept.keys())
  .then((all) => all.map((each) => new URL(each.url).pathname))"""
NEEDED = {GATE, "/static/checkpoint.js", "/static/frame.js", "/static/live.js", "/static/queue.js", "/static/sound.js",
          "/static/bluetooth.js", "/static/desk.css", "/texts/common.zh.json", "/texts/checkpoint.zh.json"}  # fmt: skip


def test_it_goes_on_without_a_network_and_sends_later_in_order_once(look: Look, served: Served) -> None:
    screen = look("guard")
    page = screen.go(GATE)
    page.wait_for_selector('#live[data-state="live"]')
    # A function: words alone would be evaluated at each look, which the page's own policy forbids from the second on.
    page.wait_for_function("() => navigator.serviceWorker.controller !== null")
    page.reload()
    page.wait_for_selector('#live[data-state="live"]')
    until(page, lambda: set(page.evaluate(KEPT)) >= NEEDED, "the page kept for later")
    served.world.story.wait(15)

    screen.lose_network()
    type_in(page, "36.4")
    wait_for(page, "pass")
    assert "未上传 1" in page.locator("#queue").inner_text()
    page.locator("#next").click()
    type_in(page, "37.0")
    wait_for(page, "again")
    type_in(page, "37.3")
    wait_for(page, "stop")
    assert "未上传 3" in page.locator("#queue").inner_text()
    assert "医生还不知道：请打电话" in page.locator("#why").inner_text()
    screen.picture("checkpoint-offline")

    page.reload()  # the page itself is there without a network, and what waits is still waiting
    page.get_by_text("未上传 3").wait_for()
    assert readings(served) == []

    screen.find_network()
    page.get_by_text("已全部上传").wait_for()
    assert readings(served) == [36.4, 37.0, 37.3]
    page.wait_for_timeout(6_000)  # longer than the queue's own beat
    assert readings(served) == [36.4, 37.0, 37.3]


def test_an_answer_lost_on_the_way_sends_the_very_same_again(look: Look, served: Served) -> None:
    screen = look("guard")
    page = screen.go(GATE)
    page.wait_for_selector('#live[data-state="live"]')
    lost: list[str] = []

    def lose_the_first(route: Any) -> None:
        if lost:
            route.continue_()
            return
        lost.append(route.request.post_data)
        route.fetch()  # it arrives, but its answer does not
        route.abort()

    page.route("**/reading", lose_the_first)
    type_in(page, "36.5")
    until(page, lambda: len(served.world.door.messages) == 2, "the reading, a second time")
    page.get_by_text("已全部上传").wait_for()
    ids = [each["id"] for each in served.world.door.messages]
    assert len(ids) == 2
    assert len(set(ids)) == 1, "the same id both times: the gateway takes it in once"


# A phone whose queue is out of patience after one second instead of twenty.
IMPATIENT = """
const later = window.setTimeout;
window.setTimeout = (act, ms, ...rest) => later(act, ms === 20000 ? 1000 : ms, ...rest);
"""


def test_a_network_that_never_answers_does_not_hold_up_what_waits(look: Look, served: Served) -> None:
    screen = look("guard")
    screen.context.add_init_script(IMPATIENT)
    page = screen.go(GATE)
    page.wait_for_selector('#live[data-state="live"]')
    swallowed: list[Any] = []
    page.route("**/reading", lambda route: route.continue_() if swallowed else swallowed.append(route))
    type_in(page, "36.5")
    until(page, lambda: swallowed, "the reading on its way")
    type_in(page, "36.8")
    page.get_by_text("已全部上传").wait_for()
    assert readings(served) == [36.5, 36.8], "in order, and each once"


def test_while_the_gateway_is_shut_nothing_is_lost(look: Look, served: Served) -> None:
    page = look("guard").go(GATE)
    page.wait_for_selector('#live[data-state="live"]')
    served.world.door.shut = True
    type_in(page, "36.6")
    page.get_by_text("未上传 1").wait_for()
    wait_for(page, "pass")  # judged here, after a while
    today, last = page.locator("#today").inner_text(), page.locator("#last li").count()
    served.world.door.shut = False
    page.get_by_text("已全部上传").wait_for()
    assert readings(served) == [36.6]
    page.wait_for_timeout(2_000)  # the desk's own answer has come by then
    assert (page.locator("#today").inner_text(), page.locator("#last li").count()) == (today, last), "it counts once"


def test_of_two_readings_the_desk_answers_late_each_counts_once(look: Look, served: Served) -> None:
    page = look("guard").go(GATE)
    page.wait_for_selector('#live[data-state="live"]')
    page.locator("#last li").first.wait_for()
    counted = int(re.findall(r"\d+", page.locator("#today").inner_text())[0])
    held: list[Any] = []
    page.route("**/reading", lambda route: route.continue_() if held else held.append(route))
    type_in(page, "36.1")
    until(page, lambda: held, "the first reading on its way")
    type_in(page, "36.3")
    held[0].continue_()
    until(page, lambda: readings(served) == [36.1, 36.3], "both readings")
    page.wait_for_timeout(4_000)  # longer than the desk's answer is waited for
    assert int(re.findall(r"\d+", page.locator("#today").inner_text())[0]) == counted + 2
    assert [text.split()[0] for text in page.locator("#last li").all_inner_texts()][-2:] == ["36.1", "36.3"]


def test_a_reading_waits_from_the_tap_on(look: Look, served: Served) -> None:
    page = look("guard").go(GATE)
    page.wait_for_selector('#live[data-state="live"]')
    served.world.door.shut = True
    page.locator("#manual").click()
    page.fill("#form-manual [name=celsius]", "36.6")
    at_once = page.evaluate(
        """() => { document.querySelector('#form-manual .main-button').click();
                   return document.getElementById('queue').textContent; }"""
    )
    assert at_once == "未上传 1", "it never says that all is sent while one is on its way to the store"


# A phone whose store takes its time to open.
SLOW_STORE = """
const open = indexedDB.open.bind(indexedDB);
indexedDB.open = (...what) => {
  const later = {};
  setTimeout(() => {
    const asked = open(...what);
    const passOn = (name) => { asked[name] = () => { later.result = asked.result; later[name](); }; };
    ['onupgradeneeded', 'onsuccess', 'onerror'].forEach(passOn);
  }, 2000);
  return later;
};
"""


def test_a_reading_typed_in_before_the_store_is_open_is_kept_all_the_same(look: Look, served: Served) -> None:
    screen = look("guard")
    screen.page.add_init_script(SLOW_STORE)
    served.world.door.shut = True
    page = screen.go(GATE)
    page.wait_for_selector('#live[data-state="live"]')
    type_in(page, "36.6")
    wait_for(page, "pass")  # judged here, once it is kept
    assert [each["text"] for each in page.evaluate("window.said")] == []
    page.reload()
    page.get_by_text("未上传 1").wait_for()


def test_a_phone_that_keeps_nothing_says_so_and_sends_all_the_same(look: Look, served: Served) -> None:
    screen = look("guard")
    screen.page.add_init_script("indexedDB.open = () => { throw new DOMException('full', 'QuotaExceededError'); };")
    page = screen.go(GATE)
    page.wait_for_selector('#live[data-state="live"]')
    served.world.door.shut = True
    type_in(page, "36.6")
    screen.said("上传前请不要关闭本页", ill=True)
    page.get_by_text("未上传 1").wait_for()
    served.world.door.shut = False
    page.get_by_text("已全部上传").wait_for()
    assert readings(served) == [36.6]
    # 503 while it was shut is noted by the console.
    assert [fault for fault in screen.faults if "503" not in fault] == []


@pytest.mark.parametrize("typed", ["abc", "12", "99"])
def test_what_is_no_temperature_is_not_sent(look: Look, served: Served, typed: str) -> None:
    screen = look("guard")
    page = screen.go(GATE)
    page.wait_for_selector('#live[data-state="live"]')
    type_in(page, typed)
    screen.said("请输入 20 到 50 之间的数", ill=True)
    assert readings(served) == []


@pytest.mark.parametrize(
    ("data", "celsius", "site"),
    [
        ([0x00, 0x6E, 0x01, 0x00, 0xFF], 36.6, ""),  # 366 x 10^-1
        ([0x04, 0x6E, 0x01, 0x00, 0xFF, 0x03], 36.6, "ear"),
        ([0x06, 0x6E, 0x01, 0x00, 0xFF, 0xE4, 0x07, 0x02, 0x10, 0x02, 0x22, 0x00, 0x01], 36.6, "axilla"),
        ([0x01, 0xDB, 0x03, 0x00, 0xFF], 37.1, ""),  # 98.7 °F
        ([0x00, 0xFF, 0xFF, 0x7F, 0x00], None, ""),  # not a number
    ],
)
def test_a_bluetooth_measurement_is_read(look: Look, data: list[int], celsius: float | None, site: str) -> None:
    page = look("guard").go(GATE)
    read = page.evaluate(
        """async (bytes) => {
          const { measured } = await import('/static/bluetooth.js');
          return measured(new DataView(new Uint8Array(bytes).buffer));
        }""",
        data,
    )
    assert read == (None if celsius is None else {"celsius": celsius, "site": site})
