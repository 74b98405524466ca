"""What came in, in words."""

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from devices.events import Event
from duty.edge.desk.happened import happened
from duty.edge.desk.moments import Moments
from duty.edge.desk.names import Names
from duty.edge.desk.say import Say
from duty.edge.desk.texts import Language
from duty.people import Person
from streams.commands import Command
from streams.frames import BridgeRow, DeviceRow, Receipt, SystemReport
from tests.streams.core import HOME, ms

ZONE = ZoneInfo("Asia/Shanghai")
NOW_MS = ms("09:30")


def told(record: Any, language: Language = "en") -> tuple[str, str, str]:
    names = Names(lambda: [Person(id="w-001", login="w", name="Wang", roles=("worker",), grids=("g017",))])
    found = happened(record, Say(language, ZONE), Moments(language, ZONE, NOW_MS), names)
    return found.who, found.what, found.beside


def event(kind: Any = "door", **facets: Any) -> Event:
    return Event("00" * 8, "door-1", "g017", "household", HOME, NOW_MS, kind, **facets)


@pytest.mark.parametrize(
    ("record", "what"),
    [
        (event(open=True, opens_counted=7, battery_percent=88.0), ("door-1", "door open", "count 7 · battery 88 %")),
        (event(open=False, report="retained"), ("door-1", "door closed", "a state")),
        (event(open=True, device_ms=ms("08:00")), ("door-1", "door open", "its own time 08:00:00")),
        (event("temperature", celsius=37.46, site="ear", pass_id="A-1"), ("door-1", "37.5 °C (ear)", "pass A-1")),
        (event("temperature", celsius=20.0, implausible=True), ("door-1", "20.0 °C (site not said)", "implausible")),
        (event("availability", online=True), ("door-1", "online", "")),
        (event("availability", online=False), ("door-1", "offline", "")),
        (event("tamper", tamper=True), ("door-1", "tampered with", "")),
        (event("battery", battery_percent=9.0), ("door-1", "battery", "battery 9 %")),
        (event("heartbeat"), ("door-1", "heartbeat", "")),
        (event("button", button="single"), ("door-1", "something else", "")),
        (Command("c", 5, "close", "g017", by="w-001", role="worker", disposition="true-alarm", note="shopping"),
         ("Wang (community worker)", "close · true alarm", "shopping")),
        (Command("c", 5, "declare", "g017", by="resident", until_ms=ms("09:45"), reason="rubbish"),
         ("resident", "declare → 09:45", "rubbish")),
        (Command("c", 5, "open-case", "g017", by="fleet"), ("the fleet", "open the case", "")),
        (Command("c", 5, "tick", "g017"), ("the fleet", "tick", "")),
        (Receipt(5, "g017", "p", "mqtt", "accepted", "ok"), ("mqtt", "receipt: accepted", "ok")),
        (DeviceRow(5, "g017", "door-1", "household", HOME), ("door-1", "is in the fleet", "")),
        (DeviceRow(5, "g017", "door-1", "household", HOME, present=False), ("door-1", "left the fleet", "")),
        (BridgeRow(5, "g017", "z2m"), ("z2m", "is in the fleet", "")),
        (SystemReport(5, "sink", False, "lags"), ("sink", "is unwell", "lags")),
        (SystemReport(5, "sink", True), ("sink", "is well again", "")),
    ],
)  # fmt: skip
def test_in_words(record, what):
    assert told(record) == what


def test_in_chinese():
    assert told(event(open=True, battery_percent=50.0), "zh") == ("door-1", "门开", "电量 50%")
    by_worker = Command("c", 5, "visit", "g017", by="w-001", role="worker")
    assert told(by_worker, "zh") == ("Wang（社区工作者）", "上门", "")
