"""What a gateway keeps on one box: the file `inbox.db`, and `streams.db` as others write it."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from gateway.edge import inbox
from gateway.edge.keeping import Keeping, Kept, Outbox, Rejects, Served, ToldBy
from gateway.intake import Intake
from streams.edge.doorbell import Bell, Doorbell
from streams.edge.sqlite_log import SqliteReader
from streams.frames import RejectRecord

# What is read at the start to know when the incidents now open were raised.
_FRAMES_BEFORE = 5000
# Health is asked every few seconds; one that is so far behind is as bad as one that is further.
_MOST_COUNTED = 10_000


class BoxRejects(Rejects):
    """Rejects in `inbox.db`."""

    def __init__(self, reader: SqliteReader) -> None:
        self._reader = reader

    async def waiting(self, offsets: Iterable[int] | None, limit: int) -> list[tuple[int, RejectRecord]]:
        return inbox.rejects_waiting(self._reader, offsets, limit)

    def close(self) -> None:
        self._reader.close()


class BoxOutbox(SqliteReader, Outbox):
    """Decisions in `streams.db`: a file of this machine, read at once."""

    def before(self, partition: int, end: int) -> list[tuple[int, bytes]]:
        return self.read(partition, max(0, end - _FRAMES_BEFORE), _FRAMES_BEFORE)

    def count(self, partition: int, after: int, end: int) -> int:
        found = f"SELECT 1 FROM {self.log} WHERE partition = ? AND offset > ? AND offset <= ? LIMIT ?"
        rows = self.query(f"SELECT count(*) FROM ({found})", (partition, after, end, _MOST_COUNTED))
        return rows[0][0] if rows else 0


class Box(Keeping):
    """In `folder`.  Nothing is open before `open`."""

    shared = False
    forgets = True

    def __init__(self, folder: Path, partitions: int) -> None:
        self.kept = Kept()
        self._folder = folder
        self._partitions = partitions
        self._opened: inbox.BoxInbox | None = None
        self.rejects = BoxRejects(SqliteReader(folder / inbox.FILE, "rejects"))

    @property
    def writer(self) -> inbox.BoxInbox:  # pyright: ignore[reportIncompatibleVariableOverride]
        assert self._opened is not None
        return self._opened

    async def open(self) -> None:
        """As the port says.  Raises LogFull, FrameError for frames of a newer program, OldSqlite."""
        if self._opened is None:
            self._opened = inbox.open_inbox(self._folder)
        self.kept = inbox.kept(self._opened, self._partitions)

    def bell(self) -> Bell:
        return Bell(self._folder / "bell", "inbox")

    def outbox(self) -> Outbox:
        return BoxOutbox(self._folder / "streams.db", "outbox")

    def doorbell(self) -> Doorbell | None:
        return Doorbell(self._folder / "bell", "gateway", ("outbox",))

    def follow(self, intake: Intake, pages: Served | None, told: ToldBy) -> None:
        """Nobody else changes anything here."""

    def seen(self) -> dict[str, Any]:
        return {}

    async def close(self) -> None:
        self.rejects.close()

    def abandon(self) -> None:
        if self._opened is not None:
            self._opened.close()
