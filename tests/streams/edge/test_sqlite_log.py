"""What is SQLite's own about the log: durability, retention, and every trouble a disk can make."""

import os
import resource
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import apsw
import pytest

from streams.edge import sqlite_log
from streams.edge.log import LogFull
from streams.edge.sqlite_log import CURSORS, OldSqlite, SqliteReader, SqliteWriter, cursor_at, frames_into, frames_table


@pytest.fixture
def file(tmp_path):
    return tmp_path / "inbox.db"


@pytest.fixture
def writer(file):
    made = SqliteWriter(file, "inbox", tables=[CURSORS, frames_table("rejects")], wait_for_lock_s=0.05)
    yield made
    made.close()


def frames(file: Path, log: str = "inbox") -> list[bytes]:
    reader = SqliteReader(file, log)
    found = [frame for _, frame in reader.read(0, 0, 10_000)]
    reader.close()
    return found


@pytest.mark.parametrize("version", ["3.40.1", "3.51.2", "3.7.0"])
def test_a_sqlite_that_loses_writes_is_refused(version):
    with pytest.raises(OldSqlite, match=r"at least 3\.51\.3 is needed"):
        sqlite_log.check_sqlite(version)


@pytest.mark.parametrize("version", ["3.51.3", "3.54.1", "4.0.0"])
def test_a_fixed_sqlite_is_taken(version):
    sqlite_log.check_sqlite(version)


def test_a_commit_is_synchronous_and_in_wal(writer):
    assert writer.query("PRAGMA journal_mode") == [("wal",)]
    assert writer.query("PRAGMA synchronous") == [(2,)]


def test_what_goes_with_a_frame_is_in_the_same_transaction(writer, file):
    writer.append([(0, b"frame")], also=[cursor_at("outbox", 0, 7), frames_into("rejects", [(0, 5, b"bad")])])
    assert frames(file) == [b"frame"]
    assert frames(file, "rejects") == [b"bad"]
    assert sqlite_log.read_to([file], "outbox") == {0: 7}


def test_a_statement_that_fails_takes_the_frame_with_it(writer, file):
    with pytest.raises(apsw.SQLError):
        writer.append([(0, b"frame")], also=[("INSERT INTO nowhere VALUES (?)", [(1,)])])
    assert frames(file) == []
    writer.append([(0, b"next")])
    assert frames(file) == [b"next"]


def test_a_second_writer_is_refused_with_the_first_ones_number(writer, file):
    with pytest.raises(LogFull, match=rf"process {os.getpid()} is writing it"):
        SqliteWriter(file, "inbox")
    writer.close()
    SqliteWriter(file, "inbox").close()


def test_a_reader_comes_before_the_file_is_there(file):
    reader = SqliteReader(file, "inbox")
    assert reader.read(0, 0) == []
    assert reader.end(0) == 0
    writer = SqliteWriter(file, "inbox")
    writer.append([(0, b"one")])
    assert [frame for _, frame in reader.read(0, 0)] == [b"one"]
    reader.close()
    writer.close()


def test_a_reader_changes_nothing(writer, file):
    writer.append([(0, b"one")])
    reader = SqliteReader(file, "inbox")
    with pytest.raises(LogFull, match="read-only"):
        reader.query("DELETE FROM inbox")
    assert frames(file) == [b"one"]


def test_what_append_returned_from_outlives_kill_9(file):
    program = f"""
        import sys
        from pathlib import Path
        from streams.edge.sqlite_log import SqliteWriter
        writer = SqliteWriter(Path({str(file)!r}), "inbox")
        n = 0
        while True:
            writer.append([(0, b"%d" % n)])
            sys.stdout.write(f"{{n}}\\n")
            sys.stdout.flush()
            n += 1
    """
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(program)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    told = [process.stdout.readline() for _ in range(200)]
    process.send_signal(signal.SIGKILL)
    told += process.stdout.readlines()
    process.wait()
    acknowledged = [int(line) for line in told if line.endswith("\n")]
    kept = [int(frame) for frame in frames(file)]
    assert kept[: len(acknowledged)] == acknowledged
    SqliteWriter(file, "inbox").close()  # its lock went with it


