"""200 phones connected live, 50 incidents a minute: how long until a new incident is on every screen, and at what cost.

    python -m pytest tests/bench/bench_desk.py -m bench -s

The desk is a process of its own; the screens are plain sockets that read the stream.  What is measured is the time from
the frame being durable in `outbox` to the card having come in at a screen, for every screen and every incident.
"""

import asyncio
import json
import multiprocessing
import os
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from tests.desk_world import Served, World

SCREENS = 200
INCIDENTS_A_MINUTE = 50
SECONDS = 60


def serve(folder: Path, wire: Connection) -> None:
    """The desk's process: serves, and opens a door whenever it is told to."""
    world = World(folder)
    unwatched = sorted(
        key for key, seen in world.projection.picture.households.items() if not seen.watched and seen.grid == "g017"
    )
    homes = unwatched[:INCIDENTS_A_MINUTE]
    with world.story.together():
        for home in homes:
            world.story.case(home)
    world.follow()
    # A few sessions for all: logging in costs what it costs on purpose, and is not what is measured.
    sessions = [world.token("worker-night") for _ in range(4)]
    tokens = [sessions[n % len(sessions)] for n in range(SCREENS)]
    with Served(world) as served:
        wire.send((served.port, world.auth.cookie_name, tokens, homes))
        while (home := wire.recv()) is not None:
            world.story.now_ms += 1
            world.story.door(home, open=True)
            wire.send(time.monotonic())
        usage = Path("/proc/self/status").read_text()
        cpu = os.times()
        wire.send((int(usage.partition("VmRSS:")[2].split()[0]) / 1024, cpu.user + cpu.system))
    world.close()


async def screen(port: int, cookie: str, token: str, seen: dict[str, list[float]], ready: asyncio.Semaphore) -> None:
    """One phone: reads its stream and notes when a card first came."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
    request = f"GET /live?screen=board HTTP/1.1\r\nHost: desk\r\nCookie: {cookie}={token}\r\n\r\n"
    writer.write(request.encode())
    mine: set[str] = set()
    try:
        while line := await reader.readline():
            if line.startswith(b"event: beat"):
                ready.release()
            if not line.startswith(b'data: {"id"'):
                continue
            at = time.monotonic()
            incident = str(json.loads(line[6:])["id"])
            if incident not in mine:
                mine.add(incident)
                seen.setdefault(incident, []).append(at)
    finally:
        writer.close()


async def run(wire: Connection) -> tuple[list[float], int]:
    """Delays in seconds, one a screen and incident; how many incidents there were."""
    port, cookie, tokens, homes = wire.recv()
    seen: dict[str, list[float]] = {}
    ready = asyncio.Semaphore(0)
    screens = [asyncio.ensure_future(screen(port, cookie, token, seen, ready)) for token in tokens]
    for _ in tokens:
        await asyncio.wait_for(ready.acquire(), 60)
    told: dict[str, float] = {}
    pause_s = 60 / INCIDENTS_A_MINUTE
    for home in homes[: INCIDENTS_A_MINUTE * SECONDS // 60]:
        wire.send(home)
        told[f"{home}/undeclared-opening/1"] = await asyncio.to_thread(wire.recv)
        await asyncio.sleep(pause_s)
    for _ in range(200):
        if sum(len(times) for times in seen.values()) >= len(told) * len(tokens):
            break
        await asyncio.sleep(0.1)
    for each in screens:
        each.cancel()
    await asyncio.gather(*screens, return_exceptions=True)
    return [at - told[incident] for incident, times in seen.items() if incident in told for at in times], len(told)


@pytest.mark.bench
@pytest.mark.timeout(600)
def test_a_new_incident_is_on_every_screen_within_a_second(tmp_path: Path) -> None:
    context: Any = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    desk = context.Process(target=serve, args=(tmp_path, there))
    desk.start()
    try:
        delays, incidents = asyncio.run(run(here))
        here.send(None)
        memory_mb, cpu_s = here.recv()
    finally:
        desk.join(30)
        if desk.is_alive():
            desk.terminate()
    delays.sort()
    p50, p99 = delays[len(delays) // 2], delays[int(len(delays) * 0.99)]
    print(
        f"\n{SCREENS} screens, {incidents} incidents: {len(delays)} cards of {SCREENS * incidents}, "
        f"p50 {p50 * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms, worst {delays[-1] * 1000:.0f} ms; "
        f"desk {memory_mb:.0f} MB, {cpu_s:.1f} s of CPU"
    )
    assert len(delays) == SCREENS * incidents, "every incident on every screen"
