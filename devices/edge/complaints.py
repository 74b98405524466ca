"""Complaints about a file a person wrote: what is wrong, in which line, and what to do about it.

All complaints of a file are gathered and shown at once: nobody should have to mend a file one mistake at a time.
"""

from collections.abc import Iterable
from difflib import get_close_matches


class Complaint(ValueError):
    """One mistake in `file` at `line` (from 1; 0 when no line is to blame): `what` is wrong, `remedy` says what to do.

    Catch this one to catch them all: a loader that found several mistakes raises `Complaints`, which is one too.
    """

    def __init__(self, file: str, line: int, what: str, remedy: str = "") -> None:
        super().__init__(file, line, what, remedy)
        self.file = file
        self.line = line
        self.what = what
        self.remedy = remedy

    def each(self) -> "list[Complaint]":
        """This complaint, or every one of a file's."""
        return [self]

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        return f"{where}: {self.what}" + (f" — {self.remedy}" if self.remedy else "")


class Complaints(Complaint):
    """Every mistake of a file, in the order of its lines."""

    def __init__(self, found: Iterable[Complaint]) -> None:
        self._found = sorted(found, key=lambda c: (c.file, c.line))
        first = self._found[0]
        super().__init__(first.file, first.line, first.what, first.remedy)

    def each(self) -> list[Complaint]:
        return list(self._found)

    def __str__(self) -> str:
        return "\n".join(str(c) for c in self._found)


class Collector:
    """Gathers the complaints about `file`; `done()` raises them."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.found: list[Complaint] = []

    def add(self, line: int, what: str, remedy: str = "") -> None:
        """Remember one mistake and go on reading."""
        self.found.append(Complaint(self.file, line, what, remedy))

    def done(self) -> None:
        """Raise what was found, if anything was."""
        if len(self.found) == 1:
            raise self.found[0]
        if self.found:
            raise Complaints(self.found)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The remedy for an unknown word: the nearest known one, else all of them."""
    names = list(known)
    near = get_close_matches(word, names, n=1, cutoff=0.6)
    if near:
        return f"did you mean {near[0]!r}?"
    return f"known here: {', '.join(sorted(names))}" if names else ""
