"""A damaged file is put aside, and what can still be read of it goes into a new one under the same name.

An unattended box must go on: every row that SQLite can still reach is copied with its offset, new offsets begin beyond
all that were ever given, and the damaged file stays beside it for whoever wants to look.  A crash at any moment of this
leaves either the damaged file or the new one in place, never neither.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import apsw
import msgspec

# More damaged copies than this and the disk itself is at fault: a person must look before anything else is written.
MOST_ASIDE = 3
_CHUNK = 200
_NEW, _WHOLE, _ASIDE = ".salvage", ".salvaged", ".damaged-"


class Salvaged(msgspec.Struct, frozen=True):
    """`missing` are ranges of offsets (first, last) that may hold frames that cannot be read any more."""

    aside: Path
    frames: int
    missing: tuple[tuple[int, int], ...]

    def says(self) -> str:
        """In a sentence."""
        gaps = ", ".join(f"{first} to {last}" if first != last else str(first) for first, last in self.missing)
        lost = f"not readable: frames {gaps}" if gaps else "nothing is missing"
        return f"the damaged file was put aside as {self.aside.name}, {self.frames} frames were saved, {lost}"


class BeyondSalvage(RuntimeError):
    """Too many damaged files lie there already."""


def salvage(path: Path, logs: Sequence[str], tables: Sequence[str], beyond: int) -> Salvaged:
    """Put `path` aside and write a new file.  Nobody else may be writing it.

    `logs` are its tables of frames, `tables` the CREATE statements of everything in it, `beyond` the largest offset
    that any reader is known to have seen.  Raises apsw.Error or OSError where the new file cannot be written.
    """
    if len([one for one in path.parent.glob(path.name + _ASIDE + "*") if "-wal" not in one.name]) >= MOST_ASIDE:
        raise BeyondSalvage(
            f"{MOST_ASIDE} damaged copies of {path.name} lie in {path.parent}: look after this disk, then remove them"
        )
    new = path.with_name(path.name + _NEW)
    new.unlink(missing_ok=True)
    target = apsw.Connection(str(new))
    frames, missing = 0, []
    try:
        for statement in ("PRAGMA synchronous=FULL", *tables):
            target.execute(statement).fetchall()
        source = _opened(path)
        target.execute("BEGIN")
        for log in logs:
            copied, gaps = _copy_log(source, target, log, beyond)
            if log == logs[0]:
                frames, missing = copied, gaps
        for (found,) in target.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            name = str(found)
            if name not in logs and not name.startswith("sqlite_"):
                _copy_table(source, target, name)
        target.execute("COMMIT")
        if source is not None:
            source.close(force=True)
    finally:
        target.close(force=True)
    os.replace(new, path.with_name(path.name + _WHOLE))
    aside = finish(path)
    assert aside is not None
    return Salvaged(aside, frames, tuple(missing))


def finish(path: Path) -> Path | None:
    """Bring a salvaged file into place, if there is one: also where a crash came in between.  Where the damaged one
    went."""
    whole = path.with_name(path.name + _WHOLE)
    if not whole.exists():
        return None
    aside = _aside(path)
    for suffix in ("", "-wal"):
        part, copy = path.with_name(path.name + suffix), aside.with_name(aside.name + suffix)
        if part.exists() and not copy.exists():
            os.link(part, copy)
    # The WAL first: a new file with the old one's WAL beside it would take it for its own.
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    os.replace(whole, path)
    folder = os.open(path.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)
    return aside


def _aside(path: Path) -> Path:
    """Under what name the damaged file stays: the one it has already, where a crash came in between."""
    number = 1
    while (name := path.with_name(f"{path.name}{_ASIDE}{number}")).exists():
        if path.exists() and name.samefile(path):
            return name
        number += 1
    return name


def _opened(path: Path) -> apsw.Connection | None:
    """The damaged file, read-only; None where not even its schema can be read."""
    try:
        source = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
        source.execute("SELECT count(*) FROM sqlite_master").fetchall()
    except apsw.Error:
        return None
    return source


def _copy_log(
    source: apsw.Connection | None, target: apsw.Connection, log: str, beyond: int
) -> tuple[int, list[tuple[int, int]]]:
    """Copy the frames of `log` that can be read; how many, and which offsets may be missing."""
    last = _last_given(source, log, beyond)
    count, reached = 0, 0
    missing: list[tuple[int, int]] = []
    insert = f"INSERT INTO {log} (offset, partition, at_ms, frame) VALUES (?, ?, ?, ?)"
    for row in _rows(source, log, last, lambda first, until: missing.append((first, until))):
        target.execute(insert, row)
        count += 1
        reached = row[0]
    if source is None and last:
        missing = [(1, last)]
    last = max(last, reached)
    target.execute("DELETE FROM sqlite_sequence WHERE name = ?", (log,))
    target.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (log, last))
    return count, missing


def _last_given(source: apsw.Connection | None, log: str, beyond: int) -> int:
    """An offset at least as large as any that was given."""
    if source is None:
        return beyond
    last = beyond
    for question, bindings in (
        ("SELECT seq FROM sqlite_sequence WHERE name = ?", (log,)),
        (f"SELECT max(offset) FROM {log}", ()),
    ):
        try:
            for (found,) in source.execute(question, bindings):
                last = max(last, found or 0)
        except apsw.Error:
            continue
    return last


def _rows(
    source: apsw.Connection | None, log: str, last: int, gap: Callable[[int, int], None]
) -> Iterator[tuple[Any, ...]]:
    """Every row that can be reached, in order; `gap` is told of stretches that cannot."""
    if source is None:
        return
    following = 1
    while True:
        try:
            count = 0
            # Not "offset > the last one": to find its neighbour SQLite would go by way of the last one's page.
            for row in source.execute(
                f"SELECT offset, partition, at_ms, frame FROM {log} WHERE offset >= ? ORDER BY offset LIMIT ?",
                (following, _CHUNK),
            ):
                yield row
                following = row[0] + 1
                count += 1
            if count < _CHUNK:
                return
        except apsw.Error:
            found = _beyond_the_damage(source, log, following, last)
            gap(following, last if found is None else found - 1)
            if found is None:
                return
            following = found


def _first_from(source: apsw.Connection, log: str, offset: int) -> int | None:
    """The first offset at or after `offset`; None at the end.  Raises apsw.Error in the middle of the damage."""
    question = f"SELECT offset, partition, at_ms, frame FROM {log} WHERE offset >= ? ORDER BY offset LIMIT 1"
    row = source.execute(question, (offset,)).fetchone()
    return None if row is None else row[0]


def _beyond_the_damage(source: apsw.Connection, log: str, bad: int, last: int) -> int | None:
    """The first offset beyond `bad`, which cannot be read, whose row can: by steps that double, then by halves."""
    good, step = bad + 1, 1
    while not _is_readable(source, log, good):
        bad, good, step = good, good + step, 2 * step
        if good > last:
            return None
    while good - bad > 1:
        middle = (bad + good) // 2
        if _is_readable(source, log, middle):
            good = middle
        else:
            bad = middle
    return _first_from(source, log, good)


def _is_readable(source: apsw.Connection, log: str, offset: int) -> bool:
    try:
        _first_from(source, log, offset)
    except apsw.Error:
        return False
    return True


def _copy_table(source: apsw.Connection | None, target: apsw.Connection, name: str) -> None:
    """As many rows of a small table as can be read from its beginning."""
    if source is None:
        return
    try:
        for row in source.execute(f"SELECT * FROM {name}"):
            marks = ", ".join("?" * len(row))
            target.execute(f"INSERT OR REPLACE INTO {name} VALUES ({marks})", row)
    except apsw.Error:
        return
