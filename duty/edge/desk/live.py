"""The live stream of a screen: server-sent events, one generator a connection.

A screen says what it shows and the id of the last change it has seen; it is told every later change it may see, and
every few seconds a beat, by which it knows that what it shows is not old.  A beat is sent only while the desk itself
is up to date with the outbox, and only while the session is good.
"""

import asyncio
import json
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
from fastapi import FastAPI, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from duty.access import Allowed, may
from duty.edge.desk import look
from duty.edge.desk.answers import answer_row
from duty.edge.desk.cards import CardMaker
from duty.edge.desk.cells import state_of
from duty.edge.desk.entry import Entered, NotYours, Visit, With
from duty.edge.desk.routes.board import grids_of, household_of, maker, sums
from duty.edge.parts import Parts
from duty.edge.projection import Change, Lost
from duty.people import StaffRole
from duty.picture import Incident, Touched

BEAT_S = 5.0
OLD_PICTURE_MS = 15_000
CARDS_KEPT = 4000

# What each screen is told of, and the action that lets a person see it.
SCREENS: dict[str, tuple[str, frozenset[str]]] = {
    "board": ("see-board", frozenset({"incident", "household"})),
    "incident": ("see-board", frozenset({"incident", "delivery"})),
    "household": ("see-household", frozenset({"incident", "household", "delivery", "device", "note"})),
    "buildings": ("see-buildings", frozenset({"household"})),
    "checkpoint": ("see-checkpoint", frozenset({"checkpoint"})),
    "figures": ("see-figures", frozenset({"incident"})),
}


class CardCache:
    """Cards drawn once for all viewers of one sort, as long as the incident stays the very same value."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, ...], tuple[Incident, Any, bytes]] = OrderedDict()

    def get(self, key: tuple[str, ...], incident: Incident, beside: Any, draw: Callable[[], bytes]) -> bytes:
        known = self._kept.get(key)
        if known is not None and known[0] is incident and known[1] is beside:
            self._kept.move_to_end(key)
            return known[2]
        drawn = draw()
        self._kept[key] = (incident, beside, drawn)
        while len(self._kept) > CARDS_KEPT:
            self._kept.popitem(last=False)
        return drawn


class Watcher(msgspec.Struct, frozen=True, kw_only=True):
    """What one connection shows."""

    screen: str
    key: str  # the incident, household or checkpoint shown; "" for all
    grids: frozenset[str]
    devices: frozenset[str] = frozenset()  # those of the household shown

    def wants(self, touched: Touched) -> bool:
        """Whether a change belongs on this screen."""
        if touched.grid not in self.grids or touched.what not in SCREENS[self.screen][1]:
            return False
        if self.screen in ("incident", "checkpoint"):
            return touched.key == self.key or (touched.what == "delivery" and touched.key.startswith(self.key))
        if self.screen == "household":
            if touched.what == "device":
                return touched.key in self.devices
            return touched.key == self.key or touched.key.startswith(f"{self.key}/")
        return True


def event(name: str, data: Any, id: str = "") -> bytes:
    """One event as it goes over the wire.  The data is JSON on one line."""
    head = f"id: {id}\n" if id else ""
    return f"{head}event: {name}\ndata: {json.dumps(data, ensure_ascii=False, separators=(',', ':'))}\n\n".encode()


async def live(
    request: Request, visit: Entered, parts: With, screen: str, after: str = "", key: str = "", grid: str = ""
) -> StreamingResponse:
    if screen not in SCREENS or len(key) > 300:
        raise NotYours
    grids = grids_of(visit, parts, SCREENS[screen][0])
    if grid:
        grids = [each for each in grids if each == grid]
    if not grids:
        raise NotYours
    devices = (
        frozenset(each.device for each in parts.projection.devices_of(key)) if screen == "household" else frozenset()
    )
    watcher = Watcher(screen=screen, key=key, grids=frozenset(grids), devices=devices)
    seen = request.headers.get("last-event-id") or after
    return StreamingResponse(
        _stream(request, visit, parts, watcher, seen),
        media_type="text/event-stream",
        headers={"X-Accel-Buffering": "no", "Cache-Control": "no-store, no-transform"},
    )


async def _stream(request: Request, visit: Visit, parts: Parts, watcher: Watcher, seen: str) -> AsyncIterator[bytes]:
    with parts.dispatcher.presence(visit.me.id):
        async for piece in _pieces(request, visit, parts, watcher, seen):
            yield piece


async def _pieces(request: Request, visit: Visit, parts: Parts, watcher: Watcher, seen: str) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    reader = parts.projection.subscribe(seen, wanted=watcher.wants)
    yield b"retry: 2000\n\n" + _beat(request, parts, watcher)
    beat_at = loop.time() + BEAT_S
    while not reader.ended:
        changes = reader.take()
        if changes and (data := _tell(request, visit, parts, watcher, changes)):
            yield data
        if loop.time() >= beat_at:
            if not await run_in_threadpool(_still_allowed, request, visit, parts, watcher):
                yield event("end", {})
                return
            beat_at = loop.time() + BEAT_S
            yield _beat(request, parts, watcher)
        await reader.wait(beat_at - loop.time())


def _still_allowed(request: Request, visit: Visit, parts: Parts, watcher: Watcher) -> bool:
    """Whether the session is good and every grid of this stream is still its person's."""
    who = parts.auth.who(request.cookies.get(parts.auth.cookie_name, ""), parts.clock_ms())
    if who is None or not who.full or visit.person is None or who.person.id != visit.person.id:
        return False
    action = SCREENS[watcher.screen][0]
    return all(isinstance(may(who.person, action, grid), Allowed) for grid in watcher.grids)


