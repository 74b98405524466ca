import json

from devices.formats.shelly_blu import recognise
from tests.devices.formats.routing import door, known_of, one, take

GATEWAY = "shellyplus1-a"


def objects(*components):
    return json.dumps({"objects": [{"obj_id": kind, "component": name} for name, kind in components]}).encode()


def status(name, value):
    return json.dumps({"method": "NotifyStatus", "params": {name: {"value": value}}}).encode()


def fresh():
    return known_of(door("shelly-blu", GATEWAY, address="bthomesensor:204"))


def test_the_parts_of_one_sensor_are_learnt_from_its_known_objects():
    known = fresh()
    assert take(known, f"{GATEWAY}/rpc", objects(("bthomesensor:204", 45), ("bthomesensor:200", 1))) == []
    reading = one(take(known, f"{GATEWAY}/events/rpc", status("bthomesensor:200", 12)))
    assert (reading.device, reading.battery_percent) == ("d", 12)
    assert one(take(known, f"{GATEWAY}/events/rpc", status("bthomesensor:204", True))).open is True


def test_a_component_known_to_be_something_else_is_no_door():
    known = fresh()
    take(known, f"{GATEWAY}/rpc", objects(("bthomesensor:204", 0x21)))
    assert one(take(known, f"{GATEWAY}/events/rpc", status("bthomesensor:204", True))).open is None


def test_a_tamper_contact():
    known = fresh()
    take(known, f"{GATEWAY}/rpc", objects(("bthomesensor:204", 45), ("bthomesensor:205", 0x2B)))
    assert one(take(known, f"{GATEWAY}/events/rpc", status("bthomesensor:205", 1))).tamper is True


def test_what_is_learnt_is_bounded():
    known = fresh()
    for n in range(100):
        others = [(f"bthomesensor:{1000 + n * 50 + m}", 1) for m in range(40)]
        take(known, f"{GATEWAY}/rpc", objects(("bthomesensor:204", 45), *others))
    (memory,) = {id(owner.memory): owner.memory for owner in known.values()}.values()
    assert 0 < len(memory) <= 512


def test_the_signal_of_the_whole_sensor():
    known = known_of(door("shelly-blu", GATEWAY, address="bthomesensor:204", options={"whole": "bthomedevice:200"}))
    payload = b'{"method":"NotifyStatus","params":{"bthomedevice:200":{"rssi":-59,"battery":88,"packet_id":15}}}'
    reading = one(take(known, f"{GATEWAY}/events/rpc", payload))
    assert (reading.signal, reading.battery_percent) == (-59, 88)


def test_what_it_recognises():
    found = recognise(f"{GATEWAY}/events/rpc", status("bthomesensor:204", True))
    assert found is not None
    assert (found.topic, found.address) == (GATEWAY, "bthomesensor:204")
    assert recognise(f"{GATEWAY}/events/rpc", status("bthomesensor:204", 4.5)) is None
    assert recognise(f"{GATEWAY}/events/rpc", status("switch:0", True)) is None
    assert recognise("other", status("bthomesensor:204", True)) is None
