"""A change of the policy stands in the audit log, though it is made in a file: which rows, from what to what, and when.

Who changed the file the desk cannot know; whoever may write it is the machine's own matter.
"""

import asyncio
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from duty.edge.store import Store, StoreTrouble

LOOK_S = 30.0
_KEPT = "policy"


class PolicyWatch:
    """Compares the file with what it said the last time, also across a restart."""

    def __init__(self, store: Store, path: Path, *, clock_ms: Callable[[], int], say: Callable[[str], None]) -> None:
        self._store = store
        self._path = path
        self._clock_ms = clock_ms
        self._say = say
        self._stamp: tuple[int, int] | None = None

    def look(self) -> list[str]:
        """What was changed since the last time, a row a text; it is in the audit log then.  Raises StoreTrouble."""
        try:
            state = self._path.stat()
            stamp = (state.st_mtime_ns, state.st_size)
            if stamp == self._stamp:
                return []
            now = rows_of(tomllib.loads(self._path.read_text("utf-8")))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
            return []  # half written just now, or mistaken: `check` and `streams` complain
        kept = self._store.kept(_KEPT)
        before = msgspec.json.decode(kept, type=dict[str, str]) if kept else now
        changes = differences(before, now)
        with self._store.together():
            if changes or not kept:
                self._store.keep(_KEPT, msgspec.json.encode(now))
            for change in changes:
                self._store.audit(
                    at_ms=self._clock_ms(),
                    actor="system",
                    action="change-policy",
                    object=self._path.name,
                    detail=change,
                )
        self._stamp = stamp
        return changes

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            try:
                for change in await asyncio.to_thread(self.look):
                    self._say(f"the policy was changed: {change}")
            except StoreTrouble:
                pass  # said by whoever writes all the time; looked again soon
            await asyncio.sleep(LOOK_S)


def rows_of(data: Any, name: str = "") -> dict[str, str]:
    """Every row of a policy by its full name: `doors.late_s` → `120`."""
    if not isinstance(data, dict):
        return {name: msgspec.json.encode(data, enc_hook=str).decode()}
    found: dict[str, str] = {}
    for key, value in data.items():
        found |= rows_of(value, f"{name}.{key}" if name else key)
    return found


def differences(before: dict[str, str], now: dict[str, str]) -> list[str]:
    """Rows that differ, by name: `doors.late_s: 120 → 90`; a row that was not there, or is no more, is `-`."""
    return [
        f"{name}: {before.get(name, '-')} → {now.get(name, '-')}"
        for name in sorted(before.keys() | now.keys())
        if before.get(name) != now.get(name)
    ]
