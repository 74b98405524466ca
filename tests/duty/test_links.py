import pytest
from hypothesis import given
from hypothesis import strategies as st

from duty.links import read, token

KEY = b"k" * 32
ID = "00112233445566778899aabb"


def test_a_token_is_read_for_what_it_was_made() -> None:
    made = token(KEY, "resident", ID)
    assert len(made) == 32
    assert read(KEY, "resident", made) == ID
    assert read(KEY, "tap", made) is None
    assert read(b"o" * 32, "resident", made) is None


def test_an_id_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError):
        token(KEY, "tap", "0011")


@given(st.text(max_size=60))
def test_no_other_text_is_a_token(text: str) -> None:
    assert read(KEY, "tap", text) is None


@given(st.integers(0, 31), st.sampled_from("ABab01-_=+/ \n"))
def test_no_altered_token_is_one(at: int, letter: str) -> None:
    made = token(KEY, "tap", ID)
    altered = made[:at] + letter + made[at + 1 :]
    assert read(KEY, "tap", altered) == (ID if altered == made else None)
