"""`streams.db`: what the core decided, what it remembers, how far it has read; all of one piece after a crash.

Tables: `outbox` (frames), the core's memory (`memory_table.py`), `cursors`, `status` (for the desk), `quarantine` (what
was put aside).  One transaction a commit.
"""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from streams.edge import memory_table
from streams.edge.guarded_engine import Fault
from streams.edge.memory_table import AT_REST, BUSY, Changed, MemoryTable, memory
from streams.edge.sqlite_log import CURSORS, SqliteWriter, Statement, cursor_at, wall_clock_ms
from streams.effects import Decision, Effect
from streams.frames import FrameError, decode_outbox, encode_outbox
from streams.state import Record, decode_record, encode_record

_STATUS = """CREATE TABLE IF NOT EXISTS status (
    partition INTEGER PRIMARY KEY, commits INTEGER NOT NULL, at_ms INTEGER NOT NULL, now_ms INTEGER NOT NULL,
    events INTEGER NOT NULL, decisions INTEGER NOT NULL, pages INTEGER NOT NULL, put_aside INTEGER NOT NULL)"""
_QUARANTINE = """CREATE TABLE IF NOT EXISTS quarantine (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, partition INTEGER NOT NULL, sort TEXT NOT NULL,
    key TEXT NOT NULL, data BLOB NOT NULL, why TEXT NOT NULL, resolved_ms INTEGER)"""
_SLIMMED = "outbox slimmed"


class Status(msgspec.Struct):
    """How a partition stands.  `now_ms` is the core's time; the counts run over all starts of the process."""

    partition: int
    commits: int = 0
    at_ms: int = 0
    now_ms: int = 0
    events: int = 0
    decisions: int = 0
    pages: int = 0
    put_aside: int = 0


class Aside(msgspec.Struct, frozen=True):
    """A row of the quarantine that is not resolved."""

    id: int
    partition: int
    fault: Fault


class Commit(msgspec.Struct):
    """What one partition adds to a transaction.  `status` is the new one, its `commits` already counted up."""

    status: Status
    effects: list[Effect] = []
    changes: dict[str, Record | None] = {}
    offset: int | None = None
    faults: list[Fault] = []
    resolved: list[int] = []


