"""`record`: what a broker carries becomes a trace, line by line, whatever is killed."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from deploy import record
from deploy.launch import environment
from deploy.record import Trace, main
from streams.replay import parse_line
from tests.waiting import wait_until


def lines_of(path):
    return [parse_line(n, line).message for n, line in enumerate(path.read_bytes().splitlines(keepends=True), start=1)]


@pytest.fixture
def publisher(mosquitto):
    client = mqtt.Client(CallbackAPIVersion.VERSION2)
    client.connect("127.0.0.1", mosquitto.port)
    client.loop_start()
    yield client
    client.disconnect()
    client.loop_stop()


def say(client, topic, payload, **more):
    client.publish(topic, payload, qos=1, **more).wait_for_publish(60)


class Recording:
    def __init__(self, mosquitto, out, *more):
        command = [sys.executable, "-m", "deploy.cli", "record", "--broker", mosquitto.url, "--out", str(out), *more]
        self.process = subprocess.Popen(command, env=environment(), stderr=subprocess.PIPE)
        self.out = out

    def heard(self, client):
        """Is it subscribed already?  Said until it hears it."""

        def known():
            say(client, "hello", "there")
            return self.out.exists() and b"hello" in self.out.read_bytes()

        wait_until(known, what="the recording")


def test_messages_become_lines_with_their_bytes_and_the_retained_mark(mosquitto, publisher, tmp_path):
    say(publisher, "kept", b"old", retain=True)
    recording = Recording(mosquitto, tmp_path / "t.jsonl")
    recording.heard(publisher)
    for payload in (b'{"contact":false}', b"open", b"\xff\x00"):
        say(publisher, "door/1", payload)
    wait_until(lambda: (tmp_path / "t.jsonl").read_bytes().count(b"door/1") == 3)
    recording.process.send_signal(signal.SIGINT)
    assert recording.process.wait(60) == 0
    messages = lines_of(tmp_path / "t.jsonl")
    assert [m.payload for m in messages if m.topic == "door/1"] == [b'{"contact":false}', b"open", b"\xff\x00"]
    assert [m.retained for m in messages if m.topic == "kept"] == [True]


def test_a_recording_that_was_killed_goes_on_with_what_it_missed(mosquitto, publisher, tmp_path):
    out = tmp_path / "t.jsonl"
    recording = Recording(mosquitto, out)
    recording.heard(publisher)
    recording.process.kill()
    recording.process.wait()
    with out.open("ab") as file:
        file.write(b'{"t":"2020-02-16T09:30:00+08:00","top')  # cut in the middle
    say(publisher, "door/1", b"open")
    again = Recording(mosquitto, out)
    again.heard(publisher)
    wait_until(lambda: b"door/1" in out.read_bytes())
    again.process.terminate()
    assert again.process.wait(60) == 0
    assert [m.payload for m in lines_of(out) if m.topic == "door/1"] == [b"open"]


def test_only_the_topics_asked_for_and_only_so_long(mosquitto, publisher, tmp_path, capsys, monkeypatch):
    for topic in ("b/1", "a/1"):
        say(publisher, topic, b"x", retain=True)  # it comes whenever the recording is subscribed

    def passed_s() -> float:
        """Time stands until a message is recorded, and nothing more has come for a moment."""
        if not (tmp_path / "t.jsonl").exists() or not (tmp_path / "t.jsonl").stat().st_size:
            return 0.0
        time.sleep(0.3)
        return 2.6

    monkeypatch.setattr(record, "time", SimpleNamespace(monotonic=passed_s, time_ns=time.time_ns))
    assert main(broker=mosquitto.url, out=tmp_path / "t.jsonl", topics=["a/#"], seconds=2.5) == 0
    assert [m.topic for m in lines_of(tmp_path / "t.jsonl")] == ["a/1"]
    assert "1 messages recorded" in capsys.readouterr().err


def test_a_full_disk_ends_it_with_a_word(mosquitto, publisher, capsys):
    say(publisher, "a/1", b"x", retain=True)
    # What is written to this device does not fit.
    assert main(broker=mosquitto.url, out=Path("/dev/full"), topics=["#"], seconds=60) == 1
    assert "No space left" in capsys.readouterr().err


def test_no_address(capsys, tmp_path):
    assert main(broker="ftp://h", out=tmp_path / "t", topics=["#"]) == 2
    assert "is not mqtt://host:port" in capsys.readouterr().err


def test_files_rotate_the_newest_has_the_plain_name(tmp_path):
    trace = Trace(tmp_path / "t.jsonl", largest=20)
    for n in range(7):
        trace.write(b"line %d\n" % n)
    trace.close()
    kept = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert kept == {
        "t.jsonl": b"line 6\n",
        "t.jsonl.1": b"line 4\nline 5\n",
        "t.jsonl.2": b"line 2\nline 3\n",
        "t.jsonl.3": b"line 0\nline 1\n",
    }


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"", b""),
        (b"a\n", b"a\n"),
        (b"a\nb", b"a\n"),
        (b"half", b""),
        (b"a\n" + b"x" * 200_000, b"a\n"),
    ],
)
def test_a_half_line_of_an_earlier_run_is_ended(tmp_path, before, after):
    path = tmp_path / "t.jsonl"
    path.write_bytes(before)
    trace = Trace(path)
    trace.write(b"c\n")
    trace.close()
    assert path.read_bytes() == after + b"c\n"


def test_a_line_is_with_the_system_as_soon_as_it_is_written(tmp_path):
    trace = Trace(tmp_path / "t.jsonl")
    trace.write(b"a\n")
    assert (tmp_path / "t.jsonl").read_bytes() == b"a\n"
    trace.close()


def test_the_trace_says_when(mosquitto, publisher, tmp_path):
    began_ms = time.time() * 1000
    recording = Recording(mosquitto, tmp_path / "t.jsonl")
    recording.heard(publisher)
    recording.process.terminate()
    recording.process.wait(60)
    first = json.loads((tmp_path / "t.jsonl").read_text().splitlines()[0])
    parsed = parse_line(1, json.dumps(first).encode())
    assert began_ms <= parsed.t_ms <= time.time() * 1000
    assert os.path.getsize(tmp_path / "t.jsonl") > 0
