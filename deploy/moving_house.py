"""What a box or a cluster has in its logs and remembers, moved to a cluster with partitions of its own number.

What is moved must not run, where it goes must be empty.  Logs go first, then what the gateway and the core remember,
then the desk's store.  Everything that is written is written so that doing it again changes nothing, or is counted
and gone on with: the same command goes on where it was stopped, at whatever point.  What was moved stays as it is.
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

from deploy.moving_box import Box, Note
from deploy.moving_cluster import Target
from deploy.moving_old_cluster import OldCluster, store_of
from devices.edge.complaints import Complaint
from devices.edge.settings import Settings, load
from devices.ids import partition_of
from devices.places import grid_of
from duty.edge.keys import FILE as KEY_FILE
from duty.edge.keys import KeyTrouble, master_key
from duty.edge.moving_store import copy_store, rows_in, turn_store
from duty.edge.rows.base import StoreTrouble
from duty.edge.store import Store
from gateway.edge.cluster import ClusterInbox
from gateway.edge.keeping import HeardTo, Learnt, Lent, Told
from streams.edge.cluster_part import ASIDE, VERSION, Mark
from streams.edge.kafka import at_key, quiet
from streams.edge.kafka_rejects import fed_mark
from streams.edge.log import LogFull
from streams.edge.move import Moving, place
from streams.edge.sqlite_log import OldSqlite, wall_clock_ms
from streams.edge.topics import prepare
from streams.frames import FrameError
from streams.moving import Reached, grid_of_record, inbox_dealt, outbox_dealt, together
from streams.state import decode_record, encode_record
from streams.tally import tally

Moved = Callable[[int], None]


def main(config: Path, to: Path) -> int:
    """Move, or go on moving; 1 with a sentence when something must be mended first."""
    quiet()
    try:
        source, target = load(config), load(to)
        _fit(source, target)
        with ExitStack() as stack:
            old = Box(source) if source.streams.runtime == "local" else OldCluster(source, place(target))
            stack.callback(old.close)
            for note in prepare(target, to_move=True):
                print(f"note: {note}", file=sys.stderr)
            screen = stack.enter_context(_screen())
            asyncio.run(Move(old, target, screen).run())
    except Complaint as complaint:
        for each in complaint.each():
            print(each, file=sys.stderr)
        return 1
    except (FrameError, LogFull, KeyTrouble, OldSqlite, StoreTrouble, OSError) as error:
        print(f"migrate: {error}", file=sys.stderr)
        return 1
    return 0


def _fit(source: Settings, target: Settings) -> None:
    if target.streams.runtime != "cluster":
        raise Complaint(target.file, 0, "this is no cluster: runtime is not cluster", 'set runtime = "cluster"')
    if source.data_path.resolve() == target.data_path.resolve():
        raise Complaint(
            target.file,
            0,
            f"both keep their data in {target.data.folder}",
            "give the cluster another folder",
        )
    if source.streams.runtime == "cluster" and source.cluster.topic_prefix == target.cluster.topic_prefix:
        raise at_key(
            target,
            "topic_prefix",
            f"both have topics {target.cluster.topic_prefix}*",
            "give the new cluster another topic_prefix",
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
    """One move, from a box or a cluster that is held to a cluster that is ours alone."""

    def __init__(self, old: Box | OldCluster, target: Settings, screen: _Screen) -> None:
        self._old = old
        self._settings = target
        self._screen = screen
        self._partitions = target.streams.partitions
        self._desk: Store | None = None

    async def run(self) -> None:
        """Raises Complaint, LogFull, StoreTrouble, FrameError."""
        old = self._old
        begun = old.note()
        note = self._note(begun)
        if note.finished:
            self._screen.say(f"this {old.called} has been moved already: nothing to do")
            return
        self._desk = self._old_desk()
        if begun is None:
            old.keep(note)
        target = Target(self._settings)
        try:
            async with target:
                try:
                    how = await target.claim(note.id)
                except Complaint:
                    if begun is None:
                        old.forget()  # nothing was brought
                    raise
                if not how.finished:
                    await self._bring(target, note.id)
                    old.check_still()
                    await target.say(Moving(note.id, finished=True))
        except (KafkaError, TimeoutError) as error:
            raise target.unreachable(error) from error
        finally:
            if self._desk is not None:
                self._desk.close()
        old.keep(msgspec.structs.replace(note, finished=True))
        self._screen.say(
            f"moved to {note.to}.  Do not start this {old.called} again; start the processes of the new cluster."
        )

    def _note(self, begun: Note | None) -> Note:
        """Which move this is: the one that was begun, if what is moved has not run since."""
        old, to = self._old, place(self._settings)
        if begun is None:
            return Note(uuid4().hex, to, old.print_of())
        if begun.to != to:
            raise Complaint(
                str(old.folder), 0, f"this {old.called} has begun to move to {begun.to}",
                f"go on with that, or delete {old.note_is} and those topics to begin anew",
            )  # fmt: skip
        if not begun.finished and begun.print != old.print_of():
            raise Complaint(
                str(old.folder), 0, f"the {old.called} has run since this move was begun",
                f"delete {old.note_is} and the topics of {begun.to} and begin anew",
            )  # fmt: skip
        return begun

    async def _bring(self, target: Target, move: str) -> None:
        box, partitions = self._old, self._partitions
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
        for (hearer, partition), offset in self._old.kept.page_cursors.items():
            found.setdefault(hearer, {})[partition] = offset
        return found

    def _gateway(self, heard: dict[str, dict[int, int]]) -> None:
        """What a gateway keeps: the newest of each counts, so that it may be brought again."""
        kept = self._old.kept
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
        for old, key, record in self._old.records():
            try:
                decoded = decode_record(record)
                partition = partition_of(grid_of_record(decoded), self._partitions)
                if (before := rows[partition].get(key.encode())) is not None:
                    record = encode_record(together(decode_record(before), decoded, self._home(key)))
            except msgspec.MsgspecError:
                partition = old % self._partitions  # whoever takes it over puts it aside and tells
            homes[key] = partition
            rows[partition][key.encode()] = record
        for number, (old, fault) in enumerate(self._old.put_aside(), start=1):
            partition = homes.get(fault.key, old % self._partitions)
            rows[partition][ASIDE + b"0-%d" % number] = msgspec.msgpack.encode(fault)
        statuses = self._old.statuses.values()
        # The earliest: what one partition has not decided yet must not come too late, and the timers of another up to
        # its own time have fired and are no more.
        now_ms = min((status.now_ms for status in statuses if status.now_ms), default=0)
        moved = self._screen.step("what the core remembers", sum(map(len, rows.values())))
        for partition, some in rows.items():
            first = partition == 0  # counts run over all partitions: one of them goes on with the old ones
            mark = Mark(
                version=VERSION,
                offset=decided[partition],
                flushes=1,
                now_ms=now_ms,
                at_ms=wall_clock_ms(),
                events=sum(status.events for status in statuses) * first,
                decisions=sum(status.decisions for status in statuses) * first,
                pages=sum(status.pages for status in statuses) * first,
                put_aside=sum(status.put_aside for status in statuses) * first,
                tally=tally(some.items()),
            )
            await target.state(partition, sorted(some.items()), msgspec.msgpack.encode(mark))
            moved(len(some))

    def _home(self, key: str) -> str:
        """The grid where the fleet says that a device or a bridge is; "" where it says nothing."""
        sort, _, name = key.partition(":")
        kept = self._old.kept
        if sort == "d" and name in kept.bindings:
            return grid_of(kept.bindings[name])
        row = kept.told.get(f"device {name}" if sort == "d" else f"bridge {name.removeprefix('bridge/')}")
        return "" if row is None else row.grid

    # ── the desk ──

    def _old_desk(self) -> Store | None:
        where = store_of(self._old.settings)
        if isinstance(where, Path) and not where.is_file():
            return None
        return Store.open(where, master_key=master_key(self._old.folder))

    def _cursors(self, log: str) -> dict[int, int]:
        if self._desk is None:
            return {}
        return {p: self._desk.cursor(log, p) for p in range(self._old.settings.streams.partitions)}

    def _bring_desk(self, move: str, cursors: dict[tuple[str, int], int]) -> None:
        if self._desk is None:
            self._screen.say("there is no desk.db: the desk begins empty")
            return
        old, folder = self._old, self._settings.data_path
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not (folder / KEY_FILE).exists():
            shutil.copy2(self._old.folder / KEY_FILE, folder / KEY_FILE)
        if master_key(folder) != master_key(self._old.folder):
            raise StoreTrouble(f"{folder / KEY_FILE} is another desk's key: contacts sealed with the old one stay shut")
        if store_of(self._settings) == store_of(old.settings):
            self._screen.step("the desk's store", 0)
            turn_store(self._desk, move=move, cursors=cursors)
            self._screen.say("the desk's store: stays where it is, and goes on in the new logs")
            return
        target = Store.open(store_of(self._settings), master_key=master_key(folder))
        try:
            moved = self._screen.step("the desk's store", rows_in(self._desk))
            counts = copy_store(self._desk, target, move=move, cursors=cursors, moved=lambda _, some: moved(some))
        finally:
            target.close()
        self._screen.say(f"the desk's store: {sum(counts.values()):,} rows of {len(counts)} tables, counted in both")
