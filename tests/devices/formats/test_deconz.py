from devices.formats.deconz import recognise
from tests.devices.formats.routing import door, known_of, one, take

KNOWN = known_of(door("deconz", "deconz", address="00:15:8d:00:02:af:95:f9-01-0006"))


def test_an_event_is_live_and_a_whole_sensor_is_a_state():
    event = b'{"e":"changed","r":"sensors","uniqueid":"00158D0002AF95F9-01-0006","state":{"open":true}}'
    sensor = b'{"uniqueid":"00:15:8d:00:02:af:95:f9-01-0006","state":{"open":true},"type":"ZHAOpenClose"}'
    assert one(take(KNOWN, "deconz", event)).report == "live"
    assert one(take(KNOWN, "deconz", sensor)).report == "periodic"


def test_what_it_recognises():
    found = recognise("deconz", b'{"r":"sensors","id":"5","state":{"open":false}}')
    assert found is not None
    assert found.address == "5"
    assert recognise("deconz", b'{"r":"lights","id":"5","state":{"open":false}}') is None
    assert recognise("deconz", b'{"r":"sensors","state":{"open":false}}') is None
