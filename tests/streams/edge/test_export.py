"""Points for people and other programs."""

import csv
import io
import sys
from zoneinfo import ZoneInfo

import pytest
from pyarrow import parquet

from streams.edge.export import NoParquet, columns, write_csv, write_parquet
from streams.measurements import TABLE, Point

ZONE = ZoneInfo("Asia/Shanghai")
T0_MS = 1_581_816_600_123


def temperature(n: int, device: str = "gun-1") -> Point:
    return Point("temperature", ("g1", "", "north", "", device, "ear"), (36.5, None, None), (T0_MS + n) * 1_000_000)


def test_csv_has_a_header_local_times_and_empty_cells():
    out = io.StringIO()
    assert write_csv([temperature(0), temperature(1)], "temperature", out, zone=ZONE) == 2
    header, first, _ = csv.reader(io.StringIO(out.getvalue()))
    assert header == columns("temperature")
    row = dict(zip(header, first, strict=True))
    assert row["time"] == "2020-02-16T09:30:00.123+08:00"
    assert row["at_ms"] == str(T0_MS)
    assert row["celsius"] == "36.5"
    assert row["ambient_celsius"] == ""


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx"])
def test_no_cell_is_run_as_a_formula(text):
    out = io.StringIO()
    write_csv([temperature(0, text)], "temperature", out, zone=ZONE)
    _, row = csv.reader(io.StringIO(out.getvalue()))
    assert row[columns("temperature").index("device")] == "'" + text


def test_a_negative_number_stays_one():
    out = io.StringIO()
    tags = ("g1", "3", "", "", "", "household")
    point = Point("device", tags, (1, None, None, -70.0, None, None, None), T0_MS * 1_000_000)
    write_csv([point], "device", out, zone=ZONE)
    assert "-70.0" in out.getvalue().splitlines()[1].split(",")


def test_every_measurement_can_be_exported():
    for row in TABLE:
        point = Point(row.name, ("x",) * len(row.tags), tuple(1 for _ in row.fields), T0_MS * 1_000_000)
        out = io.StringIO()
        write_csv([point], row.name, out, zone=ZONE)
        header, values = csv.reader(io.StringIO(out.getvalue()))
        assert len(header) == len(values) == len(set(header))


def test_parquet_comes_back_with_its_types(tmp_path):
    path = tmp_path / "readings.parquet"
    assert write_parquet((temperature(n) for n in range(45_000)), "temperature", path) == 45_000
    table = parquet.read_table(path)
    assert table.num_rows == 45_000
    assert table.column_names == columns("temperature")
    first = table.slice(0, 1).to_pylist()[0]
    assert first["celsius"] == 36.5
    assert first["ambient_celsius"] is None
    assert first["device"] == "gun-1"
    assert first["time"].isoformat() == "2020-02-16T01:30:00.123000+00:00"
    assert path.stat().st_size < 45_000 * 10


def test_nothing_to_export_is_an_empty_file_with_its_columns(tmp_path):
    assert write_parquet([], "door", tmp_path / "none.parquet") == 0
    assert parquet.read_table(tmp_path / "none.parquet").column_names == columns("door")


def test_without_pyarrow_it_is_said(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(NoParquet, match="pip install pyarrow, or choose CSV"):
        write_parquet([temperature(0)], "temperature", tmp_path / "x.parquet")
