"""The time series of one box, in SQLite: two tables a measurement, made from the rows of `streams/measurements.py`.

`<name>_series` numbers each combination of tags; `<name>` holds the points under (series, time), without row ids, so
that a door's month lies together on disk and a point is a few bytes.  `docs/series.md` has the figures.
"""

import heapq
import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from streams.edge.log import LogFull
from streams.edge.series import (
    HOUR_NS,
    HourCount,
    Progress,
    Refused,
    SeriesDown,
    SeriesReader,
    SeriesWriter,
    Where,
    checked,
    nearest_rank,
)
from streams.edge.series_file import SeriesFile
from streams.edge.sqlite_log import SqliteReader, Statement
from streams.measurements import BY_NAME, TABLE, Keep, Measurement, Point
from streams.policy import DAY_MS

# Points arrive for many doors at once and are laid down door by door: the pages being filled must stay in memory.
_PRAGMAS = (
    "PRAGMA cache_size=-16384",
    # What is erased must not stay behind in free pages.
    "PRAGMA secure_delete=ON",
)

_KEY = "PRIMARY KEY (series, at)"
_SERIES_AT_ONCE = 200
_PAGE = 500
_END_OF_TIME = 2**63 - 1
_NO_PROGRESS = Progress()


def _tables(row: Measurement) -> list[str]:
    tags = ", ".join(f'"{tag}" TEXT NOT NULL' for tag in row.tags)
    key = ", ".join(f'"{tag}"' for tag in row.tags)
    fields = ", ".join(f'"{field.name}" {"INTEGER" if field.type == "int" else "REAL"}' for field in row.fields)
    return [
        f"CREATE TABLE IF NOT EXISTS {row.name}_series (id INTEGER PRIMARY KEY, {tags}, UNIQUE ({key}))",
        f"CREATE TABLE IF NOT EXISTS {row.name} (series INTEGER, at INTEGER, {fields}, {_KEY}) WITHOUT ROWID",
    ]


def _insert(table: str, columns: int) -> str:
    return f"INSERT OR REPLACE INTO {table} VALUES ({', '.join('?' * columns)})"


class EmbeddedSeries(SeriesWriter):
    """The writer.  Points, cursors and what is kept go into `path` in one transaction."""

    def __init__(self, path: Path) -> None:
        """Raises SeriesDown when the file cannot be opened."""
        self._file = SeriesFile(path, tables=(*_PRAGMAS, *(sql for row in TABLE for sql in _tables(row))))
        self._points = {row.name: _insert(row.name, 2 + len(row.fields)) for row in TABLE}
        self._series = {row.name: _insert(f"{row.name}_series", 1 + len(row.tags)) for row in TABLE}
        self._ids: dict[str, dict[tuple[str, ...], int]] = {}
        self._next: dict[str, int] = {}
        self._learn_ids()

    def _learn_ids(self) -> None:
        for row in TABLE:
            known = {tuple(tags): number for number, *tags in self._file.query(f"SELECT * FROM {row.name}_series")}
            self._ids[row.name] = known
            self._next[row.name] = max(known.values(), default=0) + 1

    def write(self, points: Sequence[Point], progress: Progress) -> int:
        if not self._ids:
            self._learn_ids()
        rows: dict[str, list[tuple[Any, ...]]] = {}
        new: dict[str, list[tuple[Any, ...]]] = {}
        for point in points:
            name = point.measurement
            ids = self._ids[name]
            number = ids.get(point.tags)
            if number is None:
                number = self._next[name]
                self._next[name] = number + 1
                ids[point.tags] = number
                new.setdefault(name, []).append((number, *point.tags))
            row = (number, point.at_ns, *point.fields)
            try:
                rows[name].append(row)
            except KeyError:
                rows[name] = [row]
        statements: list[Statement] = [(self._series[name], added) for name, added in new.items()]
        for name, added in rows.items():
            # In the order in which they lie on disk, so that a page is touched once.  By two columns only: the same
            # point may be in a batch twice, and fields that are None have no order.
            added.sort(key=_place)
            statements.append((self._points[name], added))
        self._store(statements, progress)
        return 0

    def _store(self, statements: Sequence[Statement], progress: Progress = _NO_PROGRESS) -> None:
        try:
            self._file.store(progress, statements)
        except SeriesDown:
            self._ids = {}  # whether the numbers just given are on disk is not known: they are looked up again
            raise

    def cursors(self) -> dict[tuple[str, int], int]:
        return self._file.cursors()

    def kept(self) -> dict[str, bytes]:
        return self._file.kept()

    def refused(self) -> list[Refused]:
        return self._file.refused()

    def erase(self, household: str) -> int:
        erased = 0
        for row in TABLE:
            if "household" in row.tags:
                found = self._file.query(f"SELECT id FROM {row.name}_series WHERE household = ?", (household,))
                erased += self._delete(row.name, [number for (number,) in found], None)
        # The log of writes still holds the erased rows until it is moved into the file.
        self._file.query("PRAGMA wal_checkpoint(TRUNCATE)")
        return erased

    def expire(self, now_ms: int, days: Mapping[Keep, int]) -> int:
        deleted = 0
        for row in TABLE:
            name = row.name
            before_ns = (now_ms - days[row.keep] * DAY_MS) * 1_000_000
            oldest = self._file.query(f"SELECT id, (SELECT min(at) FROM {name} WHERE series = id) FROM {name}_series")
            due = [number for number, at_ns in oldest if at_ns is None or at_ns < before_ns]
            for start in range(0, len(due), _SERIES_AT_ONCE):
                deleted += self._delete(name, due[start : start + _SERIES_AT_ONCE], before_ns)
        return deleted

    def _delete(self, name: str, numbers: Sequence[int], before_ns: int | None) -> int:
        """Points of these series before `before_ns` (None: all), and those series that are then empty."""
        until_ns = _END_OF_TIME if before_ns is None else before_ns
        deleted = 0
        for number in numbers:
            deleted += self._file.query(f"SELECT count(*) FROM {name} WHERE series = ? AND at < ?", (number, until_ns))[
                0
            ][0]
        if numbers:
            empty = f"DELETE FROM {name}_series WHERE id = ? AND NOT EXISTS (SELECT 1 FROM {name} WHERE series = id)"
            self._store(
                [
                    (f"DELETE FROM {name} WHERE series = ? AND at < ?", [(number, until_ns) for number in numbers]),
                    (empty, [(number,) for number in numbers]),
                ]
            )
            self._ids = {}
        return deleted

    def close(self) -> None:
        self._file.close()


