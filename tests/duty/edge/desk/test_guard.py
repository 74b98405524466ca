"""What stands before every route: headers, size, origin; and what no route may do."""

import re

import pytest

from duty.edge.desk import look
from duty.edge.desk.guard import BODY_MAX_BYTES, HEADERS
from duty.edge.desk.rights import RIGHTS
from tests.desk_world import HOST, World
from tests.duty.edge.desk.test_rights import address

TEMPLATES = sorted((look.HERE / "templates").glob("*.html"))
SCRIPTS = sorted((look.HERE / "static").glob("*.js"))


@pytest.mark.parametrize("path", ["/login", "/board", "/nowhere", "/static/desk.css", "/static/none.js", "/health"])
async def test_every_answer_carries_the_headers(world: World, path: str) -> None:
    async with world.as_("worker-night") as client:
        response = await client.get(path)
    for name, value in HEADERS.items():
        assert response.headers[name] == value, name
    assert response.headers["cache-control"] == ("public, max-age=60" if "desk.css" in path else "no-store")


async def test_refusals_of_the_guard_carry_the_headers_too(world: World) -> None:
    async with world.client() as client:
        for response in (
            await client.post("/login", headers={"Origin": "https://evil.example"}),
            await client.post("/login", content=b"x" * (BODY_MAX_BYTES + 1)),
            await client.get("/login?" + "x" * 5000),
        ):
            assert response.status_code in (403, 413, 414)
            assert response.headers["content-security-policy"] == HEADERS["Content-Security-Policy"]


def test_the_policy_allows_no_inline_script_or_style_and_the_pages_have_none() -> None:
    assert "unsafe" not in HEADERS["Content-Security-Policy"]
    for template in TEMPLATES:
        text = template.read_text("utf-8")
        assert not re.search(r"<script(?![^>]*\bsrc=)", text), template.name
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=", text), template.name
        assert not re.search(r"(?:src|href)=\"https?://", text), f"{template.name}: nothing is loaded from elsewhere"


@pytest.mark.parametrize("origin", [None, "https://evil.example", "null", "http://desk.test.evil.example", "desk.test"])
async def test_a_change_from_another_origin_is_refused_everywhere(world: World, origin: str | None) -> None:
    async with world.as_("worker-night") as client:
        del client.headers["Origin"]
        for method, path in sorted(RIGHTS):
            if method == "POST":
                headers = {} if origin is None else {"Origin": origin}
                response = await client.post(address(path, "g017"), data={}, headers=headers)
                assert response.status_code == 403, path
    assert world.door.commands == []


async def test_a_referer_of_our_own_will_do_where_a_browser_sends_no_origin(world: World) -> None:
    async with world.client() as client:
        del client.headers["Origin"]
        response = await client.post("/language", data={"to": "en"}, headers={"Referer": f"{HOST}/board"})
    assert response.status_code == 303


async def test_10_mb_are_refused_before_they_are_read(world: World) -> None:
    async with world.as_("supervisor") as client:
        told = await client.post("/roster/import", files={"file": ("r.csv", b"x" * 10_000_000)})
        assert told.status_code == 413

        async def pieces():
            for _ in range(200):
                yield b"name=" + b"x" * 65_536

        untold = await client.post(
            "/login", content=pieces(), headers={"Content-Type": "application/x-www-form-urlencoded"}
        )
        assert untold.status_code == 413


async def test_the_docs_of_the_api_are_not_served(world: World) -> None:
    async with world.as_("supervisor") as client:
        for path in ("/docs", "/redoc", "/openapi.json"):
            assert (await client.get(path)).status_code == 404


async def test_no_get_gives_a_command_or_changes_the_store(world: World) -> None:
    before = [row.action for row in world.store.audit_rows()]
    logins = ("worker-night", "supervisor", "admin")
    clients = [world.as_(login) for login in logins]
    logged_in = len(world.store.audit_rows())
    for client in clients:
        async with client:
            for method, path in sorted(RIGHTS):
                if method == "GET" and path not in ("/live", "/audit.csv"):
                    response = await client.get(address(path, "g017"))
                    assert response.status_code < 500, path
    assert world.door.commands == []
    assert len(world.store.audit_rows()) == logged_in >= len(before)


