"""A box from its first start, over HTTP and MQTT alone: nobody has an account, a team is made, a door opens.

Real gateway, core and desk.  What is proved here as a whole is tried in parts under tests/duty.
"""

import re
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import paho.mqtt.client as paho
import pytest
from pyotp.totp import TOTP

from tests.gateway.worlds import SECRET, SECRET_SHA256
from tests.live.box import Box
from tests.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

HOME = "g017/3/1203"
INCIDENT = f"{HOME}/undeclared-opening/1"
DOOR = "threshold/g017/door-1/door"
PASSWORD = "a long enough one"
JSON = {"Accept": "application/json"}


def fleet() -> str:
    now = datetime.now(UTC)
    return f"""\
[[device]]
id = "door-1"
format = "native"
topic = "{DOOR}"
household = "{HOME}"
report_every_s = 3600
secret_sha256 = "{SECRET_SHA256}"
[[case]]
household = "{HOME}"
from = "{(now - timedelta(days=2)).isoformat()}"
until = "{(now + timedelta(days=12)).isoformat()}"
"""


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    made = Box(tmp_path / "box", fleet())
    made.start()
    made.wait_ready()
    yield made
    made.stop()
    made.remove()


class Browser(httpx.Client):
    """Somebody's browser."""

    def __init__(self, box: Box) -> None:
        address = f"http://{box.settings.desk.listen}"
        super().__init__(base_url=address, headers={"Origin": address}, timeout=60)

    def log_in(self, name: str, password: str) -> httpx.Response:
        return self.post("/login", data={"name": name, "password": password})

    def new_password(self, once: str) -> None:
        assert self.get("/board").headers["location"] == "/me", "nothing else is open before it is changed"
        done = self.post("/me/password", data={"old": once, "new": PASSWORD, "again": PASSWORD})
        assert done.status_code == 200

    def act(self, what: str, **more: str) -> httpx.Response:
        """What became of it.  A busy machine may say for a while that it is kept and not decided yet: asked again."""
        until_s = time.monotonic() + 60
        while True:
            answer = self.post(f"/g/g017/{what}", data={"incident": INCIDENT, **more}, headers=JSON)
            if answer.status_code != 202 or time.monotonic() > until_s:
                return answer
            time.sleep(0.2)


def administrator(box: Box) -> Browser:
    """By the password that the first start printed; with a second factor, since nothing is open without."""
    (once,) = re.findall(r"one-time password ([a-z0-9-]{19})", box.log())
    admin = Browser(box)
    assert admin.log_in("admin", "admin").status_code == 401
    assert admin.log_in("admin", once).status_code == 303
    admin.new_password(once)
    assert admin.get("/staff").headers["location"] == "/me/totp", "an administrator needs a second factor"
    (secret,) = re.findall(r'<code class="secret">([A-Z2-7]+)<', admin.get("/me/totp").text)
    assert admin.post("/me/totp", data={"secret": secret, "code": "000000"}).status_code == 422
    assert admin.post("/me/totp", data={"secret": secret, "code": TOTP(secret).now()}).status_code == 200
    assert admin.get("/staff").status_code == 200
    assert Browser(box).log_in("admin", once).status_code == 401, "it was for one log-in"
    return admin


def hire(box: Box, admin: Browser, login: str, name: str, role: str) -> tuple[Browser, str]:
    """Somebody new, logged in with a password of their own; and their id."""
    page = admin.post("/staff", data={"login": login, "name": name, "role": role, "grids": "g017"})
    assert page.status_code == 200
    (once,) = re.findall(r'<code class="secret">([a-z0-9-]+)<', page.text)
    (person,) = re.findall(r'action="/staff/([\w-]+)/disable"', page.text)
    browser = Browser(box)
    assert browser.log_in(login, once).status_code == 303
    browser.new_password(once)
    return browser, person


def test_from_the_first_start_to_a_closed_incident(box: Box) -> None:
    admin = administrator(box)
    wang, _ = hire(box, admin, "wang", "王芳", "worker")
    li, li_id = hire(box, admin, "li", "李强", "worker")
    boss, _ = hire(box, admin, "boss", "沈主任", "supervisor")
    assert boss.get("/overview").headers["location"] == "/me/totp", "a supervisor needs one too"
    assert wang.get("/board").status_code == 200

    door = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id="door-1")
    door.username_pw_set("door-1", SECRET)
    host, _, port = box.settings.gateway.listen.rpartition(":")
    door.connect(host, int(port))
    door.loop_start()
    wait_until(door.is_connected)
    for state in ("closed", "open"):
        door.publish(DOOR, f'{{"state":"{state}"}}', qos=1).wait_for_publish(60)
    wait_until(lambda: "未报备开门" in wang.get("/board").text, 60, "the opening on the board")

    # Two answer in the same second: one wins, the other is told whose it is.
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda who: who.act("acknowledge", basis="2"), (wang, li)))
    assert sorted(each.status_code for each in answers) == [200, 409]
    winner = "王芳" if answers[0].status_code == 200 else "李强"
    (late,) = [each.json()["text"] for each in answers if each.status_code == 409]
    assert late.startswith(f"{winner} 已先接警")

    # A command sent twice, and from a second tab, is done once.
    first = wang.act("snooze", minutes="15", reason="在路上", basis="9")
    again = wang.act("snooze", minutes="15", reason="在路上", basis="9")
    assert (first.status_code, again.status_code) == (200, 200)
    history = wang.get(f"/g/g017/incident?id={INCIDENT}").text.partition("经过</h2>")[2]
    assert history.count("在路上") == 1, "put off once, however often it was asked for"

    # Whoever is disabled while a stream is open is out of it by the next beat, and out of everything else at once.
    heard: list[str] = []
    hearing = threading.Event()

    def listen() -> None:
        with li.stream("GET", "/live?screen=board", timeout=60) as stream:
            for line in stream.iter_lines():
                heard.append(line)
                hearing.set()
                if line == "event: end":
                    return

    listener = threading.Thread(target=listen)
    listener.start()
    assert hearing.wait(60)
    stolen = dict(li.cookies)
    assert admin.post(f"/staff/{li_id}/disable", data={"enabled": "no"}).status_code == 303
    by_then = len(heard)
    assert li.act("close", disposition="true-alarm").status_code == 401
    listener.join(60)
    # One beat may have been on its way.
    assert "event: end" in heard
    assert heard[by_then:].count("event: beat") <= 1
    thief = Browser(box)
    thief.cookies.update(stolen)
    assert thief.get("/board").headers["location"].startswith("/login")

    closed = wang.act("close", disposition="true-alarm", note="已劝返")
    # Asked again after it was kept, it is told that it is done: by herself.
    assert closed.status_code == 200 or "这条警情已处置（王芳" in closed.json()["text"]
    too_late = wang.act("close", disposition="test")
    assert (too_late.status_code, "这条警情已处置（王芳" in too_late.json()["text"]) == (409, True)
    # The shift may have ended since.
    assert "已劝返" in wang.get("/handover").text + wang.get("/handover?back=1").text

    stolen = dict(wang.cookies)
    wang.post("/logout")
    thief = Browser(box)
    thief.cookies.update(stolen)
    assert thief.get("/board").headers["location"].startswith("/login")
    door.disconnect()
    door.loop_stop()
    assert "Traceback" not in box.log()
