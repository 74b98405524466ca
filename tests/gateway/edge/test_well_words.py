"""That a part is well, said once where a report stands that an earlier process left, and nowhere else."""

import asyncio
import threading
from collections.abc import Callable

from gateway.edge import well_words
from gateway.edge.well_words import WellWords
from streams.edge.log import LogFull
from streams.edge.standing import Standing
from streams.frames import SystemReport
from tests.gateway.edge.harness import Inside


class Core(Standing):
    """What the core remembers, as the test says; `answers` come first."""

    def __init__(self, *open_parts: str) -> None:
        self.open = set(open_parts)
        self.answers: list[Callable[[], bool | None]] = []
        self.asked: list[str] = []
        self.answered = 0
        self.go_on = threading.Event()
        self.go_on.set()

    def stands(self, part: str) -> bool | None:
        self.asked.append(part)
        self.go_on.wait(60)
        self.answered += 1
        return self.answers.pop(0)() if self.answers else part in self.open

    def stop(self) -> None: ...
    def close(self) -> None: ...


def words_of(inside: Inside, core: Core) -> WellWords:
    words = WellWords(inside.gate, core, loop=asyncio.get_running_loop())
    inside.gate.first_well = words.first
    return words


def reports(inside: Inside) -> list[tuple[str, bool]]:
    return [(r.part, r.well) for r in inside.records() if isinstance(r, SystemReport)]


async def test_a_first_word_that_a_part_is_well_ends_a_report_that_stands_and_leaves_nothing_otherwise(tmp_path):
    async with Inside(tmp_path) as inside:
        core = Core("disk")
        words_of(inside, core)
        inside.gate.report("broker", True, "")
        inside.gate.report("disk", True, "half is free")
        inside.gate.report("disk", True, "half is free")
        await inside.until(lambda: reports(inside))
        assert reports(inside) == [("disk", True)]
        assert core.asked == ["broker", "disk"]


async def test_what_was_reported_here_is_said_to_be_well_again_without_asking(tmp_path):
    async with Inside(tmp_path) as inside:
        core = Core()
        words_of(inside, core)
        inside.gate.report("disk", False, "full")
        inside.gate.report("disk", True, "half is free")
        await inside.durable()
        assert (reports(inside), core.asked) == ([("disk", False), ("disk", True)], [])


async def test_it_is_asked_again_until_it_is_known(tmp_path, monkeypatch):
    monkeypatch.setattr(well_words, "_AGAIN_S", 0.01)
    async with Inside(tmp_path) as inside:
        core = Core("disk")

        def away() -> bool:
            raise LogFull("away")

        core.answers = [lambda: None, away]
        words_of(inside, core)
        inside.gate.report("disk", True, "")
        await inside.until(lambda: reports(inside))
        assert (reports(inside), core.asked) == ([("disk", True)], ["disk"] * 3)


async def test_what_turns_out_to_be_wrong_meanwhile_is_not_said_to_be_well(tmp_path, monkeypatch):
    monkeypatch.setattr(well_words, "_AGAIN_S", 0.01)
    async with Inside(tmp_path) as inside:
        core = Core("disk")
        core.go_on.clear()
        words = words_of(inside, core)
        inside.gate.report("disk", True, "")
        needed = asyncio.ensure_future(words.needed("disk"))
        await inside.until(lambda: core.asked)
        inside.gate.report("disk", False, "full")
        core.go_on.set()
        assert await needed is False
        await inside.durable()
        assert reports(inside) == [("disk", False)]


async def stopped_while_asking(inside: Inside) -> tuple[Core, WellWords]:
    """Words that were stopped while the core still thinks about a report."""
    core = Core("disk")
    core.go_on.clear()
    words = words_of(inside, core)
    inside.gate.report("disk", True, "")
    await inside.until(lambda: core.asked)
    words.stop()
    return core, words


async def test_nothing_is_asked_any_more_once_it_is_stopped(tmp_path):
    async with Inside(tmp_path) as inside:
        core, _ = await stopped_while_asking(inside)
        core.go_on.set()
        await asyncio.sleep(0.05)
        await inside.durable()
        assert reports(inside) == []


async def test_a_question_under_way_is_waited_for_before_what_is_asked_is_closed(tmp_path):
    async with Inside(tmp_path) as inside:
        core, words = await stopped_while_asking(inside)
        over = asyncio.ensure_future(words.over())
        await asyncio.sleep(0.05)
        assert not over.done()
        core.go_on.set()
        await over
        assert core.answered == 1
        assert await words.needed("disk") is None
        assert core.asked == ["disk"], "nothing is asked once it is stopped"
