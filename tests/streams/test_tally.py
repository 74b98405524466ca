"""What is remembered is counted by what is written, and a difference of one row shows."""

from random import Random

import pytest

from streams.tally import Tally, changed, tally


def test_it_is_the_same_counted_once_or_kept_up_to_date() -> None:
    random = Random(1)
    rows: dict[bytes, bytes] = {}
    kept = Tally()
    for _ in range(300):
        keys = {b"k%d" % random.randrange(60) for _ in range(random.randrange(1, 6))}
        writes = [(key, random.randbytes(random.randrange(40)) if random.random() < 0.7 else None) for key in keys]
        kept = changed(kept, writes, rows.get)
        for key, value in writes:
            if value is None:
                rows.pop(key, None)
            else:
                rows[key] = value
        assert kept == tally(rows.items())
    assert kept.rows == len(rows) > 10


ROWS = {b"d:door-1": b"open", b"d:door-2": b"shut", b"p:g017/3/1203": b"a case"}


@pytest.mark.parametrize(
    "other",
    [
        {b"d:door-1": b"open", b"d:door-2": b"shut"},
        {**ROWS, b"d:door-3": b"open"},
        {**ROWS, b"d:door-2": b"open"},
        {**ROWS, b"d:door-1": b"shut", b"d:door-2": b"open"},
        {},
    ],
    ids=["one missing", "one too many", "one old", "two changed places", "nothing"],
)
def test_a_difference_shows(other: dict[bytes, bytes]) -> None:
    assert tally(other.items()) != tally(ROWS.items())


def test_the_order_says_nothing() -> None:
    assert tally(reversed(ROWS.items())) == tally(ROWS.items())
