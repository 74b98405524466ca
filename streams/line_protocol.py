"""Points as lines of InfluxDB's line protocol, and its values back again."""

from datetime import UTC, datetime
from typing import TypeVar

from streams.measurements import BY_NAME, Point

_MOST_HEADS = 200_000
_MOST_VALUES = 20_000
_ESCAPES = str.maketrans({",": "\\,", "=": "\\=", " ": "\\ ", "\n": "_", "\r": "_", "\\": "_"})


class Lines:
    """Writes lines; remembers how the tags of a series and the values of its fields are written: both repeat."""

    def __init__(self) -> None:
        self._heads: dict[str, dict[tuple[str, ...], str]] = {name: {} for name in BY_NAME}
        self._values: dict[str, dict[tuple[int | float | None, ...], str]] = {name: {} for name in BY_NAME}

    def line(self, point: Point) -> str:
        """One line, without its end.  An empty tag is left out, and so is a field that was not said."""
        measurement, tags, fields = point.measurement, point.tags, point.fields
        head = self._heads[measurement].get(tags) or self._head(measurement, tags)
        values = self._values[measurement].get(fields) or self._write_values(measurement, fields)
        return f"{head} {values} {point.at_ns}"

    def _head(self, measurement: str, tags: tuple[str, ...]) -> str:
        named = zip(BY_NAME[measurement].tags, tags, strict=True)
        head = ",".join([measurement, *(f"{tag}={value.translate(_ESCAPES)}" for tag, value in named if value)])
        return _remembered(self._heads[measurement], _MOST_HEADS, tags, head)

    def _write_values(self, measurement: str, fields: tuple[int | float | None, ...]) -> str:
        said: list[str] = []
        for field, value in zip(BY_NAME[measurement].fields, fields, strict=True):
            if value is not None:
                said.append(f"{field.name}={value}i" if field.type == "int" else f"{field.name}={float(value)!r}")
        text = ",".join(said)
        return _remembered(self._values[measurement], _MOST_VALUES, fields, text)


_Key = TypeVar("_Key")


def _remembered(known: dict[_Key, str], most: int, key: _Key, text: str) -> str:
    if len(known) >= most:
        known.clear()
    known[key] = text
    return text


def time_ns(text: str) -> int:
    """Nanoseconds UTC of `2020-02-16T01:30:00.000123456Z`, all nine digits of it."""
    seconds, _, fraction = text.removesuffix("Z").partition(".")
    return _epoch_s(seconds) * 1_000_000_000 + int(fraction.ljust(9, "0") or "0")


def _epoch_s(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())
