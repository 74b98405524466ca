"""What a screen is told, and what not."""

import asyncio
import json
from typing import Any

import pytest

from duty.edge.desk.live import SCREENS, CardCache, Watcher, event
from duty.picture import Touched
from tests.desk_world import World


def watcher(screen: str, key: str = "", devices: tuple[str, ...] = ()) -> Watcher:
    return Watcher(screen=screen, key=key, grids=frozenset({"g017"}), devices=frozenset(devices))


def touched(what: Any, key: str, grid: str = "g017") -> Touched:
    return Touched(what, key, grid, 1)


@pytest.mark.parametrize("screen", SCREENS)
def test_no_screen_is_told_of_another_grid(screen: str) -> None:
    for what in ("incident", "household", "checkpoint", "note", "delivery", "device"):
        assert not watcher(screen, "k").wants(touched(what, "k", "g018"))


@pytest.mark.parametrize(
    ("shown", "change", "wanted"),
    [
        (watcher("board"), touched("incident", "g017/3/1203/tamper/1"), True),
        (watcher("board"), touched("household", "g017/3/1203"), True),
        (watcher("board"), touched("checkpoint", "g017/north"), False),
        (watcher("buildings"), touched("household", "g017/3/1203"), True),
        (watcher("buildings"), touched("incident", "g017/3/1203/tamper/1"), False),
        (watcher("checkpoint", "g017/north"), touched("checkpoint", "g017/north"), True),
        (watcher("checkpoint", "g017/north"), touched("checkpoint", "g017/south"), False),
        (watcher("household", "g017/3/1203"), touched("incident", "g017/3/1203/tamper/1"), True),
        (watcher("household", "g017/3/1203"), touched("incident", "g017/3/12039/tamper/1"), False),
        (watcher("household", "g017/3/1203", ("d1",)), touched("device", "d1"), True),
        (watcher("household", "g017/3/1203", ("d1",)), touched("device", "d2"), False),
        (watcher("incident", "g017/3/1203/tamper/1"), touched("incident", "g017/3/1203/tamper/1"), True),
        (watcher("incident", "g017/3/1203/tamper/1"), touched("incident", "g017/3/1203/tamper/2"), False),
    ],
)
def test_a_screen_is_told_of_what_it_shows(shown: Watcher, change: Touched, wanted: bool) -> None:
    assert shown.wants(change) is wanted


def test_an_event_is_one_line_of_json_whatever_it_says() -> None:
    sent = event("card", {"text": "a\nb\r\n\u202e 门"}, "x-7").decode()
    assert sent.startswith("id: x-7\nevent: card\ndata: ")
    assert sent.endswith("\n\n")
    (line,) = [line for line in sent.splitlines() if line.startswith("data: ")]
    assert json.loads(line[6:]) == {"text": "a\nb\r\n\u202e 门"}


def test_a_card_is_drawn_once_for_all_viewers_of_a_sort(world: World) -> None:
    cache, drawn = CardCache(), []
    incident = next(iter(world.projection.picture.incidents.values()))

    def draw() -> bytes:
        drawn.append(1)
        return b"html"

    for _ in range(3):
        assert cache.get(("i", "zh"), incident, None, draw) == b"html"
    assert len(drawn) == 1
    cache.get(("i", "en"), incident, None, draw)
    cache.get(("i", "zh"), incident, "its household changed", draw)
    assert len(drawn) == 3


async def read(
    world: World, path: str, *, until: str, times: int = 1, login: str = "worker-night", act: Any = None
) -> list[str]:
    """The events of a live stream up to so many called `until`, straight from the app."""
    sent: list[bytes] = []
    done = asyncio.Event()
    token = world.token(login)

    async def receive() -> dict[str, Any]:
        await done.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message.get("body", b""))
        if act is not None and len(sent) == 2:
            act()
        if b"".join(sent).count(f"event: {until}\n".encode()) >= times:
            done.set()

    route, _, query = path.partition("?")
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
        "path": route, "raw_path": route.encode(), "query_string": query.encode(), "root_path": "",
        "headers": [(b"cookie", f"{world.auth.cookie_name}={token}".encode()), (b"host", b"desk.test")],
        "client": ("test", 1), "server": ("desk.test", 80),
    }  # fmt: skip
    await asyncio.wait_for(world.app(scope, receive, send), 100)
    return b"".join(sent).decode().split("\n\n")


