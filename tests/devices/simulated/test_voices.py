"""The words of each vendor, as their documentation has them."""

import json

import pytest

from devices.simulated import voices
from devices.simulated.compound import Grid, Gun, Home

AT_MS = 1_581_816_600_123  # 2020-02-16T01:30:00.123Z


def home(vendor, topic="t", **more):
    made = Home(place="g001/1/101", id="d", vendor=vendor, topic=topic, every_s=3600, worker="w")
    made.battery = 97.6
    for name, value in more.items():
        setattr(made, name, value)
    return made


def test_native_says_state_time_count_battery_and_sequence():
    [(topic, payload)] = voices.moved(home("native", open=True, count=5), AT_MS)
    assert topic == "t/door"
    assert json.loads(payload) == {"state": "open", "at": AT_MS, "n": 5, "battery": 97, "seq": 1}


def test_a_clock_that_was_never_set_counts_from_1970():
    [(_, payload)] = voices.well(home("native", clock_off_ms=-AT_MS + 5000), AT_MS)
    assert json.loads(payload)["at"] == 5000


@pytest.mark.parametrize("is_open", [True, False])
def test_zigbee2mqtt_contact_true_is_closed(is_open):
    [(topic, payload)] = voices.moved(home("zigbee2mqtt", open=is_open), AT_MS)
    said = json.loads(payload)
    assert (topic, said["contact"], said["battery"]) == ("t", not is_open, 97)
    assert said["last_seen"] == "2020-02-16T01:30:00.123Z"


def test_zigbee2mqtt_may_tell_no_time():
    assert b"last_seen" not in voices.moved(home("zigbee2mqtt", tells_time=False), AT_MS)[0][1]


@pytest.mark.parametrize(("say", "reason"), [(voices.moved, "sensor"), (voices.well, "periodic")])
def test_a_shelly_says_why_it_woke(say, reason):
    words = dict(say(home("shelly-gen1", "shellies/s", open=True), AT_MS))
    assert words["shellies/s/sensor/state"] == b"open"
    assert json.loads(words["shellies/s/sensor/act_reasons"]) == [reason]
    assert words["shellies/s/sensor/battery"] == b"97"


def test_a_tasmota_switch_moves_and_reports():
    [(topic, payload)] = voices.moved(home("tasmota", open=True), AT_MS)
    assert (topic, json.loads(payload)) == ("stat/t/RESULT", {"Switch1": {"Action": "ON"}})
    [(topic, payload)] = voices.well(home("tasmota"), AT_MS)
    assert (topic, json.loads(payload)) == ("tele/t/SENSOR", {"Time": "2020-02-16T09:30:00", "Switch1": "OFF"})


@pytest.mark.parametrize(
    ("vendor", "topic", "gone"),
    [
        ("native", "t/status", b"offline"),
        ("zigbee2mqtt", "t/availability", b'{"state":"offline"}'),
        ("shelly-gen1", "t/online", b"false"),
        ("tasmota", "tele/t/LWT", b"Offline"),
    ],
)
def test_each_vendor_has_its_last_will(vendor, topic, gone):
    assert voices.presence(home(vendor), False) == (topic, gone)
    assert voices.presence(home(vendor), True)[1] != gone


def test_a_gun_says_pass_and_ambient_when_it_can():
    gun = Gun(grid=Grid("g001", worker="w", doctor="d"), checkpoint="g001/north", id="gun", topic="g/temperature")
    gun.ambient = 3.25
    topic, payload = voices.reading(gun, AT_MS, 36.6, "A-0001")
    assert topic == "g/temperature"
    assert json.loads(payload) == {"celsius": 36.6, "at": AT_MS, "seq": 1, "pass": "A-0001", "ambient": 3.2}
    gun.tells_ambient = False
    assert json.loads(voices.reading(gun, AT_MS, 36.6, "")[1]) == {"celsius": 36.6, "at": AT_MS, "seq": 2}
