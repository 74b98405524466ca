from devices.formats.tuya import recognise
from tests.devices.formats.routing import door, known_of, one, take

KNOWN = known_of(door("tuya", "tuya/x"))


def test_three_ways_of_writing_mean_the_same():
    ways = [
        b'{"doorcontact_state":true}',
        b'{"status":[{"code":"doorcontact_state","value":true}]}',
        b'{"data":{"doorcontact_state":{"value":true}}}',
        b'{"data":{"doorcontact_state":true}}',
    ]
    assert [one(take(KNOWN, "tuya/x", way)).open for way in ways] == [True] * 4


def test_a_time_that_is_none_is_not_used():
    for time in (b"true", b'"now"', b"-5", b"null"):
        reading = one(take(KNOWN, "tuya/x", b'{"status":[{"code":"doorcontact_state","value":true,"t":%b}]}' % time))
        assert (reading.at_ms, reading.cause) == (None, "")


def test_what_it_recognises():
    found = recognise("tuya/x", b'{"devId":"bf1","status":[{"code":"doorcontact_state","value":true}]}')
    assert found is not None
    assert found.address == "bf1"
    assert recognise("tuya/x", b'{"status":[{"code":"switch","value":true}],"note":"doorcontact_state"}') is None
