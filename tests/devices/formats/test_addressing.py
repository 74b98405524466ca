from devices.formats import Known
from devices.formats.addressing import is_above, measures_body, row_of, spelled
from tests.devices.formats.routing import device, door, gun


def known(*addresses):
    rows = [{"id": f"d{n}", "topic": "t", "household": "g/1/1", "address": a} for n, a in enumerate(addresses)]
    return Known(tuple(device(row, "deconz") for row in rows))


def found(known, *names):
    row = row_of(known, *names)
    return row.id if row else None


def test_one_spelling_of_an_address():
    assert spelled("00:15:8D-00") == spelled("00158d00")


def test_the_row_that_is_named():
    few, many = known("aa:bb", "cc"), known(*(f"{n:04x}" for n in range(5000)))
    assert [found(few, "AABB"), found(few, "cc"), found(few, "dd"), found(few, "")] == ["d0", "d1", None, None]
    assert [found(many, "0FFF"), found(many, "13-87"), found(many, "1388")] == ["d4095", "d4999", None]


def test_any_of_several_names_will_do():
    assert found(known("a", "b"), "", "b") == "d1"
    assert found(known(*(str(n) for n in range(10))), "x", "7") == "d7"


def test_a_single_row_without_an_address_takes_all():
    assert found(known(""), "anything") == "d0"
    assert found(known("", "x"), "anything") is None


def test_other_rows_have_another_index():
    """The index is kept for a tuple of rows: rows read anew, after the fleet file changed, are looked up anew."""
    for n in range(600):
        rows = known(*(f"{n}-{m}" for m in range(6)))
        assert found(rows, f"{n}-5") == "d5"
        assert found(rows, f"{n - 1}-5") is None


def test_what_lies_above_an_address():
    rows = known("G/E1/D", "G/E2/D", "G")
    assert [is_above(rows, name) for name in ("g/E1", "G/E2", "G/E3", "G", "G/E1/D")] == [
        True,
        True,
        False,
        False,
        False,
    ]


def test_whose_temperature_it_is():
    assert measures_body(gun("native", "t"))
    assert measures_body(door("native", "t", site="axilla"))
    assert not measures_body(door("native", "t"))
