"""How often somebody may guess: counts of failures by account and by address, in time handed in.

An account that strangers guess at stays open to whoever logged in from the same address before: throttling must not
lock a duty officer out.
"""

from collections import OrderedDict, deque

import msgspec

MINUTE_MS = 60_000


class Row(msgspec.Struct, frozen=True):
    """At most `most` failures within `within_ms`."""

    most: int
    within_ms: int


ROWS: dict[str, Row] = {
    "pair": Row(5, MINUTE_MS),  # one account from one address
    "account": Row(10, MINUTE_MS),  # one account from addresses that never logged in to it
    "address": Row(30, MINUTE_MS),  # one address at any account
    "code": Row(5, 5 * MINUTE_MS),  # second-factor codes of one account
}
KEYS_KEPT = 20_000


class Throttle:
    """Counts failures; the oldest keys are forgotten when there are too many to remember."""

    def __init__(self) -> None:
        self._failures: OrderedDict[tuple[str, str, str], deque[int]] = OrderedDict()
        self._known: OrderedDict[tuple[str, str], None] = OrderedDict()

    def wait_ms(self, account: str, address: str, now_ms: int) -> int:
        """How long this account must wait at this address; 0 when it may try."""
        keys = [("pair", account, address), ("address", "", address)]
        if (account, address) not in self._known:
            keys.append(("account", account, ""))
        return max(self._wait(key, now_ms) for key in keys)

    def code_wait_ms(self, account: str, now_ms: int) -> int:
        """How long this account must wait with its second factor."""
        return self._wait(("code", account, ""), now_ms)

    def tries(self, account: str, address: str, now_ms: int) -> None:
        """A password is about to be looked at: it counts as a failure until `succeeded` says otherwise, so that many
        guesses at once are not all let through before the first of them has failed."""
        self._count(("pair", account, address), now_ms)
        self._count(("address", "", address), now_ms)
        if (account, address) not in self._known:
            self._count(("account", account, ""), now_ms)

    def tries_code(self, account: str, now_ms: int) -> None:
        """A second-factor code is about to be looked at."""
        self._count(("code", account, ""), now_ms)

    def code_succeeded(self, account: str) -> None:
        """The code was right."""
        self._failures.pop(("code", account, ""), None)

    def succeeded(self, account: str, address: str, now_ms: int) -> None:
        """Somebody logged in: this address is known for this account, and the try at `now_ms` was no failure."""
        self._failures.pop(("pair", account, address), None)
        for key in (("address", "", address), ("account", account, "")):
            times = self._failures.get(key)
            if times and now_ms in times:
                times.remove(now_ms)
        self._known[account, address] = None
        self._known.move_to_end((account, address))
        while len(self._known) > KEYS_KEPT:
            self._known.popitem(last=False)

    def _wait(self, key: tuple[str, str, str], now_ms: int) -> int:
        row, times = ROWS[key[0]], self._failures.get(key)
        if times is None or len(times) < row.most:
            return 0
        return max(0, times[0] + row.within_ms - now_ms)

    def _count(self, key: tuple[str, str, str], now_ms: int) -> None:
        times = self._failures.setdefault(key, deque(maxlen=ROWS[key[0]].most))
        times.append(now_ms)
        self._failures.move_to_end(key)
        while len(self._failures) > KEYS_KEPT:
            self._failures.popitem(last=False)
