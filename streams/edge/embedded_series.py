"""The time series of one box, in SQLite: two tables a measurement, made from the rows of `streams/measurements.py`.

`<name>_series` numbers each combination of tags; `<name>` holds the points under (day, series, time of the day),
without row ids.  What is written now lies together in today's pages, a door's day lies together too, and retention
takes whole days off the front.  A point is a few bytes: `docs/series.md` has the figures.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from operator import attrgetter
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

_PRAGMAS = (
    "PRAGMA cache_size=-16384",
    # What is erased must not stay behind in free pages.
    "PRAGMA secure_delete=ON",
)
_KEY_COLUMNS = "day INTEGER, series INTEGER, at INTEGER"
_KEY = "PRIMARY KEY (day, series, at)"
_DAY_NS = 24 * HOUR_NS
_FIRST_DAY, _LAST_DAY = -(1 << 40), 1 << 40
_NO_PROGRESS = Progress()

Query = Callable[[str, Sequence[Any]], list[tuple[Any, ...]]]


def _tables(row: Measurement) -> list[str]:
    tags = ", ".join(f'"{tag}" TEXT NOT NULL' for tag in row.tags)
    key = ", ".join(f'"{tag}"' for tag in row.tags)
    fields = ", ".join(f'"{field.name}" {"INTEGER" if field.type == "int" else "REAL"}' for field in row.fields)
    return [
        f"CREATE TABLE IF NOT EXISTS {row.name}_series (id INTEGER PRIMARY KEY, {tags}, UNIQUE ({key}))",
        f"CREATE TABLE IF NOT EXISTS {row.name} ({_KEY_COLUMNS}, {fields}, {_KEY}) WITHOUT ROWID",
    ]


def _insert(table: str, columns: int) -> str:
    return f"INSERT OR REPLACE INTO {table} VALUES ({', '.join('?' * columns)})"


class EmbeddedSeries(SeriesWriter):
    """The writer.  Points, cursors and what is kept go into `path` in one transaction."""

    erases_cheaply = True

    def __init__(self, path: Path) -> None:
        """Raises SeriesDown when the file cannot be opened."""
        self._file = SeriesFile(path, tables=(*_PRAGMAS, *(sql for row in TABLE for sql in _tables(row))))
        self._points = {row.name: _insert(row.name, 3 + len(row.fields)) for row in TABLE}
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
            day, at_ns = divmod(point.at_ns, _DAY_NS)
            row = (day, number, at_ns, *point.fields)
            try:
                rows[name].append(row)
            except KeyError:
                rows[name] = [row]
        statements: list[Statement] = [(self._series[name], added) for name, added in new.items()]
        for name, added in rows.items():
            # In the order in which they lie on disk, so that a page is touched once.  By the key alone: the same point
            # may be in a batch twice, and fields that are None have no order.
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
            if "household" not in row.tags:
                continue
            found = self._file.query(f"SELECT id FROM {row.name}_series WHERE household = ?", (household,))
            if found:
                at = (_json(_days(self._file.query, row.name)), _json(number for (number,) in found))
                erased += self._file.query(f"SELECT count(*) FROM {row.name} WHERE {_DAYS_AND_SERIES}", at)[0][0]
                statements = [(f"DELETE FROM {row.name} WHERE {_DAYS_AND_SERIES}", [at])]
                self._store([*statements, (f"DELETE FROM {row.name}_series WHERE id = ?", found)])
                self._ids = {}
        # The log of writes still holds the erased rows until it is moved into the file.
        self._file.query("PRAGMA wal_checkpoint(TRUNCATE)")
        return erased

    def expire(self, now_ms: int, days: Mapping[Keep, int]) -> int:
        """Whole days: a point is kept a few hours longer than its class says, never shorter."""
        deleted = 0
        self._file.forget_refused(now_ms - days["raw"] * DAY_MS)
        for row in TABLE:
            name = row.name
            first = now_ms // DAY_MS - days[row.keep]
            old = self._file.query(f"SELECT day, count(*) FROM {name} WHERE day < ? GROUP BY day", (first,))
            for day, count in old:
                self._store([(f"DELETE FROM {name} WHERE day = ?", [(day,)])])
                deleted += count
            if old:
                unused = f"DELETE FROM {name}_series WHERE id NOT IN (SELECT DISTINCT series FROM {name})"
                self._store([(unused, [()])])
                self._ids = {}
        return deleted

    def close(self) -> None:
        self._file.close()


def _place(row: tuple[Any, ...]) -> tuple[int, int, int]:
    return row[0], row[1], row[2]


_DAYS_AND_SERIES = "day IN (SELECT value FROM json_each(?)) AND series IN (SELECT value FROM json_each(?))"


def _json(numbers: Iterable[int]) -> str:
    return f"[{','.join(map(str, numbers))}]"


def _days(query: Query, name: str, from_day: int = _FIRST_DAY, until_day: int = _LAST_DAY) -> list[int]:
    """The days in [from_day, until_day] that have points.  Steps from one to the next: a clock that was once wrong by
    fifty years makes two days, not twenty thousand."""
    after = f"SELECT min(day) FROM {name} WHERE day"
    steps = f"WITH RECURSIVE d(day) AS ({after} >= ? UNION ALL SELECT ({after} > d.day) FROM d WHERE d.day < ?)"
    found = query(f"{steps} SELECT day FROM d WHERE day <= ?", (from_day, until_day, until_day))
    return [day for (day,) in found]


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

    def _between(self, from_ms: int, until_ms: int, name: str) -> tuple[list[int], int, int]:
        """The days in question that have points, and both ends in nanoseconds."""
        days = _days(self._query, name, from_ms // DAY_MS, (until_ms - 1) // DAY_MS)
        return days, from_ms * 1_000_000, until_ms * 1_000_000

    def rows(
        self, measurement: str, where: Where, from_ms: int, until_ms: int, limit: int | None = None
    ) -> Iterator[Point]:
        checked(measurement, where)
        return islice(self._by_day(measurement, where, from_ms, until_ms), limit)

    def _by_day(self, measurement: str, where: Where, from_ms: int, until_ms: int) -> Iterator[Point]:
        """A day at a time: an export of a month holds neither a month in memory nor the file from being tidied."""
        series = self._numbered(BY_NAME[measurement], where)
        numbers = _json(series)
        days, from_ns, until_ns = self._between(from_ms, until_ms, measurement)
        for day in days if series else ():
            found = self._query(
                f"SELECT * FROM {measurement} WHERE day = ? AND series IN (SELECT value FROM json_each(?))",
                (day, numbers),
            )
            points = [
                Point(measurement, series[number], tuple(fields), at_ns)
                for _, number, at, *fields in found
                if from_ns <= (at_ns := day * _DAY_NS + at) < until_ns
            ]
            points.sort(key=attrgetter("at_ns"))
            yield from points

    def counts_by_hour(self, measurement: str, where: Where, from_ms: int, until_ms: int, by: str) -> list[HourCount]:
        checked(measurement, where, by=by)
        days, from_ns, until_ns = self._between(from_ms, until_ms, measurement)
        clause = " AND ".join(f'"{tag}" = ?' for tag in where) or "1"
        rows = self._query(
            f'SELECT p.day * 24 + p.at / {HOUR_NS}, s."{by}", count(*) '
            f"FROM json_each(?) d CROSS JOIN (SELECT * FROM {measurement}_series WHERE {clause}) s "
            f"CROSS JOIN {measurement} p ON p.day = d.value AND p.series = s.id "
            f"WHERE p.day * {_DAY_NS} + p.at >= ? AND p.day * {_DAY_NS} + p.at < ? "
            "GROUP BY 1, 2 ORDER BY 1, 2",
            (_json(days), *where.values(), from_ns, until_ns),
        )
        return [HourCount(hour * HOUR_NS // 1_000_000, value, count) for hour, value, count in rows]

    def latest(self, measurement: str, where: Where, from_ms: int, until_ms: int) -> list[Point]:
        checked(measurement, where)
        row = BY_NAME[measurement]
        series = self._numbered(row, where)
        days, from_ns, until_ns = self._between(from_ms, until_ms, measurement)
        newest_ns: dict[int, int] = {}
        values: dict[int, list[int | float | None]] = {}
        for place, field in enumerate(row.fields):
            missing = set(series)
            for day in reversed(days) if missing else ():
                found = self._query(
                    f'SELECT series, max(at), "{field.name}" FROM {measurement} '
                    "WHERE day = ? AND series IN (SELECT value FROM json_each(?)) AND at >= ? AND at < ? "
                    f'AND "{field.name}" IS NOT NULL GROUP BY series',
                    (day, _json(missing), from_ns - day * _DAY_NS, until_ns - day * _DAY_NS),
                )
                for number, at, value in found:
                    values.setdefault(number, [None] * len(row.fields))[place] = value
                    newest_ns[number] = max(newest_ns.get(number, 0), day * _DAY_NS + at)
                    missing.discard(number)
        points = [Point(measurement, series[n], tuple(found), newest_ns[n]) for n, found in values.items()]
        return sorted(points, key=attrgetter("tags"))

    def percentiles(
        self, measurement: str, field: str, where: Where, from_ms: int, until_ms: int, percents: Sequence[float]
    ) -> list[float]:
        checked(measurement, where, field=field)
        days, from_ns, until_ns = self._between(from_ms, until_ms, measurement)
        at = (_json(days), _json(self._numbered(BY_NAME[measurement], where)), from_ns, until_ns)
        values = self._query(
            f'SELECT "{field}" FROM {measurement} WHERE {_DAYS_AND_SERIES} '
            f'AND day * {_DAY_NS} + at >= ? AND day * {_DAY_NS} + at < ? AND "{field}" IS NOT NULL ORDER BY 1',
            at,
        )
        return nearest_rank([float(value) for (value,) in values], percents)

    def close(self) -> None:
        self._reader.close()