def _place(row: tuple[Any, ...]) -> tuple[int, int]:
    return row[0], row[1]


class EmbeddedReader(SeriesReader):
    """The questions, asked of `path` read-only: by any process, while the sink writes."""

    def __init__(self, path: Path) -> None:
        self._reader = SqliteReader(path, "refused")

    def _query(self, sql: str, bindings: Sequence[Any]) -> list[tuple[Any, ...]]:
        try:
            return self._reader.query(sql, bindings)
        except LogFull as error:
            raise SeriesDown(str(error)) from error

    def _numbered(self, row: Measurement, where: Where) -> dict[int, tuple[str, ...]]:
        """The series that `where` names: number → tags."""
        clause = " AND ".join(f'"{tag}" = ?' for tag in where) or "1"
        found = self._query(f"SELECT * FROM {row.name}_series WHERE {clause}", list(where.values()))
        return {number: tuple(tags) for number, *tags in found}

    def rows(
        self, measurement: str, where: Where, from_ms: int, until_ms: int, limit: int | None = None
    ) -> Iterator[Point]:
        checked(measurement, where)
        series = self._numbered(BY_NAME[measurement], where)
        merged = heapq.merge(
            *(self._of_series(measurement, number, tags, from_ms, until_ms) for number, tags in series.items()),
            key=_at_ns,
        )
        return itertools.islice(merged, limit)

    def _of_series(
        self, measurement: str, number: int, tags: tuple[str, ...], from_ms: int, until_ms: int
    ) -> Iterator[Point]:
        """In pages, so that an export of a month holds neither a month in memory nor the sink from tidying its file."""
        after_ns = from_ms * 1_000_000 - 1
        page: list[tuple[Any, ...]] = [()] * _PAGE
        while len(page) == _PAGE:
            page = self._query(
                f"SELECT * FROM {measurement} WHERE series = ? AND at > ? AND at < ? ORDER BY at LIMIT {_PAGE}",
                (number, after_ns, until_ms * 1_000_000),
            )
            for _, at_ns, *fields in page:
                after_ns = at_ns
                yield Point(measurement, tags, tuple(fields), at_ns)

    def counts_by_hour(self, measurement: str, where: Where, from_ms: int, until_ms: int, by: str) -> list[HourCount]:
        checked(measurement, where, by=by)
        clause = " AND ".join(f's."{tag}" = ?' for tag in where) or "1"
        rows = self._query(
            f'SELECT p.at / {HOUR_NS} AS hour, s."{by}" AS value, count(*) '
            f"FROM {measurement}_series s CROSS JOIN {measurement} p ON p.series = s.id "
            f"WHERE {clause} AND p.at >= ? AND p.at < ? GROUP BY hour, value ORDER BY hour, value",
            (*where.values(), from_ms * 1_000_000, until_ms * 1_000_000),
        )
        return [HourCount(hour * HOUR_NS // 1_000_000, value, count) for hour, value, count in rows]

    def latest(self, measurement: str, where: Where, from_ms: int, until_ms: int) -> list[Point]:
        checked(measurement, where)
        row = BY_NAME[measurement]
        found: list[Point] = []
        for number, tags in sorted(self._numbered(row, where).items(), key=lambda each: each[1]):
            at_ns = -1
            values: list[int | float | None] = []
            for field in row.fields:
                newest = self._query(
                    f'SELECT at, "{field.name}" FROM {measurement} WHERE series = ? AND at >= ? AND at < ? '
                    f'AND "{field.name}" IS NOT NULL ORDER BY at DESC LIMIT 1',
                    (number, from_ms * 1_000_000, until_ms * 1_000_000),
                )
                values.append(newest[0][1] if newest else None)
                at_ns = max(at_ns, newest[0][0] if newest else -1)
            if at_ns >= 0:
                found.append(Point(measurement, tags, tuple(values), at_ns))
        return found

    def percentiles(
        self, measurement: str, field: str, where: Where, from_ms: int, until_ms: int, percents: Sequence[float]
    ) -> list[float]:
        checked(measurement, where, field=field)
        clause = " AND ".join(f's."{tag}" = ?' for tag in where) or "1"
        values = self._query(
            f'SELECT p."{field}" FROM {measurement}_series s CROSS JOIN {measurement} p ON p.series = s.id '
            f'WHERE {clause} AND p.at >= ? AND p.at < ? AND p."{field}" IS NOT NULL ORDER BY 1',
            (*where.values(), from_ms * 1_000_000, until_ms * 1_000_000),
        )
        return nearest_rank([float(value) for (value,) in values], percents)

    def close(self) -> None:
        self._reader.close()


def _at_ns(point: Point) -> int:
    return point.at_ns
