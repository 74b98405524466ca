"""200 phones connected live, 50 incidents a minute: how long until a new incident is on every screen, and at what cost.

    python -m tests.bench.bench_desk [--screens 200] [--rate 50] [--seconds 60] [--households 3000]
    python -m pytest tests/bench/bench_desk.py -m bench -s       the same

The desk is the real process, with a store on disk; a story (gateway and core in one) writes its logs.  The phones are
sockets in a process of their own, of workers, officers and doctors in both languages, who have all grids.  Measured is
the time from the frame being durable in `outbox` to the card having come in at a screen, for every screen and every
incident; a screen says that it is ready once, when it is told that it is live.
"""

import argparse
import asyncio
import hashlib
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec
import pytest

from deploy.usage import Usage, of_process
from duty.edge import runner
from duty.edge.keys import master_key
from duty.edge.store import Session, Store
from duty.people import Person, StaffRole
from tests.desk_story import POLICY, Story
from tests.house.tree import ROOT
from tests.servers import free_port

GRIDS = 10
READY_S = 120.0
LATE_S = 20.0  # what is not there by then is counted as missing
CARD = b'data: {"id":"'
ROLES: tuple[StaffRole, ...] = ("worker", "police", "doctor")


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is measured."""

    screens: int = 200
    rate: int = 50  # incidents a minute
    seconds: int = 60
    households: int = 3000


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it.  `delays_s`, sorted: one a screen and incident."""

    wanted: Wanted
    incidents: int
    delays_s: list[float]
    connected_s: float
    events: int
    mb: float  # came in at all screens together
    desk: Usage
    desk_cpu_s: float
    phones_cpu_s: float
    maker_cpu_s: float
    busy: float  # the machine's load just after

    def text(self) -> str:
        wanted, delays = self.wanted, [each * 1000 for each in self.delays_s]
        p50, p99 = delays[len(delays) // 2], delays[int(len(delays) * 0.99)]
        return (
            f"{wanted.screens} screens, {wanted.households} households, {self.incidents} incidents at {wanted.rate} a "
            f"minute: {len(delays)} cards of {wanted.screens * self.incidents}; "
            f"p50 {p50:.0f} ms, p99 {p99:.0f} ms, worst {delays[-1]:.0f} ms\n"
            f"desk {self.desk.resident_mb:.0f} MB resident, {self.desk_cpu_s:.1f} s of CPU "
            f"({self.desk_cpu_s / max(1, len(delays)) * 1e6:.0f} µs a card and screen); phones {self.phones_cpu_s:.1f}"
            f" s, story {self.maker_cpu_s:.1f} s; load {self.busy:.1f}\n"
            f"all screens live after {self.connected_s:.1f} s; {self.events} events, {self.mb:.1f} MB sent"
        )


# ── the site ──


def homes_of(households: int) -> list[str]:
    """`households` homes over the grids: a street of towers."""
    each = -(-households // GRIDS)
    return [
        f"g{grid:03d}/{1 + number // 120}/{1 + number % 120 // 4:02d}{1 + number % 4:02d}"
        for grid in range(1, GRIDS + 1)
        for number in range(each)
    ][:households]


def make_site(folder: Path, wanted: Wanted) -> tuple[Story, list[str], list[str], int]:
    """The files of a site: the story that goes on, the homes that will open, the cookies, the desk's port."""
    data, port = folder / "data", free_port()
    (folder / "threshold.toml").write_text(
        f'[site]\npolicy = "{POLICY}"\n[data]\nfolder = "data"\n[desk]\nlisten = "127.0.0.1:{port}"\n'
    )
    story = Story(data, runner.now_ms())
    homes = homes_of(wanted.households)
    opening = homes[:: max(1, len(homes) // (wanted.rate * wanted.seconds // 60))]
    opening = opening[: wanted.rate * wanted.seconds // 60]
    with story.together():
        for home in homes:
            story.case(home) if home in opening or hash(home) % 10 == 0 else story.sensor(home)
    # The sign of life of a core that is not there: good for as long as this runs.
    story.outbox.append(
        [],
        [
            ("CREATE TABLE status (at_ms INTEGER)", [()]),
            ("INSERT INTO status VALUES (?)", [(story.now_ms + 3_600_000,)]),
        ],
    )
    return story, opening, _sessions(data, wanted.screens, story.now_ms), port


def _sessions(data: Path, screens: int, now_ms: int) -> list[str]:
    """Somebody for each screen, logged in."""
    grids = tuple(f"g{grid:03d}" for grid in range(1, GRIDS + 1))
    store = Store.open(data / "desk.db", master_key=master_key(data))
    tokens = [secrets.token_urlsafe(32) for _ in range(screens)]
    try:
        with store.together():
            for number, token in enumerate(tokens):
                person = Person(
                    id=f"p-{number:03d}",
                    login=f"person{number}",
                    name=f"王{number}",
                    roles=(ROLES[number % 3],),
                    grids=grids,
                    language="en" if number % 4 == 3 else "zh",
                )
                store.save_person(person)
                store.add_session(
                    Session(
                        token_hash=hashlib.sha256(token.encode()).hexdigest(),
                        person=person.id,
                        created_ms=now_ms,
                        until_ms=now_ms + 12 * 3_600_000,
                        seen_ms=now_ms,
                        passed_totp=False,
                    )
                )
    finally:
        store.close()
    return tokens


# ── the phones: a process of their own ──


async def phone(port: int, token: str, seen: dict[str, list[float]], live: asyncio.Event, counted: list[int]) -> None:
    """One phone: reads its stream and notes when a card first came."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
    request = f"GET /live?screen=board HTTP/1.1\r\nHost: desk\r\nCookie: threshold_session={token}\r\n\r\n"
    writer.write(request.encode())
    mine: set[str] = set()
    try:
        while line := await reader.readline():
            counted[1] += len(line)
            if line.startswith(b"event:"):
                counted[0] += 1
                if line.startswith(b"event: beat"):
                    live.set()
            # No parsing here: the phones must not be what is slow.
            if not line.startswith(CARD):
                continue
            incident = line[len(CARD) :].partition(b'"')[0].decode()
            if incident not in mine:
                mine.add(incident)
                seen.setdefault(incident, []).append(time.monotonic())
    finally:
        writer.close()


async def phones() -> None:
    """Reads port and cookies from stdin, says `live`, and after the next line what was seen."""
    wanted = json.loads(sys.stdin.readline())
    seen: dict[str, list[float]] = {}
    counted = [0, 0]
    lives = [asyncio.Event() for _ in wanted["tokens"]]
    began_s = time.monotonic()
    screens = [
        asyncio.ensure_future(phone(wanted["port"], token, seen, live, counted))
        for token, live in zip(wanted["tokens"], lives, strict=True)
    ]
    await asyncio.wait_for(asyncio.gather(*(live.wait() for live in lives)), READY_S)
    print(json.dumps({"live": time.monotonic() - began_s}), flush=True)
    # Until all is there, or it is over: the maker names what it opened.
    expected = json.loads(await asyncio.to_thread(sys.stdin.readline))
    for _ in range(round(LATE_S * 10)):
        if sum(len(seen.get(each, ())) for each in expected) >= len(expected) * len(lives):
            break
        await asyncio.sleep(0.1)
    used = os.times()
    print(json.dumps({"seen": seen, "counted": counted, "cpu": used.user + used.system}), flush=True)
    for each in screens:
        each.cancel()
    await asyncio.gather(*screens, return_exceptions=True)


# ── the run ──


def run(folder: Path, wanted: Wanted) -> Found:
    """One run in `folder`."""
    story, opening, tokens, port = make_site(folder, wanted)
    log = (folder / "desk.log").open("w+")
    here = {"cwd": ROOT, "env": os.environ | {"PYTHONUNBUFFERED": "1"}}
    desk = subprocess.Popen(
        [sys.executable, "-m", "deploy.process", "desk", "--config", str(folder / "threshold.toml")],
        stdout=log, stderr=log, text=True, **here,
    )  # fmt: skip
    screens: subprocess.Popen[str] | None = None
    try:
        _wait_ready(desk, folder / "desk.log")
        screens = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.bench_desk", "--phones"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **here,
        )  # fmt: skip
        assert screens.stdin is not None
        assert screens.stdout is not None
        print(json.dumps({"port": port, "tokens": tokens}), file=screens.stdin, flush=True)
        connected_s = json.loads(screens.stdout.readline())["live"]
        before, began = of_process(desk.pid) or Usage(), os.times()
        told: dict[str, float] = {}
        due_s = time.monotonic()
        for home in opening:
            story.now_ms = runner.now_ms()
            story.door(home, open=True)
            told[f"{home}/undeclared-opening/1"] = time.monotonic()
            due_s += 60 / wanted.rate
            time.sleep(max(0.0, due_s - time.monotonic()))
        ended = os.times()
        print(json.dumps(list(told)), file=screens.stdin, flush=True)
        came = json.loads(screens.stdout.readline())
        after, busy = of_process(desk.pid) or Usage(), os.getloadavg()[0]
        screens.wait(30)
    finally:
        for process in (screens, desk):
            if process is not None and process.poll() is None:
                process.send_signal(signal.SIGTERM)
                process.wait(30)
        log.close()
        story.close()
    delays = sorted(at - told[incident] for incident, times in came["seen"].items() if incident in told for at in times)
    return Found(
        wanted=wanted,
        incidents=len(told),
        delays_s=delays,
        connected_s=connected_s,
        events=came["counted"][0],
        mb=came["counted"][1] / 1e6,
        desk=after,
        desk_cpu_s=after.cpu_s - before.cpu_s,
        phones_cpu_s=came["cpu"],
        maker_cpu_s=ended.user + ended.system - began.user - began.system,
        busy=busy,
    )


def _wait_ready(desk: subprocess.Popen[str], log: Path) -> None:
    end_s = time.monotonic() + READY_S
    while "desk ready" not in log.read_text():
        assert desk.poll() is None, log.read_text()
        assert time.monotonic() < end_s, log.read_text()
        time.sleep(0.05)


@pytest.mark.bench
@pytest.mark.timeout(600)
def test_a_new_incident_is_on_every_screen(tmp_path: Path) -> None:
    found = run(tmp_path, Wanted())
    print(f"\n{found.text()}")
    assert len(found.delays_s) == found.wanted.screens * found.incidents, "every incident on every screen"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("screens", "rate", "seconds", "households"):
        parser.add_argument(f"--{name}", type=int, default=getattr(Wanted(), name))
    parser.add_argument("--phones", action="store_true", help=argparse.SUPPRESS)
    asked = vars(parser.parse_args())
    if asked.pop("phones"):
        asyncio.run(phones())
        return
    with tempfile.TemporaryDirectory() as folder:
        print(run(Path(folder), Wanted(**asked)).text())


if __name__ == "__main__":
    main()
