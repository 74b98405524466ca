"""Figures taken away, over HTTP."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

from duty.edge.desk.routes import charts, export
from streams.edge.export import NoParquet
from tests.desk_world import World
from tests.sunk import sink

DAY = {"since": "2020-02-16", "until": "2020-02-16"}


@pytest.fixture
def sunk(world: World, tmp_path: Path) -> World:
    sink(tmp_path)
    return world


def left_behind(folder: Path) -> list[Path]:
    return list(folder.glob("*.parquet"))


async def take(world: World, login: str = "supervisor", **asked: str) -> Any:
    async with world.as_(login) as client:
        return await client.get("/g/g017/export", params={"measurement": "incident"} | DAY | asked)


async def test_a_table_with_local_times_and_an_audit_entry(sunk: World) -> None:
    answer = await take(sunk)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert 'filename="incident-g017-2020-02-16-2020-02-16.csv"' in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert rows and {row["grid"] for row in rows} == {"g017"}
    assert all(row["time"].startswith("2020-02-16T0") for row in rows)
    assert {"raised", "page"} <= {row["decision"] for row in rows}
    [entry] = [row for row in sunk.store.all_audit_rows() if row.action == "export-figures"]
    assert (entry.grid, entry.object, entry.detail) == ("g017", "incident", "2020-02-16 2020-02-16 csv")


async def test_parquet_has_the_same_rows_and_leaves_no_file_behind(sunk: World, tmp_path: Path) -> None:
    answer = await take(sunk, form="parquet")
    found = parquet.read_table(io.BytesIO(answer.content)).to_pylist()
    assert len(found) == len((await take(sunk)).text.splitlines()) - 1
    assert left_behind(tmp_path) == []


async def test_no_name_and_no_household_is_in_it(sunk: World) -> None:
    for measurement in charts.MEASUREMENTS:
        answer = await take(sunk, measurement=measurement)
        assert answer.status_code == 200 and "1203" not in answer.text and "door-g017" not in answer.text


async def test_only_the_days_asked_for(sunk: World) -> None:
    assert len((await take(sunk, since="2020-02-17", until="2020-02-18")).text.splitlines()) == 1


@pytest.mark.parametrize(
    "asked",
    [{"since": "2020-02-17"}, {"since": "yesterday"}, {"until": "2023-02-16"}, {"since": "0001-01-01"}],
)
async def test_days_that_are_none_are_refused(sunk: World, asked: dict[str, str]) -> None:
    answer = await take(sunk, **asked)
    assert answer.status_code == 422 and "2020-02-16" in answer.text


@pytest.mark.parametrize("asked", [{"measurement": "system"}, {"measurement": "door_series"}, {"form": "xls"}])
async def test_what_there_is_not_is_refused(sunk: World, asked: dict[str, str]) -> None:
    assert (await take(sunk, **asked)).status_code in (404, 422)


async def test_it_is_the_supervisors_alone(sunk: World) -> None:
    assert (await take(sunk, "worker-night")).status_code == 403
    assert [row for row in sunk.store.all_audit_rows() if row.action == "export-figures"] == []


async def test_without_pyarrow_there_is_csv_alone(sunk: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: object) -> int:
        raise NoParquet("no")

    monkeypatch.setattr(export, "write_parquet", none)
    monkeypatch.setattr(charts, "has_parquet", lambda: False)
    answer = await take(sunk, form="parquet")
    assert answer.status_code == 503 and "pyarrow" in answer.text
    async with sunk.as_("supervisor") as client:
        page = (await client.get("/g/g017/charts")).text
    assert "没有装 pyarrow" in page and 'value="parquet"' not in page


async def test_a_store_that_cannot_be_asked_is_told_in_words(world: World, tmp_path: Path) -> None:
    (tmp_path / "series.db").write_bytes(b"no database at all" * 100)
    for form in ("csv", "parquet"):
        answer = await take(world, form=form)
        assert answer.status_code == 503 and "时间序列库现在用不了" in answer.text
    assert left_behind(tmp_path) == []
