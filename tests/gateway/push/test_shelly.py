import json

import pytest

from devices.events import Message, Reading
from devices.fleet import Device
from devices.formats import Known, table
from gateway.push.shelly import read
from gateway.push.values import NO_KEY, WRONG_KEY, Pushed, Refused, Request
from tests.gateway.push.requests import KEY, get, platform

SHELLY = platform("shelly")
DW2 = "shellydw2-73C75E"


@pytest.mark.parametrize(
    ("request_", "messages"),
    [
        (get(KEY, DW2, "open"), [("sensor/state", b"open")]),
        (get(KEY, DW2, "close", temp="21.5", lux="80"), [("sensor/state", b"close")]),
        (get(KEY, DW2, "open", battery="87"), [("sensor/state", b"open"), ("sensor/battery", b"87")]),
        (get(KEY, DW2, "report"), [("online", b"true")]),
        (Request(method="POST", rest=(KEY, DW2, "open")), [("sensor/state", b"open")]),
    ],
)
def test_a_door_window_says_what_it_would_say_over_mqtt(request_, messages):
    pushed = read(request_, SHELLY)
    assert pushed == Pushed(tuple((f"{DW2}/{below}", payload) for below, payload in messages))
    row = Device(id="d", format="shelly-gen1", topic=f"push/shelly/{DW2}", where="household", place="g/1/1", grid="g")
    for below, payload in pushed.messages:
        readings = table()["shelly-gen1"].decode(Message(f"push/shelly/{below}", payload, 0), Known((row,)))
        assert isinstance(readings, list)


@pytest.mark.parametrize(
    ("said", "opened"), [("true", True), ("1", True), ("false", False), ("0", False), ("TRUE", True)]
)
def test_a_blu_sensor_behind_a_gateway(said, opened):
    pushed = read(get(KEY, "gw-1", "bthomesensor:200", value=said), SHELLY)
    assert isinstance(pushed, Pushed)
    [(below, payload)] = pushed.messages
    assert below == "gw-1/events/rpc"
    row = Device(
        id="d", format="shelly-blu", topic="push/shelly/gw-1", where="household", place="g/1/1", grid="g",
        address="bthomesensor:200",
    )  # fmt: skip
    readings = table()["shelly-blu"].decode(Message(f"push/shelly/{below}", payload, 0), Known((row,)))
    assert readings == [Reading(device="d", kind="door", open=opened)]


def test_a_number_is_a_battery_or_an_angle():
    pushed = read(get(KEY, "gw-1", "bthomesensor:201", value="87.5"), SHELLY)
    assert isinstance(pushed, Pushed)
    assert json.loads(pushed.messages[0][1])["params"] == {"bthomesensor:201": {"value": 87.5}}


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (get(KEY), 400),
        (get(KEY, DW2), 400),
        (get(KEY, DW2, "ajar"), 400),
        (get(KEY, DW2, "open", "more"), 400),
        (get(KEY, "", "open"), 400),
        (get(KEY, "a/b", "open"), 400),
        (get(KEY, "#", "open"), 400),
        (get(KEY, "a\nb", "open"), 400),
        (get(KEY, "gw", "bthomesensor:200"), 400),
        (get(KEY, "gw", "bthomesensor:200", value="nan"), 400),
        (get(KEY, "gw", "bthomesensor:200", value="1e300"), 400),
        (get(KEY, "gw", "bthomesensor:200", value="${ev.value}"), 400),
        (Request(method="PUT", rest=(KEY, DW2, "open")), 405),
    ],
)
def test_what_is_no_webhook(request_, status):
    refused = read(request_, SHELLY)
    assert isinstance(refused, Refused)
    assert refused.status == status


def test_whose_key_is_wrong():
    assert read(get(), SHELLY) == NO_KEY
    assert read(get("wrong", DW2, "open"), SHELLY) == WRONG_KEY
