"""The time series in InfluxDB 2, through influxdb-client.

Lines go in batches of our own, one after another: the client's batching mode gives up after some minutes without a
word.  What InfluxDB will not take is found by halving the batch, and put aside with its reason; all else waits.
A bucket for each class of retention: `<bucket>-raw` and `<bucket>-incidents`.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from influxdb_client.client.exceptions import InfluxDBError
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.domain.bucket_retention_rules import BucketRetentionRules
from influxdb_client.domain.dialect import Dialect
from influxdb_client.rest import ApiException
from urllib3.exceptions import HTTPError, ProtocolError, ReadTimeoutError

from devices.edge.complaints import Complaint
from devices.edge.settings import Sink
from streams.edge.series import HourCount, Progress, Refused, SeriesDown, SeriesReader, SeriesWriter, Where, checked
from streams.edge.series_file import SeriesFile
from streams.line_protocol import Lines, time_ns
from streams.measurements import BY_NAME, TABLE, Keep, Measurement, Point
from streams.policy import DAY_MS, HOUR_MS

_LINES_AT_ONCE = 5_000
_FEWEST_LINES = 50
# So many batches in a row that were taken: larger ones may be tried again.
_GROW_AFTER = 20
_TIMEOUT_MS = 30_000
# What a batch is refused with when lines of it are bad: it is halved until the bad ones stand alone.
_BAD_LINES = frozenset({400, 413, 422})
_DROPPED = re.compile(r"partial write.*dropped=(\d+)")
_WINDOW_MS = DAY_MS


class _TooSlow(SeriesDown):
    """No answer within the time-out."""


class Influx:
    """Where InfluxDB is and how it is spoken to; its failures as SeriesDown, with a remedy."""

    def __init__(
        self, *, url: str, org: str, bucket: str, token: str, ca: str = "", timeout_ms: int = _TIMEOUT_MS
    ) -> None:
        self.url = url
        self.timeout_ms = timeout_ms
        self.org = org
        self.buckets: dict[Keep, str] = {"raw": f"{bucket}-raw", "incidents": f"{bucket}-incidents"}
        self._client = InfluxDBClient(
            url=url, token=token, org=org, timeout=timeout_ms, retries=False, ssl_ca_cert=ca or None
        )
        self._write = self._client.write_api(write_options=SYNCHRONOUS)
        self._query = self._client.query_api()
        self._delete = self._client.delete_api()
        # How many lines go in one batch: fewer while they are too large for what is in between, or take too long.
        self.lines_at_once = _LINES_AT_ONCE
        self._taken = 0

    def _call(self, ask: Callable[[], Any]) -> Any:
        try:
            return ask()
        except ApiException as error:
            if error.status in _BAD_LINES:
                raise
            raise SeriesDown(f"InfluxDB at {self.url}: {_remedy(error, self.org)}", _after_s(error)) from error
        except InfluxDBError as error:
            raise SeriesDown(
                f"InfluxDB at {self.url}: {error.message}: look at org and token_file in [sink]"
            ) from error
        except (HTTPError, OSError) as error:
            if _is_timeout(error):
                raise _TooSlow(
                    f"InfluxDB at {self.url} takes longer than {self.timeout_ms / 1000:g} s: is its machine or the way "
                    "to it overloaded? Smaller batches are tried"
                ) from error
            raise SeriesDown(f"InfluxDB at {self.url} does not answer: is it running, and is the URL right?") from error

    def prepare(self, days: Mapping[Keep, int]) -> None:
        """Make the buckets that are missing, each with its retention.  Raises SeriesDown."""
        buckets = self._client.buckets_api()
        for keep, name in self.buckets.items():
            if self._call(lambda name=name: buckets.find_bucket_by_name(name)) is None:
                rule = BucketRetentionRules(type="expire", every_seconds=days[keep] * 86_400)
                said = f"the bucket {name!r} is missing and could not be made: make it, or give the token the right to"
                try:
                    self._refusable(
                        lambda name=name, rule=rule: buckets.create_bucket(
                            bucket_name=name, retention_rules=rule, org=self.org
                        ),
                        said,
                    )
                except SeriesDown as down:
                    # A token that was just good for looking is one that may not make buckets.
                    if getattr(down.__cause__, "status", None) in (401, 403):
                        raise SeriesDown(f"InfluxDB at {self.url}: {said}") from down
                    raise

    def _refusable(self, ask: Callable[[], Any], said: str) -> Any:
        try:
            return self._call(ask)
        except ApiException as error:
            raise SeriesDown(f"InfluxDB at {self.url}: {said} ({_said(error)})") from error

    def post(self, keep: Keep, lines: Sequence[str]) -> list[Refused]:
        """Write lines; those refused.  Raises SeriesDown."""
        if not lines:
            return []
        body = "\n".join(lines).encode()  # not compressed: that costs six times what it costs to send it
        try:
            self._call(lambda: self._write.write(bucket=self.buckets[keep], org=self.org, record=body))
        except _TooSlow:
            self._smaller_than(len(lines))
            raise
        except ApiException as error:
            said = _said(error)
            if error.status == 413:
                self._smaller_than(len(lines))
            dropped = _DROPPED.search(said)
            # One, or all of them, as when a field has another type in the bucket: no need to look for the bad ones.
            if len(lines) == 1 or (dropped and int(dropped[1]) == len(lines)):
                return [Refused(line, said) for line in lines]
            half = len(lines) // 2
            return self.post(keep, lines[:half]) + self.post(keep, lines[half:])
        self._taken += 1
        if self._taken >= _GROW_AFTER:
            self._taken = 0
            self.lines_at_once = min(_LINES_AT_ONCE, self.lines_at_once * 2)
        return []

    def _smaller_than(self, lines: int) -> None:
        self._taken = 0
        self.lines_at_once = max(_FEWEST_LINES, min(self.lines_at_once, lines // 2))

    def delete(self, keep: Keep, predicate: str) -> None:
        """Delete the points that `predicate` names, of all times.  Raises SeriesDown."""
        start, stop = datetime(1970, 1, 1, tzinfo=UTC), datetime(2262, 1, 1, tzinfo=UTC)
        self._refusable(
            lambda: self._delete.delete(start, stop, predicate, bucket=self.buckets[keep], org=self.org),
            "points could not be deleted",
        )

    def rows(self, flux: str) -> Iterator[dict[str, str]]:
        """The rows of the answer, column → text.  Raises SeriesDown."""
        dialect = Dialect(header=True, delimiter=",", annotations=[], date_time_format="RFC3339Nano")
        answer = self._refusable(lambda: self._query.query_csv(flux, org=self.org, dialect=dialect), "a bad question")
        header: list[str] = []
        while (row := self._call(lambda: next(answer, None))) is not None:
            # Each table of the answer may have columns of its own, and says so in a header.
            if row[1:3] == ["result", "table"]:
                header = row
            elif row:
                yield dict(zip(header, row, strict=True))

    def close(self) -> None:
        self._write.close()
        self._client.close()


def connect(sink: Sink) -> Influx:
    """By the settings.  Raises Complaint when the token cannot be read; speaks to nobody yet."""
    try:
        token = Path(sink.token_file).read_text().strip()
    except OSError as error:
        what = f"the token of InfluxDB cannot be read: {error.strerror}"
        raise Complaint(sink.token_file, 0, what, "put the token into this file, or correct token_file") from error
    return Influx(url=sink.influx_url, org=sink.org, bucket=sink.bucket, token=token, ca=sink.ca)


class InfluxSeries(SeriesWriter):
    """The writer.  How far the logs were read is kept in `path`, after the points are in InfluxDB."""

    # A delete looks through the whole bucket, whatever it names: seconds for one household.  The bucket's retention
    # deletes the points some weeks later; until then their names say nothing.
    erases_cheaply = False

    def __init__(self, path: Path, influx: Influx, *, days: Mapping[Keep, int], clock: Callable[[], int]) -> None:
        """Raises SeriesDown when `path` cannot be opened.  InfluxDB is first spoken to when there are points."""
        self._file = SeriesFile(path)
        self._influx = influx
        self._days = days
        self._clock = clock
        self._prepared = False
        self._lines = Lines()

    def write(self, points: Sequence[Point], progress: Progress) -> int:
        if points and not self._prepared:
            self._influx.prepare(self._days)
            self._prepared = True
        now_ms = self._clock()
        line = self._lines.line
        # InfluxDB refuses what is older than its bucket keeps: it would only be deleted again.
        oldest_ns = {keep: (now_ms - days * DAY_MS + HOUR_MS) * 1_000_000 for keep, days in self._days.items()}
        lines: dict[Keep, list[str]] = {keep: [] for keep in self._influx.buckets}
        into = {row.name: (oldest_ns[row.keep], lines[row.keep]) for row in TABLE}
        for point in points:
            oldest, among = into[point.measurement]
            if point.at_ns >= oldest:
                among.append(line(point))
        refused: list[Refused] = []
        for keep, among in lines.items():
            start = 0
            while start < len(among):
                size = self._influx.lines_at_once
                refused += self._influx.post(keep, among[start : start + size])
                start += size
        self._file.store(progress, refused=refused)
        return len(refused)

    def cursors(self) -> dict[tuple[str, int], int]:
        return self._file.cursors()

    def kept(self) -> dict[str, bytes]:
        return self._file.kept()

    def refused(self) -> list[Refused]:
        return self._file.refused()

    def erase(self, household: str) -> int:
        count = 0
        for row in TABLE:
            if "household" in row.tags:
                asked = _from(self._influx, row, {"household": household}, 0, _END_OF_TIME_MS, row.fields[0].name)
                count += sum(int(each["_value"]) for each in self._influx.rows(f"{asked} |> group() |> count()"))
        self._influx.delete("raw", f"household={_literal(household)}")
        return count

    def expire(self, now_ms: int, days: Mapping[Keep, int]) -> int:
        """InfluxDB does it itself, by the retention of its buckets; what it refused is forgotten here."""
        self._file.forget_refused(now_ms - days["raw"] * DAY_MS)
        return 0

    def close(self) -> None:
        self._influx.close()
        self._file.close()


class InfluxReader(SeriesReader):
    """The questions, as Flux."""

    def __init__(self, influx: Influx) -> None:
        self._influx = influx

    def rows(
        self, measurement: str, where: Where, from_ms: int, until_ms: int, limit: int | None = None
    ) -> Iterator[Point]:
        checked(measurement, where)
        row = BY_NAME[measurement]
        # A question about one place is answered whole; a wide one a day at a time, so that neither side holds it all.
        narrow = "household" in where or limit is not None
        start_ms, left = from_ms, limit
        while start_ms < until_ms and left != 0:
            stop_ms = until_ms if narrow else min(until_ms, start_ms + _WINDOW_MS)
            flux = (
                f"{_from(self._influx, row, where, start_ms, stop_ms)}"
                ' |> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")'
                ' |> group() |> sort(columns: ["_time"])'
            )
            if left is not None:
                flux += f" |> limit(n: {left})"
            for each in self._influx.rows(flux):
                yield _point(row, each, time_ns(each["_time"]))
            start_ms = stop_ms

    def counts_by_hour(self, measurement: str, where: Where, from_ms: int, until_ms: int, by: str) -> list[HourCount]:
        checked(measurement, where, by=by)
        row = BY_NAME[measurement]
        asked = _from(self._influx, row, where, from_ms, until_ms, row.fields[0].name)
        flux = (
            f"{asked} |> group(columns: [{_literal(by)}])"
            ' |> aggregateWindow(every: 1h, fn: count, createEmpty: false, timeSrc: "_start")'
        )
        found = [
            # The first window begins where the question does, not at the hour.
            HourCount(time_ns(each["_time"]) // 1_000_000 // HOUR_MS * HOUR_MS, each.get(by, ""), int(each["_value"]))
            for each in self._influx.rows(flux)
        ]
        return sorted(found, key=lambda each: (each.hour_ms, each.value))

    def latest(self, measurement: str, where: Where, from_ms: int, until_ms: int) -> list[Point]:
        checked(measurement, where)
        row = BY_NAME[measurement]
        series: dict[tuple[str, ...], dict[str, str]] = {}
        newest_ns: dict[tuple[str, ...], int] = {}
        for each in self._influx.rows(f"{_from(self._influx, row, where, from_ms, until_ms)} |> last()"):
            tags = tuple(each.get(tag, "") for tag in row.tags)
            series.setdefault(tags, {}).update({tag: each.get(tag, "") for tag in row.tags})
            series[tags][each["_field"]] = each["_value"]
            newest_ns[tags] = max(newest_ns.get(tags, 0), time_ns(each["_time"]))
        return [_point(row, values, newest_ns[tags]) for tags, values in sorted(series.items())]

    def percentiles(
        self, measurement: str, field: str, where: Where, from_ms: int, until_ms: int, percents: Sequence[float]
    ) -> list[float]:
        checked(measurement, where, field=field)
        asked = f"{_from(self._influx, BY_NAME[measurement], where, from_ms, until_ms, field)} |> group() |> toFloat()"
        # One question for all of them: the points are gone through once.
        each = [
            f'asked |> quantile(q: {percent / 100!r}, method: "exact_selector") |> set(key: "nth", value: "{nth}")'
            for nth, percent in enumerate(percents)
        ]
        if len(each) == 1:
            each.append('asked |> limit(n: 0) |> set(key: "nth", value: "none")')  # a union is of two at least
        found: dict[int, float] = {}
        for row in self._influx.rows(f"asked = {asked}\nunion(tables: [{', '.join(each)}])"):
            found[int(row["nth"])] = float(row["_value"])
        return [found[nth] for nth in sorted(found)]

    def close(self) -> None:
        self._influx.close()


_END_OF_TIME_MS = 9_000_000_000_000


def _from(influx: Influx, row: Measurement, where: Where, from_ms: int, until_ms: int, field: str = "") -> str:
    conditions = [f"r._measurement == {_literal(row.name)}"]
    conditions += [f"r[{_literal(tag)}] == {_literal(value)}" for tag, value in where.items()]
    if field:
        conditions.append(f"r._field == {_literal(field)}")
    return (
        f"from(bucket: {_literal(influx.buckets[row.keep])})"
        f" |> range(start: time(v: {from_ms * 1_000_000}), stop: time(v: {until_ms * 1_000_000}))"
        f" |> filter(fn: (r) => {' and '.join(conditions)})"
    )


def _literal(text: str) -> str:
    """A string of Flux: quotes and backslashes escaped, and no `${…}` that would be worked out."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("${", "\\${").replace("\n", "\\n")
    return f'"{escaped}"'


def _point(row: Measurement, values: Mapping[str, str], at_ns: int) -> Point:
    fields: list[int | float | None] = []
    for field in row.fields:
        text = values.get(field.name, "")
        fields.append(None if not text else int(text) if field.type == "int" else float(text))
    return Point(row.name, tuple(values.get(tag, "") for tag in row.tags), tuple(fields), at_ns)


def _said(error: ApiException) -> str:
    """InfluxDB's own words."""
    try:
        return str(json.loads(error.body or b"")["message"])[:300]
    except (ValueError, KeyError, TypeError):
        return str(error.reason)


def _is_timeout(error: Exception) -> bool:
    """Also where it was still taking what we send: urllib3 then says that the connection was aborted."""
    return isinstance(error, TimeoutError | ReadTimeoutError) or (
        isinstance(error, ProtocolError) and isinstance(error.args[-1], TimeoutError)
    )


def _after_s(error: ApiException) -> float:
    """What it asks us to wait, in seconds; 0 where it does not say."""
    said = str((error.headers or {}).get("Retry-After", ""))
    return float(said) if said.isdecimal() else 0.0


def _remedy(error: ApiException, org: str) -> str:
    if error.status == 0:
        return "its certificate was not accepted: look at ca and influx_url in [sink]"
    if error.status == 401:
        return "it does not know the token: put a valid one into the file named by token_file"
    if error.status == 403:
        return "the token may not do this: give it the right to read, write and delete in the buckets"
    if error.status == 404:
        return f"it knows no such organisation or bucket (org {org!r}): look at org and bucket in [sink]"
    if error.status in (429, 503):
        return "it is busy; we try again"
    return f"it answered {error.status}: {_said(error)}"
