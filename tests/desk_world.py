"""The desk over a `Story`: real store, log-in, projection, links and web app; the story is gateway and core.

`World` calls the app in this process; `Served` serves it on a port for a browser or a bench.
"""

import asyncio
import atexit
import json
import shutil
import socket
import tempfile
import threading
from collections.abc import Callable
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import httpx
import uvicorn
from fastapi import FastAPI
from pyotp.totp import TOTP
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from duty.edge import demo_people
from duty.edge.auth import Auth
from duty.edge.book import Book
from duty.edge.channels.base import Tools
from duty.edge.desk.app import build
from duty.edge.dispatcher import Dispatcher
from duty.edge.door import Sent
from duty.edge.links import Links
from duty.edge.mailroom import Mailroom
from duty.edge.parts import Parts
from duty.edge.presence import Presence, Sirens
from duty.edge.projection import Projection
from duty.edge.store import Store
from duty.telling import Telling
from streams.commands import BadCommand
from streams.edge.sqlite_log import SqliteReader
from streams.effects import Effect, HouseholdSeen
from streams.state import Record
from streams.words import sentence
from tests.desk_story import Story, night
from tests.waiting import wait_until

ZONE = ZoneInfo("Asia/Shanghai")
MASTER_KEY = bytes(range(32))
HOST = "http://desk.test"


class StoryDoor:
    """The gateway's door over a story: the same answers, from the core's own decisions.

    `shut`: nothing is taken in, as when the gateway is down or its disk is full.  `says`: what it says of itself.
    """

    def __init__(self, story: Story, follow: Callable[[], None], outcome: Callable[[str], Any]) -> None:
        self.story = story
        self.shut = False
        self.says: dict[str, Any] = {}
        self.commands: list[dict[str, Any]] = []
        self.messages: list[dict[str, Any]] = []
        self._follow = follow
        self._outcome = outcome
        self._lock = threading.Lock()

    async def send(self, command: dict[str, Any], *, command_id: str = "", timeout_s: float = 3.0) -> Sent:
        if self.shut:
            return Sent("unreachable", command_id)
        with self._lock:
            self.commands.append(command)
            if isinstance(bad := self.story.command(command, command_id), BadCommand):
                return Sent("rejected", command_id, reason=bad.reason, detail=bad.detail)
        self._follow()
        outcome = self._outcome(command_id)
        if outcome is None:
            return Sent("kept", command_id)
        return Sent(
            "done" if outcome.done else "rejected",
            command_id,
            decision=outcome.decision,
            incident=outcome.incident,
            reason=outcome.reason.word,
            detail=sentence(outcome.reason, "zh", ZONE),
            by=outcome.by,
        )

    async def message(self, *, client: str, topic: str, payload: str) -> dict[str, Any] | None:
        if self.shut:
            return None
        said = json.loads(payload)
        self.messages.append({"client": client, "topic": topic} | said)
        with self._lock:
            self.story.gun("g017/north", float(said["celsius"]), pass_id=said.get("pass", ""))
        self._follow()
        return {}

    async def health(self) -> dict[str, Any] | None:
        return None if self.shut else self.says

    async def replay_rejects(self, ids: list[int] | None = None) -> dict[str, Any] | None:
        return None if self.shut else {"taken": len(ids or []), "refused": 0}


async def _nobody_listens(*_: object) -> bool:
    """Reports and receipts go to the gateway, which a story is without."""
    return True


class Told(NamedTuple):
    """A story that was told once, to begin from again: its files, what the core remembers, what it decided."""

    folder: Path
    now_ms: int
    records: dict[str, Record]
    effects: list[Effect]
    number: int  # of the last thing told


