import asyncio

import pytest

from duty.edge import self_test
from duty.edge.door import Sent
from duty.edge.self_test import SelfTest
from streams.troubles import Trouble

LATE = Trouble("self-test-late", {"seconds": 60})


class Path:
    """The way of a command, as a test breaks it."""

    def __init__(self) -> None:
        self.now_ms = 1_000_000
        self.answer = Sent("rejected", "", "rejected", "", "unknown-subject")
        self.commands: list[dict] = []
        self.reports: list[tuple[str, bool, str]] = []
        self.said: list[str] = []
        self.test = SelfTest(
            send=self._send, report=self._report, clock_ms=lambda: self.now_ms, every_s=300, late_after_s=60,
            say=self.said.append,
        )  # fmt: skip

    async def _send(self, command: dict, command_id: str, timeout_s: float) -> Sent:
        self.commands.append(command | {"id": command_id})
        self.now_ms += 40
        return self.answer

    async def _report(self, part: str, well: bool, detail: str) -> None:
        self.reports.append((part, well, detail))


async def test_a_refusal_that_comes_back_proves_the_path() -> None:
    path = Path()
    assert await path.test.test()
    assert path.test.took_ms == 40
    assert path.test.alive_ms() == path.now_ms
    assert path.reports == [("self-test", True, "")]  # which counts where an earlier process said otherwise
    assert path.commands[0]["command"] == "check-returned"


async def test_each_test_is_a_command_of_its_own() -> None:
    path = Path()
    await path.test.test()
    await path.test.test()
    assert path.commands[0]["id"] != path.commands[1]["id"]


async def test_a_broken_path_is_reported_once_and_makes_the_picture_old() -> None:
    path = Path()
    await path.test.test()
    good_ms = path.now_ms
    path.answer = Sent("kept", "")
    path.now_ms += 300_000
    assert not await path.test.test()
    assert not await path.test.test()
    assert path.test.alive_ms() == good_ms
    assert path.reports == [("self-test", True, ""), ("self-test", False, LATE)]
    path.answer = Sent("rejected", "")
    assert await path.test.test()
    assert path.reports[2:] == [("self-test", True, "")]
    assert path.test.alive_ms() == path.now_ms
    assert len(path.said) == 2


async def test_a_gateway_that_is_away_says_why() -> None:
    path = Path()
    path.answer = Sent("unreachable", "", detail="ConnectError")
    assert not await path.test.test()
    assert path.test.failing == "ConnectError"


async def test_while_it_fails_it_is_tried_again_soon_and_not_after_the_whole_pause(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slept: list[float] = []

    async def sleep(pause_s: float) -> None:
        slept.append(pause_s)
        if len(slept) == 2:
            path.answer = Sent("rejected", "")
        if len(slept) == 4:
            raise asyncio.CancelledError

    path = Path()
    path.answer = Sent("kept", "")
    monkeypatch.setattr(self_test.asyncio, "sleep", sleep)
    with pytest.raises(asyncio.CancelledError):
        await path.test.run()
    assert slept == [300, 15, 300, 300]
    assert path.reports == [("self-test", False, LATE), ("self-test", True, "")]
