from pathlib import Path

import apsw
import pytest

from duty.edge import apsw_dbapi


@pytest.fixture
def connection(tmp_path: Path):
    made = apsw_dbapi.connect(str(tmp_path / "x.db"))
    made.cursor().execute("CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT)")
    made.commit()
    yield made
    made.close()


def test_rows_are_read_in_every_way(connection) -> None:
    cursor = connection.cursor()
    cursor.executemany("INSERT INTO t VALUES (?, ?)", [(n, str(n)) for n in range(5)])
    assert cursor.rowcount == 5
    cursor.execute("SELECT a, b FROM t ORDER BY a")
    assert [column[0] for column in cursor.description] == ["a", "b"]
    assert cursor.fetchone() == (0, "0")
    assert cursor.fetchmany(2) == [(1, "1"), (2, "2")]
    assert cursor.fetchall() == [(3, "3"), (4, "4")]
    assert cursor.fetchone() is None


def test_a_select_without_rows_still_has_its_columns(connection) -> None:
    cursor = connection.cursor().execute("SELECT a, b FROM t WHERE a = ?", (9,))
    assert [column[0] for column in cursor.description] == ["a", "b"]
    assert cursor.fetchall() == []


def test_changes_are_counted(connection) -> None:
    cursor = connection.cursor()
    cursor.execute("INSERT INTO t VALUES (7, 'x')")
    assert (cursor.rowcount, cursor.lastrowid, cursor.description) == (1, 7, None)
    assert cursor.execute("UPDATE t SET b = 'y' WHERE a = 8").rowcount == 0
    assert cursor.execute("DELETE FROM t").rowcount == 1


def test_a_transaction_stands_or_falls_tables_too(connection) -> None:
    cursor = connection.cursor()
    cursor.execute("CREATE TABLE other (x)")
    cursor.execute("INSERT INTO t VALUES (1, 'x')")
    connection.rollback()
    assert cursor.execute("SELECT count(*) FROM t").fetchone() == (0,)
    assert cursor.execute("SELECT count(*) FROM sqlite_master WHERE name = 'other'").fetchone() == (0,)


@pytest.mark.parametrize(
    ("sql", "error"),
    [
        ("INSERT INTO t VALUES (1, 'a'), (1, 'b')", apsw_dbapi.IntegrityError),
        ("SELEC 1", apsw_dbapi.ProgrammingError),
        ("SELECT ?", apsw_dbapi.ProgrammingError),
        ("INSERT INTO t VALUES ('not a number', 'x')", apsw_dbapi.DataError),
    ],
)
def test_errors_have_the_names_of_the_db_api(connection, sql: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        connection.cursor().execute(sql)


def test_a_locked_file_is_an_operational_error(tmp_path: Path, connection) -> None:
    holder = apsw.Connection(str(tmp_path / "x.db"))
    holder.execute("BEGIN IMMEDIATE")
    connection._apsw.set_busy_timeout(0)
    with pytest.raises(apsw_dbapi.OperationalError, match="BusyError"):
        connection.cursor().execute("INSERT INTO t VALUES (1, 'x')")
    holder.close()


def test_a_closed_connection_says_so(connection) -> None:
    connection.close()
    with pytest.raises(apsw_dbapi.ProgrammingError, match="closed database"):
        connection.cursor().execute("SELECT 1")
    connection.rollback()
    connection.close()


def test_it_is_the_sqlite_that_keeps_what_it_committed() -> None:
    assert apsw_dbapi.sqlite_version_info >= (3, 51, 3)


def test_a_commit_is_on_disk_and_deleted_text_is_not(tmp_path: Path, connection) -> None:
    assert connection._apsw.execute("PRAGMA synchronous").fetchone() == (2,)
    assert connection._apsw.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection._apsw.execute("PRAGMA secure_delete").fetchone() == (1,)
