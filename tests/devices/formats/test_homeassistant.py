import json

from devices.events import Rejected
from devices.formats.homeassistant import recognise, topics
from tests.devices.formats.routing import device, door, known_of, one, take

CONFIG = {"device_class": "door", "state_topic": "home/603/contact", "value_template": "{{ value_json.s }}"}


def config(**changed):
    return json.dumps({k: v for k, v in {**CONFIG, **changed}.items() if v is not None}).encode()


def test_the_topics_of_a_row():
    row = door("homeassistant", "home/603/contact", address="d603")
    assert topics(row) == ["home/603/contact", "homeassistant/binary_sensor/d603", "home/603/availability"]
    assert topics(door("homeassistant", "contact")) == ["contact"]


def test_a_configuration_may_change():
    known = known_of(door("homeassistant", "home/603/contact", address="d603", open_is="ON"))
    topic = "homeassistant/binary_sensor/d603/config"
    take(known, topic, config())
    assert one(take(known, "home/603/contact", b'{"s":"ON"}')).open is True
    take(known, topic, config(value_template="{{ value_json.t }}"))
    assert one(take(known, "home/603/contact", b'{"t":"OFF"}')).open is False
    take(known, topic, config(value_template="{{ now() }}"))
    assert isinstance(take(known, "home/603/contact", b'{"t":"OFF"}'), Rejected)
    take(known, topic, b"")
    assert one(take(known, "home/603/contact", b"OFF")).open is False


def test_availability_with_words_and_a_template_of_its_own():
    known = known_of(door("homeassistant", "home/603", address="d603", open_is="ON"))
    said = {"topic": "home/603/alive", "value_template": "{{ value_json.a }}", "payload_available": "yes"}
    take(known, "homeassistant/binary_sensor/d603/config", config(availability=[said]))
    assert one(take(known, "home/603/alive", b'{"a":"yes"}')).online is True
    assert one(take(known, "home/603/alive", b'{"a":"offline"}')).online is False
    assert isinstance(take(known, "home/603/alive", b'{"a":"no"}'), Rejected)
    assert isinstance(take(known, "home/603/elsewhere", b"ON"), Rejected)


def test_what_is_remembered_is_bounded():
    row = {"topic": "home/603/contact", "household": "g/1/1", "open_is": "ON"}
    known = known_of(*(device({**row, "id": f"d{n}", "address": f"o{n}"}, "homeassistant") for n in range(300)))
    for n in range(300):
        take(known, f"homeassistant/binary_sensor/o{n}/config", config())
    (memory,) = {id(owner.memory): owner.memory for owner in known.values()}.values()
    assert len(memory) == 200


def test_what_it_recognises():
    found = recognise("homeassistant/binary_sensor/node/d603/config", config(expire_after=7200))
    assert found is not None
    assert (found.topic, found.address, found.report_every_s) == ("home/603/contact", "node/d603", 2880)
    assert recognise("homeassistant/binary_sensor/x/config", config(device_class="motion")) is None
    assert recognise("homeassistant/binary_sensor/x/config", config(device_class=None)) is None
    assert recognise("homeassistant/binary_sensor/x/config", b"") is None
    assert recognise("homeassistant/switch/x/config", config()) is None