def test_retention_deletes_the_old_in_small_steps(file):
    now = iter(range(1000, 2000))
    writer = SqliteWriter(file, "inbox", clock=lambda: next(now))
    offsets = writer.append([(0, b"old")]) + writer.append([(0, b"older than that")]) + writer.append([(0, b"new")])
    assert writer.forget("inbox", before_ms=1002, read_to={0: offsets[-1]}, most=1) == 1
    assert writer.forget("inbox", before_ms=1002, read_to={0: offsets[-1]}, most=1) == 1
    assert writer.forget("inbox", before_ms=1002, read_to={0: offsets[-1]}, most=1) == 0
    assert frames(file) == [b"new"]
    writer.close()


def test_retention_stops_at_the_slowest_reader(file):
    writer = SqliteWriter(file, "inbox", clock=lambda: 0)
    read, unread = writer.append([(0, b"read"), (0, b"unread")])
    assert writer.forget("inbox", before_ms=10, read_to={0: read}) == 1
    assert frames(file) == [b"unread"]
    assert writer.forget("inbox", before_ms=10, read_to={}) == 0
    assert unread > read
    writer.close()


def test_offsets_are_not_used_again_after_everything_was_deleted(file):
    writer = SqliteWriter(file, "inbox", clock=lambda: 0)
    [first] = writer.append([(0, b"one")])
    writer.forget("inbox", before_ms=10, read_to={0: first})
    writer.close()
    writer = SqliteWriter(file, "inbox")
    assert writer.append([(0, b"two")]) > [first]
    writer.close()


def test_the_slowest_cursor_of_several_files_counts(tmp_path):
    files = [tmp_path / "streams.db", tmp_path / "desk.db", tmp_path / "not there.db"]
    for path, offset in zip(files, (9, 4), strict=False):
        writer = SqliteWriter(path, "own", tables=[CURSORS])
        writer.append([], also=[cursor_at("inbox", 0, offset), cursor_at("other", 1, 1)])
        writer.close()
    assert sqlite_log.read_to(files, "inbox") == {0: 4}
    assert sqlite_log.read_to(files[2:], "inbox") == {}


def test_the_wal_stays_small_though_nobody_tends_it(file):
    writer = SqliteWriter(file, "inbox", checkpoint_pages=20)
    for _ in range(300):
        writer.append([(0, b"x" * 8000)])
    assert Path(f"{file}-wal").stat().st_size < 100 * 4096
    writer.close()


def test_a_reader_in_the_middle_of_a_read_does_not_stop_the_writer(file):
    writer = SqliteWriter(file, "inbox", checkpoint_pages=5)
    writer.append([(0, b"first")])
    other = apsw.Connection(str(file), flags=apsw.SQLITE_OPEN_READONLY)
    other.execute("BEGIN")
    other.execute("SELECT count(*) FROM inbox").fetchall()
    for n in range(60):
        writer.append([(0, b"%d" % n)])
        writer.tend()
    other.execute("COMMIT")
    assert len(frames(file)) == 61
    other.close()
    writer.close()


def test_a_locked_file_is_said_and_writing_goes_on_by_itself(writer, file):
    other = apsw.Connection(str(file))
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(LogFull, match="another process holds it locked"):
        writer.append([(0, b"one")])
    other.execute("ROLLBACK")
    other.close()
    writer.append([(0, b"two")])
    assert frames(file) == [b"two"]


