import base64
import json

from devices.events import Rejected
from devices.formats.chirpstack import recognise, values_of
from devices.formats.dragino import Values
from tests.devices.formats.routing import device, known_of, one, take

EUI = "a840410c41a9b2c3"
RAW = base64.b64encode(bytes.fromhex("8bb80100001100000201")).decode()


def up(eui=EUI, **said):
    return json.dumps({"deviceInfo": {"devEui": eui}, "fCnt": 1, "fPort": 10, **said}).encode()


def test_the_codecs_values_come_first():
    codec = b'{"DOOR_OPEN_STATUS":0}'
    assert values_of(codec, RAW, 10) == Values(door_open_status=0)
    assert values_of(b'{"x":1}', RAW, 10) == Values(3.0, 1, 1, 17, 1)
    assert values_of(b"", None, 10) is None
    assert isinstance(values_of(b"", "!", 10), Rejected)


def test_thousands_of_sensors_below_one_topic():
    rows = [
        {"id": f"d{n}", "topic": "application/1", "household": "g/1/1", "address": f"{n:016X}"} for n in range(3000)
    ]
    known = known_of(*(device(row, "chirpstack") for row in rows))
    reading = one(take(known, "application/1/device/x/event/up", up(eui=f"{2999:016x}", data=RAW)))
    assert (reading.device, reading.open) == ("d2999", True)


def test_what_it_recognises():
    found = recognise(f"application/1/device/{EUI}/event/up", up(data=RAW))
    assert found is not None
    assert (found.topic, found.address) == ("application/1", EUI)
    assert recognise(f"application/1/device/{EUI}/event/up", up(data="AAEC")) is None
    assert recognise(f"application/1/device/{EUI}/event/join", up(data=RAW)) is None
