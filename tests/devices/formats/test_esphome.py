from devices.formats.esphome import recognise, topics
from tests.devices.formats.routing import door


def test_the_nodes_availability_belongs_to_its_sensor():
    assert topics(door("esphome", "n/binary_sensor/front")) == ["n/binary_sensor/front", "n/status"]
    assert topics(door("esphome", "n")) == ["n"]


def test_what_it_recognises():
    found = recognise("n/binary_sensor/front/state", b"OFF")
    assert found is not None
    assert (found.topic, found.word) == ("n/binary_sensor/front", "OFF")
    assert recognise("n/binary_sensor/front/state", b"open") is None
    assert recognise("n/switch/lamp/state", b"ON") is None
    assert recognise("homeassistant/binary_sensor/x/state", b"ON") is None
