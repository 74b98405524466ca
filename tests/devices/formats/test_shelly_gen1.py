from devices.formats.shelly_gen1 import recognise, topics
from tests.devices.formats.routing import door, known_of, one, take

KNOWN = known_of(door("shelly-gen1", "shellies/dw"))
TOPIC = "shellies/dw/sensor/"


def test_a_wake_up_by_the_clock_is_told_apart_from_one_by_the_door():
    """All values of one wake-up come on topics of their own; the reason among them says how to take the state."""
    hints = [one(take(KNOWN, TOPIC + "act_reasons", said)).report_hint for said in (b'["periodic"]', b'["sensor"]')]
    assert hints == ["periodic", "live"]
    assert one(take(KNOWN, TOPIC + "state", b"open")).report_hint is None


def test_an_alarm_is_a_movement():
    assert one(take(KNOWN, TOPIC + "act_reasons", b'["alarm","poweron"]')).report_hint == "live"


def test_no_value_is_not_a_battery():
    for said in (b"-1", b"999", b"unknown", b"101"):
        assert one(take(KNOWN, TOPIC + "battery", said)).battery_percent is None
    assert one(take(KNOWN, TOPIC + "battery", b"12.5")).battery_percent == 12.5


def test_a_row_that_names_the_states_topic_has_the_values_beside_it():
    row = door("shelly-gen1", TOPIC + "state")
    assert topics(row) == ["shellies/dw/sensor/state", "shellies/dw"]
    known = known_of(row)
    assert one(take(known, TOPIC + "state", b"open")).open is True
    assert one(take(known, TOPIC + "act_reasons", b'["sensor"]')).report_hint == "live"
    assert one(take(known, "shellies/dw/online", b"false")).online is False


def test_what_it_recognises():
    found = recognise("shellies/dw/sensor/state", b"close")
    assert found is not None
    assert found.topic == "shellies/dw"
    assert recognise("shellies/dw/sensor/state", b"1") is None
    assert recognise("shellies/dw/sensor/battery", b"9") is None