def fill(store: Store, now_ms: int, effects: list[Effect]) -> None:
    """The people of the demonstration, and the cases that were told of."""
    cases = {
        seen.household: demo_people.case_row(seen.household, seen.case_from_ms, seen.case_until_ms)
        for seen in effects
        if isinstance(seen, HouseholdSeen) and seen.case_from_ms is not None and seen.case_until_ms is not None
    }
    with store.together():
        demo_people.fill(store, Auth(store), ["g017", "g018"], now_ms, date(2020, 2, 16), cases=list(cases.values()))


@cache
def told(tell: Callable[[Story], None]) -> Told:
    """`tell` told once in a folder of its own, the people of the demonstration beside it."""
    folder = Path(tempfile.mkdtemp(prefix="threshold-story-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    story = Story(folder)
    with story.together():
        tell(story)
    store = Store.open(folder / "desk.db", master_key=MASTER_KEY)
    fill(store, story.now_ms, story.told)
    store.close()
    story.close()
    return Told(folder, story.now_ms, dict(story.engine.records), list(story.told), story.number)


class World:
    """A desk over a story.  Its people are those of the demonstration.

    Its store is a file in `folder`, or the empty database whose URL is `database`.
    """

    def __init__(self, folder: Path, tell: Callable[[Story], None] = night, database: str = "") -> None:
        before = told(tell)
        folder.mkdir(parents=True, exist_ok=True)
        for file in before.folder.glob("*.db"):
            shutil.copy(file, folder)
        self.story = Story(folder, before.now_ms, before.records.items())
        self.story.told = list(before.effects)
        self.story.number = before.number
        settings = self.story.settings()
        self.store = Store.open(database or folder / "desk.db", master_key=MASTER_KEY)
        if database:
            fill(self.store, self.story.now_ms, self.story.told)
        self.auth = Auth(self.store, site=settings.site.name)
        self.projection = Projection(
            self.store,
            outbox=SqliteReader(folder / "streams.db", "outbox"),
            inbox=SqliteReader(folder / "inbox.db", "inbox"),
            partitions=1,
            clock_ms=self.clock_ms,
            start="test",
        )
        self.projection.load()
        self.reading = threading.RLock()
        self.links = Links(self.store, self.projection.picture, master_key=MASTER_KEY, address=HOST)
        presence, sirens, rows = Presence(), Sirens(), Telling()
        book = Book(self.store, ZONE, self.clock_ms)
        self.dispatcher = Dispatcher(
            self.store,
            book=book,
            mail=Mailroom(
                book=book,
                tools=Tools(clock_ms=self.clock_ms, is_present=presence.has),
                links=self.links,
                rows=rows,
                zone=ZONE,
                site=settings.site.name,
                clock_ms=self.clock_ms,
                report=_nobody_listens,
                receipt=_nobody_listens,
                wanted=lambda: None,
            ),
            rows=rows,
            clock_ms=self.clock_ms,
            presence=presence,
            sirens=sirens,
            publish=self.projection.publish,
        )
        self.dispatcher.load()
        self.projection.followers.append(self.dispatcher)
        self.door = StoryDoor(self.story, self.follow, self.projection.outcome)
        self.parts = Parts(
            settings=settings,
            store=self.store,
            projection=self.projection,
            door=self.door,  # type: ignore[arg-type]
            auth=self.auth,
            links=self.links,
            dispatcher=self.dispatcher,
            zone=ZONE,
            clock_ms=self.clock_ms,
        )
        self.follow()
        self.app: FastAPI = build(self.parts)

    def clock_ms(self) -> int:
        return self.story.now_ms

    def follow(self) -> None:
        """Take in everything that stands in the logs, as the runner's loop does."""
        with self.reading:
            more = True
            while more:
                touched, more = self.projection.read_outbox()
                inbox, more_inbox = self.projection.read_inbox()
                more = more or more_inbox
                self.projection.tell([*touched, *inbox])
            self.dispatcher.absorb()
            self.projection.flush()

    def close(self) -> None:
        self.app.state.trials.close()
        self.store.close()
        self.story.close()

    def client(self) -> httpx.AsyncClient:
        """Somebody's browser, not logged in."""
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app, raise_app_exceptions=True),
            base_url=HOST,
            headers={"Origin": HOST},
            follow_redirects=False,
        )

    def token(self, login: str) -> str:
        """The cookie of a session of `login`, second factor and all."""
        answer = self.auth.log_in(login, demo_people.PASSWORD, "test", self.clock_ms())
        assert hasattr(answer, "token"), answer
        if answer.wants_totp:
            # A code is good for one session only: the next one is of the next step.
            code = TOTP(demo_people.TOTP_SECRET).generate_otp(self._next_step(login))
            answer = self.auth.second_factor(answer.token, code, "test", self.clock_ms())
            assert hasattr(answer, "token"), answer
        return answer.token

    def _next_step(self, login: str) -> int:
        account = self.store.account(login)
        assert account is not None
        now = self.clock_ms() // 30_000
        step = max(now - 1, account.totp_last_step + 1)
        if step > now + 1:
            self.story.now_ms += (step - now) * 30_000
        return step

    def as_(self, login: str) -> httpx.AsyncClient:
        """The browser of `login`, logged in."""
        client = self.client()
        client.cookies.set(self.auth.cookie_name, self.token(login))
        return client


