"""Whether the core lives: it touches its status every half minute, also when nothing happens."""

import threading
from collections.abc import Callable
from pathlib import Path

from streams.edge.log import LogFull
from streams.edge.sqlite_log import SqliteReader

# Two missed touches and a little more: then what the outbox tells is not the present.
LIVES_MS = 75_000
LOOK_MS = 1_000


class Vitals:
    """Reads `streams.db` in the data folder."""

    def __init__(self, folder: Path, *, clock_ms: Callable[[], int]) -> None:
        self._reader = SqliteReader(folder / "streams.db", "outbox")
        self._clock_ms = clock_ms
        self._lock = threading.Lock()  # one reader, asked by many screens
        self._looked_ms = 0
        self._touched_ms = 0

    def alive_ms(self) -> int:
        """Now, while the core lives; else when it last gave a sign of life (0: never)."""
        with self._lock:
            return self._look(self._clock_ms())

    def _look(self, now_ms: int) -> int:
        if not 0 <= now_ms - self._looked_ms < LOOK_MS:
            self._looked_ms = now_ms
            try:
                rows = self._reader.query("SELECT min(at_ms) FROM status")
                self._touched_ms = (rows[0][0] or 0) if rows else 0
            except LogFull:
                pass  # as it was; the file is read again in a second
        return now_ms if now_ms - self._touched_ms < LIVES_MS else self._touched_ms

    def close(self) -> None:
        """Close the file."""
        self._reader.close()
