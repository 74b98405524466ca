"""What the corpus, heard on a broker, proposes: the rows it was written with."""

import msgspec
import pytest

from deploy.sniffed import MOST_DEVICES, Sniffed
from devices.formats import table
from tests.devices.formats.routing import known_of, payload_of, take
from tests.devices.formats.test_corpus import CASES

# The rows that the corpus's messages were sent by, one or more a format: format, topic, address.
FLEET = {
    ("native", "threshold/g017/door-1", ""),
    ("native", "threshold/g017/gun-north-1/temperature", ""),
    ("zigbee2mqtt", "zigbee2mqtt/door-0307", ""),
    ("zigbee2mqtt", "zigbee2mqtt/3/1203/door", ""),
    ("zigbee2mqtt", "zigbee2mqtt/3栋1203门", ""),
    ("shelly-gen1", "shellies/shellydw2-73C75E", ""),
    ("tasmota", "door_603", "Switch1"),
    ("tasmota", "SonoffZB", "door_sensor"),
    ("tasmota", "SonoffZB", "Tuya_Door_Sensor"),
    ("tasmota", "rfbridge", "46FE69"),
    ("shelly-blu", "shellyplus1-a8032ab1", "bthomesensor:200"),
    ("shelly-blu", "shellyplus1-a8032ab1", "60:ef:ab:42:e5:9d"),
    ("esphome", "esp-door-603/binary_sensor/front_door", ""),
    ("esphome", "esp-door-603/binary_sensor/back_door", ""),
    ("homeassistant", "home/603/contact", "door603"),
    ("aqara", "aqara/gw1", "158d00020e8344"),
    ("tuya", "tuya/bf4a", "bf4a"),
    ("tuya", "tylink/up", "bf4a22"),
    ("deconz", "deconz/events", "00:15:8d:00:02:af:95:f9-01-0006"),
    ("enocean", "enocean/window/1", ""),
    ("sparkplug-b", "spBv1.0/G1", "G1/E1/D603"),
    ("lwm2m-senml", "lwm2m/nb-603", "3342/0"),
    ("lwm2m-senml", "lwm2m/nb-603", "3342/5"),
    ("ctwing", "push/ctwing", "acf7baaee65e431eadfb8f5fe50e8b81"),
    ("onenet", "push/onenet", "865820035119960"),
    ("chirpstack", "application/5e2a", "a840410c41a9b2c3"),
    ("ttn", "v3/doors@ttn/devices", "A840410C41A9B2C3"),
    ("ble-thermometer", "threshold/g017/ble-1/raw", ""),
}

# Devices that speak in the corpus and are in no row of it: they are there, so they are proposed too.
NEIGHBOURS = {
    ("native", "threshold/g017/gun-north-1", ""),
    ("tasmota", "door_603", "Switch2"),
    ("tasmota", "SonoffZB", "0x0001"),
    ("tasmota", "SonoffZB", "0x662E"),
    ("tasmota", "rfbridge", "46FE61"),
    ("tasmota", "rfbridge", "46FE62"),
    ("tasmota", "rfbridge", "46FE67"),
    ("tasmota", "rfbridge", "A1B2C3"),
    ("shelly-blu", "shellyplus1-a8032ab1", "bthomesensor:299"),
    ("esphome", "esp-door-603/binary_sensor/fridge", ""),
    ("homeassistant", "home/603/contact", "door604"),
    ("aqara", "aqara/gw1", "158d0001aaaaaa"),
    ("tuya", "tylink/up", "bf4a33"),
    ("deconz", "deconz/events", "00:11"),
    ("sparkplug-b", "spBv1.0/G1", "G1/E1/D604"),
    ("ctwing", "push/ctwing", "other"),
    ("onenet", "push/onenet", "1"),
    ("chirpstack", "application/5e2a", "a84041ffffffffff"),
    ("ttn", "v3/doors@ttn/devices", "A84041FFFFFFFFFF"),
}

# What else a broker carries: none of it is a door or a thermometer.
NOISE = {
    "zigbee2mqtt/bridge/devices": b'[{"ieee_address":"0x1","definition":{"exposes":[{"name":"contact"}]}}]',
    "zigbee2mqtt/lamp": b'{"state":"ON","brightness":200,"linkquality":90}',
    "zigbee2mqtt/climate": b'{"temperature":21.4,"humidity":40,"battery":80,"linkquality":77}',
    "homeassistant/sensor/x/config": b'{"device_class":"temperature","state_topic":"x"}',
    "homeassistant/binary_sensor/motion/config": b'{"device_class":"motion","state_topic":"m"}',
    "shellies/shelly1-1/relay/0": b"on",
    "stat/lamp/POWER": b"ON",
    "tele/lamp/STATE": b'{"POWER":"ON"}',
    "owntracks/u/phone": b'{"_type":"location","lat":1.0}',
    "$SYS/broker/uptime": b"12 seconds",
    "a/b": b"\xff\xfe\x00",
    "c": b"",
}


