"""What a box has in its logs and remembers, moved to a cluster.

The box must not run, the cluster must be empty.  Logs go first, then what the gateway and the core remember, then the
desk's store.  Everything that is written is written so that doing it again changes nothing, or is counted and gone on
with: the same command goes on where it was stopped, at whatever point.  The box's files stay as they are.
"""

import asyncio
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from uuid import uuid4

import msgspec
from aiokafka.errors import KafkaError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from deploy.moving_box import Box, Note, read_note, write_note
from deploy.moving_cluster import Target
from devices.edge.complaints import Complaint
from devices.edge.settings import Settings, load
from devices.ids import partition_of
from duty.edge.keys import FILE as KEY_FILE
from duty.edge.keys import KeyTrouble, master_key
from duty.edge.moving_store import copy_store, rows_in
from duty.edge.rows.base import StoreTrouble
from duty.edge.store import Store
from gateway.edge.cluster import ClusterInbox
from gateway.edge.keeping import HeardTo, Learnt, Lent, Told
from streams.edge.cluster_part import ASIDE, VERSION, Mark
from streams.edge.kafka import quiet
from streams.edge.kafka_rejects import fed_mark
from streams.edge.log import LogFull
from streams.edge.move import Moving
from streams.edge.sqlite_log import OldSqlite, wall_clock_ms
from streams.edge.topics import prepare
from streams.frames import FrameError
from streams.moving import Reached, grid_of_record, inbox_dealt, outbox_dealt
from streams.state import decode_record
from streams.tally import tally

Moved = Callable[[int], None]


def main(config: Path, to: Path) -> int:
    """Move, or go on moving; 1 with a sentence when something must be mended first."""
    quiet()
    try:
        source, target = load(config), load(to)
        _fit(source, target)
        with ExitStack() as stack:
            box = Box(source)
            stack.callback(box.close)
            for note in prepare(target, to_move=True):
                print(f"note: {note}", file=sys.stderr)
            screen = stack.enter_context(_screen())
            asyncio.run(Move(box, target, screen).run())
    except Complaint as complaint:
        for each in complaint.each():
            print(each, file=sys.stderr)
        return 1
    except (FrameError, LogFull, KeyTrouble, OldSqlite, StoreTrouble, OSError) as error:
        print(f"migrate: {error}", file=sys.stderr)
        return 1
    return 0


def _fit(source: Settings, target: Settings) -> None:
    if source.streams.runtime != "local":
        raise Complaint(source.file, 0, "this is no box: runtime is not local", "name the box's settings in --config")
    if target.streams.runtime != "cluster":
        raise Complaint(target.file, 0, "this is no cluster: runtime is not cluster", 'set runtime = "cluster"')
    if source.data_path.resolve() == target.data_path.resolve():
        raise Complaint(
            target.file,
            0,
            f"both keep their data in {target.data.folder}",
            "give the cluster another folder",
        )


class _Screen:
    """Bars on a terminal, lines elsewhere."""

    def __init__(self, progress: Progress, *, terminal: bool) -> None:
        self._progress = progress
        self._terminal = terminal

    def step(self, name: str, total: int) -> Moved:
        """A step begins; call what is returned with how much of it is done."""
        if not self._terminal:
            print(f"migrate: {name}: {total:,}", file=sys.stderr, flush=True)
            return lambda _: None
        task = self._progress.add_task(name, total=total)
        return lambda some: self._progress.advance(task, some)

    def say(self, text: str) -> None:
        """A line that stays."""
        if self._terminal:
            self._progress.console.print(text, highlight=False)
        else:
            print(f"migrate: {text}", file=sys.stderr, flush=True)


@contextmanager
def _screen() -> Iterator[_Screen]:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description:<28}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        yield _Screen(progress, terminal=console.is_terminal)


