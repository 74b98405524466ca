"""Contacts under a key of their case, keys under the site's master key, and names that are no names.

AES-256-GCM with the case id as associated data: a contact moved to another case does not open.  Destroying the key of a
case is erasing its contacts, in every copy of them at once.  Randomness is handed in.
"""

from collections.abc import Sequence
from hashlib import sha256
from hmac import digest

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from duty.people import Contact

KEY_BYTES = 32
NONCE_BYTES = 12

_contacts = msgspec.msgpack.Decoder(list[Contact])


class Unreadable(ValueError):
    """Sealed bytes that do not open: another key, another case, or altered."""


def subkey(master: bytes, purpose: str) -> bytes:
    """A 32-byte key for one purpose, from which neither the master key nor another purpose's can be told."""
    if len(master) != KEY_BYTES:
        raise ValueError(f"the master key has {len(master)} bytes and must have {KEY_BYTES}")
    return digest(master, b"threshold\0" + purpose.encode(), sha256)


def seal(key: bytes, about: str, plain: bytes, nonce: bytes) -> bytes:
    """`plain` sealed under `key` for `about`; opens only for the same `about`.  A nonce is used once for a key."""
    if len(nonce) != NONCE_BYTES:
        raise ValueError(f"a nonce has {NONCE_BYTES} bytes")
    return nonce + AESGCM(key).encrypt(nonce, plain, about.encode())


def open_sealed(key: bytes, about: str, sealed: bytes) -> bytes:
    """What was sealed.  Raises Unreadable."""
    if len(sealed) < NONCE_BYTES + 16:
        raise Unreadable("too short to have been sealed")
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], about.encode())
    except InvalidTag:
        raise Unreadable("sealed with another key, for something else, or altered since") from None


def wrap_case_key(master: bytes, case: str, case_key: bytes, nonce: bytes) -> bytes:
    """The key of a case as it may be stored."""
    return seal(subkey(master, "case-keys"), case, case_key, nonce)


def unwrap_case_key(master: bytes, case: str, wrapped: bytes) -> bytes:
    """The key of a case.  Raises Unreadable."""
    return open_sealed(subkey(master, "case-keys"), case, wrapped)


def seal_contacts(case_key: bytes, case: str, contacts: Sequence[Contact], nonce: bytes) -> bytes:
    """All contacts of a case, sealed as one."""
    return seal(case_key, case, msgspec.msgpack.encode(list(contacts)), nonce)


def open_contacts(case_key: bytes, case: str, sealed: bytes) -> list[Contact]:
    """The contacts of a case.  Raises Unreadable."""
    return _contacts.decode(open_sealed(case_key, case, sealed))


def pseudonym(master: bytes, purpose: str, what: str) -> str:
    """A name for `what` that says nothing about it, the same every time: 16 letters and digits.

    A keyed digest: without the key no list of phone numbers or flats can be tried against it.  Another `purpose` gives
    another name, so that two exports cannot be laid side by side.
    """
    value = int.from_bytes(digest(subkey(master, f"pseudonym/{purpose}"), what.encode(), sha256)[:10], "big")
    letters = "abcdefghijkmnpqrstuvwxyz23456789"
    return "".join(letters[value >> shift & 31] for shift in range(0, 80, 5))


def key_is_due(released_ms: int | None, until_ms: int, keep_days: float, now_ms: int) -> bool:
    """Whether the key of a case must be gone by now: `keep_days` after its release, or after its end if nobody
    released it."""
    ended_ms = until_ms if released_ms is None else min(released_ms, until_ms)
    return now_ms >= ended_ms + round(keep_days * 86_400_000)
