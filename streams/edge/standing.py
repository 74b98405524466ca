"""Whether a report about a part of Threshold stands open, asked of what the core remembers.

A process that was killed cannot say that what it reported is over, and the next one does not know what was said.  So
the next one's first word that a part is well goes out only where a report about it stands (docs/decisions/0086).  The
answer counts once the core has taken in all that was in `inbox` when it was asked: the report may still lie there.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

import msgspec

from devices.edge.settings import Settings
from devices.ids import partition_of
from streams.edge.memory_table import some_of
from streams.edge.sqlite_log import SqliteReader
from streams.state import Book, decode_record

GRID = "system"
PREFIX = "z:system/"
_WAIT_S = 3.0
_LOOK_S = 0.05


class Standing(ABC):
    """May be asked from any thread, one at a time."""

    @abstractmethod
    def stands(self, part: str) -> bool | None:
        """Whether a report that `part` is unwell stands; None where the core has not taken in what is in `inbox` within
        a few seconds: ask again later.  Raises LogFull."""

    @abstractmethod
    def stop(self) -> None:
        """Let a question that is under way end soon, unanswered.  From any thread."""

    @abstractmethod
    def close(self) -> None:
        """Give everything back."""


def is_open(records: Mapping[str, bytes], part: str) -> bool:
    """Whether it stands by these records, key → encoded record."""
    record = records.get(PREFIX + part)
    try:
        book = None if record is None else decode_record(record)
    except msgspec.MsgspecError:
        return False  # put aside by the core, which says so
    return isinstance(book, Book) and "system" in book.open


class BoxStanding(Standing):
    """On one box: `inbox.db` and `streams.db` are files of this machine."""

    def __init__(self, folder: Path, partitions: int, *, wait_s: float = _WAIT_S) -> None:
        """Opens nothing."""
        self._partition = partition_of(GRID, partitions)
        self._inbox = SqliteReader(folder / "inbox.db", "inbox")
        self._streams = SqliteReader(folder / "streams.db", "outbox")
        self._wait_s = wait_s
        self._stopping = False

    def stands(self, part: str) -> bool | None:
        end, until_s = self._inbox.end(self._partition), time.monotonic() + self._wait_s
        while self._taken_in() < end:
            if self._stopping or time.monotonic() >= until_s:
                return None
            time.sleep(_LOOK_S)
        return is_open(some_of(self._streams.query, self._partition, PREFIX + part), part)

    def _taken_in(self) -> int:
        sql = "SELECT offset FROM cursors WHERE log = 'inbox' AND partition = ?"
        rows = self._streams.query(sql, (self._partition,))
        return rows[0][0] if rows else 0

    def stop(self) -> None:
        self._stopping = True

    def close(self) -> None:
        self._inbox.close()
        self._streams.close()


def open_standing(settings: Settings) -> Standing:
    """For a box or a cluster, as the settings say.  Connects to nothing.  Raises OSError for a certificate or password
    file that cannot be read."""
    if settings.streams.runtime == "cluster":
        # aiokafka is installed only where there is a cluster.
        standing: Standing = import_module("streams.edge.cluster_standing").ClusterStanding(settings)
        return standing
    return BoxStanding(settings.data_path, settings.streams.partitions)
