"""The first line against duplicates: the ids of the last messages, so that a device that sends again is heard once.

Two messages with one id are one message if the id comes from the device's own counter or time, or if the second is
marked as sent again.  What falls out of this memory is found by the core, which remembers per device.
"""

WINDOW_MS = 10 * 60_000
MOST = 20_000


class Duplicates:
    """Ids in two halves, the younger and the older; when the younger is full it becomes the older, which is forgotten.

    (One dictionary that loses its first entry at each step is searched from its beginning each time.)
    """

    __slots__ = ("_half", "_older", "_window_ms", "_younger")

    def __init__(self, *, most: int = MOST, window_ms: int = WINDOW_MS) -> None:
        self._younger: dict[str, int] = {}
        self._older: dict[str, int] = {}
        self._half = max(1, most // 2)
        self._window_ms = window_ms

    def __len__(self) -> int:
        return len(self._younger) + len(self._older)

    def is_duplicate(self, event_id: str, has_cause: bool, redelivered: bool, at_ms: int) -> bool:
        """Was this message taken before?  Remembers it if not.  `at_ms` does not go back from call to call."""
        if has_cause or redelivered:
            before_ms = self._younger.get(event_id)
            if before_ms is None:
                before_ms = self._older.get(event_id)
            # A device that began anew counts from 1 again: after a while the same number is another message.
            if before_ms is not None and at_ms - before_ms <= self._window_ms:
                return True
        self.remember(event_id, at_ms)
        return False

    def remember(self, event_id: str, at_ms: int) -> None:
        """Taken now, or before this process began."""
        younger = self._younger
        younger[event_id] = at_ms
        if len(younger) >= self._half:
            self._older = younger
            self._younger = {}
