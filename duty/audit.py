"""The audit log's chain: every row carries a keyed digest over itself and the row before it.

Whoever may write in the database but lacks the key cannot alter, delete, add or reorder a row unseen.  Rows cut off at
the end are seen against an anchor: the number and digest of the newest row, kept outside the database.
"""

from collections.abc import Iterable
from hashlib import sha256
from hmac import compare_digest, digest

import msgspec


class AuditRow(msgspec.Struct, frozen=True, kw_only=True):
    """One row.  Numbers count from 1 without a gap.  `actor` is a person's id, `resident`, or `system`; `object` an id,
    never a name or a phone number; `well` False for something refused."""

    number: int
    at_ms: int
    actor: str
    action: str
    object: str = ""
    grid: str = ""
    well: bool = True
    detail: str = ""
    address: str = ""
    hash: str = ""


class Anchor(msgspec.Struct, frozen=True):
    """The newest row at some time, written down elsewhere."""

    number: int
    hash: str


def row_hash(key: bytes, before: str, row: AuditRow) -> str:
    """The digest of `row` after a row whose digest is `before` ("" for the first)."""
    fields = (
        before, row.number, row.at_ms, row.actor, row.action, row.object, row.grid, row.well, row.detail, row.address,
    )  # fmt: skip
    return digest(key, msgspec.msgpack.encode(fields), sha256).hex()


class Verifier:
    """Takes rows in order, a batch at a time, and remembers the first bad one."""

    def __init__(self, key: bytes, anchors: Iterable[Anchor] = ()) -> None:
        self._key = key
        self._anchors = {anchor.number: anchor.hash for anchor in anchors}
        self._before = ""
        self._number = 0
        self.first_bad: int | None = None

    def take(self, rows: Iterable[AuditRow]) -> None:
        """Look at the next rows."""
        for row in rows:
            if self.first_bad is not None:
                return
            self._number += 1
            expected = row_hash(self._key, self._before, row)
            anchored = self._anchors.get(self._number, row.hash)
            whole = row.number == self._number and compare_digest(expected, row.hash) and anchored == row.hash
            if not whole:
                self.first_bad = self._number
            self._before = row.hash

    def end(self) -> int | None:
        """The number of the first bad or missing row, or None when all is whole."""
        if self.first_bad is None and any(number > self._number for number in self._anchors):
            self.first_bad = self._number + 1
        return self.first_bad


def first_bad(key: bytes, rows: Iterable[AuditRow], anchors: Iterable[Anchor] = ()) -> int | None:
    """The number of the first row that is not as it was written, or None."""
    verifier = Verifier(key, anchors)
    verifier.take(rows)
    return verifier.end()
