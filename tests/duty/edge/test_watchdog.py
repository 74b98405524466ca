import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from devices.edge.complaints import Complaint
from devices.edge.toml_lines import TomlFile
from duty.edge.watchdog import Settings, Watchdog, _run, settings_of
from duty.people import Channel
from tests.duty.edge.peers import Peer, Request, Says, nobody_there, peer

GOOD = """
url = "https://desk.example.org/health"
site = "阳光小区"
[[channel]]
kind = "wecom"
target = "https://robot.example/x"
"""


class World:
    """A desk and a robot, both at one peer, and a clock."""

    def __init__(self, made: Peer) -> None:
        self.peer = made
        self.now_ms = 1_581_816_600_000
        self.health: Any = Says(200, {"well": True})
        self.robot: Any = Says(200, {"errcode": 0})
        made.says = lambda request: self.health if request.path == "/health" else self.robot
        robot = Channel(id="r", person="", order=1, kind="wecom", target=f"{made.url}/robot")
        self.dog = Watchdog(
            Settings(url=f"{made.url}/health", channels=(robot,), site="小区"),
            clock_ms=lambda: self.now_ms,
            say=lambda _: None,
        )

    async def look(self, after_s: float = 20) -> str | None:
        self.now_ms += round(after_s * 1000)
        return await self.dog.look()

    @property
    def told(self) -> list[Request]:
        return [request for request in self.peer.requests if request.path == "/robot"]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with peer() as made:
        world = World(made)
        yield world
        await world.dog.close()


@pytest.mark.parametrize(
    "health",
    [Says(200, {"well": False}), Says(500), Says(drops=True), Says(200, b"<html>"), Says(200, b"[]"), Says(200, b"1")],
)
async def test_a_box_that_does_not_say_it_is_well_is_dead_after_three_minutes(world: World, health: Says) -> None:
    assert await world.look() is None
    world.health = health
    words = [await world.look() for _ in range(10)]
    assert words == [None] * 8 + ["dead", None]
    assert "没有响应" in world.told[0].json["text"]["content"]
    world.health = Says(200, {"well": True})
    assert await world.look() == "back"
    assert "已恢复" in world.told[1].json["text"]["content"]


async def test_a_box_that_is_not_there_at_all(world: World) -> None:
    dog = Watchdog(
        Settings(url=nobody_there() + "/health", channels=()), clock_ms=lambda: world.now_ms, say=lambda _: None
    )
    assert not await dog.is_well()
    await dog.close()


async def test_what_no_channel_took_is_told_again_at_the_next_look(world: World) -> None:
    world.health, world.robot = Says(500), Says(500)
    assert await world.look(200) == "dead"
    assert await world.look() == "dead"
    world.robot = Says(200, {"errcode": 0})
    assert await world.look() == "dead"
    assert await world.look() is None


async def test_a_fault_ends_it_aloud_and_leaves_no_process_that_watches_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def look(_: Watchdog) -> None:
        raise RuntimeError("a fault of its own")

    monkeypatch.setattr(Watchdog, "look", look)
    with pytest.raises(RuntimeError, match="a fault of its own"):
        await asyncio.wait_for(_run(Settings(url=nobody_there(), channels=())), 60)


def test_its_file() -> None:
    settings = settings_of(TomlFile("watchdog.toml", GOOD))
    assert (settings.site, settings.every_s, settings.dead_after_s) == ("阳光小区", 20, 180)
    assert [(one.kind, one.target) for one in settings.channels] == [("wecom", "https://robot.example/x")]


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("", 0, "url must be the desk's address"),
        ('url = "https://x"', 0, "nobody would be told"),
        ("ulr = 1\n" + GOOD, 1, "there is no key 'ulr'"),
        (GOOD.replace("wecom", "desk"), 5, "kind must be one of"),
        (GOOD.replace("target", "taget"), 6, "there is no key 'taget'"),
        ('language = "fr"' + GOOD, 1, "language must be zh or en"),
        ("every_s = 0" + GOOD, 1, "every_s must lie between"),
        (GOOD.replace('"https://robot.example/x"', "5"), 4, "must be texts"),
    ],
)
def test_a_mistake_is_told_with_its_line(text: str, line: int, what: str) -> None:
    with pytest.raises(Complaint) as caught:
        settings_of(TomlFile("watchdog.toml", text))
    assert any(one.line == line and what in one.what for one in caught.value.each()), str(caught.value)
