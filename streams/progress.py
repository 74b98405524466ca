"""Whether every partition of a log moves on: how far it has come, against where it ends, and since when it stands.

A partition that has come to its end waits for nothing.  One that has not, and whose place stays the same for too long,
is stuck, whatever its owner says of itself.
"""

from typing import NamedTuple

from streams.troubles import Trouble


class Stuck(NamedTuple):
    """A partition that does not move on though frames wait: `at` is the place it stands at."""

    partition: int
    at: int
    end: int
    for_s: float

    def trouble(self) -> Trouble:
        """As a report carries it."""
        waiting = self.end - self.at
        return Trouble.of("partition-stands", partition=self.partition, at=self.at, seconds=self.for_s, waiting=waiting)

    def __str__(self) -> str:
        return str(self.trouble())


class Progress:
    """Looked at again and again.  Times are of any clock that only goes forward."""

    def __init__(self) -> None:
        self._places: dict[int, tuple[int, int, float]] = {}  # partition → its place, the end, since when it is there
        self._kept: dict[int, tuple[int, bool]] = {}

    def seen(self, partition: int, at: int, end: int, now_s: float, *, restored: int = 0, ours: bool = False) -> None:
        """This is how it stands now.  `restored`: how far its owner has read what it remembers, which is work too.

        A partition that became `ours` since, or no longer is, begins afresh: its new owner has had no time yet, and
        must not pay for the one before.
        """
        old = self._places.get(partition)
        stands = old is not None and old[0] == at and old[0] < old[1] and self._kept.get(partition) == (restored, ours)
        self._kept[partition] = (restored, ours)
        self._places[partition] = (at, end, old[2] if old is not None and stands else now_s)

    def blind(self) -> None:
        """Nothing can be seen: the log is away, and nobody can move on.  What stood begins afresh."""
        self._places.clear()

    def stuck(self, longer_than_s: float, now_s: float) -> list[Stuck]:
        """Those that have stood for so long, in order."""
        return [
            Stuck(partition, at, end, now_s - since_s)
            for partition, (at, end, since_s) in sorted(self._places.items())
            if at < end and now_s - since_s >= longer_than_s
        ]

    def lags(self) -> dict[int, int]:
        """Partition → how many frames wait, at the last look."""
        return {partition: max(0, end - at) for partition, (at, end, _) in sorted(self._places.items())}

    def places(self) -> dict[int, tuple[int, int]]:
        """Partition → its place and the end, at the last look."""
        return {partition: (at, end) for partition, (at, end, _) in sorted(self._places.items())}
