"""A fuzzer over the description of the desk's API: whatever is sent, by whomever, no route answers with a 500.

The description is made from the app itself (it is not served).  Each route is asked as several people, with what the
description allows and with what it does not; so that a request also gets behind the door, its places and ids are now
and then those of the story.  An exception in a route ends the test: the client raises it instead of answering 500.
"""

import asyncio
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
import schemathesis
from fastapi import FastAPI, HTTPException
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode

from duty.access import ROWS
from duty.edge import demo_people
from duty.edge.auth import SESSION_MS
from duty.edge.desk.rights import RIGHTS, Somewhere
from duty.edge.store import Session
from duty.people import STAFF_ROLES
from tests.desk_world import HOST, World

EXAMPLES = 10  # of each route, half of them against the description
STREAM_S = 0.05  # a live stream that began well is not waited for
STRANGER = ""

# What makes a request mean something: values of the story, by the name of the parameter or field.
KNOWN: dict[str, tuple[Any, ...]] = {
    "grid": ("g017", "g018"),
    "building": ("3", "5"),
    "unit": ("1203", "0402"),
    "checkpoint": ("north",),
    "household": ("g017/3/1203", "g017/5/0402", "3/1203", "pool"),
    "incident": ("g017/3/1203/undeclared-opening/1", "g017/north/fever/1", "g018/1/0101/undeclared-opening/1"),
    "id": ("g017/3/1203/undeclared-opening/1", "g017/north/fever/1"),
    "key": ("g017/3/1203/undeclared-opening/1", "g017/3/1203", "g017/north"),
    "person": ("w-001", "w-001-relief", "d-001"),
    "channel": ("w-001-desk",),
    "device": ("door-g017-3-1203", "pool-01", "gun-north-1"),
    "disposition": ("true-alarm", "device-fault", "test"),
    "role": ("worker", "police", "doctor", "guard"),
    "screen": ("board", "household", "buildings", "checkpoint", "incident", "figures"),
    "language": ("zh", "en"),
    "what": ("declare", "well", "help", "temperature", "symptoms"),
    "first": ("2020-02-16",),
    "last": ("2020-02-20",),
    "day": ("2020-02-16", "2020-02-30"),
    "date": ("2020-02-16",),
    "from": ("2020-02-16T09:00",),
    "until": ("2020-02-17T09:00",),
    "celsius": ("36.6", "nan", "1e999"),
}


class Asker:
    """The desk of a story, and a client that is logged in again whenever a request before ended its session."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.people = {person.login: person for person in world.store.people()}
        now_ms = world.clock_ms()
        resident = world.links.give_resident("g017/3/1203", "none", until_ms=now_ms + 86_400_000, now_ms=now_ms)
        self.known = KNOWN | {"token": (resident, "none")}
        self.sessions = 0

    def cookie(self, login: str) -> str:
        """A new session of `login`, who is what they were at the start."""
        person, store, now_ms = self.people[login], self.world.store, self.world.clock_ms()
        self.sessions += 1
        token = f"fuzz-{self.sessions}"
        with store.together():
            store.save_person(person)
            if person.has_totp:
                store.set_totp(person.id, demo_people.TOTP_SECRET)
            store.add_session(
                Session(
                    token_hash=hashlib.sha256(token.encode()).hexdigest(),
                    person=person.id,
                    created_ms=now_ms,
                    until_ms=now_ms + SESSION_MS,
                    seen_ms=now_ms,
                    passed_totp=person.has_totp,
                )
            )
        return token

    async def ask(self, app: FastAPI, login: str, request: dict[str, Any]) -> int | None:
        """The status of the answer; None of a stream that began well."""
        asked = {"method": request["method"], "url": request["url"], "params": _texts(request.get("params") or {})}
        headers = {name: value for name, value in request["headers"].items() if value.isascii()}
        if isinstance(data := request.get("data"), dict) and not request.get("files"):
            asked["content"] = urlencode(_texts(data), errors="surrogatepass").encode()
        elif isinstance(data, bytes | str):
            asked["content"] = data
        else:
            asked |= {name: request[name] for name in ("data", "json", "files") if request.get(name) is not None}
        transport = httpx.ASGITransport(app, raise_app_exceptions=True)
        async with httpx.AsyncClient(transport=transport, headers=headers | {"Origin": HOST}) as client:
            if login:
                client.cookies.set(self.world.auth.cookie_name, self.cookie(login))
            try:
                async with asyncio.timeout(STREAM_S if asked["url"].endswith("/live") else None):
                    return (await client.request(**asked)).status_code
            except TimeoutError:
                return None


def _texts(values: dict[str, Any]) -> list[tuple[str, str]]:
    """A form's or an address's fields, as a browser would send them."""
    pairs = [(name, each) for name, value in values.items() for each in (value if isinstance(value, list) else [value])]
    return [(_text(name), _text(value)) for name, value in pairs]


def _text(value: object) -> str:
    return str(value).encode("utf-8", "replace").decode()


def who_may(method: str, path: str) -> list[str]:
    """The log-ins that the table lets in, and a stranger."""
    right = RIGHTS[method, path]
    action = right.action if isinstance(right, Somewhere) else right
    roles = ROWS[action].roles if action in ROWS else STAFF_ROLES
    return [role for role in STAFF_ROLES if role in roles] + [STRANGER]


@cache
def described(app: FastAPI) -> Any:
    """The description of an app's API, as the fuzzer reads it."""
    return schemathesis.openapi.from_dict(app.openapi())


