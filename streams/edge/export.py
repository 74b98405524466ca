"""Points written out for people and other programs: CSV, or Parquet where pyarrow is installed."""

import csv
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from streams.measurements import BY_NAME, Point

_ROWS_AT_ONCE = 20_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class NoParquet(RuntimeError):
    """pyarrow is not installed here; the text says what to do."""


def columns(measurement: str) -> list[str]:
    """The columns of an export, in order."""
    row = BY_NAME[measurement]
    return ["time", "at_ms", *row.tags, *(field.name for field in row.fields)]


def write_csv(points: Iterable[Point], measurement: str, out: TextIO, *, zone: tzinfo) -> int:
    """Points as CSV with a header; how many.  `time` is ISO 8601 in `zone`; what was not said is empty.

    Text that a spreadsheet would run as a formula gets an apostrophe before it.
    """
    writer = csv.writer(out)
    writer.writerow(columns(measurement))
    count = 0
    for point in points:
        at_ms = point.at_ns // 1_000_000
        time = (_EPOCH + timedelta(milliseconds=at_ms)).astimezone(zone).isoformat(timespec="milliseconds")
        writer.writerow([time, at_ms, *(_inert(tag) for tag in point.tags), *point.fields])
        count += 1
    return count


def write_parquet(points: Iterable[Point], measurement: str, path: Path) -> int:
    """Points as a Parquet file, written in pieces; how many.  `time` is a UTC timestamp.  Raises NoParquet, OSError."""
    try:
        arrow: Any = import_module("pyarrow")
        parquet: Any = import_module("pyarrow.parquet")
    except ImportError as error:
        raise NoParquet("Parquet needs pyarrow: pip install pyarrow, or choose CSV") from error
    row = BY_NAME[measurement]
    types = {"int": arrow.int64(), "float": arrow.float64()}
    schema = arrow.schema(
        [
            ("time", arrow.timestamp("ms", tz="UTC")),
            ("at_ms", arrow.int64()),
            *((tag, arrow.dictionary(arrow.int32(), arrow.string())) for tag in row.tags),
            *((field.name, types[field.type]) for field in row.fields),
        ]
    )
    count = 0
    with parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        for piece in _pieces(points):
            rows = [(at_ms := p.at_ns // 1_000_000, at_ms, *p.tags, *p.fields) for p in piece]
            by_column = zip(schema, zip(*rows, strict=True), strict=True)
            arrays = [arrow.array(values, type=column.type) for column, values in by_column]
            writer.write_table(arrow.table(arrays, schema=schema))
            count += len(piece)
    return count


def _pieces(points: Iterable[Point]) -> Iterator[list[Point]]:
    left = iter(points)
    while piece := list(islice(left, _ROWS_AT_ONCE)):
        yield piece


def _inert(text: str) -> str:
    return "'" + text if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
