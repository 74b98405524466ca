"""A box moved to a cluster, on a real Kafka: killed at every step, begun again, and nothing lost or decided twice."""

import contextlib
import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import msgspec
import pytest

from deploy.moving_box import NOTE
from deploy.supervisor import lock
from devices.ids import partition_of
from duty.edge.keys import master_key
from duty.edge.store import Store
from gateway.edge import inbox
from streams.edge.cluster_part import MARK, Mark
from streams.edge.kafka import quiet
from streams.edge.live_clock import LiveClock
from streams.edge.local import LocalRuntime
from streams.edge.sqlite_log import SqliteReader
from streams.edge.topics import prepare
from streams.effects import Decision, Effect
from streams.engine import Engine
from streams.frames import InboxRecord, RejectRecord, decode_inbox, decode_outbox, encode_inbox
from streams.grid import time_of
from tests.duty.rosters import person
from tests.live.cluster_site import ClusterSite
from tests.servers import Kafka
from tests.streams.edge.boxes import in_frames, policy
from tests.streams.edge.scripts import MINUTE_MS, asked, script
from tests.waiting import wait_until

pytestmark = [pytest.mark.live, pytest.mark.timeout(600)]

ROOT = Path(__file__).resolve().parents[2]
PARTITIONS = 6  # with so many, grid `system` has one for itself: its time is another than the story's
GRIDS = ("g1", "g2", "g3")


class Old:
    """A box that has lived for a while: what is decided, what is not yet, and what its parts keep."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.data = folder / "box"
        self.data.mkdir(parents=True)
        self.config = folder / "box.toml"
        self.config.write_text('[data]\nfolder = "box"\n')
        records = script(seed, 900)
        end_ms = max(map(time_of, records))
        ticks = [asked("tick", number, end_ms + 60 * MINUTE_MS, 10_000 + number, by="t") for number in range(3)]
        self.records: list[InboxRecord] = [*records, *ticks]
        frames = in_frames(self.records)
        decided, waiting = len(frames) // 2, len(frames) // 2 + 9
        self.rest = [record for frame in frames[waiting:] for record in frame]
        self.moved = [record for frame in frames[:waiting] for record in frame]

        writer = inbox.open_inbox(self.data)
        refused = [
            RejectRecord(number, "malformed", "no JSON", f"z2m/door-{number}", b"\x00%d" % number)
            for number in range(3)
        ]
        writer.append(
            [(0, encode_inbox(list(frame))) for frame in frames[:decided]],
            [
                inbox.rejects_rows(refused),
                inbox.memory_rows({"shellies/door-1": b"what it said"}),
                *inbox.binding_rows({"door-4": "g1/1/9"}),
                inbox.fed_rows({2: "taken"}, 77),
            ],
        )
        writer.append([(0, b"\x00no frame")])
        writer.close()
        runtime = LocalRuntime(
            folder=self.data, policy=policy(), clock=LiveClock(wall_ms=lambda: 0, passing_s=lambda: 0.0)
        )
        while runtime.turn() == 0:
            pass
        runtime.close()
        self.outbox = self.rows("streams.db", "outbox")
        self.served = self.outbox[len(self.outbox) // 3][0]
        writer = inbox.open_inbox(self.data)
        writer.append(
            [(0, encode_inbox(list(frame))) for frame in frames[decided:waiting]],
            [inbox.page_cursor_rows({("siren/worker", 0): self.served})],
        )
        writer.close()
        self.inbox = self.rows("inbox.db", "inbox")
        store = Store.open(self.data / "desk.db", master_key=master_key(self.data))
        store.save_person(person("wang"))
        store.audit(at_ms=1, actor="a", action="edit-staff", object="wang")
        self.read = {"inbox": self.inbox[decided // 2][0], "outbox": self.outbox[len(self.outbox) // 2][0]}
        for log, offset in self.read.items():
            store.save_cursor(log, 0, offset)
        store.close()

    def rows(self, file: str, log: str) -> list[tuple[int, bytes]]:
        reader = SqliteReader(self.data / file, log)
        found = reader.query(f"SELECT offset, frame FROM {log} ORDER BY offset")
        reader.close()
        return found  # pyright: ignore[reportReturnType]


class Configured(Protocol):
    """What is moved: its settings."""

    config: Path


# The command as it is, but that whatever it says after the line with a step waits for ever: it gets no further than
# that step, however late its killer comes.
HELD = """
import runpy, sys, time

class Held:
    def __init__(self, out, step):
        self._out, self._step, self._begun = out, step, False
    def write(self, text):
        if self._begun and text.strip():
            time.sleep(1e6)
        self._begun = self._begun or self._step in text
        return self._out.write(text)
    def __getattr__(self, name):
        return getattr(self._out, name)

