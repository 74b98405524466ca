"""The roster over HTTP."""

from tests.desk_world import World

SHIFT = {
    "person": "w-001", "role": "worker", "first": "2020-03-01", "last": "2020-03-31", "starts": "08:00",
    "ends": "20:00", "order": "1", "day": ["0", "1", "2"], "holidays": "not",
}  # fmt: skip


async def test_the_week_shows_who_is_on_duty_and_the_gaps(world: World) -> None:
    async with world.as_("supervisor") as client:
        page = (await client.get("/roster", params={"grid": "g017"})).text
    assert "李秀英 08:00–20:00" in page
    assert "马超 20:00–08:00" in page
    assert "2月16日 22:00 – 2月17日 06:00" in page


async def test_a_shift_is_added_and_taken_away(world: World) -> None:
    before = len(world.store.roster().shifts)
    async with world.as_("supervisor") as client:
        assert (await client.post("/g/g017/roster/shift", data=SHIFT)).status_code == 303
        (added,) = [each for each in world.store.roster().shifts if each.id.startswith("s-") and each.days == (0, 1, 2)]
        assert (added.grids, added.starts_min, added.on_holidays) == (("g017",), 480, "not")
        await client.post("/g/g017/roster/shift/delete", data={"shift": added.id})
    assert len(world.store.roster().shifts) == before


async def test_a_shift_that_cannot_be_is_refused(world: World) -> None:
    async with world.as_("supervisor") as client:
        for wrong in (
            {"last": "2020-02-01"},
            {"role": "police"},
            {"person": "nobody"},
            {"starts": "25:00"},
            {"first": "2020-02-30"},
        ):
            assert (await client.post("/g/g017/roster/shift", data=SHIFT | wrong)).status_code == 422, wrong


async def test_a_swap_puts_another_in_the_place(world: World) -> None:
    data = {"person": "w-001", "instead": "w-001-night", "from": "2020-02-17T08:00", "until": "2020-02-17T20:00"}
    async with world.as_("supervisor") as client:
        assert (await client.post("/g/g017/roster/swap", data=data)).status_code == 303
        page = (await client.get("/roster", params={"grid": "g017"})).text
        assert "李秀英 由 马超 代班" in page
        backwards = data | {"until": "2020-02-17T07:00"}
        assert (await client.post("/g/g017/roster/swap", data=backwards)).status_code == 422
    (swap,) = world.store.roster().swaps
    assert (swap.person, swap.instead, swap.grids) == ("w-001", "w-001-night", ("g017",))
    assert swap.until_ms - swap.from_ms == 12 * 3_600_000


async def test_what_is_exported_can_be_imported_and_a_mistake_imports_nothing(world: World) -> None:
    before = {each.person for each in world.store.roster().shifts}
    async with world.as_("supervisor") as client:
        table = (await client.get("/roster.csv")).content
        taken = await client.post("/roster/import", files={"file": ("r.csv", table)})
        assert "个班次" in taken.text, taken.text
        bad = await client.post("/roster/import", files={"file": ("r.csv", b"person,role\nnobody,worker\n")})
        assert bad.status_code == 422
        assert "第 1 行" in bad.text
    assert {each.person for each in world.store.roster().shifts} == before


async def test_a_holiday_is_kept_and_taken_away(world: World) -> None:
    async with world.as_("supervisor") as client:
        await client.post("/roster/holiday", data={"day": "2020-05-01", "name": "劳动节"})
        assert [each.name for each in world.store.roster().holidays] == ["劳动节"]
        await client.post("/roster/holiday", data={"day": "2020-05-01", "delete": "yes"})
    assert world.store.roster().holidays == ()
