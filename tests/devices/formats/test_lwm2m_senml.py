from devices.events import Rejected
from devices.formats.lwm2m_senml import recognise
from tests.devices.formats.routing import door, gun, known_of, one, take

KNOWN = known_of(door("lwm2m-senml", "l", open_is="1"))


def test_base_values_hold_until_they_are_said_again():
    payload = b'[{"bn":"/3/0/","n":"20","v":0},{"n":"9","v":50},{"bn":"/3342/0/","n":"5500","vb":true}]'
    reading = one(take(KNOWN, "l", payload))
    assert (reading.open, reading.battery_percent, reading.battery_low) == (True, 50, False)


def test_a_base_value_is_added():
    known = known_of(gun("lwm2m-senml", "l"))
    assert one(take(known, "l", b'[{"bn":"/3303/0/","bv":36,"bu":"Cel","n":"5700","v":0.5}]')).celsius == 36.5


def test_a_device_is_found_by_its_endpoint_name():
    known = known_of(door("lwm2m-senml", "l", open_is="1", address="nb-7"))
    assert one(take(known, "l", b'[{"bn":"urn:dev:nb-7:/3342/0/","n":"5500","vb":false}]')).open is False
    assert isinstance(take(known, "l", b'[{"bn":"urn:dev:nb-8:/3342/0/","n":"5500","vb":false}]'), Rejected)


def test_what_it_recognises():
    found = recognise("l", b'[{"n":"/3342/0/5500","vb":true}]')
    assert found is not None
    assert (found.address, found.if_shared, found.word) == ("", "3342/0", "1")
    second = recognise("l", b'[{"n":"/3342/2/5500","v":0}]')
    assert second is not None
    assert (second.address, second.word) == ("3342/2", "0")
    warm = recognise("l", b'[{"n":"/3303/0/5700","v":21}]')
    assert warm is not None
    assert warm.sort == "thermometer"
    assert recognise("l", b'[{"n":"/3/0/9","v":5500}]') is None
