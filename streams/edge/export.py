"""Points written out for people and other programs: CSV, or Parquet where pyarrow is installed."""

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from importlib import import_module
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from streams.measurements import BY_NAME, Point

_ROWS_AT_ONCE = 20_000
_LINES_AT_ONCE = 1_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class NoParquet(RuntimeError):
    """pyarrow is not installed here; the text says what to do."""


def columns(measurement: str) -> list[str]:
    """The columns of an export, in order."""
    row = BY_NAME[measurement]
    return ["time", "at_ms", *row.tags, *(field.name for field in row.fields)]


def csv_pieces(points: Iterable[Point], measurement: str, *, zone: tzinfo) -> Iterator[str]:
    """Points as CSV with a header, a piece at a time.  `time` is ISO 8601 in `zone`; what was not said is empty.

    Text that a spreadsheet would run as a formula gets an apostrophe before it.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(columns(measurement))
    for piece in _pieces(points, _LINES_AT_ONCE):
        for point in piece:
            at_ms = point.at_ns // 1_000_000
            time = (_EPOCH + timedelta(milliseconds=at_ms)).astimezone(zone).isoformat(timespec="milliseconds")
            writer.writerow([time, at_ms, *(_inert(tag) for tag in point.tags), *point.fields])
        yield out.getvalue()
        out.seek(0)
        out.truncate()
    if rest := out.getvalue():
        yield rest


def write_csv(points: Iterable[Point], measurement: str, out: TextIO, *, zone: tzinfo) -> int:
    """The same into `out`; how many."""
    count = 0

    def counted() -> Iterator[Point]:
        nonlocal count
        for point in points:
            count += 1
            yield point

    out.writelines(csv_pieces(counted(), measurement, zone=zone))
    return count


def has_parquet() -> bool:
    """Whether pyarrow is installed here."""
    return find_spec("pyarrow") is not None


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
        for piece in _pieces(points, _ROWS_AT_ONCE):
            rows = [(at_ms := p.at_ns // 1_000_000, at_ms, *p.tags, *p.fields) for p in piece]
            by_column = zip(schema, zip(*rows, strict=True), strict=True)
            arrays = [arrow.array(values, type=column.type) for column, values in by_column]
            writer.write_table(arrow.table(arrays, schema=schema))
            count += len(piece)
    return count


def _pieces(points: Iterable[Point], size: int) -> Iterator[list[Point]]:
    left = iter(points)
    while piece := list(islice(left, size)):
        yield piece


def _inert(text: str) -> str:
    return "'" + text if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
