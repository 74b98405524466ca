"""What a move reads: the files of a box that does not run, held so that nothing of it can start meanwhile."""

from collections.abc import Iterator
from contextlib import contextmanager
from os import fsync
from pathlib import Path
from typing import TextIO

import msgspec

from deploy.supervisor import lock
from devices.edge.complaints import Complaint
from devices.edge.settings import Settings
from gateway.edge import inbox
from streams.edge.guarded_engine import Fault
from streams.edge.log import LogFull
from streams.edge.memory_table import memory
from streams.edge.sqlite_log import SqliteReader
from streams.edge.streams_db import StreamsDb

NOTE = "migration.json"

_ROWS = 500

# A frame as it stands on the box: its partition, its offset, itself.
Row = tuple[int, int, bytes]


class Box:
    """Open until `close`.  Every method may raise LogFull."""

    called = "box"

    def __init__(self, settings: Settings) -> None:
        """Raises Complaint where the box runs or there is none, LogFull where a process of it does."""
        folder = settings.data_path
        self.settings = settings
        self.folder = folder
        self.note_is = NOTE
        for name in (inbox.FILE, "streams.db"):
            if not (folder / name).is_file():
                raise Complaint(str(folder), 0, f"there is no {name}", "name the settings of the box that is to move")
        held = lock(folder)
        if held is None:
            raise Complaint(
                str(folder), 0, "the box runs", "stop its `threshold up` first: what it decides meanwhile would be lost"
            )
        self._held: TextIO = held
        try:
            self._inbox = inbox.open_inbox(folder)
            try:
                self._streams = StreamsDb(folder / "streams.db")
            except BaseException:
                self._inbox.close()
                raise
        except BaseException:
            held.close()
            raise
        self.kept = inbox.kept(self._inbox, settings.streams.partitions)
        self.decided = self._streams.cursors()
        self.statuses = self._streams.statuses()

    def note(self) -> "Note | None":
        """Which move out of here was begun."""
        return read_note(self.folder)

    def keep(self, note: "Note") -> None:
        """Keep it, whole or not at all."""
        write_note(self.folder, note)

    def forget(self) -> None:
        """The move was not begun after all."""
        (self.folder / NOTE).unlink(missing_ok=True)

    def check_still(self) -> None:
        """Raise Complaint where anything was written since it was opened: what is held is not."""

    def print_of(self) -> list[int]:
        """What changes when anything of the box has run: a move that is taken up again must find the same."""
        ends = [self._count("inbox"), self._count("rejects"), self._outbox_rows()]
        commits = sorted((status.partition, status.commits) for status in self.statuses.values())
        return [*ends, *(number for pair in commits for number in pair)]

    def _count(self, log: str) -> int:
        return self._inbox.query(f"SELECT ifnull(max(offset), 0) FROM {log}")[0][0]

    def _outbox_rows(self) -> int:
        with reading(self.folder / "streams.db", "outbox") as reader:
            return reader.query("SELECT ifnull(max(offset), 0) FROM outbox")[0][0]

    def frames(self, log: str) -> int:
        """How many frames a log holds."""
        if log == "outbox":
            with reading(self.folder / "streams.db", "outbox") as reader:
                return reader.query("SELECT count(*) FROM outbox")[0][0]
        return self._inbox.query(f"SELECT count(*) FROM {log}")[0][0]

    def log(self, log: str) -> Iterator[Row]:
        """A log from its beginning, in the order in which it was written: (partition, offset, frame)."""
        file = "streams.db" if log == "outbox" else inbox.FILE
        with reading(self.folder / file, log) as reader:
            after = 0
            while rows := reader.query(
                f"SELECT partition, offset, frame FROM {log} WHERE offset > ? ORDER BY offset LIMIT {_ROWS}", (after,)
            ):
                yield from rows  # pyright: ignore[reportReturnType]
                after = rows[-1][1]

    def inbox(self) -> Iterator[tuple[Row, bool]]:
        """`inbox`: first what was decided, then what was not; and which of the two each is."""
        for wanted in (True, False):
            for row in self.log("inbox"):
                if (row[1] <= self.decided.get(row[0], 0)) is wanted:
                    yield row, wanted

    def fed(self) -> list[tuple[int, int, str]]:
        """Rejects that were fed in again: (offset, when, what became of it)."""
        return list(self._inbox.query("SELECT offset, at_ms, outcome FROM rejects_fed ORDER BY offset"))  # pyright: ignore[reportReturnType]

    def records(self) -> Iterator[tuple[int, str, bytes]]:
        """What the core remembers: (partition, key, encoded record)."""
        with reading(self.folder / "streams.db", "outbox") as reader:
            for partition in range(self.settings.streams.partitions):
                for key, record in memory(reader.query, partition).items():
                    yield partition, key, record

    def put_aside(self) -> list[tuple[int, Fault]]:
        """What is put aside and not taken in yet."""
        return [(aside.partition, aside.fault) for aside in self._streams.put_aside()]

    def close(self) -> None:
        """Let the box go."""
        self._streams.close()
        self._inbox.close()
        self._held.close()


@contextmanager
def reading(path: Path, log: str) -> Iterator[SqliteReader]:
    """A reader of a log, closed afterwards."""
    reader = SqliteReader(path, log)
    try:
        yield reader
    finally:
        reader.close()


class Note(msgspec.Struct):
    """Which move this is, so that it can be taken up again: `migration.json` in a box's folder."""

    id: str
    to: str
    print: list[int]
    finished: bool = False


def read_note(folder: Path) -> Note | None:
    """The note of a move that was begun, if there is one.  Raises LogFull for one that cannot be read."""
    path = folder / NOTE
    try:
        return msgspec.json.decode(path.read_bytes(), type=Note)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as error:
        raise LogFull(f"{path}: it cannot be read: {error}: delete it to begin anew") from error


def write_note(folder: Path, note: Note) -> None:
    """Keep it, whole or not at all."""
    fresh = folder / (NOTE + ".new")
    with fresh.open("wb") as file:
        file.write(msgspec.json.encode(note))
        file.flush()
        fsync(file.fileno())
    fresh.replace(folder / NOTE)
