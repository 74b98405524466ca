"""One partition while it is ours, without Kafka; `tests/live/test_chaos.py` tries it on one."""

import asyncio
from typing import Any, cast

import pytest

from streams.edge import part_runner
from streams.edge.cluster_part import Part
from streams.edge.part_runner import PartRunner
from streams.frames import encode_inbox
from tests.streams.edge.boxes import in_frames, policy, standing_clock
from tests.streams.edge.scripts import script


class Stuck:
    """A writer whose broker does not answer any more."""

    async def state(self, *_: Any) -> None:
        await asyncio.Event().wait()


async def test_whoever_waits_for_room_is_let_go_when_the_partition_is_taken_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Frames of all partitions come by one and the same task: it would never come again."""
    monkeypatch.setattr(part_runner, "_MOST_WAITING", 2)
    part = Part(0, policy(), {})
    unused = cast(Any, None)
    runner = PartRunner(
        part, table=unused, restored_to=-1, writer=cast(Any, Stuck()), clock=standing_clock(), foreign=unused
    )
    writing = asyncio.create_task(runner.run())
    frames = [encode_inbox(list(frame)) for frame in in_frames(script(1, 60))]

    async def take_all() -> None:
        for offset, frame in enumerate(frames, start=1):
            await runner.take(offset, frame)

    taking = asyncio.create_task(take_all())
    _, waiting = await asyncio.wait({taking}, timeout=1)
    assert waiting, "there is room for all of it"
    writing.cancel()  # as all that was begun for a partition is when it goes
    before = part.offset
    runner.let_go()
    await asyncio.wait_for(taking, 60)
    assert part.offset == before, "what is not ours any more was taken in"
