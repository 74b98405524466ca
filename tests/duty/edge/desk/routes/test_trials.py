"""A policy tried from the desk, over HTTP."""

import asyncio

import httpx
import msgspec

from duty.edge.trials import LARGEST_POLICY
from tests.desk_world import World
from tests.waiting import wait_until

PATIENT = '[ladder.undeclared-opening]\npage = ["worker"]\nsteps = []\n'


async def tried(world: World, client: httpx.AsyncClient, **form: object) -> str:
    """The address of the try, once it is over."""
    answer = await client.post("/trials", data={"days": "7", "policy": PATIENT} | form)
    assert answer.status_code == 303, answer.text
    address = answer.headers["location"]
    await ended(world, address.rpartition("/")[2])
    return address


async def ended(world: World, trial: str) -> None:
    """Return once the try is over."""

    def over() -> bool:
        found = world.app.state.trials.get(trial)
        return found is not None and found.state != "running"

    await asyncio.to_thread(wait_until, over, 100, "the end of the try")


async def test_it_is_started_looked_on_and_compared(world: World) -> None:
    async with world.as_("supervisor") as client:
        page = (await client.get("/trials")).text
        assert "[ladder.undeclared-opening]" in page, "the policy in force stands there to be changed"
        address = await tried(world, client, name="只叫网格员")
        page = (await client.get(address)).text
        for told in ("只叫网格员", "完成", "▼", "不再有", "呼叫民警", "门开", 'href="/g/g017/h/3/1203"'):
            assert told in page, told
        assert "只叫网格员" in (await client.get("/trials")).text
        client.cookies.set("threshold_language", "en")
        english = (await client.get(address)).text
        assert "page to police officer" in english and "would be gone" in english
        assert (await client.post(f"{address}/cancel")).status_code == 409
        assert (await client.post(f"{address}/delete")).status_code == 200
        assert (await client.get(address)).status_code == 404
    actions = [row.action for row in world.store.all_audit_rows()]
    assert actions.count("try-policy") == actions.count("delete-trial") == 1


async def test_a_file_goes_before_the_text(world: World) -> None:
    async with world.as_("supervisor") as client:
        files = {"file": ("new.toml", b'[ladder.fever]\npage = ["nobody"]\n', "text/plain")}
        answer = await client.post("/trials", data={"days": "1", "policy": PATIENT}, files=files)
        trial = answer.headers["location"].rpartition("/")[2]
        await ended(world, trial)
        page = (await client.get(f"/trials/{trial}")).text
    assert "没有成功" in page and "policy.toml:2" in page


async def test_nothing_is_paged_and_nothing_is_written_to_the_logs(world: World) -> None:
    before = [world.story.inbox.query("SELECT max(offset) FROM inbox"),
              world.story.outbox.query("SELECT max(offset) FROM outbox")]  # fmt: skip
    async with world.as_("supervisor") as client:
        await tried(world, client)
    after = [world.story.inbox.query("SELECT max(offset) FROM inbox"),
             world.story.outbox.query("SELECT max(offset) FROM outbox")]  # fmt: skip
    assert before == after


async def test_bad_input_is_refused_with_a_sentence(world: World) -> None:
    async with world.as_("supervisor") as client:
        for form, said in (({"policy": "  "}, "没有策略"), ({"policy": "#" * (LARGEST_POLICY + 1)}, "64 KB")):
            answer = await client.post("/trials", data={"days": "7"} | form)
            assert answer.status_code == 422 and said in answer.text
        files = {"file": ("x.toml", b"\xff\xfe", "text/plain")}
        answer = await client.post("/trials", data={"days": "7"}, files=files)
        assert answer.status_code == 422 and "UTF-8" in answer.text
        assert (await client.get("/trials/..%2f..")).status_code == 404
        assert (await client.get("/trials/1581790440000-00000000")).status_code == 404
    assert world.app.state.trials.all() == []


async def test_a_supervisor_of_one_grid_sees_that_grid_alone(world: World) -> None:
    async with world.as_("supervisor") as client:
        address = await tried(world, client, policy='[ladder.undeclared-opening]\npage = ["doctor"]\nsteps = []\n')
        assert 'href="/g/g017/h/' in (await client.get(address)).text
        [person] = [each for each in world.store.people() if each.login == "supervisor"]
        world.store.save_person(msgspec.structs.replace(person, grids=("g018",)))
        page = (await client.get(address)).text
        assert page and 'href="/g/g017/h/' not in page and "17 网格" not in page
