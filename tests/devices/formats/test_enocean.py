from devices.formats.enocean import recognise
from tests.devices.formats.routing import door, known_of, one, take

KNOWN = known_of(door("enocean", "e"))
SAID = b'{"status":"open","timestamp":"2020-03-16t21:09:%02d+01:00","since":"2020-03-16t21:09:00+01:00"}'


def test_two_seconds_part_a_change_from_a_state():
    assert [one(take(KNOWN, "e", SAID % seconds)).report for seconds in (0, 2, 3)] == ["live", "live", "periodic"]


def test_what_it_recognises():
    assert recognise("e", SAID % 0) is not None
    assert recognise("e", b'{"status":"open"}') is None
    assert recognise("e", b'{"status":"online","since":"x","timestamp":"y"}') is None
