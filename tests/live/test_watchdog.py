"""The outside watchdog as its own process, over a real box: it tells when the box is killed, and when it is back."""

import json
import re
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from deploy.launch import environment
from tests.house.tree import ROOT
from tests.live.box import Box
from tests.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(500)]

# A busy machine answers late now and then: a box that is well is not told as dead for that.
DEAD_AFTER_S = 15
FLEET = """\
[[device]]
id = "door-1"
format = "native"
topic = "threshold/g017/door-1/door"
household = "g017/3/1203"
"""


class Ear:
    """Somebody's webhook: what was told it, and when."""

    def __init__(self) -> None:
        self.told: list[tuple[float, str]] = []
        ear = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                ear.told.append((time.time(), body["text"]))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Silent."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/told"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def ear() -> Iterator[Ear]:
    made = Ear()
    yield made
    made.server.shutdown()


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    made = Box(tmp_path / "box", FLEET)
    yield made
    made.remove()


def watchdog(folder: Path, url: str, ear: Ear, *more: str) -> subprocess.Popen[str]:
    """The command, with its own file."""
    file = folder / "watchdog.toml"
    file.write_text(
        f'url = "{url}"\nsite = "阳光小区"\nlanguage = "en"\nevery_s = 1\ndead_after_s = {DEAD_AFTER_S}\n'
        f'[[channel]]\nkind = "webhook"\ntarget = "{ear.url}"\n',
        "utf-8",
    )
    return subprocess.Popen(
        [sys.executable, "-m", "deploy.cli", "watchdog", "--config", str(file), *more],
        cwd=ROOT, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def is_well(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            return json.loads(answer.read())["well"]
    except OSError:
        return False


def second_of(said: str, until_s: float) -> int:
    """Which second of the last minutes is said so."""
    for second in range(int(until_s) + 10, int(until_s) - 600, -1):
        if time.strftime("%m-%d %H:%M:%S", time.localtime(second)) == said:
            return second
    raise AssertionError(f"{said} is not of the last minutes")


def test_a_box_that_is_killed_is_told_with_its_last_good_time(tmp_path: Path, box: Box, ear: Ear) -> None:
    url = f"http://{box.settings.desk.listen}/health"
    box.start()
    box.wait_ready()
    wait_until(lambda: is_well(url), 120, "the box to be well")
    dog = watchdog(tmp_path, url, ear)
    try:
        # Long enough that a watchdog which tells of a box that is well would have told.
        time.sleep(DEAD_AFTER_S + 2)
        assert ear.told == []
        assert dog.poll() is None

        killed_s = time.time()
        box.remove()  # the supervisor; with it every process of the box dies
        gone_s = time.time()
        wait_until(lambda: ear.told, 120, "the watchdog's word")
        at_s, text = ear.told[0]
        assert "【阳光小区】The duty system has not answered since" in text
        since = re.search(r"since (\d\d-\d\d \d\d:\d\d:\d\d) \(UTC[+-]\d\d:\d\d\)", text)
        assert since is not None, text
        # The last time it was well: not later than the kill, and not long before it, or it would have told sooner.
        well_s = second_of(since[1], at_s)
        assert killed_s - DEAD_AFTER_S <= well_s <= gone_s + 2
        assert at_s - well_s >= DEAD_AFTER_S

        box.start()
        box.wait_ready()
        wait_until(lambda: len(ear.told) >= 2, 120, "the word that it is back")
        assert "The duty system is back" in ear.told[1][1]
    finally:
        dog.terminate()
        said, _ = dog.communicate(timeout=60)
    assert dog.returncode == 0, said
    assert "Traceback" not in said


def test_a_try_tells_every_channel_once_and_ends(tmp_path: Path, ear: Ear) -> None:
    dog = watchdog(tmp_path, "http://127.0.0.1:9/health", ear, "--test")
    said, _ = dog.communicate(timeout=120)
    assert dog.returncode == 1, "the box does not answer"
    assert "does not say that it is well" in said
    assert "webhook: accepted" in said
    assert [text for _, text in ear.told] == [
        "【阳光小区】Outside watch of the duty system: a test, nothing needs doing."
    ]
