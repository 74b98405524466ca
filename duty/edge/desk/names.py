"""Names of people by their ids, for screens.  What is not a member of staff is shown as it is."""

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

    def __call__(self, person: str) -> str:
        """The name of `person`, or the id itself."""
        now = time.monotonic()
        if now - self._read_at > _KEPT_S:
            self._names = {each.id: each.name for each in self._people()}
            self._read_at = now
        return self._names.get(person, person)

    def forget(self) -> None:
        """The staff was changed: read it again."""
        self._read_at = float("-inf")