class Move:
    """One move, from a box that is held to a cluster that is ours alone."""

    def __init__(self, box: Box, target: Settings, screen: _Screen) -> None:
        self._box = box
        self._settings = target
        self._screen = screen
        self._partitions = target.streams.partitions
        self._desk = self._old_desk()

    async def run(self) -> None:
        """Raises Complaint, LogFull, StoreTrouble, FrameError."""
        note = self._note()
        if note.finished:
            self._screen.say("this box has been moved already: nothing to do")
            return
        target = Target(self._settings)
        try:
            async with target:
                how = await target.claim(note.id)
                if not how.finished:
                    await self._bring(target, note.id)
                    await target.say(Moving(note.id, finished=True))
        except (KafkaError, TimeoutError) as error:
            raise target.unreachable(error) from error
        write_note(self._box.folder, msgspec.structs.replace(note, finished=True))
        self._screen.say(f"moved to {note.to}.  Do not start this box again; start the cluster's processes.")

    def _note(self) -> Note:
        """Which move this is: the one that was begun, if the box has not run since."""
        to = f"{self._settings.cluster.kafka}, topics {self._settings.cluster.topic_prefix}*"
        found, now = read_note(self._box.folder), self._box.print_of()
        if found is None:
            write_note(self._box.folder, found := Note(uuid4().hex, to, now))
        elif found.to != to:
            raise Complaint(
                str(self._box.folder), 0, f"this box has begun to move to {found.to}",
                "go on with that, or delete migration.json and those topics to begin anew",
            )  # fmt: skip
        elif found.print != now:
            raise Complaint(
                str(self._box.folder), 0, "the box has run since this move was begun",
                f"delete migration.json and the topics of {found.to} and begin anew",
            )  # fmt: skip
        return found

    async def _bring(self, target: Target, move: str) -> None:
        box, partitions = self._box, self._partitions
        desk_at = {log: self._cursors(log) for log in ("inbox", "outbox")}
        decided = dict.fromkeys(range(partitions), 0)
        read = {log: Reached(places, partitions) for log, places in desk_at.items()}
        heard = {name: Reached(places, partitions) for name, places in self._hearers().items()}

        # A frame of the box may hold several grids and so become several: the bars count the box's.
        def inbox(moved: Moved) -> Iterator[tuple[int, bytes]]:
            for (old, offset, frame), was_decided in box.inbox():
                for partition, dealt in inbox_dealt(frame, partitions, old):
                    decided[partition] += was_decided
                    read["inbox"].dealt(old, offset, partition)
                    yield partition, dealt
                moved(1)

        def outbox(moved: Moved) -> Iterator[tuple[int, bytes]]:
            for old, offset, frame in box.log("outbox"):
                for partition, dealt in outbox_dealt(frame, partitions, old):
                    for reader in (read["outbox"], *heard.values()):
                        reader.dealt(old, offset, partition)
                    yield partition, dealt
                moved(1)

        def rejects(moved: Moved) -> Iterator[tuple[int, bytes]]:
            new: dict[int, int] = {}
            for number, (_, offset, frame) in enumerate(box.log("rejects"), start=1):
                new[offset] = number
                yield 0, frame
                moved(1)
            for offset, at_ms, outcome in box.fed():
                if offset in new:
                    yield 0, fed_mark(new[offset], outcome, at_ms)

        await target.append("inbox", inbox(self._screen.step("inbox", box.frames("inbox"))))
        await target.append("outbox", outbox(self._screen.step("outbox", box.frames("outbox"))))
        await target.append("rejects", rejects(self._screen.step("rejects", box.frames("rejects"))))
        await asyncio.to_thread(self._gateway, {name: reached.places for name, reached in heard.items()})
        await self._core(target, decided)
        cursors = {(log, p): at for log, reached in read.items() for p, at in reached.places.items()}
        self._bring_desk(move, cursors)
        self._screen.say("the time series are not moved: the sink makes them anew from the logs that were")

    # ── the gateway ──

    def _hearers(self) -> dict[str, dict[int, int]]:
        found: dict[str, dict[int, int]] = {}
        for (hearer, partition), offset in self._box.kept.page_cursors.items():
            found.setdefault(hearer, {})[partition] = offset
        return found

    def _gateway(self, heard: dict[str, dict[int, int]]) -> None:
        """What a gateway keeps: the newest of each counts, so that it may be brought again."""
        kept = self._box.kept
        moved = self._screen.step("what formats and fleet keep", len(kept.memory) + len(kept.told) + len(kept.bindings))
        writer = ClusterInbox(self._settings, "migrate", {})
        try:
            places = {(name, partition): at for name, reached in heard.items() for partition, at in reached.items()}
            writer.write(
                [], [Told(list(kept.told.values())), Learnt(kept.memory), Lent(kept.bindings), HeardTo(places)]
            )
        finally:
            writer.close()
        moved(len(kept.memory) + len(kept.told) + len(kept.bindings))

    # ── the core ──

    async def _core(self, target: Target, decided: dict[int, int]) -> None:
        rows: dict[int, dict[bytes, bytes]] = {partition: {} for partition in range(self._partitions)}
        homes: dict[str, int] = {}
        for old, key, record in self._box.records():
            try:
                partition = partition_of(grid_of_record(decode_record(record)), self._partitions)
            except msgspec.MsgspecError:
                partition = old % self._partitions  # whoever takes it over puts it aside and tells
            homes[key] = partition
            rows[partition][key.encode()] = record
        for number, (old, fault) in enumerate(self._box.put_aside(), start=1):
            partition = homes.get(fault.key, old % self._partitions)
            rows[partition][ASIDE + b"0-%d" % number] = msgspec.msgpack.encode(fault)
        statuses = self._box.statuses.values()
        moved = self._screen.step("what the core remembers", sum(map(len, rows.values())))
        for partition, some in rows.items():
            first = partition == 0  # counts run over all partitions: one of them goes on with the box's
            mark = Mark(
                version=VERSION,
                offset=decided[partition],
                flushes=1,
                now_ms=max((status.now_ms for status in statuses), default=0),
                at_ms=wall_clock_ms(),
                events=sum(status.events for status in statuses) * first,
                decisions=sum(status.decisions for status in statuses) * first,
                pages=sum(status.pages for status in statuses) * first,
                put_aside=sum(status.put_aside for status in statuses) * first,
                tally=tally(some.items()),
            )
            await target.state(partition, sorted(some.items()), msgspec.msgpack.encode(mark))
            moved(len(some))

    # ── the desk ──

    def _old_desk(self) -> Store | None:
        where = self._box.settings.desk.database or self._box.folder / "desk.db"
        if isinstance(where, Path) and not where.is_file():
            return None
        return Store.open(where, master_key=master_key(self._box.folder))

    def _cursors(self, log: str) -> dict[int, int]:
        if self._desk is None:
            return {}
        return {p: self._desk.cursor(log, p) for p in range(self._box.settings.streams.partitions)}

    def _bring_desk(self, move: str, cursors: dict[tuple[str, int], int]) -> None:
        if self._desk is None:
            self._screen.say("there is no desk.db: the desk begins empty")
            return
        folder = self._settings.data_path
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not (folder / KEY_FILE).exists():
            shutil.copy2(self._box.folder / KEY_FILE, folder / KEY_FILE)
        if master_key(folder) != master_key(self._box.folder):
            raise StoreTrouble(f"{folder / KEY_FILE} is another desk's key: contacts sealed with the box's stay shut")
        target = Store.open(self._settings.desk.database or folder / "desk.db", master_key=master_key(folder))
        try:
            moved = self._screen.step("the desk's store", rows_in(self._desk))
            counts = copy_store(self._desk, target, move=move, cursors=cursors, moved=lambda _, some: moved(some))
        finally:
            target.close()
        self._screen.say(f"the desk's store: {sum(counts.values()):,} rows of {len(counts)} tables, counted in both")
