import json

from devices.formats.ttn import recognise
from tests.devices.formats.routing import door, known_of, one, take

TOPIC = "v3/a@ttn/devices/d/up"
KNOWN = known_of(door("ttn", "v3/a@ttn/devices", address="A84041"))


def up(**said):
    return json.dumps({"end_device_ids": {"dev_eui": "A84041"}, "uplink_message": said}).encode()


def test_two_frames_with_the_same_values_are_two_messages():
    causes = {one(take(KNOWN, TOPIC, up(f_cnt=n, decoded_payload={"DOOR_OPEN_STATUS": 0}))).cause for n in (0, 1, 2)}
    assert len(causes) == 3


def test_what_it_recognises():
    found = recognise(TOPIC, up(decoded_payload={"DOOR_OPEN_STATUS": 1}))
    assert found is not None
    assert (found.topic, found.address) == ("v3/a@ttn/devices", "A84041")
    assert recognise(TOPIC, up(decoded_payload={"TempC_SHT": 20})) is None
    assert recognise(TOPIC, b'{"uplink_message":{}}') is None
