"""The log port on SQLite: one file with one writing process, any number of reading ones.

WAL with `synchronous=FULL`: what `append` returned from is on disk.  The writer may carry further statements in the
same transaction (state, cursors, rejects), so that a crash leaves all of it or nothing.  Readers open the file
read-only and hold no transaction between calls; a file that is not there yet is an empty log to them.
"""

import fcntl
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import apsw

from streams.edge import salvage
from streams.edge.log import LogFull, LogWriter, TimedReader

# Before 3.51.3 two connections that write and checkpoint at the same moment can lose committed pages (WAL-reset bug).
OLDEST_SQLITE = (3, 51, 3)

# A statement and the rows it is run with: ("INSERT INTO seen VALUES (?)", [("a",), ("b",)]).
Statement = tuple[str, Sequence[Sequence[Any]]]

_UNREADABLE = ".unreadable"
_LOOK_FOR_DAMAGE_S = 1.0

CURSORS = (
    "CREATE TABLE IF NOT EXISTS cursors (log TEXT, partition INTEGER, offset INTEGER, PRIMARY KEY (log, partition))"
)

_REMEDIES: tuple[tuple[type[apsw.Error], str], ...] = (
    (apsw.FullError, "the disk is full: free some space, writing goes on by itself"),
    (apsw.ReadOnlyError, "the file or its disk is read-only: make it writable, writing goes on by itself"),
    (apsw.BusyError, "another process holds it locked: end that process, writing goes on by itself"),
    (apsw.LockedError, "another process holds it locked: end that process, writing goes on by itself"),
    (apsw.CorruptError, "the file is damaged: look after its disk"),
    (apsw.NotADBError, "the file is no database: it was damaged or overwritten, look after its disk"),
    (apsw.CantOpenError, "it cannot be opened: is its folder there, and may this user write in it?"),
    (apsw.PermissionsError, "this user may not open it: give it to the user that runs Threshold"),
    (apsw.AuthError, "this user may not open it: give it to the user that runs Threshold"),
    (apsw.IOError, "the disk gave an error: look at the system's log for this disk"),
    (apsw.ProtocolError, "its lock could not be had: end other programs that hold the file"),
    (apsw.NoMemError, "there is no memory left: end what uses it up"),
)


class LogDamaged(LogFull):
    """What is in the file is no longer what was written: the disk, or a hand, changed it."""


class OldSqlite(RuntimeError):
    """This SQLite can lose committed writes; nothing is opened with it."""


def check_sqlite(version: str | None = None) -> None:
    """Raise OldSqlite unless the SQLite that apsw carries (or `version`) keeps what it committed."""
    version = version or apsw.sqlite_lib_version()
    if tuple(int(part) for part in version.split(".")[:3]) < OLDEST_SQLITE:
        oldest = ".".join(str(part) for part in OLDEST_SQLITE)
        raise OldSqlite(
            f"SQLite {version} can lose committed writes when several processes use a file; "
            f"at least {oldest} is needed: install a newer apsw (its wheels carry their own SQLite)"
        )


def trouble(path: Path, error: apsw.Error) -> LogFull:
    """`error` as a sentence: which file, what is wrong, what to do."""
    remedy = next((text for kind, text in _REMEDIES if isinstance(error, kind)), "it could not be used")
    kind = LogDamaged if isinstance(error, apsw.CorruptError | apsw.NotADBError) else LogFull
    return kind(f"{path.name} ({path.parent}): {remedy} [{type(error).__name__}: {error}]")


def frames_table(log: str) -> str:
    """The statement that makes the table of `log`.  Offsets are never used again, not even when all was deleted."""
    return (
        f"CREATE TABLE IF NOT EXISTS {log} (offset INTEGER PRIMARY KEY AUTOINCREMENT, partition INTEGER NOT NULL, "
        f"at_ms INTEGER NOT NULL, frame BLOB NOT NULL); "
        f"CREATE INDEX IF NOT EXISTS {log}_partition ON {log} (partition)"
    )


def frames_into(log: str, rows: Sequence[tuple[int, int, bytes]]) -> Statement:
    """A statement that adds (partition, at_ms, frame) rows to a second log of the same file."""
    return f"INSERT INTO {log} (partition, at_ms, frame) VALUES (?, ?, ?)", rows


def cursor_at(log: str, partition: int, offset: int) -> Statement:
    """A statement that remembers, in the reader's own file (table CURSORS), how far it has read `log`."""
    return "INSERT OR REPLACE INTO cursors VALUES (?, ?, ?)", [(log, partition, offset)]


