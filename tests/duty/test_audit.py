import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from duty.audit import Anchor, AuditRow, first_bad, row_hash

KEY = b"k" * 32


def chain(actors: list[str]) -> list[AuditRow]:
    rows: list[AuditRow] = []
    before = ""
    for number, actor in enumerate(actors, 1):
        row = AuditRow(number=number, at_ms=number * 10, actor=actor, action="see-contacts")
        row = msgspec.structs.replace(row, hash=row_hash(KEY, before, row))
        rows.append(row)
        before = row.hash
    return rows


def test_a_whole_chain() -> None:
    assert first_bad(KEY, []) is None
    assert first_bad(KEY, chain(["a", "b"])) is None


def test_another_key_makes_no_valid_row() -> None:
    assert first_bad(b"x" * 32, chain(["a", "b"])) == 1


def test_a_chain_written_anew_from_the_middle_is_seen_against_the_anchor() -> None:
    rows = chain(["a", "b", "c"])
    forged = chain(["a", "x", "c"])
    assert first_bad(KEY, forged) is None  # whoever holds the key could: the anchor is for that
    assert first_bad(KEY, forged, [Anchor(2, rows[1].hash)]) == 2


FIELDS = ["number", "at_ms", "actor", "action", "object", "grid", "well", "detail", "address", "hash"]


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_every_alteration_is_found_at_its_row(data: st.DataObject) -> None:
    rows = chain([f"p{n}" for n in range(6)])
    anchor = Anchor(6, rows[-1].hash)
    at = data.draw(st.integers(0, 5))
    how = data.draw(st.sampled_from(["alter", "delete", "double", "swap", "cut"]))
    if how == "alter":
        field = data.draw(st.sampled_from(FIELDS))
        old = getattr(rows[at], field)
        new = (not old) if isinstance(old, bool) else old + 1 if isinstance(old, int) else old + "x"
        rows[at] = msgspec.structs.replace(rows[at], **{field: new})
        expected = at
    elif how == "delete":
        del rows[at]
        expected = at
    elif how == "double":
        rows.insert(at, rows[at])
        expected = at + 1
    elif how == "swap":
        other = data.draw(st.integers(0, 5).filter(lambda n: n != at))
        rows[at], rows[other] = rows[other], rows[at]
        expected = min(at, other)
    else:
        rows = rows[:at]
        expected = at
    assert first_bad(KEY, rows, [anchor]) == expected + 1
