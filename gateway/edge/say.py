"""What the gateway says to its operator: one JSON object a line on stderr.  Never called for a message."""

import json
import sys
import time
from typing import Any


def say(what: str, /, **values: Any) -> None:
    """Write one line: when, what, and the values that belong to it."""
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    said = {"at": moment, "process": "gateway", "event": what, **values}
    line = json.dumps(said, ensure_ascii=False, default=str)
    if not line.isprintable():
        # A client id may hold what moves a terminal's cursor or looks like the end of a line.
        line = json.dumps(said, default=str)
    try:
        sys.stderr.write(line + "\n")
        sys.stderr.flush()
    except (OSError, ValueError):
        # The disk that fills up is the log's as well: what could not be said is on the health page, and work goes on.
        pass


class Seldom:
    """Says the same thing about the same subject at most once in `every_s`; how often it was held back is said next."""

    def __init__(self, every_s: float = 60.0, most: int = 1000) -> None:
        self._every_s = every_s
        self._most = most
        self._last: dict[tuple[str, str], tuple[float, int]] = {}

    def say(self, what: str, subject: str, /, **values: Any) -> None:
        now = time.monotonic()
        key = (what, subject)
        last = self._last.get(key)
        if last is not None and now - last[0] < self._every_s:
            self._last[key] = (last[0], last[1] + 1)
            return
        if len(self._last) >= self._most:
            self._last.clear()
        self._last[key] = (now, 0)
        more = {"held_back": last[1]} if last is not None and last[1] else {}
        say(what, subject=subject, **values, **more)
