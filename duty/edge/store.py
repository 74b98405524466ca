"""The desk's store: staff, roster, contacts, deliveries, audit, and the picture kept between restarts.

Every method is plain (not async), short, and safe from any thread: call it from a `def` route, or by
`asyncio.to_thread` from an `async` one.  Several calls inside `with store.together():` are one transaction.
The desk process is the only writer; a second one is refused.
"""

import fcntl
import os
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from duty.attempts import Attempt
from duty.edge import tables
from duty.edge.rows.base import StoreTrouble
from duty.edge.rows.cases import CaseRows, ResidentLink
from duty.edge.rows.deliveries import DeliveryRows, OwedPage
from duty.edge.rows.history import HistoryRows, Opening, TemperatureRow
from duty.edge.rows.people import Account, PeopleRows, Session
from duty.edge.rows.roster import RosterRows
from duty.edge.schema import NEWEST, NewerSchema, upgrade
from duty.health import DeviceHealth
from duty.privacy import NONCE_BYTES, Unreadable, open_sealed, seal

__all__ = [
    "Account",
    "Attempt",
    "DeviceHealth",
    "Opening",
    "OwedPage",
    "ResidentLink",
    "Session",
    "Store",
    "StoreTrouble",
    "TemperatureRow",
    "make_engine",
]

# Any number will do, as long as every desk uses the same.
_ONE_DESK = 0x7468726573


class Store(PeopleRows, RosterRows, CaseRows, HistoryRows, DeliveryRows):
    """Open with `Store.open`; brings the schema to the newest by itself."""

    _lock_file: int = -1
    _lock_connection: Connection | None = None

    @classmethod
    def open(cls, where: str | Path, *, master_key: bytes, schema: str = NEWEST) -> "Store":
        """`where` is a file (SQLite) or a PostgreSQL URL.  Raises StoreTrouble with what to do."""
        engine = make_engine(where)
        store = cls(engine, master_key=master_key)
        try:
            store._be_the_only_one()
            with store.together() as connection:
                upgrade(connection, schema)
                if schema == NEWEST:
                    store._check_key(connection)
        except NewerSchema as error:
            store.close()
            raise StoreTrouble(str(error)) from error
        except DBAPIError as error:
            store.close()
            raise StoreTrouble(store._sentence(error)) from error
        except BaseException:
            store.close()
            raise
        return store

    def _be_the_only_one(self) -> None:
        trouble = "another desk uses this store, and two would page people twice: end that one first"
        if self._engine.dialect.name == "sqlite":
            path = f"{self._engine.url.database}.writer"
            try:
                self._lock_file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
                fcntl.flock(self._lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise StoreTrouble(f"{path}: {trouble}") from error
            except OSError as error:
                raise StoreTrouble(f"{path}: it cannot be opened for writing: {error}") from error
            return
        # Held as long as this connection lives; the server lets go of it when the process dies.
        self._lock_connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        if not self._lock_connection.execute(text(f"SELECT pg_try_advisory_lock({_ONE_DESK})")).scalar():
            raise StoreTrouble(trouble)

    def _check_key(self, connection: Connection) -> None:
        """The first start seals a word under the master key; a later one that cannot open it has another key."""
        sealed = connection.execute(select(tables.kept.c.value).where(tables.kept.c.name == "key")).scalar()
        if sealed is None:
            word = seal(self._seal_key, "key", b"threshold", self._random(NONCE_BYTES))
            connection.execute(tables.kept.insert().values(name="key", value=word))
            return
        try:
            open_sealed(self._seal_key, "key", sealed)
        except Unreadable as error:
            where = self._engine.url.render_as_string(hide_password=True)
            raise StoreTrouble(f"{where}: this store was made with another key: put back its desk.key") from error

    def scrub(self) -> None:
        """Leave nothing of deleted rows behind in the file: freed pages are overwritten, and the log is cut.

        On PostgreSQL old row versions go with a vacuum, which is asked for here.  Inside a transaction nothing is done.
        """
        with self._lock:
            # This thread's own, if any: another one's is waited for, and is no reason to leave something behind.
            if self._connection is not None:
                return
            with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                if self._engine.dialect.name == "sqlite":
                    connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
                else:
                    connection.execute(text("VACUUM cases, contacts"))

    def close(self) -> None:
        """Give the database back."""
        with self._lock:
            if self._lock_connection is not None:
                self._lock_connection.close()
                self._lock_connection = None
            self._engine.dispose()
            if self._lock_file >= 0:
                os.close(self._lock_file)
                self._lock_file = -1


def make_engine(where: str | Path) -> Engine:
    """The engine for a file or a URL.  Opens nothing.  Raises StoreTrouble for a URL that is none."""
    if isinstance(where, Path) or "://" not in where:
        from duty.edge import apsw_dbapi

        path = Path(where).absolute()
        return create_engine(f"sqlite:///{path}", module=apsw_dbapi, pool_size=1, max_overflow=0)
    try:
        url = make_url(where)
    except ArgumentError as error:
        raise StoreTrouble(f"[desk] database is no URL: {error}; write postgresql://user@host/name") from error
    if url.get_backend_name() == "sqlite":
        return make_engine(Path(url.database or ""))
    if url.get_backend_name() != "postgresql":
        raise StoreTrouble(f"[desk] database {url.get_backend_name()!r} is not known: write a file or postgresql://…")
    try:
        return create_engine(url.set(drivername="postgresql+psycopg"), pool_size=1, max_overflow=1, pool_pre_ping=True)
    except ModuleNotFoundError as error:
        raise StoreTrouble("PostgreSQL needs psycopg: install Threshold with its cluster parts") from error
