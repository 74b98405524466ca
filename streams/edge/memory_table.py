"""The core's memory on disk: `records`, with `changes` over them.

A commit changes a few records here and there among thousands, each on a page of its own.  So it writes what changed as
one row of `changes`, one behind the other on disk.  From time to time the newest of each moves into `records`, a few at
a time, and then the rows that told of it go.  Whoever reads takes `records` and lays the rows of `changes` over them.
"""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from streams.edge.log import LogFull
from streams.edge.sqlite_log import Statement

TABLES = (
    """CREATE TABLE IF NOT EXISTS records (
    key TEXT PRIMARY KEY, partition INTEGER NOT NULL, record BLOB NOT NULL) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS changes (
    id INTEGER PRIMARY KEY, partition INTEGER NOT NULL, changed BLOB NOT NULL)""",
)

# Rows of `changes` from which on they are moved although commits are waiting, and while nothing else is to do.
BUSY = 2_000
AT_REST = 200
_RECORDS_AT_ONCE = 32
_ROWS_AT_ONCE = 256

Changed = list[tuple[str, bytes | None]]  # key, and its encoded record or None: gone
Query = Callable[[str, Sequence[Any]], list[tuple[Any, ...]]]

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Changed).decode


def memory(query: Query, partition: int) -> dict[str, bytes]:
    """What is remembered of a partition, key → encoded record, asked of a writer or a reader of `streams.db`."""
    return _one_look(query, "SELECT key, record FROM records WHERE partition = ?", partition, partition)


def some_of(query: Query, partition: int, key: str) -> dict[str, bytes]:
    """The same of one key alone; {} where nothing is remembered under it."""
    return _one_look(query, "SELECT key, record FROM records WHERE key = ?", key, partition, only=key)


def _one_look(query: Query, records: str, asked: object, partition: int, only: str | None = None) -> dict[str, bytes]:
    """What `records` asks for, with `changes` laid over it, in one look at the file: between two, the writer may move
    what is in `changes` into `records` and take it away."""
    rows = query(
        f"SELECT 0, key, record FROM ({records}) UNION ALL SELECT id, NULL, changed FROM changes WHERE partition = ?",
        (asked, partition),
    )
    kept: dict[str, bytes] = {key: data for _, key, data in rows if key is not None}
    for _, data in sorted((number, data) for number, key, data in rows if key is None):
        for key, record in _whole(data):
            if only is None or key == only:
                if record is None:
                    kept.pop(key, None)
                else:
                    kept[key] = record
    return kept


def _whole(changed: object) -> Changed:
    """A row of `changes`.  Raises LogFull where the disk lost what it said it kept: to go on without it would be to
    forget an incident."""
    try:
        return _decode(changed)  # pyright: ignore[reportArgumentType]
    except (msgspec.MsgspecError, TypeError) as error:
        raise LogFull(
            "streams.db: the file is damaged (a row of what the core remembers does not decode): "
            "put it aside or restore a copy, then start again"
        ) from error


class Plan(msgspec.Struct):
    """Statements for one transaction, and what is so once it is durable."""

    statements: list[Statement]
    last: int
    fresh: list[tuple[int, Changed]]
    moved: int = 0
    gone_to: int = 0


class MemoryTable:
    """What the one writer does.  `plan` gives statements, `done` is told when they are durable; until then `plan` gives
    the same ones again."""

    def __init__(self, query: Query) -> None:
        # Rows of `changes` lie in (_gone_to, _last]; those up to _move_to are covered by what is in _moving.
        self._fresh: dict[str, tuple[int, bytes | None]] = {}
        self._moving: list[tuple[str, int, bytes | None]] = []
        self._last = self._gone_to = 0
        for number, partition, changed in query("SELECT id, partition, changed FROM changes ORDER BY id", ()):
            if not self._last:
                self._gone_to = number - 1
            self._last = number
            self._fresh.update((key, (partition, record)) for key, record in _whole(changed))
        self._move_to = self._gone_to

    def plan(self, changes: Sequence[tuple[int, Changed]], move_from: int) -> Plan:
        """Write `changes`, (partition, changed) each.  Move a few records where there are `move_from` rows or more."""
        first = self._last + 1
        rows = [(first + n, partition, _encode(changed)) for n, (partition, changed) in enumerate(changes)]
        plan = Plan([], self._last + len(rows), list(changes))
        if rows:
            plan.statements.append(("INSERT INTO changes VALUES (?, ?, ?)", rows))
        if self._move_to == self._gone_to and self._last - self._gone_to >= move_from:
            # By key, as they lie on disk; the last of the list first.
            found = ((key, partition, record) for key, (partition, record) in self._fresh.items())
            self._moving = sorted(found, key=_key, reverse=True)
            self._fresh = {}
            self._move_to = self._last
        if self._moving:
            now = self._moving[-_RECORDS_AT_ONCE:]
            plan.moved = len(now)
            kept = [each for each in now if each[2] is not None]
            gone = [(each[0],) for each in now if each[2] is None]
            if kept:
                plan.statements.append(("INSERT OR REPLACE INTO records VALUES (?, ?, ?)", kept))
            if gone:
                plan.statements.append(("DELETE FROM records WHERE key = ?", gone))
        elif self._gone_to < self._move_to:
            plan.gone_to = min(self._gone_to + _ROWS_AT_ONCE, self._move_to)
            plan.statements.append(("DELETE FROM changes WHERE id <= ?", [(plan.gone_to,)]))
        return plan

    def done(self, plan: Plan) -> None:
        """`plan` is on disk."""
        self._last = plan.last
        for partition, changed in plan.fresh:
            self._fresh.update((key, (partition, record)) for key, record in changed)
        if plan.moved:
            del self._moving[-plan.moved :]
        self._gone_to = max(self._gone_to, plan.gone_to)


def _key(each: tuple[str, int, bytes | None]) -> str:
    return each[0]