def cards(events: list[str]) -> list[dict[str, Any]]:
    lines = [line for each in events if "event: card" in each for line in each.splitlines()]
    return [json.loads(line[6:]) for line in lines if line.startswith("data: ")]


@pytest.mark.parametrize(("login", "rings"), [("worker-night", True), ("police", False)])
async def test_an_incident_is_told_at_once_and_rings_for_the_role_that_is_paged(
    world: World, login: str, rings: bool
) -> None:
    after = world.projection.position()

    def opens() -> None:
        world.story.door("g017/2/0801", open=True)
        world.follow()

    events = await read(world, f"/live?screen=board&after={after}", until="card", login=login, act=opens)
    # Its household, the raising and the page are three changes, and one card.
    (told,) = cards(events)
    assert told["id"] == "g017/2/0801/undeclared-opening/1"
    assert "2 栋 0801" in told["html"]
    assert bool(told.get("calls")) is rings


async def test_of_pages_to_several_roles_only_those_to_mine_ring(world: World) -> None:
    after = world.projection.position()

    def climbs() -> None:
        world.story.wait(8)  # the fever and the reading climb to the worker, the door left open to the police
        world.follow()

    events = await read(world, f"/live?screen=board&after={after}", until="card", times=3, act=climbs)
    told = cards(events)
    assert "g017/5/0402/left-open/1" in {each["id"] for each in told}
    assert {each["id"].split("/")[-2] for each in told if each.get("calls")} == {"fever", "suspect-reading"}


async def test_whoever_was_away_too_long_draws_everything_afresh(world: World) -> None:
    events = await read(world, "/live?screen=board&after=another-run-9", until="fresh")
    assert any("event: fresh" in each for each in events)


async def test_a_screen_begins_with_a_beat_that_tells_the_time_and_the_figures(world: World) -> None:
    events = await read(world, "/live?screen=board", until="beat")
    data = json.loads(next(line for line in events[1].splitlines() if line.startswith("data: "))[6:])
    assert data["now_ms"] == world.clock_ms()
    assert data["sum"] == {"todo": 3, "taken": 1, "watched": 40, "today": 4}


async def test_a_desk_that_hears_nothing_of_the_core_says_its_picture_is_old(world: World) -> None:
    world.story.now_ms += 60_000
    events = await read(world, "/live?screen=board", until="old")
    assert any("event: old" in each for each in events)


async def test_of_all_that_came_at_once_only_the_last_names_its_place(world: World) -> None:
    """Whoever loses the line in the middle of a piece asks after the place before it, and is told all of it again."""
    after = world.projection.position()
    world.story.wait(8)
    world.follow()
    events = await read(world, f"/live?screen=board&after={after}", until="card", times=3)
    told = [each for each in events if "event: card" in each]
    assert len(told) > 1
    assert [each.startswith("id: ") for each in told] == [False] * (len(told) - 1) + [True]
    place = told[-1].removeprefix("id: ").partition("\n")[0]
    assert world.projection.subscribe(place, wanted=watcher("board").wants).take() == []


async def test_whoever_goes_on_is_told_only_what_is_new(world: World) -> None:
    world.story.wait(8)
    world.follow()
    after = world.projection.position()

    def opens() -> None:
        world.story.door("g017/2/0801", open=True)
        world.follow()

    told = cards(await read(world, f"/live?screen=board&after={after}", until="card", act=opens))
    assert [each["id"] for each in told] == ["g017/2/0801/undeclared-opening/1"]


async def test_of_readings_that_came_at_once_each_is_told(world: World) -> None:
    after = world.projection.position()

    def measures() -> None:
        for celsius in (36.1, 36.2, 36.3):
            world.story.wait(0.1)
            world.story.gun("g017/north", celsius)
        world.follow()

    path = f"/live?screen=checkpoint&key=g017/north&after={after}"
    events = await read(world, path, until="answer", times=3, login="guard", act=measures)
    lines = [line for each in events if "event: answer" in each for line in each.splitlines()]
    assert [json.loads(line[6:])["celsius"] for line in lines if line.startswith("data: ")] == [36.1, 36.2, 36.3]
