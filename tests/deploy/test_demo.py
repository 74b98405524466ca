"""The demonstration as a newcomer starts it: real processes, a real listener, a real proof."""

import json
import os
import signal
import socket
import subprocess
import sys

import pytest

from deploy.demo import free_address
from deploy.launch import environment
from tests.waiting import wait_until


def demo(tmp_path, *arguments):
    command = [sys.executable, "-m", "deploy.cli", "demo", *arguments]
    return subprocess.Popen(
        command, cwd=tmp_path, env={**environment(), "TMPDIR": str(tmp_path)}, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


@pytest.mark.slow
def test_a_run_without_a_desk_proves_that_nothing_was_lost(tmp_path):
    process = demo(tmp_path, "--headless", "--seconds", "8", "--households", "120", "--seed", "7", "--report", "r.json")
    out, err = process.communicate(timeout=280)
    assert process.returncode == 0, out + err
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["sent"] == report["acknowledged"] > 100
    assert (report["lost"], report["duplicated"]) == (0, 0)
    assert report["incidents"] > 0
    assert report["pages_by_role"]["worker"] == report["pages_heard"] - sum(
        count for role, count in report["pages_by_role"].items() if role != "worker"
    )
    assert set(report["processes"]) >= {"gateway", "streams", "sink", "desk", "supervisor", "compound"}
    assert "lost                 0\n" in out
    assert [path.name for path in tmp_path.iterdir()] == ["r.json"]


@pytest.mark.slow
def test_ctrl_c_ends_everything_and_leaves_nothing(tmp_path):
    process = demo(tmp_path, "--households", "40")
    assert process.stdout is not None
    said = ""
    while "Ctrl-C ends it" not in said:
        line = process.stdout.readline()
        assert line, process.stderr.read() if process.stderr else ""
        said += line
    assert "http://127.0.0.1:" in said
    [folder] = tmp_path.iterdir()
    pids = [row["pid"] for row in json.loads((folder / "data" / "processes.json").read_text())["processes"]]
    process.send_signal(signal.SIGINT)
    assert process.wait(150) == 0
    wait_until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in pids), what="the end of all processes")
    assert list(tmp_path.iterdir()) == []


def test_a_port_that_is_taken_is_passed_over():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert free_address(port) != f"127.0.0.1:{port}"
    assert free_address(0).startswith("127.0.0.1:")
