import pytest
from hypothesis import given
from hypothesis import strategies as st

from duty.people import Contact
from duty.privacy import (
    Unreadable,
    key_is_due,
    open_contacts,
    open_sealed,
    pseudonym,
    seal,
    seal_contacts,
    subkey,
    unwrap_case_key,
    wrap_case_key,
)

MASTER, OTHER = b"m" * 32, b"o" * 32
NONCE = b"n" * 12
KEY = b"c" * 32


def test_contacts_open_with_the_key_of_their_case_only() -> None:
    contacts = [Contact(name="张", phone="139")]
    sealed = seal_contacts(KEY, "case-1", contacts, NONCE)
    assert open_contacts(KEY, "case-1", sealed) == contacts
    for key, case in ((OTHER, "case-1"), (KEY, "case-2")):
        with pytest.raises(Unreadable):
            open_contacts(key, case, sealed)


def test_a_case_key_is_wrapped_for_its_case() -> None:
    wrapped = wrap_case_key(MASTER, "case-1", KEY, NONCE)
    assert KEY not in wrapped
    assert unwrap_case_key(MASTER, "case-1", wrapped) == KEY
    for master, case in ((OTHER, "case-1"), (MASTER, "case-2")):
        with pytest.raises(Unreadable):
            unwrap_case_key(master, case, wrapped)


@given(st.integers(0, 200), st.integers(1, 255))
def test_any_altered_byte_and_any_cut_is_seen(at: int, flip: int) -> None:
    sealed = bytearray(seal(KEY, "about", b"plain text", NONCE))
    altered = bytearray(sealed)
    altered[at % len(sealed)] ^= flip
    with pytest.raises(Unreadable):
        open_sealed(KEY, "about", bytes(altered))
    with pytest.raises(Unreadable):
        open_sealed(KEY, "about", bytes(sealed[: at % len(sealed)]))


def test_keys_and_nonces_of_a_wrong_length_are_refused() -> None:
    with pytest.raises(ValueError, match="must have 32"):
        subkey(b"short", "x")
    with pytest.raises(ValueError, match="nonce"):
        seal(KEY, "x", b"", b"short")


def test_each_purpose_has_its_own_key() -> None:
    assert len({subkey(MASTER, "a"), subkey(MASTER, "b"), subkey(OTHER, "a"), MASTER}) == 4


def test_a_pseudonym_is_steady_and_says_nothing() -> None:
    one = pseudonym(MASTER, "export", "g017/3/1203")
    assert one == pseudonym(MASTER, "export", "g017/3/1203")
    assert len(one) == 16
    assert one.isalnum()
    others = {pseudonym(MASTER, "export", "g017/3/1204"), pseudonym(MASTER, "bulletin", "g017/3/1203"),
              pseudonym(OTHER, "export", "g017/3/1203")}  # fmt: skip
    assert one not in others
    assert len(others) == 3
    assert len({pseudonym(MASTER, "x", str(n)) for n in range(5000)}) == 5000


@pytest.mark.parametrize(
    ("released", "until", "days", "now", "due"),
    [(None, 100, 0, 99, False), (None, 100, 0, 100, True), (50, 100, 0, 50, True), (200, 100, 0, 100, True),
     (0, 100, 1, 86_399_999, False), (0, 100, 1, 86_400_000, True), (0, 100, 0.5, 43_200_000, True)],
)  # fmt: skip
def test_when_a_key_is_due(released, until, days, now, due) -> None:
    assert key_is_due(released, until, days, now) is due