def heard(*messages):
    sniffed = Sniffed(table())
    for topic, payload in messages:
        sniffed.hear(topic, payload)
    return sniffed


def corpus():
    for param in CASES:
        case = param.values[0]
        for message in (*case.get("before", ()), case):
            yield message["topic"], payload_of(message)


def proposed(sniffed):
    return {(device.format, device.topic, device.address) for device, _ in sniffed.devices()}


def test_the_corpus_proposes_the_rows_it_was_sent_by():
    found = proposed(heard(*corpus()))
    assert found == FLEET | NEIGHBOURS, (FLEET - found, found - FLEET - NEIGHBOURS)
    assert {name for name, _, _ in found} == set(table()), "a format is recognised by nothing"


def test_every_row_proposed_understands_a_message_of_its_device():
    messages = list(corpus())
    for device, _ in heard(*messages).devices():
        # A wired contact has no polarity yet: any will do to see that its messages are understood.
        row = device if device.open_is else msgspec.structs.replace(device, open_is="ON", site="ear")
        row = msgspec.structs.replace(row, open_is="1") if device.format == "lwm2m-senml" else row
        # The corpus holds many small worlds: what one message taught is not to be held against another's.
        answers = [take(known_of(row), topic, payload) for topic, payload in messages]
        readings = [reading for answer in answers if isinstance(answer, list) for reading in answer]
        assert any(r.open is not None or r.celsius is not None or r.tamper or r.battery_low for r in readings), device


def test_nothing_else_is_taken_for_a_device():
    sniffed = heard(*NOISE.items())
    assert sniffed.devices() == []
    assert {topic for topic, _ in sniffed.strangers()} == set(NOISE)


def test_a_bridge_is_proposed_with_what_hangs_on_it():
    (bridge,) = heard(("zigbee2mqtt/bridge/state", b'{"state":"online"}')).bridges()
    assert (bridge.topic, bridge.devices) == ("zigbee2mqtt/bridge/state", "zigbee2mqtt/")


@pytest.mark.parametrize(
    ("words", "open_is"),
    [
        ([], ""),
        (["OFF"], ""),
        (["OFF", "ON"], ""),
        (["OFF", "ON", "OFF"], "ON"),
        (["ON", "OFF", "ON"], "OFF"),
        (["OFF", "OFF", "ON", "ON", "OFF"], "ON"),
        (["OFF", "ON", "OFF", "ON", "OFF"], "ON"),
        (["OFF", "ON", "OFF", "ON"], "OFF"),
    ],
)
def test_the_word_that_came_and_went_is_open(words, open_is):
    """The last row is a door left open while listening: the installer confirms what is proposed."""
    topic = "n/binary_sensor/door/state"
    devices = heard(*((topic, word.encode()) for word in words)).devices()
    assert [device.open_is for device, _ in devices] == ([open_is] if words else [])


def test_a_third_word_is_no_polarity():
    words = ["OFF", "ON", "HOLD"]
    sniffed = heard(*(("stat/door/RESULT", b'{"Switch1":{"Action":"%b"}}' % word.encode()) for word in words))
    assert [device.open_is for device, _ in sniffed.devices()] == [""]


def test_the_surer_format_has_a_topic():
    config = (
        b'{"device_class":"door","state_topic":"zigbee2mqtt/d","value_template":"{{ value_json.contact }}",'
        b'"payload_on":"False","payload_off":"True"}'
    )
    sniffed = heard(("homeassistant/binary_sensor/0x1/contact/config", config), ("zigbee2mqtt/d", b'{"contact":true}'))
    assert proposed(sniffed) == {("zigbee2mqtt", "zigbee2mqtt/d", "")}
    alone = heard(("homeassistant/binary_sensor/0x1/contact/config", config))
    assert proposed(alone) == {("homeassistant", "zigbee2mqtt/d", "0x1/contact")}


def test_ids_differ_from_each_other_and_from_those_taken():
    sniffed = heard(("zigbee2mqtt/a/x", b'{"contact":true}'), ("zigbee2mqtt/b/x", b'{"contact":true}'))
    assert {device.id for device, _ in sniffed.devices()} == {"x", "x-2"}
    assert {device.id for device, _ in sniffed.devices(frozenset({"x"}))} == {"x-2", "x-3"}


def test_the_states_of_a_door_are_kept_in_their_order():
    sniffed = heard(*(("zigbee2mqtt/d", b'{"contact":%b}' % word) for word in (b"true", b"true", b"false", b"true")))
    ((_, found),) = sniffed.devices()
    assert (found.states, found.messages) == ([False, True, False], 4)


def test_what_is_kept_is_bounded(monkeypatch):
    monkeypatch.setattr("deploy.sniffed.MOST_DEVICES", 3)
    assert MOST_DEVICES >= 10_000
    sniffed = heard(
        *((f"zigbee2mqtt/{n}", b'{"contact":true}') for n in range(9)), *((f"x/{n}", b"") for n in range(9))
    )
    assert (len(sniffed.heard), len(sniffed.unknown), sniffed.messages) == (3, 3, 18)
