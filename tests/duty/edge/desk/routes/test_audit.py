"""The audit log over HTTP."""

import csv
import io

from tests.desk_world import World


async def test_it_is_shown_searched_and_checked(world: World) -> None:
    world.store.audit(at_ms=1, actor="w-001", action="see-contacts", object="g017/3/1203@1", grid="g017")
    async with world.as_("auditor") as client:
        found = (await client.get("/audit", params={"actor": "w-001", "object": "g017/3/1203@1"})).text
        assert "see-contacts" in found
        assert "日志完整" in (await client.get("/audit", params={"check": "yes"})).text


async def test_the_export_is_a_table_that_starts_no_formula_and_is_itself_recorded(world: World) -> None:
    world.store.audit(at_ms=1, actor="=cmd|' /C calc'!A0", action="log-in", object="@x", detail='a,"b"')
    async with world.as_("auditor") as client:
        response = await client.get("/audit.csv")
    rows = list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"))))
    (hostile,) = [row for row in rows if row["action"] == "log-in" and row["object"] == "'@x"]
    assert hostile["actor"].startswith("'=")
    assert hostile["detail"] == 'a,"b"'
    assert rows[-1]["action"] == "export-audit"
    assert [int(row["number"]) for row in rows] == list(range(1, len(rows) + 1))
