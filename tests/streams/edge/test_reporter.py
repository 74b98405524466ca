"""Reports about ourselves: kept until the gateway's door has taken them, the newest word about each part."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from streams.edge import reporter as module
from streams.edge.reporter import Reporter
from tests.servers import free_port
from tests.waiting import wait_until


class Door:
    """The gateway's door as a small HTTP server: what it was told, and what it answers."""

    def __init__(self, port: int) -> None:
        self.told: list[dict] = []
        self.status = 200
        self.asked = 0
        door = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                right = self.path == "/reports" and self.headers["Authorization"] == "Bearer the-token"
                status = door.status if right else 401
                door.asked += 1  # only now: whoever has waited for it may set another status
                if status == 200:
                    door.told.append(body)
                self.send_response(status)
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_: object) -> None:
                pass

        self._server = HTTPServer(("127.0.0.1", port), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def port():
    return free_port()


@pytest.fixture
def reporter(tmp_path, port, monkeypatch):
    monkeypatch.setattr(module, "_AGAIN_S", 0.05)
    (tmp_path / "door.token").write_text("the-token\n")
    made = Reporter(address=f"127.0.0.1:{port}", token_file=tmp_path / "door.token")
    yield made
    made.close()


@pytest.fixture
def door(port):
    made = Door(port)
    yield made
    made.close()


def test_a_report_reaches_the_door(reporter, door):
    reporter.say("sink", well=False, detail="behind")
    wait_until(lambda: door.told)
    assert door.told == [{"part": "sink", "well": False, "detail": "behind"}]
    wait_until(lambda: reporter.waiting() == 0)


def test_a_part_found_well_at_first_is_said_only_for_a_report_that_stands(reporter, door):
    for _ in range(3):
        reporter.say("sink", well=True)
    wait_until(lambda: door.told)
    reporter.say("disk", well=False, detail="full")
    wait_until(lambda: len(door.told) == 2)
    reporter.say("disk", well=True)
    wait_until(lambda: len(door.told) == 3)
    assert door.told == [
        {"part": "sink", "well": True, "detail": "", "if_standing": True},
        {"part": "disk", "well": False, "detail": "full"},
        {"part": "disk", "well": True, "detail": ""},
    ]


def test_what_is_wrong_does_not_wait_for_what_is_not_known_yet(reporter, door, monkeypatch, capsys):
    monkeypatch.setattr(module, "_AGAIN_S", 60.0)
    door.status = 503
    reporter.say("sink", well=True)
    wait_until(lambda: door.asked)
    door.status = 200
    assert reporter.waiting() == 0
    reporter.say("sink", well=False, detail="behind")
    wait_until(lambda: door.told)
    assert [(told["well"], "if_standing" in told) for told in door.told] == [(False, False)]
    assert "did not take" not in capsys.readouterr().err


def test_what_others_report_under_the_same_name_is_said_again_and_again_while_it_is_so(reporter, door, monkeypatch):
    monkeypatch.setattr(module, "_REPEAT_S", 0.05)
    monkeypatch.setattr(Reporter, "shared", frozenset({"clock"}))
    reporter.say("disk", well=False, detail="full")
    reporter.say("clock", well=False, detail="set back")
    wait_until(lambda: len(door.told) >= 4)
    assert {told["part"] for told in door.told[2:]} == {"clock"}
    reporter.say("clock", well=True)
    wait_until(lambda: door.told[-1]["well"])
    told = len(door.told)
    with pytest.raises(AssertionError):
        wait_until(lambda: len(door.told) > told, 0.3)


def test_the_same_is_not_said_twice(reporter, door):
    for _ in range(5):
        reporter.say("sink", well=False, detail="behind")
    reporter.say("disk", well=False, detail="full")
    wait_until(lambda: len(door.told) == 2)
    assert [told["part"] for told in door.told] == ["sink", "disk"]


def test_a_door_that_is_away_is_tried_until_it_is_there_and_hears_the_newest(reporter, port, capsys):
    reporter.say("sink", well=False, detail="ten minutes")
    reporter.say("sink", well=False, detail="twenty minutes")
    wait_until(lambda: "did not take a report about sink" in capsys.readouterr().err)
    door = Door(port)
    wait_until(lambda: door.told)
    door.close()
    assert door.told == [{"part": "sink", "well": False, "detail": "twenty minutes"}]


def test_a_door_that_refuses_is_tried_again(reporter, door):
    door.status = 503
    reporter.say("sink", well=False, detail="behind")
    wait_until(lambda: reporter.waiting() == 1)
    door.status = 200
    wait_until(lambda: door.told)


def test_a_token_that_is_no_text_is_read_again(tmp_path, reporter, door, capsys):
    (tmp_path / "door.token").write_bytes(b"\xff")
    reporter.say("sink", well=False, detail="behind")
    wait_until(lambda: "did not take a report about sink" in capsys.readouterr().err)
    (tmp_path / "door.token").write_text("the-token")
    wait_until(lambda: door.told)


def test_a_token_that_comes_later_is_read_then(tmp_path, reporter, door):
    (tmp_path / "door.token").unlink()
    reporter.say("sink", well=False, detail="behind")
    wait_until(lambda: reporter.waiting() == 1)
    (tmp_path / "door.token").write_text("the-token")
    wait_until(lambda: door.told)
