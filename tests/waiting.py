"""Waiting for something another process or thread does."""

import asyncio
import time
from collections.abc import Callable


def wait_until(condition: Callable[[], object], timeout_s: float = 60, what: str = "what was waited for") -> None:
    """Return once the condition holds; fail the test when it does not in time."""
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, f"{what} did not come in {timeout_s:g} s"
        time.sleep(0.01)


async def until(condition: Callable[[], object]) -> None:
    """The same while the event loop goes on."""
    await asyncio.to_thread(wait_until, condition)
