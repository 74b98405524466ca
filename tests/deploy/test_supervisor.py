"""The supervisor: starts, restarts with growing pauses, passes lines on, stops everything, leaves no orphan."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from deploy import supervisor
from streams.troubles import Trouble, parsed

WELL = "print('ready', flush=True); import time; time.sleep(600)"
FALLS = "print('ready', flush=True); import sys; sys.exit(3)"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(600)"


PATIENT = "supervisor.STOP_S = 600.0"  # what does not stop is waited for longer than any test waits


def eventually(condition, within_s=60.0):
    end_s = time.monotonic() + within_s
    while time.monotonic() < end_s:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError("it did not come about")


def is_alive(pid):
    try:
        return open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):  # it may go between the opening and the reading
        return False


class Box:
    def __init__(self, data, programs, door="127.0.0.1:1", changed=""):
        self.data = data
        rows = [{"name": name, "argv": [sys.executable, "-c", text]} for name, text in programs.items()]
        plan = {"data": str(data), "door": door, "log": str(data / "log"), "processes": rows}
        self.plan = data / "plan.json"
        self.plan.write_text(json.dumps(plan))
        self.process = self.start_with(changed) if changed else self.start()

    def start(self):
        return subprocess.Popen(
            [sys.executable, "-I", "-S", supervisor.__file__, str(self.plan)], stderr=subprocess.PIPE
        )

    def start_with(self, text):
        """One that is changed by `text` before it runs."""
        code = f"import sys\nsys.path.insert(0, sys.argv[1])\nimport supervisor\n{text}\nsupervisor.main(sys.argv[2])"
        argv = [sys.executable, "-I", "-S", "-c", code, os.path.dirname(supervisor.__file__), str(self.plan)]
        return subprocess.Popen(argv, stderr=subprocess.PIPE)

    def seen(self):
        with contextlib.suppress(FileNotFoundError):
            return {row["name"]: row for row in json.loads((self.data / "processes.json").read_text())["processes"]}
        return {}

    def log(self):
        return (self.data / "log").read_text()

    def is_ready(self):
        seen = self.seen()
        return seen and all(row["ready"] for row in seen.values())


@pytest.fixture
def box(tmp_path):
    boxes = []

    def make(programs, **more):
        boxes.append(Box(tmp_path, programs, **more))
        return boxes[-1]

    yield make
    for made in boxes:
        made.process.kill()
        made.process.communicate()


def test_it_starts_everything_says_when_it_is_ready_and_stops_it(box):
    made = box({"gateway": WELL, "streams": WELL})
    eventually(made.is_ready)
    pids = [row["pid"] for row in made.seen().values()]
    made.process.send_signal(signal.SIGTERM)
    assert made.process.wait(60) == 0
    assert "did not stop, killed" not in made.log()
    assert not any(is_alive(pid) for pid in pids)
    assert "gateway  | ready\n" in made.log()
    assert "threshold| ready after" in made.log()
    assert made.log().endswith("threshold| stopped\n")


def test_what_ends_is_started_again_after_a_pause_that_grows(box):
    made = box({"gateway": WELL, "streams": FALLS})
    eventually(lambda: made.seen().get("streams", {}).get("restarts", 0) >= 3)
    log = made.log()
    for pause in ("0.2", "0.4", "0.8"):
        assert f"streams ended with code 3; started again in {pause} s" in log
    assert made.seen()["gateway"]["restarts"] == 0


def test_a_kill_is_told_by_its_name_and_healed(box):
    made = box({"gateway": WELL})
    eventually(made.is_ready)
    first = made.seen()["gateway"]["pid"]
    os.kill(first, signal.SIGKILL)
    eventually(lambda: made.is_ready() and made.seen()["gateway"]["pid"] != first)
    assert made.seen()["gateway"]["last_end"] == "was ended by SIGKILL"
    assert made.seen()["gateway"]["restarts"] == 1


def test_a_program_that_is_not_there_does_not_stop_the_rest(tmp_path, box):
    made = box({"gateway": WELL})
    made.process.kill()
    made.process.communicate()
    plan = json.loads(made.plan.read_text())
    plan["processes"].append({"name": "sink", "argv": [str(tmp_path / "nothing")]})
    made.plan.write_text(json.dumps(plan))
    made.process = made.start()
    eventually(lambda: made.seen().get("sink", {}).get("restarts", 0) >= 2)
    eventually(lambda: made.seen()["gateway"]["ready"])
    assert "No such file" in made.seen()["sink"]["last_end"]


def test_killed_itself_it_leaves_no_orphan(box):
    made = box({"gateway": WELL, "streams": DEAF})
    eventually(made.is_ready)
    pids = [row["pid"] for row in made.seen().values()]
    made.process.kill()
    made.process.wait()
    eventually(lambda: not any(is_alive(pid) for pid in pids))


def test_two_boxes_do_not_share_a_data_folder(box):
    made = box({"gateway": WELL})
    eventually(made.is_ready)
    second = made.start()
    _, said = second.communicate(timeout=60)
    assert second.returncode == 1
    assert b"is in use by another" in said


def test_what_does_not_stop_is_killed_and_ctrl_c_twice_does_it_at_once(box):
    made = box({"gateway": DEAF}, changed=PATIENT)
    eventually(made.is_ready)
    pid = made.seen()["gateway"]["pid"]
    made.process.send_signal(signal.SIGINT)
    eventually(lambda: "stopping (SIGINT)" in made.log())
    assert is_alive(pid)
    made.process.send_signal(signal.SIGINT)
    assert made.process.wait(60) == 0
    assert not is_alive(pid)
    assert "gateway: did not stop, killed" in made.log()


def test_asked_to_stop_in_the_middle_of_a_start_it_stops_that_process_too(tmp_path, box):
    slow_start = f"""
