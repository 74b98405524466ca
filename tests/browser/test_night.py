"""One night played through in the browser, from the first opening to the sheet that the morning reads.

02:10 a door opens · 02:12 the worker goes · it opens twice again, so officer and doctor are paged · 02:42 the worker is
asked again, since half an hour led to nothing · 02:55 closed · 08:00 the handover sheet.
"""

import re
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from duty.edge.desk.texts import Language, text
from streams import words
from tests.browser.conftest import Screen
from tests.desk_story import MINUTE_MS, Story
from tests.desk_world import Served, World

_numbers = count()
HOME = "g017/3/1203"
PLACE = {"zh": "3 栋 1203", "en": "Building 3 · 1203"}
NOTE = "陪同返回，已当面告知"


def quiet(story: Story) -> None:
    """02:09: a small compound where nothing is the matter."""
    story.now_ms -= 5 * MINUTE_MS
    for floor in range(1, 13):
        for door in range(1, 5):
            home = f"g017/3/{floor:02d}{door:02d}"
            if home == HOME or (floor + door) % 4 == 0:
                story.case(home)
            else:
                story.sensor(home)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.live)])
def served(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Served]:
    database = ""
    if request.param == "postgresql":
        database = request.getfixturevalue("postgresql").make_database(f"desk_night_{next(_numbers)}")
    world = World(tmp_path, quiet, database)
    with Served(world) as running:
        yield running
    world.close()


class Night:
    """The clock and the people of this night."""

    def __init__(self, served: Served, browser: Any, size: str, language: Language) -> None:
        self.story = served.world.story
        self.language: Language = language
        self.name = f"night-{language}-{size}"
        self.screens = {
            who: Screen(served, browser, who, size, language)
            for who in ("worker-night", "police-night", "doctor-night")
        }

    def at(self, clock: str) -> None:
        """It becomes `clock`."""
        hour, minute = map(int, clock.split(":"))
        now_min = self.story.now_ms // MINUTE_MS + 8 * 60
        self.story.wait((hour * 60 + minute - now_min) % (24 * 60))

    def through(self, clock: str) -> None:
        """Hours go by until `clock`; every sensor is heard meanwhile."""
        for hour in range(3, int(clock[:2])):
            self.at(f"{hour:02d}:00")
            for device, record in self.story.engine.records.items():
                if device.startswith("d:door-"):
                    place = record.place
                    self.story.event(device[2:], place, "household", "heartbeat")
        self.at(clock)

    def open_boards(self) -> None:
        for screen in self.screens.values():
            screen.go("/board").wait_for_selector('#live[data-state="live"]')

    def card(self, who: str) -> Any:
        return self.screens[who].page.locator("article", has_text=PLACE[self.language])

    def picture(self, number: int, what: str, who: str = "worker-night", *, whole: bool = False) -> None:
        self.screens[who].picture(f"{self.name}-{number}-{what}", whole=whole)

    def t(self, key: str, **values: object) -> str:
        return text(f"board.{key}", self.language, **values)

    def close(self) -> None:
        for screen in self.screens.values():
            assert screen.faults == []
            screen.context.close()


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("size", "language"), [("phone", "zh"), ("desk", "en")])
def test_a_night_is_played_and_the_morning_reads_it_rightly(
    served: Served, browser: Any, size: str, language: Language
) -> None:
    night = Night(served, browser, size, language)
    story = night.story
    night.open_boards()
    worker = night.screens["worker-night"].page
    worker.get_by_text(night.t("calm")).wait_for()
    night.picture(0, "calm")

    night.at("02:10")
    story.door(HOME, open=True)
    card = night.card("worker-night")
    card.wait_for()
    assert re.search(r"02:10 ", card.inner_text())
    assert night.card("police-night").locator("button", has_text=night.t("go")).count() == 0
    night.picture(1, "opened")

    night.at("02:12")
    card.locator("button", has_text=night.t("go")).click()
    card.get_by_text("马超").wait_for()
    assert "02:12" in card.locator(".team").inner_text()
    story.door(HOME, open=False)

    night.at("02:19")
    story.door(HOME, open=True)
    night.at("02:21")
    story.door(HOME, open=False)
    card.get_by_text(night.t("times", n=2)).wait_for()
    assert night.card("doctor-night").locator("button", has_text=night.t("go")).count() == 0, "not paged yet"

    night.at("02:26")
    story.door(HOME, open=True)
    card.get_by_text(night.t("times", n=3)).wait_for()
    for who in ("police-night", "doctor-night"):
        night.card(who).locator("button", has_text=night.t("go")).wait_for()
        night.screens[who].said(PLACE[language])
    night.picture(2, "police-paged", "police-night")

    night.at("02:28")
    night.card("police-night").locator("button", has_text=night.t("go")).click()
    # The others see who of the team answered, and who did not.
    told = card.locator(".team")
    told.get_by_text("黄海涛").wait_for()
    assert "02:28" in told.inner_text()
    assert words.name(words.ROLE_NAMES, "doctor", language) in told.inner_text()
    night.picture(3, "team")

    night.at("02:30")
    story.door(HOME, open=False)
    night.at("02:55")
    card.get_by_text(night.t("done"), exact=True).click()
    worker.fill("#sheet-done [name=note]", NOTE)
    night.picture(4, "done")
    worker.locator("#sheet-done button", has_text=night.t("preset_true-alarm")).click()
    for who in night.screens:
        night.card(who).wait_for(state="detached")

    night.through("08:00")
    sheet = night.screens["worker-night"].go("/handover?back=1")
    night.picture(5, "handover", whole=True)
    counts = [sheet.locator(".sum dd").nth(n).inner_text() for n in range(4)]
    assert counts == ["0", "1", "1", "4"], "nothing open; one incident, closed; the worker paged twice"
    check_sheet(sheet.locator("section", has_text=text("supervisor.settled", language)).inner_text(), language)
    night.close()


def check_sheet(settled: str, language: Language) -> None:
    """Everything that happened, in order, with its time; and nothing of it twice."""

    def role(name: str) -> str:
        return words.name(words.ROLE_NAMES, name, language)

    def page(name: str) -> str:
        return text("board.h_page", language, role=role(name))

    lines = [line.strip() for line in settled.splitlines() if re.match(r"\d\d:\d\d ", line.strip())]
    wanted = [
        ("02:10", ""),
        ("02:12", "马超"),
        ("02:19", ""),
        ("02:26", ""),
        ("02:26", page("police")),
        ("02:26", page("doctor")),
        ("02:28", "黄海涛"),
        ("02:42", text("board.h_acknowledgement-expired", language, role=role("worker"))),
        ("02:55", NOTE),
    ]
    assert [line[:5] for line in lines] == [at for at, _ in wanted], settled
    for line, (at, said) in zip(lines, wanted, strict=True):
        assert line.startswith(at)
        assert said in line, (line, said)
    assert text("board.times", language, n=3) in settled
    assert PLACE[language] in settled
