import pytest

from devices.formats import table
from gateway.fleet_records import fleet_records
from gateway.shared_keys import (
    HeardRow,
    LentRow,
    MemoryRow,
    ToldRow,
    heard_rows,
    lent_rows,
    memory_rows,
    read_row,
    told_rows,
)
from tests.gateway.worlds import FLEET


def test_what_is_written_is_read():
    told = fleet_records(FLEET, table(), 5)
    assert [read_row(*row) for row in told_rows(told[:2])] == [
        ToldRow("bridge z2m-17", told[0]),
        ToldRow("device door-1", told[1]),
    ]
    assert [read_row(*row) for row in memory_rows({"a topic/with spaces": b"\x80"}, "me")] == [
        MemoryRow("a topic/with spaces", b"\x80", "me")
    ]
    assert [read_row(*row) for row in heard_rows({("siren 1/worker", 7): 12})] == [HeardRow("siren 1/worker", 7, 12)]


def test_of_what_is_lent_the_difference_is_written():
    before, now = {"a": "g1/1/1", "b": "g1/1/2", "c": "g1/1/3"}, {"b": "g1/1/9", "c": "g1/1/3", "d": "g1/1/4"}
    assert [read_row(*row) for row in lent_rows(before, now, "me")] == [
        LentRow("a", "", "me"),
        LentRow("b", "g1/1/9", "me"),
        LentRow("d", "g1/1/4", "me"),
    ]
    assert lent_rows(now, now, "me") == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (b"clock", b""),
        (b"told device x", b"nothing"),
        (b"lent x", b"\xc1"),
        (b"memory x", b"\x01"),
        (b"heard siren nowhere", b"\x01"),
        (b"heard siren 1", b"\xa1x"),
        (b"\xff\xfe", b"\x01"),
    ],
)
def test_what_is_not_ours_or_damaged_is_passed_over(key, value):
    assert read_row(key, value) is None
