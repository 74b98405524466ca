"""How what a partition remembers is known to be whole: the number of its rows, and a sum over what is in them.

A row that is missing, old or one too many shows nowhere else: no record of a household is no error.  Both are kept up
to date by what is written alone, and stand in the mark; whoever restores the partition counts once.
"""

from collections.abc import Callable, Iterable
from zlib import crc32

import msgspec


class Tally(msgspec.Struct, frozen=True, array_like=True):
    """`rows` rows, whose checksums add up to `checksum`."""

    rows: int = 0
    checksum: int = 0


def tally(rows: Iterable[tuple[bytes, bytes]]) -> Tally:
    """Of rows as they stand, key and value."""
    count = total = 0
    for key, value in rows:
        count += 1
        total += crc32(value, crc32(key))
    return Tally(count, total)


def changed(before: Tally, writes: Iterable[tuple[bytes, bytes | None]], old: Callable[[bytes], bytes | None]) -> Tally:
    """After `writes` (None: the row goes), each of another key; `old` gives what stood under a key before."""
    count, total = before.rows, before.checksum
    for key, value in writes:
        of_key = crc32(key)
        if (was := old(key)) is not None:
            count -= 1
            total -= crc32(was, of_key)
        if value is not None:
            count += 1
            total += crc32(value, of_key)
    return Tally(count, total)