def test_a_file_that_may_not_grow_is_said_and_writing_goes_on_by_itself(writer, file):
    """A quota: the kernel refuses every write past a size, as a full disk does."""
    writer.append([(0, b"before")])
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        for _ in range(2):
            with pytest.raises(LogFull, match=r"inbox\.db .*the disk"):
                writer.append([(0, b"x" * 30_000)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    writer.append([(0, b"after")])
    assert frames(file) == [b"before", b"after"]


class FaultyDisk(apsw.VFS):
    """A disk on which the next `fails` calls of `operation` fail with `code`, as the kernel would say it."""

    def __init__(self) -> None:
        self.operation = ""
        self.code = apsw.SQLITE_OK
        self.fails = 0
        super().__init__("faulty", base="unix")

    def xOpen(self, name, flags):  # noqa: N802 - SQLite's own name
        return FaultyFile(self, name, flags)

    def meets(self, operation: str) -> None:
        if operation == self.operation and self.fails > 0:
            self.fails -= 1
            raise apsw.exception_for(self.code)


class FaultyFile(apsw.VFSFile):
    def __init__(self, disk: FaultyDisk, name, flags) -> None:
        self.disk = disk
        super().__init__("unix", name, flags)

    def xWrite(self, data, offset):  # noqa: N802
        self.disk.meets("write")
        super().xWrite(data, offset)

    def xSync(self, flags):  # noqa: N802
        self.disk.meets("sync")
        super().xSync(flags)


@pytest.mark.parametrize(
    ("operation", "code", "sentence"),
    [
        ("write", apsw.SQLITE_FULL, "the disk is full"),
        ("write", apsw.SQLITE_IOERR_WRITE, "the disk gave an error"),
        ("sync", apsw.SQLITE_IOERR_FSYNC, "the disk gave an error"),
        ("write", apsw.SQLITE_READONLY, "read-only"),
    ],
)
def test_a_disk_that_fails_is_said_and_nothing_counts_as_written(file, operation, code, sentence):
    disk = FaultyDisk()
    apsw.set_default_vfs("faulty")
    try:
        writer = SqliteWriter(file, "inbox")
        writer.append([(0, b"before")])
        disk.operation, disk.code, disk.fails = operation, code, 1
        with pytest.raises(LogFull, match=sentence):
            writer.append([(0, b"refused")])
        writer.append([(0, b"after")])
        writer.close()
    finally:
        apsw.set_default_vfs("unix")
        disk.unregister()
    kept = frames(file)
    # What a failed fsync left behind may still be found: the caller was told not to count on it, and tries again.
    assert [frame for frame in kept if frame != b"refused"] == [b"before", b"after"]


def test_a_damaged_page_is_said_and_writing_goes_on_once_the_file_is_mended(file):
    writer = SqliteWriter(file, "inbox", wait_for_lock_s=0.05)
    for n in range(200):
        writer.append([(0, b"%d" % n * 300)])
    writer.close()
    whole = file.read_bytes()
    writer = SqliteWriter(file, "inbox")
    with file.open("r+b") as raw:
        for page in range(1, len(whole) // 4096):
            raw.seek(page * 4096)
            raw.write(os.urandom(4096))
    for _ in range(2):
        with pytest.raises(LogFull, match="damaged"):
            writer.append([(0, b"new")])
    file.write_bytes(whole)
    writer.append([(0, b"new")])
    assert len(frames(file)) == 201
    writer.close()


def test_a_file_that_is_no_database_is_said(file):
    file.write_bytes(b"not a database at all" * 500)
    with pytest.raises(LogFull, match="no database"):
        SqliteWriter(file, "inbox")


def test_a_folder_that_is_not_there_is_said(tmp_path):
    with pytest.raises(LogFull, match="cannot be opened for writing"):
        SqliteWriter(tmp_path / "nowhere" / "inbox.db", "inbox")


def test_a_log_is_searched_by_time(file):
    now_ms = 1000
    writer = SqliteWriter(file, "inbox", clock=lambda: now_ms)
    reader = SqliteReader(file, "inbox")
    assert reader.before(0, 5000) == 0
    for number in range(100):
        now_ms = 1000 + number * 10
        writer.append([(0, b"frame")])
    for offset in (3, 4, 5, 50, 100):
        writer.append([], [("DELETE FROM inbox WHERE offset = ?", [(offset,)])])
    kept = [offset for offset in range(1, 101) if offset not in (3, 4, 5, 50, 100)]
    for at_ms in range(990, 2010, 5):
        expected = max((o for o in kept if 1000 + (o - 1) * 10 < at_ms), default=0)
        found = reader.before(0, at_ms)
        assert max((o for o in kept if o <= found), default=0) == expected, at_ms
    writer.close()
    reader.close()
