import asyncio
from typing import Any

import pytest

from duty.edge.feed import Change, Feed, Lost
from duty.picture import Touched


def touched(number: int, grid: str = "g017") -> Touched:
    return Touched("incident", str(number), grid, number)


def every(_: Touched) -> bool:
    return True


async def take(stream: Any, count: int) -> list[Any]:
    return [await asyncio.wait_for(anext(stream), 2) for _ in range(count)]


async def test_a_reader_is_told_what_comes_after_it_in_order() -> None:
    feed = Feed("run")
    feed.publish([touched(1)])
    stream = feed.subscribe(wanted=every)
    waiting = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0)
    feed.publish([touched(2), touched(3)])
    assert await waiting == Change("run-2", touched(2))
    assert await take(stream, 1) == [Change("run-3", touched(3))]


async def test_a_reader_that_was_away_goes_on_where_it_was() -> None:
    feed = Feed("run")
    before = feed.position()
    feed.publish(touched(n) for n in range(1, 6))
    assert [c.touched.key for c in await take(feed.subscribe(before, wanted=every), 5)] == ["1", "2", "3", "4", "5"]
    assert [c.id for c in await take(feed.subscribe("run-3", wanted=every), 2)] == ["run-4", "run-5"]


async def test_only_what_is_wanted_is_told() -> None:
    feed = Feed("run")
    stream = feed.subscribe(feed.position(), wanted=lambda t: t.grid == "g018")
    feed.publish([touched(1), touched(2, "g018"), touched(3)])
    feed.publish([touched(4, "g018")])
    assert [c.id for c in await take(stream, 2)] == ["run-2", "run-4"]


@pytest.mark.parametrize("after", ["other-1", "run-99", "run-x", "run-" + "9" * 40, "nonsense", "run--1", "run-٣"])
async def test_a_place_that_is_not_known_means_draw_afresh(after: str) -> None:
    feed = Feed("run")
    feed.publish([touched(1)])
    assert await take(feed.subscribe(after, wanted=every), 1) == [Lost("run-1")]


async def test_who_was_away_too_long_draws_afresh_and_then_goes_on() -> None:
    feed = Feed("run", kept=10)
    slow = feed.subscribe(feed.position(), wanted=every)
    feed.publish([touched(1)])
    assert (await take(slow, 1))[0].id == "run-1"
    for number in range(2, 40):
        feed.publish([touched(number)])
    assert await take(slow, 1) == [Lost("run-39")]
    feed.publish([touched(40)])
    assert (await take(slow, 1))[0].id == "run-40"


async def test_two_hundred_readers_are_all_told() -> None:
    feed = Feed("run")
    readers = [asyncio.ensure_future(anext(feed.subscribe(wanted=every))) for _ in range(200)]
    await asyncio.sleep(0)
    feed.publish([touched(1)])
    assert {change.id for change in await asyncio.gather(*readers)} == {"run-1"}


async def test_a_reader_that_leaves_is_forgotten() -> None:
    feed = Feed("run")
    reader = asyncio.ensure_future(anext(feed.subscribe(wanted=every)))
    await asyncio.sleep(0)
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    assert feed._waiting == set()
