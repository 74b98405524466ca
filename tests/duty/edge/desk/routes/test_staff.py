"""The staff over HTTP."""

import re

from tests.desk_world import World

NEW = {"login": "Zhao.Liu", "name": "赵六", "role": ["worker", "guard"], "grids": "g017, g018"}


async def test_a_new_person_is_shown_a_one_time_password_once(world: World) -> None:
    async with world.as_("admin") as client:
        page = (await client.post("/staff", data=NEW)).text
        password = re.search(r'class="secret">([^<]+)<', page)
        assert password is not None
        assert password[1] not in (await client.get("/staff")).text
    account = world.store.account("zhao.liu")
    assert account is not None
    assert (account.person.roles, account.person.grids) == (("worker", "guard"), ("g017", "g018"))
    assert account.person.must_change_password
    assert not any(password[1] in row.detail for row in world.store.audit_rows())


async def test_what_cannot_be_a_person_is_refused(world: World) -> None:
    async with world.as_("admin") as client:
        for wrong in ({"role": []}, {"grids": "bridge"}, {"login": "a b"}, {"name": "  "}, {"role": ["emperor"]}):
            assert (await client.post("/staff", data=NEW | wrong)).status_code == 422, wrong
        assert (await client.post("/staff", data=NEW | {"login": "worker"})).status_code == 409
    assert world.store.account("zhao.liu") is None


async def test_an_administrator_cannot_shut_themselves_out(world: World) -> None:
    async with world.as_("admin") as client:
        assert (await client.post("/staff/a-001/disable")).status_code == 409
        data = {"name": "x", "role": ["worker"], "grids": "*"}
        assert (await client.post("/staff/a-001", data=data)).status_code == 409


async def test_changes_are_recorded(world: World) -> None:
    async with world.as_("admin") as client:
        await client.post("/staff/w-001", data={"name": "李秀英", "role": ["worker"], "grids": "g018"})
        await client.post("/staff/w-001/disable", data={"enabled": "no"})
        await client.post("/staff/w-001/disable", data={"enabled": "yes"})
    done = [(row.action, row.actor, row.object) for row in world.store.audit_rows() if row.object == "w-001"]
    assert done == [(action, "a-001", "w-001") for action in ("change-staff", "disable-staff", "enable-staff")]