def _say_unreadable(path: Path, inode: int) -> None:
    """A reader met damage that the writer may never meet: a note beside the log, naming the very file, tells it."""
    try:
        path.with_name(path.name + _UNREADABLE).write_text(str(inode))
    except OSError:
        pass  # not this user's folder, or a full disk: the reader says what ails it all the same


def _found_unreadable(path: Path) -> bool:
    """Has a reader met damage in the file that lies there now?"""
    note = path.with_name(path.name + _UNREADABLE)
    try:
        named = note.read_text()
        note.unlink()
        return named == str(os.stat(path).st_ino)
    except OSError:
        return False


def wall_clock_ms() -> int:
    return time.time_ns() // 1_000_000


class SqliteWriter(LogWriter):
    """The one writer of `log` in the file `path`.  `tables` are the CREATE statements of what else is in the file.

    A second writer is refused: two writers on one file cost a hundred times in latency.  One thread at a time.

    With `seen` (the largest offset that any reader is known to have seen) a damaged file is mended at the next opening:
    put aside, and what can be read of it copied (`salvage.py`); `salvaged` then says so.  `other_logs` are its further
    tables of frames.
    """

    def __init__(
        self,
        path: Path,
        log: str,
        *,
        tables: Sequence[str] = (),
        clock: Callable[[], int] = wall_clock_ms,
        wait_for_lock_s: float = 2.0,
        checkpoint_pages: int = 1000,
        other_logs: Sequence[str] = (),
        seen: Callable[[], int] | None = None,
    ) -> None:
        """Raises LogFull when the file cannot be opened or another process writes it, OldSqlite on an old SQLite."""
        check_sqlite()
        self.path = path
        self.log = log
        self.salvaged: list[str] = []
        self._logs = (log, *other_logs)
        self._seen = seen
        self._damaged = False
        self._look_for_damage_at = 0.0
        self._tables = (*(frames_table(name) for name in self._logs), *tables)
        self._clock = clock
        self._wait_for_lock_s = wait_for_lock_s
        self._checkpoint_pages = checkpoint_pages
        self._wal_pages = 0
        self._checkpoint_at = checkpoint_pages
        self._failed = False
        self._insert = f"INSERT INTO {log} (partition, at_ms, frame) VALUES (?, ?, ?)"
        self._connection: apsw.Connection | None = None
        self._lock = self._take_lock()
        try:
            try:
                self._open()
            except LogDamaged:
                if seen is None:
                    raise
                self._open()
        except LogFull:
            self.close()
            raise

    def _take_lock(self) -> int:
        try:
            lock = os.open(
                self.path.with_name(self.path.name + ".writer"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
            )
        except OSError as error:
            raise LogFull(f"{self.path.name} ({self.path.parent}): it cannot be opened for writing: {error}") from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(lock, 0)
            os.pwrite(lock, str(os.getpid()).encode(), 0)
        except BlockingIOError as error:
            holder = os.pread(lock, 20, 0).decode("ascii", "replace") or "unknown"
            os.close(lock)
            raise LogFull(
                f"{self.path.name} ({self.path.parent}): process {holder} is writing it, only one may: end that first"
            ) from error
        except OSError:
            pass  # the number is only for people; a full disk must not keep the writer from opening
        return lock

    def _open(self) -> apsw.Connection:
        """A connection ready to write.  What an earlier failed attempt left in the WAL is put on disk first."""
        self._mend()
        try:
            connection = apsw.Connection(str(self.path))
        except apsw.Error as error:
            raise trouble(self.path, error) from error
        try:
            connection.set_busy_timeout(round(self._wait_for_lock_s * 1000))
            connection.set_wal_hook(self._after_commit)
            for statement in (
                "PRAGMA journal_mode=WAL",
                "PRAGMA synchronous=FULL",
                "PRAGMA journal_size_limit=67108864",
                *self._tables,
            ):
                connection.execute(statement).fetchall()
            # After a failed fsync the kernel may call pages clean that never reached the disk.  Moving the WAL into the
            # file writes them afresh, so that nothing later stands on sand.
            busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()[0][0]
            if busy and self._failed:
                raise apsw.BusyError("a reader stands in the way of the checkpoint after an error")
        except apsw.Error as error:
            connection.close(force=True)
            raise self._noted(error) from error
        self._failed = False
        self._wal_pages = 0
        self._checkpoint_at = self._checkpoint_pages
        self._connection = connection
        return connection

    def _mend(self) -> None:
        """Finish a salvage that a crash cut short; begin one where the file was found damaged."""
        try:
            salvage.finish(self.path)
            if self._damaged and self._seen is not None:
                done = salvage.salvage(self.path, self._logs, self._tables, self._seen())
                self._damaged = False
                self.salvaged.append(f"{self.path.name}: {done.says()}")
        except apsw.Error as error:
            raise trouble(self.path, error) from error
        except (salvage.BeyondSalvage, OSError) as error:
            raise LogDamaged(f"{self.path.name} ({self.path.parent}): the file is damaged: {error}") from error

    def _noted(self, error: apsw.Error) -> LogFull:
        found = trouble(self.path, error)
        self._damaged = self._damaged or isinstance(found, LogDamaged)
        return found

    def _after_commit(self, _connection: apsw.Connection, _database: str, pages: int) -> int:
        if pages < self._wal_pages:
            self._checkpoint_at = self._checkpoint_pages  # the WAL began anew
        self._wal_pages = pages
        return apsw.SQLITE_OK

    def append(self, frames: Sequence[tuple[int, bytes]], also: Iterable[Statement] = ()) -> list[int]:
        """Write (partition, frame) pairs, and what `also` says, as one transaction; the frames' offsets, once durable.

        Raises LogFull with a sentence when they are not; nothing of it is then in the log as far as the caller may
        count on.  The next call opens the file anew.
        """
        connection = self._connection or self._open()
        if self._wal_pages >= self._checkpoint_at + self._checkpoint_pages:
            self._checkpoint(connection)
        at_ms = self._clock()
        offsets: list[int] = []
        try:
            execute = connection.execute
            also = list(also)
            # One row is a transaction by itself.  Each statement gives other threads of this process a turn, and where
            # one of them is busy, taking the turn back is most of a commit.
            is_one = len(frames) == 1 and not also
            if not is_one:
                execute("BEGIN IMMEDIATE")
            for partition, frame in frames:
                execute(self._insert, (partition, at_ms, frame))
                offsets.append(connection.last_insert_rowid())
            for statement, rows in also:
                connection.executemany(statement, rows)
            if not is_one:
                execute("COMMIT")
        except apsw.Error as error:
            self._give_up(connection)
            if isinstance(error, apsw.SQLError | apsw.ConstraintError | apsw.MismatchError):
                raise  # a mistake in a statement is no trouble of the disk's
            raise self._noted(error) from error
        except BaseException:
            self._give_up(connection)
            raise
        return offsets

    def _give_up(self, connection: apsw.Connection) -> None:
        self._connection = None
        self._failed = True
        connection.close(force=True)

    def tend(self) -> None:
        """Move the WAL into the file if it has grown, and mend what a reader found damaged.  Call it when the
        acknowledgements are out and nobody waits; `append` does the former only where that comes too rarely.  Raises
        LogFull."""
        if self._connection is not None and self._wal_pages >= self._checkpoint_at:
            self._checkpoint(self._connection)
        if self._seen is not None and time.monotonic() >= self._look_for_damage_at:
            self._look_for_damage_at = time.monotonic() + _LOOK_FOR_DAMAGE_S
            if _found_unreadable(self.path):
                if self._connection is not None:
                    self._give_up(self._connection)
                self._damaged = True
                self._open()

    def _checkpoint(self, connection: apsw.Connection) -> None:
        # A checkpoint that cannot run to its end harms nothing: what is in the WAL is durable.  Where readers always
        # stand in the way the WAL would grow without a bound, so a large one waits for them a moment.
        try:
            if self._wal_pages < 4 * self._checkpoint_pages:
                connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
            else:
                connection.set_busy_timeout(50)
                connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_RESTART)
        except (apsw.BusyError, apsw.LockedError):
            pass
        except apsw.Error as error:
            self._give_up(connection)
            raise self._noted(error) from error
        connection.set_busy_timeout(round(self._wait_for_lock_s * 1000))
        self._checkpoint_at = self._wal_pages + self._checkpoint_pages

    def query(self, sql: str, bindings: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Rows of this file, for the writer's own start.  Raises LogFull."""
        connection = self._connection or self._open()
        try:
            return connection.execute(sql, bindings).fetchall()
        except apsw.SQLError:
            raise
        except apsw.Error as error:
            self._give_up(connection)
            raise self._noted(error) from error

    def forget(self, log: str, before_ms: int, read_to: Mapping[int, int], most: int = 200) -> int:
        """Delete up to `most` frames of `log` older than `before_ms`, none beyond `read_to` (partition → offset that
        every reader has passed; a partition not named there keeps everything).  How many were deleted: call again while
        it is `most`.  Small steps, because acknowledgements wait meanwhile.  Raises LogFull."""
        connection = self._connection or self._open()
        deleted = 0
        try:
            for partition, offset in read_to.items():
                connection.execute(
                    f"DELETE FROM {log} WHERE offset IN (SELECT offset FROM {log} "
                    "WHERE partition = ? AND offset <= ? AND at_ms < ? ORDER BY offset LIMIT ?)",
                    (partition, offset, before_ms, most - deleted),
                ).fetchall()
                deleted += connection.changes()
                if deleted >= most:
                    break
        except apsw.Error as error:
            self._give_up(connection)
            raise self._noted(error) from error
        return deleted

    def close(self) -> None:
        """Give the file back.  May be called twice."""
        if self._connection is not None:
            self._connection.close(force=True)
            self._connection = None
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


class SqliteReader(TimedReader):
    """A reader of `log` in the file `path`, which it never changes.  It keeps no place: the caller says where it is."""

    def __init__(self, path: Path, log: str, *, wait_for_lock_s: float = 2.0) -> None:
        check_sqlite()
        self.path = path
        self.log = log
        self._wait_for_lock_s = wait_for_lock_s
        self._connection: apsw.Connection | None = None
        self._inode = 0
        self._read = f"SELECT offset, frame FROM {log} WHERE partition = ? AND offset > ? ORDER BY offset LIMIT ?"

    def query(self, sql: str, bindings: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Rows of the file; [] while it, or the table asked for, is not there yet.  Raises LogFull."""
        try:
            inode = os.stat(self.path).st_ino
        except FileNotFoundError:
            return []
        if inode != self._inode:
            # Another file has taken its place: a damaged one was put aside.
            self.close()
            self._inode = inode
        connection = self._connection
        try:
            if connection is None:
                connection = apsw.Connection(str(self.path), flags=apsw.SQLITE_OPEN_READONLY)
                connection.set_busy_timeout(round(self._wait_for_lock_s * 1000))
                self._connection = connection
            return connection.execute(sql, bindings).fetchall()
        except apsw.SQLError as error:
            if "no such table" in str(error):
                return []
            raise
        except apsw.Error as error:
            self.close()
            found = trouble(self.path, error)
            if isinstance(found, LogDamaged):
                _say_unreadable(self.path, inode)
            raise found from error

    def read(self, partition: int, after: int, limit: int = 100) -> list[tuple[int, bytes]]:
        return self.query(self._read, (partition, after, limit))  # pyright: ignore[reportReturnType]

    def end(self, partition: int) -> int:
        rows = self.query(f"SELECT max(offset) FROM {self.log} WHERE partition = ?", (partition,))
        return (rows[0][0] or 0) if rows else 0

    def before(self, partition: int, at_ms: int) -> int:
        """As the port says, for all partitions at once.  Frames grow in offset and time together, so that a log of
        three years is searched in some forty steps."""
        ends = self.query(f"SELECT min(offset), max(offset) FROM {self.log}")
        if not ends or ends[0][0] is None:
            return 0
        low, high = ends[0][0] - 1, ends[0][1]
        while low < high:
            middle = (low + high + 1) // 2
            # Offsets have gaps where frames were deleted: the last one up to the middle.
            row = self.query(
                f"SELECT offset, at_ms FROM {self.log} WHERE offset <= ? ORDER BY offset DESC LIMIT 1", (middle,)
            )
            if not row or row[0][1] < at_ms:
                low = middle
            else:
                high = row[0][0] - 1
        return low

    def close(self) -> None:
        """Close the file.  The next read opens it again."""
        if self._connection is not None:
            self._connection.close(force=True)
            self._connection = None


def read_to(files: Iterable[Path], log: str) -> dict[int, int]:
    """Partition → offset that every one of `files` has passed in `log`, by their table of cursors.

    A file that is not there, or never read this log, does not count; where none counts the answer is {} and `forget`
    deletes nothing.
    """
    slowest: dict[int, int] = {}
    for path in files:
        reader = SqliteReader(path, log)
        for partition, offset in reader.query("SELECT partition, offset FROM cursors WHERE log = ?", (log,)):
            slowest[partition] = min(offset, slowest.get(partition, offset))
        reader.close()
    return slowest