import os, time
def arrange():
    open({str(tmp_path / "starting")!r}, "w").close()
    while not os.path.exists({str(tmp_path / "go")!r}):
        time.sleep(0.01)
supervisor.die_with_parent = lambda: arrange
"""
    made = box({"gateway": WELL}, changed=PATIENT + slow_start)
    eventually((tmp_path / "starting").exists)
    made.process.send_signal(signal.SIGTERM)
    time.sleep(0.2)  # it comes while the process is being started; later would do no harm
    (tmp_path / "go").touch()
    assert made.process.wait(60) == 0
    assert "gateway: did not stop, killed" not in made.log()


class TakesReports:
    """A door as the gateway has one, in a thread; refuses the first call, as a gateway that is not up yet."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.socket.getsockname()[1]}"
        self.bodies = []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        for number in range(100):
            with contextlib.suppress(OSError):
                connection, _ = self.socket.accept()
                with connection:
                    request = b""
                    while b"\r\n\r\n" not in request or not request.endswith(b"}"):
                        if not (more := connection.recv(4096)):
                            raise ConnectionResetError
                        request += more
                    assert b"Authorization: Bearer secret\r\n" in request
                    if number == 0:
                        connection.sendall(b"HTTP/1.1 503 Not Yet\r\n\r\n")
                    else:
                        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n{}")
                        self.bodies.append(json.loads(request.partition(b"\r\n\r\n")[2]))


def test_a_process_that_keeps_ending_is_reported_once_through_the_door(tmp_path, box):
    door = TakesReports()
    (tmp_path / "door.token").write_text("secret\n")
    made = box({"streams": FALLS}, door=door.address)
    eventually(lambda: door.bodies)
    detail = "streams ended with code 3, 3 times in 5 min"
    values = {"how": "ended with code 3", "times": 3, "minutes": 5.0}
    told = {"part": "streams", "well": False, "detail": detail, "code": "process-ends", "values": values}
    assert door.bodies == [told]
    assert parsed(told) == Trouble("process-ends", values)
    assert made.seen()["streams"]["restarts"] >= 3


def test_a_log_that_nobody_reads_never_holds_it_up(tmp_path):
    reader, writer = os.pipe()
    with os.fdopen(writer, "w") as out:
        lines = supervisor.Lines(out)
        for number in range(5000):
            lines.put("gateway", b"x" * 200 + b" %d" % number)
        os.set_blocking(reader, False)
        read = b""
        for _ in range(5000):
            lines.flush()
            with contextlib.suppress(BlockingIOError):
                read += os.read(reader, 65_536)
    os.close(reader)
    assert b"log lines were dropped here" in read
    assert read.splitlines()[-1].endswith(b" 4999")
    assert len(read.splitlines()) < 5000
