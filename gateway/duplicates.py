"""The first line against duplicates: the ids of the last messages, so that a device that sends again is heard once.

Two messages with one id are one message if the id comes from the device's own counter or time, or if the second is
marked as sent again.  What falls out of this memory is found by the core, which remembers per device.
"""

WINDOW_MS = 10 * 60_000
MOST = 20_000


class Duplicates:
    """Ids in the order in which they came, none older than the window."""

    __slots__ = ("_most", "_seen", "_window_ms")

    def __init__(self, *, most: int = MOST, window_ms: int = WINDOW_MS) -> None:
        self._seen: dict[str, int] = {}
        self._most = most
        self._window_ms = window_ms

    def __len__(self) -> int:
        return len(self._seen)

    def is_duplicate(self, event_id: str, has_cause: bool, redelivered: bool, at_ms: int) -> bool:
        """Was this message taken before?  Remembers it if not.  `at_ms` does not go back from call to call."""
        seen = self._seen
        before_ms = seen.get(event_id)
        if before_ms is not None:
            # A device that began anew counts from 1 again: after a while the same number is another message.
            if (has_cause or redelivered) and at_ms - before_ms <= self._window_ms:
                return True
            del seen[event_id]
        seen[event_id] = at_ms
        if len(seen) > self._most:
            del seen[next(iter(seen))]
        return False

    def remember(self, event_id: str, at_ms: int) -> None:
        """Taken before this process began."""
        self._seen.pop(event_id, None)
        self._seen[event_id] = at_ms
        if len(self._seen) > self._most:
            del self._seen[next(iter(self._seen))]