class Served:
    """The app of a world on a port, in a thread of its own, its logs followed every 20 ms."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        self._unplugged = False
        config = uvicorn.Config(world.app, http=self._wire(), log_level="warning", timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(config)
        # A test sets the story's clock in another thread than the logs are followed in: between the two the picture
        # would be told as old.
        world.projection.live_since_ms = world.clock_ms  # type: ignore[method-assign]
        self._thread = threading.Thread(target=asyncio.run, args=(self._main(),), daemon=True)
        self._running: asyncio.Task[None] | None = None

    def _wire(self) -> Any:
        served = self

        class Wire(AutoHTTPProtocol):  # type: ignore[misc, valid-type]
            """A connection that ends once the network is gone."""

            def connection_made(self, transport: Any) -> None:
                super().connection_made(transport)
                if served._unplugged:
                    transport.abort()

            def data_received(self, data: bytes) -> None:
                if served._unplugged:
                    self.transport.abort()
                else:
                    super().data_received(data)

        return Wire

    def unplug(self) -> None:
        """Nobody gets through any more, whatever a browser takes for its own network."""
        self._unplugged = True
        there = self._running
        assert there is not None
        there.get_loop().call_soon_threadsafe(self._cut)

    def _cut(self) -> None:
        for each in list(self._server.server_state.connections):
            each.transport.abort()

    def plug_in(self) -> None:
        """The network is back."""
        self._unplugged = False

    async def _main(self) -> None:
        self._running = asyncio.create_task(self._run())
        await asyncio.wait({self._running})  # what ended it is told by whoever waits for the desk

    @property
    def _fault(self) -> BaseException | None:
        there = self._running
        return there.exception() if there is not None and there.done() and not there.cancelled() else None

    async def _run(self) -> None:
        serving = asyncio.ensure_future(self._server.serve([self._socket]))
        while not serving.done():
            self.world.follow()
            with self.world.reading:  # a test that follows in its own thread may be planning now
                self.world.dispatcher.go()
            if self.world.projection.feed.ended:
                self.world.projection.feed.end()
            await asyncio.wait({serving}, timeout=0.02)
        await serving

    def __enter__(self) -> "Served":
        self._thread.start()
        wait_until(lambda: self._server.started or not self._thread.is_alive(), 100, "the start of the desk")
        if not self._server.started:
            raise RuntimeError("the desk that was to be served did not start") from self._fault
        return self

    def __exit__(self, *_: object) -> None:
        self.world.projection.feed.ended = True  # its loop wakes whoever waits
        self._server.should_exit = True
        self._thread.join(60)
        if self._fault is not None or self._thread.is_alive():
            raise RuntimeError("the desk that was served did not end well") from self._fault
