"""The port of the four logs.  A log has partitions; each is an ordered list of frames with growing offsets.

Adapters: `sqlite_log.py` (one box), `kafka_log.py` (a city).  They pass the same table of cases
(`tests/contracts/test_log.py`).
"""

from typing import Protocol


class LogFull(RuntimeError):
    """A frame could not be made durable (disk full, read-only, locked, corrupt).  Nothing was acknowledged."""


class LogWriter(Protocol):
    """The one writer of a log."""

    def append(self, frames: list[tuple[int, bytes]]) -> list[int]:
        """Write (partition, frame) pairs as one transaction; their offsets, once all are durable.

        Raises LogFull when they are not: the caller must not acknowledge, and may try again.
        """
        ...


class LogReader(Protocol):
    """A reader with its own place."""

    def read(self, partition: int, after: int, limit: int = 100) -> list[tuple[int, bytes]]:
        """Up to `limit` (offset, frame) pairs with offset > `after`, in order.  Offsets start at 1."""
        ...

    def end(self, partition: int) -> int:
        """The newest offset, 0 for an empty partition."""
        ...


class TimedReader(LogReader, Protocol):
    """A reader that finds its place by the clock, too, and is given back."""

    def before(self, partition: int, at_ms: int) -> int:
        """The offset after which the frames written at `at_ms` or later stand.  Raises LogFull."""
        ...

    def close(self) -> None:
        """Give everything back."""
        ...
