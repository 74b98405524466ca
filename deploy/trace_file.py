"""Reading a trace of any size: line by line, in constant memory, with a progress bar when somebody looks on."""

import gzip
import io
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

from streams.replay import BadLine

LONGEST_LINE = 16 * 1024 * 1024  # a message of 1 MB, however it is escaped, is shorter
_EVERY_S = 0.2


class Progress:
    """A bar on stderr: how much of `total` bytes, how fast, how long still.  Nothing when stderr is no terminal."""

    def __init__(self, total: int, unit: str = "lines") -> None:
        self._total = total
        self._unit = unit
        self._shown = sys.stderr.isatty()
        self._began_s = self._last_s = time.monotonic()
        self._drawn = False

    def at(self, done: int, count: int) -> None:
        """`done` bytes are behind us, `count` lines."""
        now_s = time.monotonic()
        if not self._shown or now_s - self._last_s < _EVERY_S:
            return
        self._last_s = now_s
        rate = count / (now_s - self._began_s)
        share = min(1.0, done / self._total) if self._total else 0.0
        bar = ("#" * int(share * 30)).ljust(30, ".")
        left_s = (now_s - self._began_s) * (1 - share) / share if share > 0.001 else 0
        left = f", {int(left_s // 60)}:{int(left_s % 60):02d} left" if share else ""
        sys.stderr.write(f"\r[{bar}] {share:4.0%} {count:,} {self._unit}, {rate:,.0f}/s{left}\x1b[K")
        sys.stderr.flush()
        self._drawn = True

    def done(self) -> None:
        """Take the bar away."""
        if self._drawn:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


def lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """(number from 1, line) of the trace at `path`: plain, compressed (.gz), or stdin as `-`.  Empty lines are skipped.

    Raises OSError when it cannot be read, BadLine where a line is longer than any message.
    """
    if str(path) == "-":
        yield from _numbered(sys.stdin.buffer, None, Progress(0))
        return
    with path.open("rb") as file:
        progress = Progress(path.stat().st_size)
        if path.suffix == ".gz":
            with gzip.GzipFile(fileobj=file) as unpacked:
                yield from _numbered(cast("IO[bytes]", io.BufferedReader(unpacked)), file, progress)
        else:
            yield from _numbered(file, file, progress)


def _numbered(source: IO[bytes], whole: IO[bytes] | None, progress: Progress) -> Iterator[tuple[int, bytes]]:
    number = 0
    try:
        while line := source.readline(LONGEST_LINE + 1):
            number += 1
            if len(line) > LONGEST_LINE:
                raise BadLine(number, f"is longer than {LONGEST_LINE} bytes")
            if not number & 1023 and whole is not None:
                progress.at(whole.tell(), number)
            if not line.isspace():
                yield number, line
    finally:
        progress.done()