sys.stderr = Held(sys.stderr, sys.argv.pop(1))
runpy.run_module("deploy.cli", run_name="__main__", alter_sys=True)
"""


def begin(old: Configured, to: Path, *program: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [
            sys.executable, "-u", *(program or ("-m", "deploy.cli")),
            "migrate", "--config", str(old.config), "--to", str(to),
        ],
        cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def killed_at(old: Configured, to: Path, step: str) -> None:
    """Move until it says that this step begins; then kill -9."""
    process = begin(old, to, "-c", HELD, step)
    assert process.stderr is not None
    said: list[str] = []
    for line in process.stderr:
        said.append(line)
        if step in line:
            process.kill()
            break
    process.wait(60)
    process.stderr.close()
    assert process.returncode == -9, said


def move(old: Configured, to: Path) -> tuple[int, str]:
    process = begin(old, to)
    _, said = process.communicate(timeout=300)
    return process.returncode, said


@pytest.fixture
def site(kafka: Kafka, tmp_path: Path) -> Iterator[ClusterSite]:
    quiet()
    site = ClusterSite(tmp_path, kafka.url, partitions=PARTITIONS, session_timeout_s=6, standby_replicas=0)
    yield site
    site.close()


STEPS = (
    "migrate: inbox:",
    "migrate: outbox:",
    "migrate: rejects:",
    "formats and fleet",
    "core remembers",
    "desk's store",
)


def on_a_terminal(old: Old, to: Path) -> str:
    """What a terminal of 80 columns is shown."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "deploy.cli", "migrate", "--config", str(old.config), "--to", str(to)],
        cwd=ROOT, stdout=its, stderr=its, env={**os.environ, "TERM": "xterm", "COLUMNS": "80"},
    )  # fmt: skip
    os.close(its)
    shown = b""
    with contextlib.suppress(OSError):  # Linux says so when the other end is closed
        while some := os.read(ours, 65_536):
            shown += some
    os.close(ours)
    assert process.wait(60) == 0, shown.decode(errors="replace")
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode()).replace("\r", "\n")


def test_every_bar_ends_full_on_a_terminal_of_80_columns(site: ClusterSite, tmp_path: Path) -> None:
    old, to = Old(tmp_path / "old", seed=4), site.config("new")
    shown = on_a_terminal(old, to)
    last = dict(re.findall(r"^([a-z' ]+?) +\S+ +(\d+/\d+) ", shown, re.MULTILINE))
    assert {name: count.split("/")[0] for name, count in last.items()} == {
        name: count.split("/")[1] for name, count in last.items()
    }
    assert last["inbox"] == f"{len(old.inbox)}/{len(old.inbox)}"
    assert last["outbox"] == f"{len(old.outbox)}/{len(old.outbox)}"
    assert last["rejects"] == "3/3"
    assert max(map(len, shown.splitlines())) <= 80