def fuzz(asker: Asker, app: FastAPI, method: str, path: str, examples: int = EXAMPLES) -> set[int | None]:
    """Ask one route; the statuses of its answers."""
    operation = described(app)[path][method]
    answers: set[int | None] = set()
    logins = who_may(method, path) if (method, path) in RIGHTS else [STRANGER]
    cases = st.one_of(
        operation.as_strategy(generation_mode=GenerationMode.POSITIVE),
        operation.as_strategy(generation_mode=GenerationMode.NEGATIVE),
    )

    with asyncio.Runner() as runner:

        @settings(
            max_examples=examples,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=cases, login=st.sampled_from(logins), data=st.data())
        def one(case: Any, login: str, data: st.DataObject) -> None:
            for fields in (case.path_parameters, case.query, case.body):
                for name in fields if isinstance(fields, dict) else ():
                    if name in asker.known and data.draw(st.integers(0, 3)):
                        fields[name] = data.draw(st.sampled_from(asker.known[name]))
            status = runner.run(asker.ask(app, login, case.as_transport_kwargs(base_url=HOST)))
            answers.add(status)
            assert status is None or status < 500, f"{method} {path} as {login or 'nobody'} answered {status}"

        one()
    return answers


@pytest.fixture(scope="module")
def asker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asker]:
    world = World(tmp_path_factory.mktemp("fuzz"))
    yield Asker(world)
    world.close()


@pytest.mark.parametrize(("method", "path"), sorted(RIGHTS))
def test_whatever_is_sent_no_route_answers_500(asker: Asker, method: str, path: str) -> None:
    assert fuzz(asker, asker.world.app, method, path)


def test_it_gets_behind_the_door(tmp_path: Path) -> None:
    """What is refused at the door tries nothing: some of the requests must reach the story, which is a fresh one here:
    whatever was asked before, in whichever order, may have closed its incidents."""
    asker = Asker(World(tmp_path))
    before = len(asker.world.door.commands)
    assert fuzz(asker, asker.world.app, "POST", "/g/{grid}/close", 40) >= {200, 404, 422}
    assert fuzz(asker, asker.world.app, "GET", "/g/{grid}/h/{building}/{unit}", 40) >= {200, 404}
    fuzz(asker, asker.world.app, "POST", "/g/{grid}/h/{building}/{unit}/declare", 40)
    assert len(asker.world.door.commands) > before
    asker.world.close()


def test_a_route_that_fails_is_found(asker: Asker) -> None:
    """The same fuzzer over an app with two planted faults: one that raises, one that answers 500 by itself."""
    app = FastAPI()
    app.get("/sound/{n}")(lambda n: {"n": n})
    app.get("/raises/{n}")(lambda n: 1 // (len(n) - 1))
    app.get("/answers/{n}")(lambda n: n if len(n) > 1 else _fails())
    assert fuzz(asker, app, "GET", "/sound/{n}") >= {200}
    with pytest.raises(ZeroDivisionError):
        fuzz(asker, app, "GET", "/raises/{n}", 50)
    with pytest.raises(AssertionError, match="answered 503"):
        fuzz(asker, app, "GET", "/answers/{n}", 50)


def _fails() -> None:
    raise HTTPException(503)
