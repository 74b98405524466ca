"""Every route × every role × own and foreign grid, from the route table itself: a new route cannot be forgotten."""

from typing import Any

import httpx
import msgspec
import pytest
from fastapi.routing import APIRoute

from duty.access import FEVERS, ROWS
from duty.edge.desk.app import build
from duty.edge.desk.entry import check_rights, every_route
from duty.edge.desk.rights import RIGHTS, WITHOUT_SESSION, Somewhere
from duty.people import STAFF_ROLES, Channel, Person
from tests.desk_world import World

OWN, FOREIGN = "g017", "g018"
LOGINS = {role: role for role in STAFF_ROLES}
FILL = {
    "building": "3", "unit": "1203", "checkpoint": "north", "person": "somebody", "channel": "somebody-desk",
    "fitting": "none", "token": "none", "trial": "1581790440000-00000000", "what": "declare", "screen": "board",
    "language": "zh",
}  # fmt: skip
ROUTES = sorted(RIGHTS)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Any:
    made = World(tmp_path_factory.mktemp("rights"))
    # The officer and the doctor of the story have both grids; here each role has one, so that the other is foreign.
    for person in made.store.people():
        if person.grids != ("*",):
            made.store.save_person(msgspec.structs.replace(person, grids=(person.grids[0],)))
    # Who is disabled, renamed and deleted in passing, when the administrator's routes are tried.
    made.store.save_person(Person(id="somebody", login="somebody", name="Somebody", roles=("guard",), grids=("g017",)))
    made.store.save_channel(Channel(id="somebody-desk", person="somebody", order=1, kind="desk"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def tokens(world: World) -> dict[str, str]:
    return {role: world.token(login) for role, login in LOGINS.items()}


def address(path: str, grid: str) -> str:
    for name, value in (FILL | {"grid": grid}).items():
        path = path.replace("{" + name + "}", value)
    assert "{" not in path, f"{path}: say in FILL what to put there"
    return path


async def ask(world: World, method: str, path: str, token: str = "") -> httpx.Response:
    async with world.client() as client:
        if token:
            client.cookies.set(world.auth.cookie_name, token)
        # A stream would never end: one that asks for no screen is refused, or told what it forgot.
        return await client.request(method, path, data={} if method == "POST" else None)


def may_by_table(world: World, role: str, right: Any, grid: str | None) -> bool:
    if right == "half":
        return True
    row = ROWS[right.action if isinstance(right, Somewhere) else right]
    if role not in row.roles:
        return False
    if not row.of_grid or isinstance(right, Somewhere):
        return True
    person = world.store.account(LOGINS[role]).person
    return person.has_grid(grid or "")


async def test_every_route_has_its_row_and_every_row_its_route(world: World) -> None:
    assert {(method, route.path) for route in every_route(world.app) for method in route.methods} == set(RIGHTS)


async def test_a_route_without_a_row_keeps_the_desk_from_starting(world: World) -> None:
    app = build(world.parts)
    app.get("/forgotten")(lambda: "everything")
    with pytest.raises(RuntimeError, match="forgotten"):
        check_rights(app)


async def test_no_router_hides_routes_from_the_table(world: World) -> None:
    kinds = {type(route).__name__ for route in world.app.routes if not isinstance(route, APIRoute)}
    assert kinds == {"Mount"}, "routes are put on the app itself, so that every_route finds them"


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_nobody_gets_in_without_a_session(world: World, method: str, path: str) -> None:
    response = await ask(world, method, address(path, OWN))
    if RIGHTS[method, path] in WITHOUT_SESSION:
        assert response.status_code != 401
        return
    assert response.status_code in (303, 401)
    if response.status_code == 303:
        assert response.headers["location"].startswith("/login")


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_each_role_gets_what_the_table_says(world: World, tokens: dict[str, str], method: str, path: str) -> None:
    right = RIGHTS[method, path]
    if right in WITHOUT_SESSION or right == "half":
        return
    wrong: list[str] = []
    for role in STAFF_ROLES:
        for grid in (OWN, FOREIGN) if "{grid}" in path else (None,):
            response = await ask(world, method, address(path, grid or ""), tokens[role])
            let_in = response.status_code not in (401, 403) and response.headers.get("location", "")[:6] != "/login"
            if may_by_table(world, role, right, grid) and not let_in:
                wrong.append(f"{role} was refused in {grid}: {response.status_code}")
            if not may_by_table(world, role, right, grid) and response.status_code not in (403, 404):
                wrong.append(f"{role} was let in in {grid}: {response.status_code}")
    assert not wrong


async def test_absent_and_forbidden_look_the_same(world: World, tokens: dict[str, str]) -> None:
    absent = await ask(world, "GET", f"/g/{OWN}/h/3/9999", tokens["worker"])
    forbidden = await ask(world, "GET", f"/g/{FOREIGN}/h/1/0101", tokens["worker"])
    assert absent.status_code == forbidden.status_code == 404
    assert strip(absent.text) == strip(forbidden.text)


def strip(html: str) -> str:
    """The page without the address that the language switch leads back to."""
    return "\n".join(line for line in html.splitlines() if 'name="back"' not in line)


@pytest.mark.parametrize("grid", [OWN, FOREIGN])
async def test_the_live_stream_tells_only_of_own_grids(world: World, tokens: dict[str, str], grid: str) -> None:
    response = await ask(world, "GET", f"/live?screen=household&grid={FOREIGN}", tokens["worker"])
    assert response.status_code == 404
    response = await ask(world, "GET", f"/live?screen=board&grid={grid}", tokens["guard"])
    assert response.status_code == 404, "a guard has no board"


async def test_an_incident_of_another_grid_does_not_exist_in_mine(world: World, tokens: dict[str, str]) -> None:
    there = f"{FOREIGN}/1/0101/undeclared-opening/1"
    before = len(world.door.commands)
    assert there in world.projection.picture.incidents
    response = await ask(world, "GET", f"/g/{OWN}/incident?id={there}", tokens["worker"])
    assert response.status_code == 404
    async with world.client() as client:
        client.cookies.set(world.auth.cookie_name, tokens["worker"])
        for act, more in (
            ("acknowledge", {}),
            ("close", {"disposition": "test"}),
            ("snooze", {"minutes": "15", "reason": "x"}),
        ):
            response = await client.post(f"/g/{OWN}/{act}", data={"incident": there} | more)
            assert response.status_code == 404, act
    assert len(world.door.commands) == before


# Every field by which a form names a thing, naming one of the other grid; and what forms ask for besides.
FOREIGN_FORM = {
    "incident": f"{FOREIGN}/1/0101/undeclared-opening/1", "subject": f"{FOREIGN}/1/0101",
    "household": f"{FOREIGN}/1/0101", "device": f"door-{FOREIGN}-1-0101", "person": "w-002", "instead": "w-002-night",
    "disposition": "true-alarm", "note": "x", "minutes": "15", "reason": "x", "celsius": "36.6", "at": "1581791000000",
    "id": "00000000-fuzz", "pass_id": "A-1", "role": "worker", "first": "2020-02-16", "last": "2020-02-20",
    "starts": "08:00", "ends": "20:00", "from": "2020-02-16T09:00", "until": "2020-02-16T10:00",
}  # fmt: skip


@pytest.mark.parametrize(("method", "path"), [each for each in ROUTES if each[0] == "POST" and "{grid}" in each[1]])
async def test_a_form_of_my_grid_reaches_nothing_of_another(
    world: World, tokens: dict[str, str], method: str, path: str
) -> None:
    """From the route table: a form that names a thing of another grid in its body, sent to an address of one's own."""
    roster = world.store.roster()
    theirs = [each.id for each in (*roster.shifts, *roster.swaps) if FOREIGN in each.grids]
    assert theirs
    form = FOREIGN_FORM | {"shift": theirs[0], "swap": theirs[0]}
    commands, messages = len(world.door.commands), len(world.door.messages)
    before = [each for each in roster.shifts if FOREIGN in each.grids]
    for role in STAFF_ROLES:
        if role in ("supervisor", "admin", "auditor"):
            continue  # they have every grid
        async with world.client() as client:
            client.cookies.set(world.auth.cookie_name, tokens[role])
            response = await client.post(address(path, OWN), data=form)
            assert response.status_code < 500
    told = [*world.door.commands[commands:], *world.door.messages[messages:]]
    assert not [each for each in told if any(FOREIGN in str(value) for value in each.values())], path
    now = world.store.roster()
    assert [each for each in now.shifts if FOREIGN in each.grids] == before, path
    assert not [each for each in now.swaps if each.person == "w-002"], path


@pytest.mark.parametrize("role", ["worker", "police"])
async def test_a_fever_is_closed_by_nobody_but_doctor_and_supervisor(
    world: World, tokens: dict[str, str], role: str
) -> None:
    before = len(world.door.commands)
    fever = next(each for each in world.projection.picture.incidents.values() if each.kind in FEVERS)
    async with world.client() as client:
        client.cookies.set(world.auth.cookie_name, tokens[role])
        response = await client.post(
            f"/g/{OWN}/close", data={"incident": fever.id, "disposition": "false-alarm"}
        )  # fmt: skip
    assert response.status_code == 403
    assert len(world.door.commands) == before


async def test_the_police_see_no_health_figures(world: World, tokens: dict[str, str]) -> None:
    page = f"/g/{OWN}/h/3/1203"
    assert "体温</h2>" in (await ask(world, "GET", page, tokens["worker"])).text
    assert "体温</h2>" not in (await ask(world, "GET", page, tokens["police"])).text
