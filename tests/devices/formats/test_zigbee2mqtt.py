from devices.formats.zigbee2mqtt import recognise
from tests.devices.formats.routing import door, known_of, one, take

KNOWN = known_of(door("zigbee2mqtt", "zigbee2mqtt/d"))


def test_an_attribute_topic_means_the_same_as_the_object():
    for name, text in (("contact", b"false"), ("battery", b"17"), ("action", b"single"), ("tamper", b"true")):
        payload = b'{"%b":%b}' % (name.encode(), b'"single"' if name == "action" else text)
        assert take(KNOWN, f"zigbee2mqtt/d/{name}", text) == take(KNOWN, "zigbee2mqtt/d", payload)


def test_every_spelling_of_last_seen_is_one_time():
    spellings = [b"1712611296794", b'"2024-04-08T21:21:36.794Z"', b'"2024-04-08T23:21:36.794+02:00"']
    messages = [b'{"contact":true,"last_seen":%b}' % seen for seen in spellings]
    assert {one(take(KNOWN, "zigbee2mqtt/d", message)).at_ms for message in messages} == {1_712_611_296_794}


def test_a_last_seen_that_is_nothing_spoils_no_opening():
    for seen in (b"null", b"true", b"[]", b'""', b'"' + b"x" * 500 + b'"', b"-1", b"1e300"):
        reading = one(take(KNOWN, "zigbee2mqtt/d", b'{"contact":false,"last_seen":%b}' % seen))
        assert (reading.open, reading.at_ms) == (True, None)


def test_a_long_action_is_cut():
    assert len(one(take(KNOWN, "zigbee2mqtt/d", b'{"action":"%b"}' % (b"x" * 999))).button) == 40


def test_what_it_recognises():
    found = recognise("zigbee2mqtt/a/b", b'{"contact":true}')
    assert found is not None
    assert found.topic == "zigbee2mqtt/a/b"
    elsewhere = recognise("home/a", b'{"contact":true,"linkquality":9}')
    assert elsewhere is not None
    assert elsewhere.certain < found.certain
    assert recognise("home/a", b'{"contact":true}') is None
    assert recognise("zigbee2mqtt/a/set", b'{"contact":true}') is None
    assert recognise("zigbee2mqtt/lamp", b'{"state":"ON"}') is None
    bridge = recognise("zigbee2mqtt/bridge/state", b"online")
    assert bridge is not None
    assert bridge.sort == "bridge"
