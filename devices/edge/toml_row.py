"""One table of a TOML file, read key by key, complaining about each that is missing, unknown or of the wrong sort."""

import math
import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from devices.edge.complaints import Collector, did_you_mean
from devices.edge.toml_lines import Path_, TomlFile

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECRET = re.compile(r"[0-9a-fA-F]{64}\Z")


class Row:
    """The table at `path`.  Every reader returns the value, or None / "" after a complaint or when it is absent."""

    def __init__(self, file: TomlFile, path: Path_, table: dict[str, Any], into: Collector) -> None:
        self._file = file
        self._path = path
        self._table = table
        self._into = into

    @property
    def line(self) -> int:
        """Where the table begins."""
        return self._file.line(*self._path)

    def has(self, key: str) -> bool:
        return key in self._table

    def complain(self, key: str, what: str, remedy: str = "") -> None:
        """About `key`, at its line; about the table where it has no such key."""
        self._into.add(self._file.line(*self._path, key), what, remedy)

    def only(self, known: Iterable[str]) -> None:
        """Complain about every key that is not one of `known`."""
        for key in self._table.keys() - set(known):
            self.complain(key, f"there is no key {key!r} in [[{self._path[0]}]]", did_you_mean(key, known))

    def text(self, key: str, *, needed: bool = False, remedy: str = "", most: int = 500) -> str:
        """A text without control characters."""
        value = self._table.get(key)
        if value is None:
            if needed:
                self.complain(key, f"[[{self._path[0]}]] has no {key}", remedy or f"add {key} = …")
            return ""
        if not isinstance(value, str):
            self.complain(key, f"{key} must be a text", f'write it in quotes: {key} = "{value}"')
            return ""
        if needed and not value:
            self.complain(key, f"{key} is empty", remedy or "give it a value")
        elif len(value) > most:
            self.complain(key, f"{key} is longer than {most} characters", "shorten it")
        elif not value.isprintable():
            self.complain(key, f"{key} holds a character that cannot be seen", "remove it")
        else:
            return value
        return ""

    def one_of(self, key: str, known: Iterable[str], *, needed: bool = False) -> str:
        """A text out of `known`."""
        value = self.text(key, needed=needed)
        if value and value not in known:
            self.complain(key, f"{key} {value!r} is not known", did_you_mean(value, known))
            return ""
        return value

    def flag(self, key: str) -> bool:
        value = self._table.get(key, False)
        if not isinstance(value, bool):
            self.complain(key, f"{key} must be true or false", f"write {key} = true")
            return False
        return value

    def seconds(self, key: str, most_s: float) -> float | None:
        """A time span above 0."""
        value = self._table.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.complain(key, f"{key} must be a number of seconds", f"write it without quotes: {key} = 3600")
        elif not math.isfinite(value) or not 1 <= value <= most_s:
            self.complain(key, f"{key} = {value} is outside 1 … {most_s:g} s", "once an hour is 3600")
        else:
            return float(value)
        return None

    def time_ms(self, key: str) -> int | None:
        """A moment with a zone, in quotes or as TOML's own, in milliseconds UTC."""
        value = self._table.get(key)
        example = f'write {key} = "2020-02-10T00:00:00+08:00"'
        if value is None:
            self.complain(key, f"[[{self._path[0]}]] has no {key}", example)
            return None
        if isinstance(value, str):
            try:
                value = datetime.fromisoformat(value)
            except ValueError:
                self.complain(key, f"{key} {value[:40]!r} is no time", example)
                return None
        if not isinstance(value, datetime):
            what = "is a day without a time of day" if isinstance(value, date) else "is no time"
            self.complain(key, f"{key} {what}", example)
            return None
        if value.tzinfo is None:
            self.complain(key, f"{key} {value.isoformat()} has no time zone", "add the zone at its end, as +08:00 or Z")
            return None
        return (value - _EPOCH) // timedelta(milliseconds=1)

    def clock_min(self, key: str) -> int | None:
        """A time of day as minutes after midnight."""
        value = self._table.get(key)
        if value is None:
            return None
        if isinstance(value, time):
            return value.hour * 60 + value.minute
        if isinstance(value, str) and re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", value):
            return int(value[:2]) * 60 + int(value[3:])
        self.complain(key, f"{key} {str(value)[:20]!r} is no time of day", f'write {key} = "09:30"')
        return None

    def secret(self, key: str) -> str:
        """The SHA-256 of a secret: 64 hexadecimal digits, in lower case."""
        value = self.text(key)
        if value and not _SECRET.match(value):
            self.complain(
                key,
                f"{key} is not 64 hexadecimal digits",
                "it is the SHA-256 of the secret, not the secret; `./threshold fleet add` makes one",
            )
            return ""
        return value.lower()

    def path(self, key: str) -> str:
        """The path of a file; a relative one is taken from the folder of the file that names it."""
        value = self.text(key, most=1000)
        return str(Path(self._file.file).parent / Path(value).expanduser()) if value else ""

    def raw(self, key: str) -> Any:
        """The value as TOML has it, unchecked."""
        return self._table.get(key)
