"""How long a worker may write: told by a clock that the test moves."""

import asyncio

import pytest

from streams.edge.tenure import MARGIN_S, Over, Tenure


class Clock:
    def __init__(self) -> None:
        self.now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def test_being_given_partitions_is_no_confirmation(clock: Clock):
    tenure = Tenure(3, 6.0, clock=clock)
    assert not tenure.holds
    waiting = asyncio.ensure_future(tenure.held())
    await asyncio.sleep(0.01)
    assert not waiting.done()
    tenure.confirm(clock.now_s)
    await asyncio.wait_for(waiting, 60)
    assert tenure.left_s == 6.0 - MARGIN_S


async def test_it_holds_from_when_the_broker_was_asked_not_from_when_it_answered(clock: Clock):
    tenure = Tenure(3, 6.0, clock=clock)
    asked_s = clock.now_s
    clock.now_s += 60  # stopped between the question and the hearing of the answer
    tenure.confirm(asked_s)
    assert not tenure.holds


async def test_it_ends_without_a_word_and_is_made_good_by_the_next_one(clock: Clock):
    tenure = Tenure(3, 6.0, clock=clock)
    tenure.confirm(clock.now_s)
    clock.now_s += 6.0 - MARGIN_S
    assert not tenure.holds
    tenure.confirm(clock.now_s - 1)
    assert tenure.left_s == pytest.approx(4.0)
    tenure.confirm(clock.now_s - 3)  # an answer that was overtaken
    assert tenure.left_s == pytest.approx(4.0)


async def test_what_was_given_to_another_never_comes_back(clock: Clock):
    tenure = Tenure(3, 6.0, clock=clock)
    waiting = asyncio.ensure_future(tenure.held())
    await asyncio.sleep(0)
    tenure.end()
    with pytest.raises(Over):
        await waiting
    tenure.confirm(clock.now_s)
    assert not tenure.holds
    with pytest.raises(Over):
        await tenure.held()