async def test_the_session_cookie_is_closed_to_scripts_and_other_sites(world: World) -> None:
    async with world.client() as client:
        response = await client.post("/login", data={"name": "worker", "password": "threshold-demo"})
    cookie = response.headers["set-cookie"].lower()
    assert response.status_code == 303
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "path=/" in cookie
    assert "max-age=43200" in cookie


@pytest.mark.parametrize("next_", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"])
async def test_a_log_in_leads_nowhere_else(world: World, next_: str) -> None:
    async with world.client() as client:
        response = await client.post("/login", data={"name": "worker", "password": "threshold-demo", "next": next_})
    assert response.headers["location"] == "/"


async def test_a_stolen_session_ends_with_the_log_out(world: World) -> None:
    async with world.as_("worker-night") as client:
        token = client.cookies[world.auth.cookie_name]
        assert (await client.get("/board")).status_code == 200
        await client.post("/logout")
    async with world.client() as thief:
        thief.cookies.set(world.auth.cookie_name, token)
        response = await thief.get("/board")
    assert response.status_code == 303
    assert response.headers["location"] == "/login?next=/board"


async def test_whoever_is_disabled_is_out_at_once(world: World) -> None:
    async with world.as_("worker-night") as client, world.as_("admin") as admin:
        assert (await client.get("/board")).status_code == 200
        await admin.post("/staff/w-001-night/disable", data={"enabled": "no"})
        assert (await client.get("/board")).status_code == 303


async def test_strange_addresses_and_methods_are_refused_calmly(world: World) -> None:
    async with world.as_("worker-night") as client:
        for path in (
            "/g/g017/../g018/board",
            "/board/",
            "/g/%2e%2e/board",
            "/%00",
        ):
            assert (await client.get(path)).status_code in (303, 400, 404), path
        assert (await client.put("/board", headers={"Origin": HOST})).status_code == 405
        assert (await client.request("TRACE", "/board", headers={"Origin": HOST})).status_code == 405


HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "\u202egnp.exe",
    "👩‍⚕️🚪",
    "'\"><script>alert(1)</script>",
    "{{7*7}}",
    "a\x00b",
]


@pytest.mark.parametrize("text", HOSTILE)
async def test_hostile_text_is_shown_as_text(world: World, text: str) -> None:
    async with world.as_("admin") as admin:
        await admin.post("/staff", data={"login": "hostile", "name": text, "role": "worker", "grids": "g017"})
        page = (await admin.get("/staff")).text
    assert "<img src=x" not in page
    assert "<script>alert" not in page
    assert ">49<" not in page
    async with world.as_("worker-night") as client:
        found = (await client.get("/households", params={"q": text})).text
    assert "<img src=x" not in found
    assert "<script>alert" not in found


def test_the_scripts_are_of_2017() -> None:
    # Optional chaining, ??, object spread, catch without a name, flat, matchAll: none of it runs on a phone of 2019.
    too_new = re.compile(
        r"\?\.[a-zA-Z\[(]|\?\?|\{\s*\.\.\.|,\s*\.\.\.[a-z]+\s*\}|catch\s*\{|\.flat\(|\.matchAll\(|\.replaceAll\(|\.at\("
    )
    for script in SCRIPTS:
        code = re.sub(r"//.*", "", script.read_text("utf-8"))
        assert not too_new.search(code), f"{script.name}: {too_new.search(code)}"


def test_the_style_sheet_is_of_2019() -> None:
    sheet = (look.HERE / "static" / "desk.css").read_text("utf-8")
    code = re.sub(r"/\*.*?\*/", "", sheet, flags=re.DOTALL)
    for too_new in (
        ":focus-visible", ":has(", ":is(", ":where(", "aspect-ratio", "inset:", "clamp(", "color-mix", "@layer",
    ):  # fmt: skip
        assert too_new not in code, too_new
    assert not re.search(r"(?<!grid-)(?<!column-)\bgap:", code), "gaps are for grids only, and are written grid-gap"
