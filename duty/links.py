"""Signed words for links: nobody can make one, alter one, or use one sort for another.

A token is an id from the store and a keyed digest of it.  It says nothing of a household or an incident, so that it may
pass through a chat robot or lie printed on a door; what it may do is looked up when it is used.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from hmac import compare_digest, digest
from typing import Literal

Sort = Literal["resident", "tap"]

ID_BYTES = 12
_MAC_BYTES = 12
_TEXT = 32  # characters of a token


def token(key: bytes, sort: Sort, id: str) -> str:
    """The token for `id` (24 hexadecimal digits): 32 characters that need no escaping in an address."""
    raw = bytes.fromhex(id)
    if len(raw) != ID_BYTES:
        raise ValueError(f"an id has {ID_BYTES} bytes")
    return urlsafe_b64encode(raw + _mac(key, sort, raw)).decode()


def read(key: bytes, sort: Sort, text: str) -> str | None:
    """The id a token of this sort was made for, or None for anything else."""
    if len(text) != _TEXT or not text.isascii():
        return None
    try:
        data = urlsafe_b64decode(text)
    except ValueError:
        return None
    raw, mac = data[:ID_BYTES], data[ID_BYTES:]
    if len(mac) != _MAC_BYTES or not compare_digest(mac, _mac(key, sort, raw)):
        return None
    # Base64 decoders pass over strange characters: only the one spelling counts.
    return raw.hex() if urlsafe_b64encode(data).decode() == text else None


def _mac(key: bytes, sort: Sort, raw: bytes) -> bytes:
    return digest(key, sort.encode() + b"\0" + raw, sha256)[:_MAC_BYTES]
