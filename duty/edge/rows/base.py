"""What every part of the store stands on: one connection, one transaction at a time, trouble told in a sentence."""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError

from duty.privacy import NONCE_BYTES, open_sealed, seal, subkey


class StoreTrouble(RuntimeError):
    """The store cannot be used: the text says which, why, and what to do."""


class Rows:
    """One engine with one connection, which one thread uses at a time.

    Calls inside `with store.together():` are one transaction; a call alone is one of its own.
    """

    def __init__(self, engine: Engine, *, master_key: bytes, random: Callable[[int], bytes] = os.urandom) -> None:
        self._engine = engine
        self._master_key = master_key
        self._seal_key = subkey(master_key, "store")
        self._random = random
        self._lock = threading.RLock()
        self._connection: Connection | None = None

    @contextmanager
    def together(self) -> Iterator[Connection]:
        """A transaction; inside another one, a part of it.  Raises StoreTrouble when the database refuses."""
        with self._lock:
            if self._connection is not None:
                yield self._connection
                return
            try:
                with self._engine.begin() as connection:
                    self._connection = connection
                    try:
                        yield connection
                    finally:
                        self._connection = None
            except DBAPIError as error:
                raise StoreTrouble(self._sentence(error)) from error

    def _sentence(self, error: DBAPIError) -> str:
        where = self._engine.url.render_as_string(hide_password=True)
        said = str(error.orig).strip().splitlines()[0] if error.orig else type(error).__name__
        remedy = "look at the database server"
        for word, what_to_do in (
            ("FullError", "the disk is full: free some space"),
            ("ReadOnlyError", "the file is read-only: make it writable"),
            ("BusyError", "another process holds it locked: end that process"),
            ("CorruptError", "the file is damaged: restore a copy"),
            ("NotADBError", "the file is no database: restore a copy"),
            ("IOError", "the disk gave an error: look at the system's log for this disk"),
        ):
            if said.startswith(word):
                remedy = what_to_do
        return f"the desk's store ({where}): {remedy} [{said}]"

    def _put(self, table: Table, *rows: dict[str, Any]) -> None:
        """Insert the rows, or take the place of those with the same key."""
        if not rows:
            return
        with self.together() as connection:
            dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
            statement = dialect.insert(table)
            keys = [column.name for column in table.primary_key]
            others = {name: statement.excluded[name] for name in rows[0] if name not in keys}
            if others:
                statement = statement.on_conflict_do_update(index_elements=keys, set_=others)
            else:
                statement = statement.on_conflict_do_nothing(index_elements=keys)
            connection.execute(statement, list(rows))

    def _put_new(self, table: Table, *rows: dict[str, Any]) -> None:
        """Insert the rows whose key is not there yet."""
        if not rows:
            return
        with self.together() as connection:
            dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
            keys = [column.name for column in table.primary_key]
            connection.execute(dialect.insert(table).on_conflict_do_nothing(index_elements=keys), list(rows))

    def _seal(self, about: str, text: str) -> bytes:
        return seal(self._seal_key, about, text.encode(), self._random(NONCE_BYTES)) if text else b""

    def _open(self, about: str, sealed: bytes | None) -> str:
        return open_sealed(self._seal_key, about, sealed).decode() if sealed else ""


def listed(items: Sequence[str]) -> str:
    """Words without blanks, as one text."""
    return " ".join(items)


def unlisted(text: str) -> tuple[str, ...]:
    """The words of `listed`."""
    return tuple(text.split())
