import pytest

from devices.events import Rejected
from devices.formats.ble_thermometer import recognise
from tests.devices.formats.routing import gun, known_of, one, take

KNOWN = known_of(gun("ble-thermometer", "b", site="wrist"))


def measured(mantissa, exponent, flags=0):
    return bytes([flags]) + mantissa.to_bytes(3, "little", signed=True) + exponent.to_bytes(1, "big", signed=True)


@pytest.mark.parametrize(
    ("mantissa", "exponent", "celsius"),
    [(373, -1, 37.3), (3730, -2, 37.3), (37300, -3, 37.3), (37, 0, 37.0), (4, 1, 40.0), (-5, -1, -0.5)],
)
def test_the_same_temperature_however_it_is_written(mantissa, exponent, celsius):
    assert one(take(KNOWN, "b", measured(mantissa, exponent))).celsius == celsius


def test_every_tenth_of_a_degree_fahrenheit_is_rounded_not_cut():
    for tenths in range(950, 1100):
        celsius = one(take(KNOWN, "b", measured(tenths, -1, flags=1))).celsius
        assert celsius is not None
        assert abs(celsius - (tenths / 10 - 32) * 5 / 9) <= 0.005


@pytest.mark.parametrize("special", [0x7FFFFF, 0x7FFFFE, 0x800000, 0x800001, 0x800002])
def test_special_values_are_no_temperature(special):
    answer = take(KNOWN, "b", bytes([0]) + special.to_bytes(3, "little") + b"\0")
    assert isinstance(answer, Rejected)


def test_what_it_recognises():
    assert recognise("b", measured(366, -1)) is not None
    assert recognise("b", measured(366, -1, flags=4) + b"\x02") is not None
    assert recognise("b", measured(900, -1)) is None
    assert recognise("b", measured(366, -1) + b"\0") is None
    assert recognise("b", b"") is None
    assert recognise("b", b'{"a":1}') is None
