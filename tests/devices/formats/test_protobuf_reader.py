import pytest

from devices.formats.protobuf_reader import BYTES, FIXED32, FIXED64, VARINT, WireError, fields, skipped


def test_each_wire_type():
    data = bytes.fromhex("08ac0212036162631d00000000210000000000000000")
    assert fields(data, 10) == [
        (1, VARINT, 300),
        (2, BYTES, b"abc"),
        (3, FIXED32, bytes(4)),
        (4, FIXED64, bytes(8)),
    ]


def test_large_numbers_of_fields_and_values():
    assert fields(bytes.fromhex("c00c01"), 1) == [(200, VARINT, 1)]
    assert fields(b"\x08" + b"\xff" * 9 + b"\x01", 1) == [(1, VARINT, 2**64 - 1)]


def test_nothing_is_a_message():
    assert fields(b"", 1) == []


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("08", "a number that does not end"),
        ("08ff", "a number that does not end"),
        ("08" + "ff" * 10 + "01", "more than ten bytes"),
        ("0a05616263", "longer than the message"),
        ("0d0000", "longer than the message"),
        ("0b", "a group"),
        ("0f00", "a group, or a wire type"),
        ("0000", "without a number"),
        ("08010801", "more than 1 fields"),
        ("ff", "a number that does not end"),
    ],
)
def test_what_is_no_message(data, words):
    with pytest.raises(WireError, match=words):
        fields(bytes.fromhex(data), 1)


@pytest.mark.parametrize(
    ("data", "end"),
    [("08ac02", 3), ("0a03616263", 5), ("1d00000000", 5), ("210000000000000000", 9), ("c00c01", 3)],
)
def test_a_field_nobody_reads_is_passed_over(data, end):
    raw = bytes.fromhex(data)
    assert skipped(raw, 1, raw[0]) == end


@pytest.mark.parametrize("data", ["0b", "0f00", "0000", "08" + "ff" * 10 + "01"])
def test_a_field_that_cannot_be_passed_over(data):
    raw = bytes.fromhex(data)
    with pytest.raises(WireError):
        skipped(raw, 1, raw[0])