class StreamsDb:
    """The one writer of `streams.db`.  Every method may raise LogFull."""

    def __init__(self, path: Path) -> None:
        self._writer = SqliteWriter(path, "outbox", tables=(CURSORS, *memory_table.TABLES, _STATUS, _QUARANTINE))
        # Offsets begin at the time the file was made.  Where a damaged file was put aside and this one made instead,
        # everyone who reads `outbox` goes on from the place they were at, and misses nothing.
        begin = (
            "INSERT INTO sqlite_sequence (name, seq) SELECT 'outbox', ? "
            "WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'outbox')"
        )
        try:
            self._writer.append([], [(begin, [(wall_clock_ms(),)])])
            self._memory = MemoryTable(self._writer.query)
        except BaseException:
            self._writer.close()
            raise
        self.close = self._writer.close

    def commit(self, commits: Sequence[Commit], *, again: bool = False) -> None:
        """All of it in one transaction, or nothing.

        `again`: these commits were given before and raised LogFull.  A disk may report a failure and yet have kept what
        it was given: then there is nothing left to do.
        """
        at_ms = wall_clock_ms()
        frames: list[tuple[int, bytes]] = []
        statements: list[Statement] = []
        changes: list[tuple[int, Changed]] = []
        for commit in commits:
            status = commit.status
            status.at_ms = at_ms
            if commit.effects:
                frames.append((status.partition, encode_outbox(commit.effects)))
            if commit.changes:
                changed = [(k, None if r is None else encode_record(r)) for k, r in commit.changes.items()]
                changes.append((status.partition, changed))
            if commit.offset is not None:
                statements.append(cursor_at("inbox", status.partition, commit.offset))
            if commit.faults:
                rows = [(at_ms, status.partition, f.sort, f.key, f.data, f.why) for f in commit.faults]
                into = "INSERT INTO quarantine (at_ms, partition, sort, key, data, why) VALUES (?, ?, ?, ?, ?, ?)"
                statements.append((into, rows))
            if commit.resolved:
                resolved = [(at_ms, number) for number in commit.resolved]
                statements.append(("UPDATE quarantine SET resolved_ms = ? WHERE id = ?", resolved))
        plan = self._memory.plan(changes, BUSY)
        if not again or self._commits(commits[0].status.partition) < commits[0].status.commits:
            rows = [msgspec.structs.astuple(commit.status) for commit in commits]
            statements.append(("INSERT OR REPLACE INTO status VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows))
            self._writer.append(frames, statements + plan.statements)
        self._memory.done(plan)

    def _commits(self, partition: int) -> int:
        status = self.statuses().get(partition)
        return 0 if status is None else status.commits

    def rest(self) -> None:
        """What can be done while nothing is waiting: move some of the memory to its place, put the WAL away."""
        plan = self._memory.plan([], AT_REST)
        if plan.statements:
            self._writer.append([], plan.statements)
            self._memory.done(plan)
        self._writer.tend()

    def statuses(self) -> dict[int, Status]:
        """Partition → its status."""
        return {row[0]: Status(*row) for row in self._writer.query("SELECT * FROM status")}

    def cursors(self) -> dict[int, int]:
        """Partition → how far `inbox` has been read."""
        return dict(self._writer.query("SELECT partition, offset FROM cursors WHERE log = 'inbox'"))  # pyright: ignore[reportArgumentType]

    def records(self, partition: int) -> tuple[list[tuple[str, Record]], list[Fault]]:
        """What the core remembers of a partition, and those records that do not decode."""
        records: list[tuple[str, Record]] = []
        faults: list[Fault] = []
        for key, data in memory(self._writer.query, partition).items():
            try:
                records.append((key, decode_record(data)))
            except (msgspec.MsgspecError, TypeError) as error:
                # A torn page may read as NULL.
                faults.append(Fault("state", key, data or b"", str(error)))
        return records, faults

    def damaged(self, partition: int, last: int = 20) -> list[int]:
        """Offsets of the newest frames of `outbox` that do not decode: a disk has lost what it said it kept."""
        rows = self._writer.query(
            "SELECT offset, frame FROM outbox WHERE partition = ? ORDER BY offset DESC LIMIT ?", (partition, last)
        )
        found: list[int] = []
        for offset, frame in rows:
            try:
                decode_outbox(frame)
            except (FrameError, TypeError):
                found.append(offset)
        return found

    def put_aside(self) -> list[Aside]:
        """What the quarantine holds that is not resolved, in the order it came."""
        rows = self._writer.query(
            "SELECT id, partition, sort, key, data, why FROM quarantine WHERE resolved_ms IS NULL ORDER BY id"
        )
        return [Aside(number, partition, Fault(*fault)) for number, partition, *fault in rows]

    def forget(self, before_ms: int, partitions: int) -> int:
        """Delete old frames of `outbox`, some at a time; how many: call again while it is not 0."""
        every = dict.fromkeys(range(partitions), 2**62)
        return self._writer.forget("outbox", before_ms, every)

    def slim(self, before_ms: int, partition: int, most: int = 50) -> int:
        """Take out of old frames of `outbox` all but decisions, which are kept longer; how many frames were looked at:
        call again while it is not 0."""
        done = self._writer.query(
            "SELECT offset FROM cursors WHERE log = ? AND partition = ?", (_SLIMMED, partition)
        ) or [(0,)]
        rows = self._writer.query(
            "SELECT offset, frame FROM outbox WHERE partition = ? AND offset > ? AND at_ms < ? ORDER BY offset LIMIT ?",
            (partition, done[0][0], before_ms, most),
        )
        slimmed: list[tuple[bytes, int]] = []
        empty: list[tuple[int]] = []
        for offset, frame in rows:
            effects = decode_outbox(frame)
            kept = [effect for effect in effects if isinstance(effect, Decision)]
            if not kept:
                empty.append((offset,))
            elif len(kept) < len(effects):
                slimmed.append((encode_outbox(list(kept)), offset))
        if rows:
            statements: list[Statement] = [cursor_at(_SLIMMED, partition, rows[-1][0])]
            if slimmed:
                statements.append(("UPDATE outbox SET frame = ? WHERE offset = ?", slimmed))
            if empty:
                statements.append(("DELETE FROM outbox WHERE offset = ?", empty))
            self._writer.append([], statements)
        return len(rows)
