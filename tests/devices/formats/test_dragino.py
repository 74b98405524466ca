import pytest

from devices.events import Rejected
from devices.formats.dragino import Values, from_bytes, from_object, reading


def test_the_bits_of_an_uplink():
    assert from_bytes(bytes.fromhex("8bb80100001100000201"), 10) == Values(3.0, 1, 1, 17, 1)
    assert from_bytes(bytes.fromhex("0bb80100001200000200"), 10) == Values(3.0, 1, 0, 18, 0)
    assert from_bytes(bytes.fromhex("4bb80200001200000200"), 10) == Values(3.0, 2, None, None, 0)
    assert from_bytes(bytes.fromhex("8bb80300001200000200"), 10) == Values(3.0, 3, 1, None, 0)


@pytest.mark.parametrize(
    ("raw", "port"), [("8bb801000011000002", 10), ("8bb80100001100000201", 7), ("", 10), ("00" * 10, 10)]
)
def test_bytes_that_are_no_door(raw, port):
    assert from_bytes(bytes.fromhex(raw), port) is None


def test_both_spellings_of_the_codec():
    large = from_object(b'{"BAT_V":3.0,"MOD":1,"DOOR_OPEN_STATUS":1,"DOOR_OPEN_TIMES":4,"ALARM":0}')
    small = from_object(b'{"BatV":3.0,"mod":1,"door_open_status":1,"open_times":4,"alarm":0}')
    assert large == small == Values(3.0, 1, 1, 4, 0)
    assert from_object(b'{"TempC":1}') is None
    assert isinstance(from_object(b'{"DOOR_OPEN_STATUS":"open"}'), Rejected)


@pytest.mark.parametrize(("volts", "low"), [(2.39, True), (2.4, False), (0, None), (99, None), (None, None)])
def test_the_line_of_a_low_battery(volts, low):
    found = reading(Values(bat_v=volts), "d", report="live", at_ms=None, cause="")
    assert not isinstance(found, Rejected)
    assert found.battery_low is low
