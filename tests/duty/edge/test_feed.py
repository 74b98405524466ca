import asyncio

import pytest

from duty.edge.feed import Change, Feed, Lost
from duty.picture import Touched


def touched(number: int, grid: str = "g017") -> Touched:
    return Touched("incident", str(number), grid, number)


def every(_: Touched) -> bool:
    return True


async def test_a_reader_is_told_what_comes_after_it_in_order() -> None:
    feed = Feed("run")
    feed.publish([touched(1)])
    reader = feed.subscribe(wanted=every)
    assert reader.take() == []
    waiting = asyncio.ensure_future(reader.wait(600))
    await asyncio.sleep(0)
    feed.publish([touched(2), touched(3)])
    await waiting
    assert reader.take() == [Change("run-2", touched(2)), Change("run-3", touched(3))]
    assert reader.take() == []


async def test_a_reader_that_was_away_goes_on_where_it_was() -> None:
    feed = Feed("run")
    before = feed.position()
    feed.publish(touched(n) for n in range(1, 6))
    assert [c.id for c in feed.subscribe(before, wanted=every).take()] == [f"run-{n}" for n in range(1, 6)]
    assert [c.id for c in feed.subscribe("run-3", wanted=every).take()] == ["run-4", "run-5"]


async def test_only_what_is_wanted_is_told() -> None:
    feed = Feed("run")
    reader = feed.subscribe(feed.position(), wanted=lambda t: t.grid == "g018")
    feed.publish([touched(1), touched(2, "g018"), touched(3)])
    feed.publish([touched(4, "g018")])
    assert [c.id for c in reader.take()] == ["run-2", "run-4"]


async def test_who_has_something_to_take_does_not_wait() -> None:
    feed = Feed("run")
    reader = feed.subscribe(wanted=every)
    feed.publish([touched(1)])
    await asyncio.wait_for(reader.wait(600), 60)
    await asyncio.wait_for(feed.subscribe("run-99", wanted=every).wait(600), 60)


async def test_who_waits_for_nothing_waits_no_longer_than_it_said() -> None:
    feed = Feed("run")
    reader = feed.subscribe(wanted=every)
    for within_s in (0.01, 0, -1):
        await asyncio.wait_for(reader.wait(within_s), 60)
    assert reader.take() == []
    assert feed._waiting == set()


async def test_when_the_desk_stops_nobody_waits() -> None:
    feed = Feed("run")
    reader = feed.subscribe(wanted=every)
    waiting = asyncio.ensure_future(reader.wait(600))
    await asyncio.sleep(0)
    assert not reader.ended
    feed.end()
    await asyncio.wait_for(waiting, 60)
    assert reader.ended
    await asyncio.wait_for(reader.wait(600), 60)


@pytest.mark.parametrize("after", ["other-1", "run-99", "run-x", "run-" + "9" * 40, "nonsense", "run--1", "run-٣"])
async def test_a_place_that_is_not_known_means_draw_afresh(after: str) -> None:
    feed = Feed("run")
    feed.publish([touched(1)])
    reader = feed.subscribe(after, wanted=every)
    assert reader.take() == [Lost("run-1")]
    assert reader.take() == []


async def test_who_was_away_too_long_draws_afresh_and_then_goes_on() -> None:
    feed = Feed("run", kept=10)
    slow = feed.subscribe(feed.position(), wanted=every)
    feed.publish([touched(1)])
    assert [each.id for each in slow.take()] == ["run-1"]
    for number in range(2, 40):
        feed.publish([touched(number)])
    assert slow.take() == [Lost("run-39")]
    feed.publish([touched(40)])
    assert [each.id for each in slow.take()] == ["run-40"]


async def test_two_hundred_readers_are_all_told() -> None:
    feed = Feed("run")
    readers = [feed.subscribe(wanted=every) for _ in range(200)]
    waiting = [asyncio.ensure_future(reader.wait(60)) for reader in readers]
    await asyncio.sleep(0)
    feed.publish([touched(1)])
    await asyncio.wait_for(asyncio.gather(*waiting), 60)
    assert [[each.id for each in reader.take()] for reader in readers] == [["run-1"]] * 200


async def test_a_reader_that_leaves_is_forgotten() -> None:
    feed = Feed("run")
    waiting = asyncio.ensure_future(feed.subscribe(wanted=every).wait(60))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert feed._waiting == set()


async def test_what_another_thread_publishes_wakes_whoever_waits() -> None:
    feed = Feed("run")
    reader = feed.subscribe(wanted=every)
    for number in range(200):
        telling = asyncio.ensure_future(asyncio.to_thread(feed.publish, [touched(number)]))
        while not reader.take():
            await asyncio.wait_for(reader.wait(3600), 60)
        await telling
    assert reader.take() == []
    assert feed._waiting == set()