def _beat(request: Request, parts: Parts, watcher: Watcher) -> bytes:
    now_ms = parts.clock_ms()
    since_ms = parts.projection.live_since_ms()
    if now_ms - since_ms > OLD_PICTURE_MS:
        return event("old", {"since_ms": since_ms})
    data: dict[str, Any] = {"now_ms": now_ms}
    if watcher.screen == "board":
        cache: dict[Any, Any] = request.app.state.sums
        key = (watcher.grids, now_ms // 2000)
        if key not in cache:
            cache.clear()
            cache[key] = sums(parts, sorted(watcher.grids), now_ms)
        data["sum"] = cache[key]
    return event("beat", data)


def _tell(request: Request, visit: Visit, parts: Parts, watcher: Watcher, changes: list[Change | Lost]) -> bytes | None:
    """All that came as one piece: what changed several times is told once, as it is now.

    Only the last event names its place in the feed: whoever loses the line in the middle is told all of it again.
    """
    there = [change for change in changes if isinstance(change, Change)]
    if len(there) < len(changes):
        return event("fresh", {}, changes[-1].id)
    told = [each.touched for each in there]
    if watcher.screen == "board":
        events = _cards(request, visit, parts, watcher, told)
    elif watcher.screen == "checkpoint":
        events = _answers(visit, parts, watcher, told)
    else:
        keys = dict.fromkeys((each.what, each.key) for each in told)
        events = [each for what, key in keys if (each := _other(visit, parts, watcher, what, key))]
    if not events:
        return None
    return (b"".join(events[:-1]) + f"id: {there[-1].id}\n".encode()) + events[-1]


def _other(visit: Visit, parts: Parts, watcher: Watcher, what: str, key: str) -> bytes | None:
    """What a screen that is no board is told of one thing that changed."""
    picture = parts.projection.picture
    if what == "household" and watcher.screen == "buildings":
        seen = picture.households.get(key)
        return event("cell", {"household": key, "state": state_of(seen, parts.clock_ms())}) if seen else None
    return event("touched", {"what": what, "key": key})


def _answers(visit: Visit, parts: Parts, watcher: Watcher, told: list[Touched]) -> list[bytes]:
    """Every answer that came, in order, for each is counted.  Two of one moment may be told twice: the screen knows."""
    moments = {each.t_ms for each in told}
    answers = parts.projection.picture.answers.get(watcher.key, ())
    return [event("answer", answer_row(each, visit.language, parts.zone)) for each in answers if each.t_ms in moments]


def _cards(request: Request, visit: Visit, parts: Parts, watcher: Watcher, told: list[Touched]) -> list[bytes]:
    picture = parts.projection.picture
    calls: dict[str, bool] = {}  # the incidents to draw, in order, and whether they ring
    for touched in told:
        if touched.what == "household":
            # The household changed (door closed, muted): its cards are drawn again.
            for each in picture.incidents_of(touched.key):
                if each.state != "closed":
                    calls.setdefault(each.id, False)
            continue
        rings = touched.detail == "page" and _is_for(visit.me.roles, picture.incidents.get(touched.key), touched.t_ms)
        calls[touched.key] = calls.get(touched.key, False) or rings
    return [_card(request, visit, parts, watcher, key, rings) for key, rings in calls.items()]


def _is_for(roles: tuple[StaffRole, ...], incident: Incident | None, t_ms: int) -> bool:
    """A page to one of my roles is what makes a sound; nothing else does."""
    return incident is not None and any(
        line.what == "page" and line.role in roles and line.t_ms == t_ms for line in incident.lines
    )


def _card(request: Request, visit: Visit, parts: Parts, watcher: Watcher, key: str, rings: bool) -> bytes:
    incident = parts.projection.picture.incidents.get(key)
    if incident is None or incident.state == "closed":
        return event("gone", {"id": key})
    person = visit.me
    many = len(watcher.grids) > 1
    household = household_of(parts, incident)

    def draw() -> bytes:
        now = msgspec.structs.replace(visit, now_ms=parts.clock_ms())
        making: CardMaker = maker(request, now, many_grids=many)
        card = making.make(incident, person, household)
        html = look.fragment(request, now, "card.html", card=card)
        said = f"{card.title} · {card.place}"
        return event("card", {"id": incident.id, "rank": card.rank, "html": html, "said": said})

    cache: CardCache = request.app.state.cards
    sort = (incident.id, visit.language, str(many), *person.roles, "all" if "*" in person.grids else "")
    drawn = cache.get(sort, incident, household, draw)
    return drawn.removesuffix(b"}\n\n") + b',"calls":true}\n\n' if rings else drawn


def add_to(app: FastAPI) -> None:
    app.get("/live")(live)
    app.state.cards = CardCache()
    app.state.sums = {}
