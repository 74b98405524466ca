"""When to read and when to stop reading: what waits for the disk is bounded, whatever devices send."""

import msgspec


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """How much may wait for the disk; reading begins again when half of it is done."""

    messages: int = 20_000
    bytes: int = 16 * 1024 * 1024


class Flow:
    """Counts what was taken in and is not yet on disk."""

    __slots__ = ("_bounds", "_failing", "bytes", "messages", "reading")

    def __init__(self, bounds: Bounds | None = None) -> None:
        self._bounds = bounds or Bounds()
        self._failing = False
        self.messages = 0
        self.bytes = 0
        self.reading = True

    def took(self, messages: int, size: int) -> bool:
        """So many messages and bytes came in; whether to go on reading."""
        self.messages += messages
        self.bytes += size
        if self.messages >= self._bounds.messages or self.bytes >= self._bounds.bytes:
            self.reading = False
        return self.reading

    def committed(self, messages: int, size: int) -> bool:
        """So many are on disk; whether to go on reading."""
        self._failing = False
        self.messages -= messages
        self.bytes -= size
        if not self.reading:
            bounds = self._bounds
            self.reading = self.messages * 2 <= bounds.messages and self.bytes * 2 <= bounds.bytes
        return self.reading

    def failed(self) -> None:
        """The log cannot be written: nothing more is read until a commit succeeds."""
        self._failing = True
        self.reading = False

    @property
    def failing(self) -> bool:
        return self._failing


class Allowance:
    """How fast one connection may send: `rate` messages a second, and `burst` at once after a rest."""

    __slots__ = ("_at_ms", "_burst", "_left", "_rate")

    def __init__(self, rate: float, burst: float, now_ms: int) -> None:
        self._rate = rate / 1000
        self._burst = burst
        self._left = burst
        self._at_ms = now_ms

    def spend(self, messages: int, now_ms: int) -> float:
        """`messages` came; for how many milliseconds to stop reading it (0: not at all)."""
        left = self._left + (now_ms - self._at_ms) * self._rate
        if left > self._burst:
            left = self._burst
        self._at_ms = now_ms
        self._left = left - messages
        return 0.0 if self._left >= 0 else -self._left / self._rate
