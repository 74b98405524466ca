"""The port of the time series: what the sink writes and what the review screens ask.

Adapters: `embedded_series.py` (one box, SQLite) and `influx.py` (InfluxDB 2).  They pass the same table of cases
(`tests/contracts/test_series.py`).  What is written is a projection of the logs: it may be deleted and made again.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

import msgspec

from streams.measurements import BY_NAME, Keep, Point

Where = Mapping[str, str]

HOUR_NS = 3_600_000_000_000


class SeriesDown(RuntimeError):
    """The store cannot be used now; the text says what is wrong and what to do.  Nothing was remembered: try again,
    not before `after_s` seconds where the store asked for it."""

    def __init__(self, text: str, after_s: float = 0.0) -> None:
        super().__init__(text)
        self.after_s = after_s


class Refused(msgspec.Struct, frozen=True, array_like=True):
    """What could not be written: a line as it was sent, or where a frame stands; and why."""

    what: str
    reason: str


class Progress(msgspec.Struct):
    """How far the logs were read, what a `Projector` keeps with it (None: forgotten), what made no points."""

    cursors: dict[tuple[str, int], int] = {}
    kept: dict[str, bytes | None] = {}
    aside: list[Refused] = []


class HourCount(msgspec.Struct, frozen=True):
    """`count` points in the hour that begins at `hour_ms`, with `value` in the tag asked for."""

    hour_ms: int
    value: str
    count: int


class SeriesWriter(Protocol):
    """The one writer.  A point written twice, with the same measurement, tags and time, is one point.

    `erases_cheaply`: whether the points of each case that ends are deleted too, though nobody can link them any more.
    """

    erases_cheaply: bool

    def write(self, points: Sequence[Point], progress: Progress) -> int:
        """Write the points, then remember `progress`; how many points the store refused (they are kept aside, with
        the reason).  Raises SeriesDown."""
        ...

    def cursors(self) -> dict[tuple[str, int], int]:
        """(log, partition) → the offset remembered."""
        ...

    def kept(self) -> dict[str, bytes]:
        """What was remembered for the Projector."""
        ...

    def refused(self) -> list[Refused]:
        """What was refused or put aside, in order."""
        ...

    def erase(self, household: str) -> int:
        """Delete every point that carries this pseudonym; how many there were.  Raises SeriesDown."""
        ...

    def expire(self, now_ms: int, days: Mapping[Keep, int]) -> int:
        """Delete what is older than its class is kept, and what was refused longer ago than `raw` is; how many points,
        where the store says.  Raises SeriesDown."""
        ...

    def close(self) -> None:
        """Give everything back."""
        ...


class SeriesReader(Protocol):
    """What review asks.  `where` is tag → value, values not empty; times are [from_ms, until_ms) in ms UTC."""

    def rows(
        self, measurement: str, where: Where, from_ms: int, until_ms: int, limit: int | None = None
    ) -> Iterator[Point]:
        """The points in order of time, the first `limit` of them."""
        ...

    def counts_by_hour(self, measurement: str, where: Where, from_ms: int, until_ms: int, by: str) -> list[HourCount]:
        """How many points an hour, by the value of the tag `by`; ordered by hour, then value."""
        ...

    def latest(self, measurement: str, where: Where, from_ms: int, until_ms: int) -> list[Point]:
        """For each series (a device, say) the newest value of every field, at the time of the newest of them."""
        ...

    def percentiles(
        self, measurement: str, field: str, where: Where, from_ms: int, until_ms: int, percents: Sequence[float]
    ) -> list[float]:
        """The values below which so many percent lie (nearest rank), one for each of `percents`; [] without points."""
        ...

    def close(self) -> None:
        """Give everything back."""
        ...


def nearest_rank(ordered: Sequence[float], percents: Sequence[float]) -> list[float]:
    """The percentiles of values that are in order; [] without values."""
    if not ordered:
        return []
    return [ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)] for percent in percents]


def checked(measurement: str, where: Where, *, by: str = "", field: str = "") -> None:
    """Raise ValueError unless the measurement has these tags and this field: a question nobody can answer is a bug."""
    row = BY_NAME.get(measurement)
    if row is None:
        raise ValueError(f"no measurement {measurement!r}; there are {', '.join(BY_NAME)}")
    for tag in (*where, by):
        if tag and tag not in row.tags:
            raise ValueError(f"{measurement} has no tag {tag!r}, only {', '.join(row.tags)}")
    if any(not value for value in where.values()):
        raise ValueError("a tag to look for cannot be empty")
    if field and field not in [f.name for f in row.fields]:
        raise ValueError(f"{measurement} has no field {field!r}")
