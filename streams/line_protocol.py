"""Points as lines of InfluxDB's line protocol, and its values back again."""

from datetime import UTC, datetime

from streams.measurements import BY_NAME, Point

_MOST_REMEMBERED = 200_000
_ESCAPES = str.maketrans({",": "\\,", "=": "\\=", " ": "\\ ", "\n": "_", "\r": "_", "\\": "_"})


class Lines:
    """Writes lines; remembers how the tags of a series are written, because they repeat."""

    def __init__(self) -> None:
        self._heads: dict[tuple[str, tuple[str, ...]], str] = {}
        self._fields = {
            name: tuple((f"{field.name}=", field.type == "int") for field in row.fields)
            for name, row in BY_NAME.items()
        }

    def line(self, point: Point) -> str:
        """One line, without its end.  An empty tag is left out, and so is a field that was not said."""
        head = self._heads.get((point.measurement, point.tags)) or self._head(point)
        fields = ",".join(
            [
                f"{name}{value}i" if whole else f"{name}{float(value)!r}"
                for (name, whole), value in zip(self._fields[point.measurement], point.fields, strict=True)
                if value is not None
            ]
        )
        return f"{head} {fields} {point.at_ns}"

    def _head(self, point: Point) -> str:
        tags = zip(BY_NAME[point.measurement].tags, point.tags, strict=True)
        head = ",".join([point.measurement, *(f"{tag}={value.translate(_ESCAPES)}" for tag, value in tags if value)])
        if len(self._heads) >= _MOST_REMEMBERED:
            self._heads.clear()
        self._heads[point.measurement, point.tags] = head
        return head


def time_ns(text: str) -> int:
    """Nanoseconds UTC of `2020-02-16T01:30:00.000123456Z`, all nine digits of it."""
    seconds, _, fraction = text.removesuffix("Z").partition(".")
    return _epoch_s(seconds) * 1_000_000_000 + int(fraction.ljust(9, "0") or "0")


def _epoch_s(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())
