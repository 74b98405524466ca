"""`series.db`: the sink's own file.  It holds how far the logs were read, what the projector keeps, and what was
refused; with the embedded store the points too, so that place and points are always of one piece.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from streams.edge.log import LogFull
from streams.edge.series import Progress, Refused, SeriesDown
from streams.edge.sqlite_log import CURSORS, SqliteWriter, Statement, cursor_at

_KEPT = "CREATE TABLE IF NOT EXISTS kept (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID"


class SeriesFile:
    """The one writer of `series.db`.  `tables` are CREATE statements and pragmas of an adapter's own."""

    def __init__(self, path: Path, *, tables: Sequence[str] = ()) -> None:
        """Raises SeriesDown when the file cannot be opened, or another process writes it."""
        try:
            self._writer = SqliteWriter(path, "refused", tables=(CURSORS, _KEPT, *tables))
        except LogFull as error:
            raise SeriesDown(str(error)) from error

    def store(self, progress: Progress, also: Sequence[Statement] = (), refused: Sequence[Refused] = ()) -> None:
        """All of it in one transaction.  Raises SeriesDown."""
        statements: list[Statement] = list(also)
        statements += [cursor_at(log, partition, offset) for (log, partition), offset in progress.cursors.items()]
        new = [(key, value) for key, value in progress.kept.items() if value is not None]
        gone = [(key,) for key, value in progress.kept.items() if value is None]
        if new:
            statements.append(("INSERT OR REPLACE INTO kept VALUES (?, ?)", new))
        if gone:
            statements.append(("DELETE FROM kept WHERE key = ?", gone))
        try:
            aside = [(0, msgspec.msgpack.encode(each)) for each in (*progress.aside, *refused)]
            self._writer.append(aside, statements)
            self._writer.tend()
        except LogFull as error:
            raise SeriesDown(str(error)) from error

    def query(self, sql: str, bindings: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Rows of the file.  Raises SeriesDown."""
        try:
            return self._writer.query(sql, bindings)
        except LogFull as error:
            raise SeriesDown(str(error)) from error

    def cursors(self) -> dict[tuple[str, int], int]:
        """(log, partition) → the offset remembered."""
        return {(log, part): offset for log, part, offset in self.query("SELECT log, partition, offset FROM cursors")}

    def kept(self) -> dict[str, bytes]:
        """What was remembered for the projector."""
        return dict(self.query("SELECT key, value FROM kept"))  # pyright: ignore[reportArgumentType]

    def refused(self) -> list[Refused]:
        """What was refused, in order."""
        rows = self.query("SELECT frame FROM refused ORDER BY offset")
        return [msgspec.msgpack.decode(frame, type=Refused) for (frame,) in rows]

    def forget_refused(self, before_ms: int) -> None:
        """Delete what was refused before `before_ms`.  Raises SeriesDown."""
        try:
            self._writer.append([], [("DELETE FROM refused WHERE at_ms < ?", [(before_ms,)])])
        except LogFull as error:
            raise SeriesDown(str(error)) from error

    def close(self) -> None:
        """Give the file back."""
        self._writer.close()
