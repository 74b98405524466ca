import pytest

from devices.formats.tasmota import FORMAT, recognise, topics
from tests.devices.formats.routing import device, door, known_of, one, take


def test_the_prefixes_follow_the_full_topic():
    assert topics(door("tasmota", "d")) == ["stat/d", "tele/d"]
    assert topics(door("tasmota", "d", options={"full_topic": "%topic%/%prefix%/"})) == ["d/stat", "d/tele"]
    assert topics(door("tasmota", "d", options={"full_topic": "house/%prefix%/%topic%"})) == [
        "house/stat/d",
        "house/tele/d",
    ]


def test_two_doors_on_one_board():
    rows = [
        {"id": f"d{n}", "topic": "board", "household": f"g/1/{n}", "address": f"Switch{n}", "open_is": "ON"}
        for n in (1, 2)
    ]
    known = known_of(*(device(row, "tasmota") for row in rows))
    assert one(take(known, "stat/board/RESULT", b'{"Switch2":{"Action":"ON"}}')).device == "d2"
    both = take(known, "stat/board/STATUS10", b'{"StatusSNS":{"Switch1":"OFF","Switch2":"ON"}}')
    assert isinstance(both, list)
    assert {reading.device: reading.open for reading in both} == {"d1": False, "d2": True}


def test_a_switch_that_moves_is_live_and_a_report_is_a_state():
    known = known_of(door("tasmota", "b", open_is="ON"))
    assert one(take(known, "stat/b/RESULT", b'{"Switch1":{"Action":"ON"}}')).report == "live"
    assert one(take(known, "tele/b/SENSOR", b'{"Switch1":"ON"}')).report == "periodic"


@pytest.mark.parametrize(
    ("address", "every_s"),
    [("", 300), ("Switch2", 300), ("0x01F3", 14_400), ("kitchen door", 14_400), ("46FE69", None), ("0x46FE69", None)],
)
def test_how_often_a_contact_checks_in_hangs_on_what_it_is(address, every_s):
    assert FORMAT.usual_report_s(door("tasmota", "b", address=address)) == every_s


def test_what_it_recognises():
    switch = recognise("stat/b/RESULT", b'{"Switch2":{"Action":"ON"}}')
    assert switch is not None
    assert (switch.topic, switch.address, switch.word) == ("b", "Switch2", "ON")
    turned = recognise("b/tele/SENSOR", b'{"Switch1":"OFF"}')
    assert turned is not None
    assert (turned.topic, turned.options) == ("b", {"full_topic": "%topic%/%prefix%/"})
    zigbee = recognise("tele/z/SENSOR", b'{"ZbReceived":{"0x01F3":{"Device":"0x01F3","Contact":1}}}')
    assert zigbee is not None
    assert zigbee.address == "0x01F3"
    assert recognise("tele/z/SENSOR", b'{"ZbReceived":{"0x01F3":{"Occupancy":1}}}') is None
    assert recognise("stat/b/POWER", b"ON") is None
    assert recognise("cmnd/b/POWER", b'{"Switch1":"ON"}') is None
