"""A TOML file with the line of every table and key, which `tomllib` does not tell.

The values are tomllib's own.  The lines come from one look over the text that follows TOML's outline only: headers,
keys, and where a value that spans lines ends.
"""

import re
import tomllib
from pathlib import Path
from typing import Any

from devices.edge.complaints import Complaint

Path_ = tuple[str | int, ...]

_SIMPLE_KEY = re.compile(r"([A-Za-z0-9_\-]+)\s*=")
_KEY = re.compile(r"""\s*(?:([A-Za-z0-9_\-]+)|"((?:[^"\\]|\\.)*)"|'([^']*)')\s*""")
_TOKEN = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'|\#[^\n]*|[\[\]{}\n]', re.DOTALL
)
_AT_LINE = re.compile(r"\(at line (\d+), column (\d+)\)")


class TomlFile:
    """`data` as tomllib gives it, and `line(...)` for each part of it."""

    def __init__(self, file: str, text: str) -> None:
        """Raises Complaint, with its line, where `text` is no TOML."""
        self.file = file
        try:
            self.data: dict[str, Any] = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise _syntax_complaint(file, text, error) from None
        self._lines: dict[Path_, int] = _outline(text)

    def line(self, *path: str | int) -> int:
        """The line of `path`, as ("device", 3, "topic"): of the key, else of the nearest table around it, else 0."""
        while path:
            found = self._lines.get(path)
            if found is not None:
                return found
            path = path[:-1]
        return 0


def read_toml(path: str | Path) -> TomlFile:
    """Read and parse `path`.  Raises Complaint when it cannot be read, is not UTF-8 or is no TOML."""
    file = str(path)
    try:
        raw = Path(path).read_bytes()
    except FileNotFoundError:
        raise Complaint(file, 0, "there is no such file", "check the path") from None
    except OSError as error:
        raise Complaint(file, 0, f"cannot be read: {error.strerror}", "check the path and its permissions") from None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise Complaint(file, line, "is not UTF-8 text", "save the file as UTF-8") from None
    return TomlFile(file, text.replace("\r\n", "\n"))


def _syntax_complaint(file: str, text: str, error: tomllib.TOMLDecodeError) -> Complaint:
    said = str(error)
    found = _AT_LINE.search(said)
    line = int(found[1]) if found else max(1, text.rstrip("\n").count("\n") + 1)
    what = _AT_LINE.sub("", said).replace("(at end of document)", "at the end of the file").strip()
    twice = "what is written twice, in this file or table" if "overwrite" in what or "twice" in what else ""
    remedy = f"remove {twice}" if twice else "texts stand in double quotes, tables in [brackets], one key a line"
    return Complaint(file, line, f"is no TOML: {what}", remedy)


def _keys(text: str, at: int) -> tuple[list[str], int]:
    """The dotted key that starts at `at`, and where it ends."""
    names: list[str] = []
    while True:
        found = _KEY.match(text, at)
        if found is None:
            return names, at
        names.append(next(g for g in found.groups() if g is not None))
        at = found.end()
        if not text.startswith(".", at):
            return names, at
        at += 1


def _value_end(text: str, at: int) -> int:
    """The end of the line on which the value that starts at `at` ends."""
    depth = 0
    for token in _TOKEN.finditer(text, at):
        word = token[0]
        if word in "[{":
            depth += 1
        elif word in "]}":
            depth -= 1
        elif word == "\n" and depth <= 0:
            return token.start()
    return len(text)


def _outline(text: str) -> dict[Path_, int]:
    lines: dict[Path_, int] = {}
    counts: dict[Path_, int] = {}
    here: Path_ = ()
    at, number, size = 0, 0, len(text)
    while at < size:
        number += 1
        end = text.find("\n", at)
        end = size if end < 0 else end
        row = text[at:end].lstrip(" \t")
        if not row or row[0] == "#" or row[0] == "\r":
            pass
        elif row[0] == "[":
            many = row.startswith("[[")
            names = _keys(row, 2 if many else 1)[0]
            here = _table(counts, names, many)
            lines.setdefault(here, number)
            lines.setdefault(tuple(names), number)
        else:
            simple = _SIMPLE_KEY.match(row)
            names, stop = ([simple[1]], simple.end()) if simple else _keys(row, 0)
            lines.setdefault(here + tuple(names), number)
            for depth in range(1, len(names)):
                lines.setdefault(here + tuple(names[:depth]), number)
            # Only these can make a value go on past its line.
            if "[" in row or "{" in row or '"""' in row or "'''" in row:
                start = end - len(row) + stop
                end = _value_end(text, start)
                number += text.count("\n", start, end)
        at = end + 1
    return lines


def _table(counts: dict[Path_, int], names: list[str], many: bool) -> Path_:
    """The path of a header, with the place in every array of tables on its way."""
    path: Path_ = ()
    for depth, name in enumerate(names):
        path += (name,)
        last = depth == len(names) - 1
        if last and many:
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path += (counts[path],)
    return path
