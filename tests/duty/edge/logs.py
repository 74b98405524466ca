"""The two logs the desk reads, as real files that a test writes."""

from pathlib import Path

from streams.edge.sqlite_log import SqliteReader, SqliteWriter
from streams.effects import Effect
from streams.frames import InboxRecord, encode_inbox, encode_outbox


class Logs:
    """`tell` writes effects to `outbox`, `hear` records to `inbox`, one frame a call."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._outbox = SqliteWriter(folder / "streams.db", "outbox")
        self._inbox = SqliteWriter(folder / "inbox.db", "inbox")

    def tell(self, *effects: Effect, partition: int = 0) -> None:
        self._outbox.append([(partition, encode_outbox(list(effects)))])

    def hear(self, *records: InboxRecord, partition: int = 0) -> None:
        self._inbox.append([(partition, encode_inbox(list(records)))])

    def outbox(self) -> SqliteReader:
        return SqliteReader(self.folder / "streams.db", "outbox")

    def inbox(self) -> SqliteReader:
        return SqliteReader(self.folder / "inbox.db", "inbox")

    def close(self) -> None:
        self._outbox.close()
        self._inbox.close()
