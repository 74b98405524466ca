import json
import sys
import time
from types import SimpleNamespace

from gateway.edge.say import Seldom, say


def test_a_line_is_one_json_object(capsys):
    say("listening", note="a\nb", subject="gun\u2028\x9b2J 卡点", fault=ValueError("x"))
    [line] = capsys.readouterr().err.splitlines()
    found = json.loads(line)
    assert (found["event"], found["process"], found["note"], found["fault"]) == ("listening", "gateway", "a\nb", "x")
    assert found["subject"] == "gun\u2028\x9b2J 卡点"
    assert line.isprintable()


def test_chinese_is_readable(capsys):
    say("listening", subject="卡点")
    assert "卡点" in capsys.readouterr().err


def test_the_same_thing_is_said_seldom_and_how_often_it_was_held_back(capsys, monkeypatch):
    now_s = [1000.0]
    clock = SimpleNamespace(monotonic=lambda: now_s[0], strftime=time.strftime, gmtime=time.gmtime)
    monkeypatch.setattr("gateway.edge.say.time", clock)
    seldom = Seldom(every_s=60)
    for _ in range(5):
        seldom.say("refused", "door-1")
    seldom.say("refused", "door-2")
    assert len(capsys.readouterr().err.splitlines()) == 2
    now_s[0] += 60
    seldom.say("refused", "door-1")
    assert json.loads(capsys.readouterr().err)["held_back"] == 4


def test_what_it_remembers_is_bounded(capsys):
    seldom = Seldom(most=10)
    for n in range(1000):
        seldom.say("refused", str(n))
    assert len(seldom._last) <= 10


class FullDisk:
    def write(self, text: str) -> int:
        raise OSError(28, "No space left on device")

    def flush(self) -> None:
        raise AssertionError("nothing was written")


def test_a_log_that_cannot_be_written_stops_nothing(monkeypatch):
    monkeypatch.setattr(sys, "stderr", FullDisk())
    say("the disk is full")
