"""Names of people by their ids, for screens.  What is not a member of staff is shown as it is."""

import threading
import time
from collections.abc import Callable

from duty.people import Person

_KEPT_S = 10.0


class Names:
    """Reads the staff again when it is older than ten seconds, not for every card."""

    def __init__(self, people: Callable[[], list[Person]]) -> None:
        self._people = people
        self._names: dict[str, str] = {}
        self._read_at = float("-inf")
        self._changes = 0
        self._lock = threading.Lock()

    def __call__(self, person: str) -> str:
        """The name of `person`, or the id itself."""
        now = time.monotonic()
        if now - self._read_at > _KEPT_S:
            changes = self._changes
            self._names = {each.id: each.name for each in self._people()}
            with self._lock:
                if changes == self._changes:  # else what was just read may be what was there before the change
                    self._read_at = now
        return self._names.get(person, person)

    def forget(self) -> None:
        """The staff was changed: read it again."""
        with self._lock:
            self._changes += 1
            self._read_at = float("-inf")
