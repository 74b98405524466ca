import pytest

from devices.events import Rejected
from devices.formats.ipso import Resource, bit, parsed, reading
from tests.devices.formats.routing import door, gun


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/3342/0/5500", (3342, 0, 5500)),
        ("3342_0_5500", (3342, 0, 5500)),
        ("urn:dev:ep:x/3342/1/5501", (3342, 1, 5501)),
        ("/3/0/11/0", (3, 0, 11)),
        ("3342", None),
        ("door", None),
        ("/a/b/c", None),
        ("", None),
        ("/3342/0/5500" * 40, None),
    ],
)
def test_a_path(path, found):
    assert parsed(path) == found


@pytest.mark.parametrize(
    ("value", "said"), [(True, True), (0, False), (1.0, True), ("1", True), (" False ", False), ("on", None), (2, None)]
)
def test_a_bit(value, said):
    assert bit(value) == said


def read(*resources, row=None, **said):
    return reading(
        [Resource(*r) for r in resources], row or door("lwm2m-senml", "t", open_is="1"), report="live", **said
    )


def test_the_counter_counts_openings_only_where_one_is_open():
    counted = [
        read((3342, 0, 5501, 7), row=door("lwm2m-senml", "t", open_is=word)).opens_counted for word in ("1", "0", "")
    ]
    assert counted == [7, None, None]
    assert read((3342, 0, 5501, 7), row=door("onenet", "t"), default_open=True).opens_counted == 7


def test_without_a_word_for_open_nothing_is_guessed():
    assert isinstance(read((3342, 0, 5500, True), row=door("lwm2m-senml", "t")), Rejected)
    assert read((3342, 0, 5500, True), row=door("onenet", "t"), default_open=True).open is True


@pytest.mark.parametrize(("unit", "celsius"), [("Cel", 37.5), ("", 37.5), ("degF", 3.06), ("degree Fahrenheit", 37.5)])
def test_units_of_a_temperature(unit, celsius):
    found = reading([Resource(3303, 0, 5700, 37.5, unit)], gun("lwm2m-senml", "t"), report="live")
    assert not isinstance(found, Rejected)
    assert found.celsius == celsius


@pytest.mark.parametrize("value", [1e9, -2000, "warm", True, float("1e15")])
def test_what_is_no_temperature(value):
    assert isinstance(reading([Resource(3303, 0, 5700, value)], gun("lwm2m-senml", "t"), report="live"), Rejected)


def test_the_device_object():
    found = read((3, 0, 9, 12), (3, 0, 20, 0), (3, 0, 11, 1))
    assert (found.battery_percent, found.battery_low, found.kind) == (12, True, "battery")
    assert read((3, 0, 9, 400)).battery_percent is None


@pytest.mark.parametrize("value", [-1, 1.5, "many", 2**60])
def test_what_is_no_count(value):
    found = read((3342, 0, 5501, value))
    assert isinstance(found, Rejected)
    assert found.reason == "implausible"