def test_half_a_story_on_a_box_and_half_on_a_cluster_is_one_story(site: ClusterSite, tmp_path: Path) -> None:
    old, to = Old(tmp_path / "old", seed=3), site.config("new")
    for step in STEPS:
        killed_at(old, to, step)
        if step == STEPS[2]:
            # Nobody decides from half of it.
            worker = site.worker("early")
            worker.begin()
            assert worker.process is not None
            assert worker.process.wait(120) == 2
            assert "a box or a cluster is being moved to" in worker.said()
            assert "give the same `./threshold migrate` again" in worker.said()
    code, said = move(old, to)
    assert code == 0, said
    assert "Do not start this box again" in said
    assert json.loads((old.data / NOTE).read_text())["finished"] is True

    # Every record and every decision once, in the order of its grid.
    there = [record for p in range(PARTITIONS) for _, f in site.frames("inbox", p) for record in decoded(f)]
    for grid in GRIDS:
        assert [r for r in there if r.grid == grid] == [r for r in old.moved if r.grid == grid]
    before = [effect for _, frame in old.outbox for effect in decode_outbox(frame)]
    assert by_grid(site) == {grid: [e for e in before if e.grid == grid] for grid in by_grid(site)}

    # The marks stand behind what was decided, and before what was not.
    marks = {p: msgspec.msgpack.decode(site.state(p)[MARK], type=Mark) for p in range(PARTITIONS)}
    frames = {p: len(site.frames("inbox", p)) for p in range(PARTITIONS)}
    assert any(0 < marks[p].offset < frames[p] for p in range(PARTITIONS))
    assert sum(mark.decisions for mark in marks.values()) > 0

    # Rejects with what became of them, and what the gateway keeps.
    rejects = [msgspec.msgpack.decode(frame) for _, frame in site.frames("rejects", 0)]
    assert [row[5] for row in rejects[:3]] == [b"\x000", b"\x001", b"\x002"]
    assert len(rejects) == 4
    kept = {key: value for key, value in site.keyed("fleet") if value is not None}
    assert any(b"shellies/door-1" in key for key in kept)
    assert any(b"door-4" in key for key in kept)
    assert any(b"siren/worker" in key for key in kept)

    # The desk goes on where it was: what it had read is behind its place, what it had not is before it.
    desk = Store.open(site.folder / "new" / "desk.db", master_key=master_key(old.data))
    assert [each.id for each in desk.people()] == ["wang"]
    assert desk.verify_audit() is None
    for log, frames_of, decode in (
        ("inbox", old.inbox, decoded),
        ("outbox", old.outbox, decode_outbox),
    ):
        had_read = [r for offset, frame in frames_of if offset <= old.read[log] for r in decode(frame)]
        behind = [
            r
            for p in range(PARTITIONS)
            for at, f in site.frames(log, p)
            if at <= desk.cursor(log, p)
            for r in decode(f)
        ]
        assert sorted(map(repr, behind)) == sorted(map(repr, had_read))
    desk.close()

    # Again: nothing more.
    code, said = move(old, to)
    assert (code, "moved already" in said) == (0, True), said

    # The second half, and what had waited, on the cluster.
    worker = site.worker("a", standing=True)
    worker.start()
    for frame in in_frames(old.rest):
        dealt: dict[int, list[InboxRecord]] = {}
        for record in frame:
            dealt.setdefault(partition_of(record.grid, PARTITIONS), []).append(record)
        for partition, some in dealt.items():
            site.put(partition, some)
    site.settled()
    undivided = Engine(policy())
    effects = [effect for record in old.records for effect in undivided.apply(record)]
    found = by_grid(site)
    assert {grid: found[grid] for grid in GRIDS} == {g: [e for e in effects if e.grid == g] for g in GRIDS}

    # What was put aside on the box is still put aside, and told.
    def told() -> list[str]:
        of_system = by_grid(site).get("system", [])
        return [e.subject for e in of_system if isinstance(e, Decision) and e.decision == "raised"]

    wait_until(told, 120, "the supervisor is told")
    assert told() == ["system/quarantine-0"]
    assert worker.is_running()


def decoded(frame: bytes) -> list[InboxRecord]:
    return [] if frame == b"\x00no frame" else decode_inbox(frame)


def by_grid(site: ClusterSite) -> dict[str, list[Effect]]:
    found: dict[str, list[Effect]] = {}
    for partition in range(site.partitions):
        for effect in site.decided(partition):
            assert partition_of(effect.grid, site.partitions) == partition
            found.setdefault(effect.grid, []).append(effect)
    return found


def refused(old: Configured, to: Path) -> str:
    code, said = move(old, to)
    assert code == 1, said
    assert "Traceback" not in said
    return said


def test_what_is_refused(site: ClusterSite, tmp_path: Path) -> None:
    old, to = Old(tmp_path / "old", seed=4), site.config("new")
    held = lock(old.data)
    assert held is not None
    assert "the box runs" in refused(old, to)
    held.close()

    runtime = LocalRuntime(folder=old.data, policy=policy())
    assert "is writing it, only one may" in refused(old, to)
    runtime.close()

    assert "this is no cluster" in refused(old, old.config)
    assert "there is no inbox.db" in refused_config(tmp_path, to)

    # Somebody else's.
    prepare(site.settings)
    site.put(1, script(1, 1)[:1])
    assert "is not empty" in refused(old, to)
    assert "choose another topic_prefix" in refused(old, to)

    # A box that has run between two attempts is another box.
    other = ClusterSite(tmp_path / "other", site.keys["kafka"], partitions=PARTITIONS)
    (tmp_path / "other").mkdir()
    assert not (old.data / NOTE).exists()  # nothing was begun
    killed_at(old, other.config("new"), STEPS[1])
    assert "has begun to move to" in refused(old, to)
    runtime = LocalRuntime(folder=old.data, policy=policy())
    while runtime.turn() == 0:
        pass
    runtime.close()
    assert "the box has run since this move was begun" in refused(old, other.config("new"))
    other.close()


def refused_config(tmp_path: Path, to: Path) -> str:
    (tmp_path / "empty").mkdir()
    config = tmp_path / "empty.toml"
    config.write_text('[data]\nfolder = "empty"\n')
    process = subprocess.run(
        [sys.executable, "-m", "deploy.cli", "migrate", "--config", str(config), "--to", str(to)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return process.stderr
