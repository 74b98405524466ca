"""apsw as a DB-API module for SQLAlchemy: the SQLite that apsw carries; the system's own may lose committed writes.

Only what SQLAlchemy's SQLite dialect asks for.  Every transaction begins as a writing one (`BEGIN IMMEDIATE`), tables
are made inside transactions, and a commit is on disk when it returns (`synchronous=FULL`).
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NoReturn

import apsw

apilevel = "2.0"
threadsafety = 1
paramstyle = "qmark"
sqlite_version = apsw.sqlite_lib_version()
sqlite_version_info = tuple(int(part) for part in sqlite_version.split("."))

Binary = bytes


class Warning(Exception):
    """Never raised; the DB-API wants the name."""


class Error(Exception):
    """Whatever the database would not do."""


class InterfaceError(Error):
    """The module was used wrongly."""


class DatabaseError(Error):
    """Anything about the database."""


class OperationalError(DatabaseError):
    """The file, its disk or its lock: full, read-only, locked, corrupt."""


class IntegrityError(DatabaseError):
    """A constraint would be broken."""


class ProgrammingError(DatabaseError):
    """A statement that is wrong."""


class DataError(DatabaseError):
    """A value that does not fit."""


class InternalError(DatabaseError):
    """A fault of the database's own."""


class NotSupportedError(DatabaseError):
    """Something SQLite cannot do."""


def _raise(error: apsw.Error) -> NoReturn:
    kind: type[DatabaseError] = OperationalError
    if isinstance(error, apsw.ConstraintError):
        kind = IntegrityError
    elif isinstance(error, apsw.SQLError | apsw.BindingsError | apsw.MisuseError):
        kind = ProgrammingError
    elif isinstance(error, apsw.TooBigError | apsw.MismatchError):
        kind = DataError
    elif isinstance(error, apsw.ConnectionClosedError):
        raise ProgrammingError("Cannot operate on a closed database.") from error
    raise kind(f"{type(error).__name__}: {error}") from error


class Cursor:
    """A cursor that has read all its rows by the time `execute` returns, so that nothing is left half done."""

    arraysize = 1

    def __init__(self, connection: "Connection") -> None:
        self.connection = connection
        self.description: list[tuple[Any, ...]] | None = None
        self.rowcount = -1
        self.lastrowid: int | None = None
        self._rows: list[tuple[Any, ...]] = []
        self._next = 0

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> "Cursor":
        """Run one statement."""
        apsw_connection = self.connection.begin()
        try:
            before = apsw_connection.total_changes()
            cursor = apsw_connection.cursor()
            self.description = None
            # The names of a statement without rows are told only before its first step.
            cursor.exec_trace = self._describe
            self._rows = cursor.execute(sql, tuple(parameters)).fetchall()
            self._next = 0
            changed = apsw_connection.total_changes() - before
            self.rowcount = changed if self.description is None or changed else -1
            self.lastrowid = apsw_connection.last_insert_rowid()
        except apsw.Error as error:
            _raise(error)
        return self

    def _describe(self, cursor: apsw.Cursor, _sql: str, _bindings: Any) -> bool:
        columns = cursor.get_description()
        self.description = [(column[0], None, None, None, None, None, None) for column in columns] or None
        return True

    def executemany(self, sql: str, sets: Iterable[Sequence[Any]]) -> "Cursor":
        """Run one statement with each set of parameters."""
        apsw_connection = self.connection.begin()
        try:
            before = apsw_connection.total_changes()
            apsw_connection.executemany(sql, [tuple(one) for one in sets]).fetchall()
            self.description = None
            self._rows, self._next = [], 0
            self.rowcount = apsw_connection.total_changes() - before
        except apsw.Error as error:
            _raise(error)
        return self

    def fetchone(self) -> tuple[Any, ...] | None:
        """The next row."""
        if self._next >= len(self._rows):
            return None
        self._next += 1
        return self._rows[self._next - 1]

    def fetchmany(self, size: int | None = None) -> list[tuple[Any, ...]]:
        """The next rows."""
        end = self._next + (size or self.arraysize)
        rows, self._next = self._rows[self._next : end], min(end, len(self._rows))
        return rows

    def fetchall(self) -> list[tuple[Any, ...]]:
        """The rows that are left."""
        rows, self._next = self._rows[self._next :], len(self._rows)
        return rows

    def close(self) -> None:
        """Forget the rows."""
        self._rows, self._next = [], 0

    def setinputsizes(self, sizes: Any) -> None:
        """Nothing to do in SQLite."""

    def setoutputsize(self, size: Any, column: Any = None) -> None:
        """Nothing to do in SQLite."""


class Connection:
    """One connection.  `isolation_level` None: no transaction begins by itself."""

    def __init__(self, path: str, *, wait_for_lock_s: float = 5.0) -> None:
        try:
            self._apsw: apsw.Connection | None = apsw.Connection(path)
            self._apsw.set_busy_timeout(round(wait_for_lock_s * 1000))
            for statement in (
                "PRAGMA journal_mode=WAL",
                "PRAGMA synchronous=FULL",
                "PRAGMA secure_delete=ON",
                "PRAGMA foreign_keys=ON",
                "PRAGMA journal_size_limit=16777216",
                "PRAGMA wal_autocheckpoint=500",
            ):
                self._apsw.execute(statement).fetchall()
        except apsw.Error as error:
            _raise(error)
        self.isolation_level: str | None = ""

    def begin(self) -> apsw.Connection:
        """The connection inside a transaction."""
        if self._apsw is None:
            raise ProgrammingError("Cannot operate on a closed database.")
        if self.isolation_level is not None and not self._apsw.in_transaction:
            try:
                self._apsw.execute("BEGIN IMMEDIATE")
            except apsw.Error as error:
                _raise(error)
        return self._apsw

    def cursor(self) -> Cursor:
        """A new cursor."""
        return Cursor(self)

    def _end(self, how: str) -> None:
        if self._apsw is not None and self._apsw.in_transaction:
            try:
                self._apsw.execute(how)
            except apsw.Error as error:
                _raise(error)

    def commit(self) -> None:
        """End the transaction; it is on disk when this returns."""
        self._end("COMMIT")

    def rollback(self) -> None:
        """End the transaction as if it had not been."""
        self._end("ROLLBACK")

    def close(self) -> None:
        """Close the file; what was not committed is gone."""
        if self._apsw is not None:
            self._apsw.close(force=True)
            self._apsw = None

    def create_function(
        self, name: str, arguments: int, function: Callable[..., Any], *, deterministic: bool = False
    ) -> None:
        """Give SQL a function."""
        if self._apsw is not None:
            self._apsw.create_scalar_function(name, function, arguments, deterministic=deterministic)


def connect(path: str, **_options: Any) -> Connection:
    """Open the file at `path`."""
    return Connection(path)
