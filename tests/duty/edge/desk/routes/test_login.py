"""Logging in over HTTP."""

from pyotp.totp import TOTP

from duty.edge import demo_people
from tests.desk_world import World


async def test_a_wrong_password_says_nothing_of_the_login(world: World) -> None:
    async with world.client() as client:
        known = await client.post("/login", data={"name": "worker", "password": "wrong-password"})
        unknown = await client.post("/login", data={"name": "nobody", "password": "wrong-password"})
    assert (known.status_code, unknown.status_code) == (401, 401)
    assert known.text == unknown.text


async def test_guesses_are_slowed_down(world: World) -> None:
    async with world.client() as client:
        codes = [
            (await client.post("/login", data={"name": "worker", "password": f"guess-number-{n}"})).status_code
            for n in range(12)
        ]
    assert codes[0] == 401
    assert codes[-1] == 429


async def test_password_then_code_is_a_fresh_session(world: World) -> None:
    code = TOTP(demo_people.TOTP_SECRET).generate_otp(world.clock_ms() // 30_000)
    async with world.client() as client:
        await client.post("/login", data={"name": "supervisor", "password": demo_people.PASSWORD})
        half = client.cookies[world.auth.cookie_name]
        wrong = await client.post("/login/code", data={"code": "000000"})
        assert wrong.status_code == 401
        right = await client.post("/login/code", data={"code": code, "next": "/overview"})
        assert right.headers["location"] == "/overview"
        assert client.cookies[world.auth.cookie_name] != half
        assert (await client.get("/overview")).status_code == 200


async def test_a_second_factor_is_set_up_by_its_first_code(world: World) -> None:
    async with world.as_("police") as client:
        page = (await client.get("/me/totp")).text
        secret = page.partition('name="secret" value="')[2].partition('"')[0]
        assert (await client.post("/me/totp", data={"secret": secret, "code": "000000"})).status_code == 422
        code = TOTP(secret).generate_otp(world.clock_ms() // 30_000)
        assert "第二重验证已启用" in (await client.post("/me/totp", data={"secret": secret, "code": code})).text
    account = world.store.account("police")
    assert account is not None
    assert account.person.has_totp


async def test_a_weak_or_mistyped_new_password_is_refused(world: World) -> None:
    old = demo_people.PASSWORD
    async with world.as_("worker") as client:
        for new, again, said in (("short", "short", "至少 10 个字符"), ("one password", "another one", "不一样")):
            answer = await client.post("/me/password", data={"old": old, "new": new, "again": again})
            assert answer.status_code == 422
            assert said in answer.text


async def test_the_look_is_remembered_and_only_three_are_known(world: World) -> None:
    async with world.as_("worker") as client:
        await client.post("/look", data={"to": "dark", "back": "/board"})
        assert 'data-look="dark"' in (await client.get("/board")).text
        await client.post("/look", data={"to": "pink"})
        assert 'data-look="auto"' in (await client.get("/board")).text
