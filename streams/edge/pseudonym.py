"""The pseudonyms of the time series: a keyed hash, its key in `series.key` of the data folder.

Whoever has the points but not the key cannot tell which household they are about; whoever destroys the key has made
all of them unlinkable at once.
"""

import os
import secrets
from hashlib import blake2b
from pathlib import Path

from streams.points import Pseudonym, case_key

_KEY_BYTES = 32


def load_key(folder: Path) -> bytes:
    """The key of this data folder; made, for this user alone, when there is none.  Raises OSError, ValueError."""
    path = folder / "series.key"
    if not path.exists():
        # Made whole beside it and linked into place: two processes that start at once end with one key.
        part = path.with_name(f"series.key.{secrets.token_hex(4)}")
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(handle, secrets.token_hex(_KEY_BYTES).encode())
            os.fsync(handle)
        finally:
            os.close(handle)
        try:
            os.link(part, path)
        except FileExistsError:
            pass
        finally:
            os.unlink(part)
    key = bytes.fromhex(path.read_text().strip())
    if len(key) != _KEY_BYTES:
        raise ValueError(f"{path}: {len(key)} bytes are no key; restore it, or delete it to begin with new pseudonyms")
    return key


def hasher(key: bytes) -> Pseudonym:
    """text → 16 hexadecimal digits, by this key."""

    def pseudonym(text: str) -> str:
        return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8, key=key).hexdigest()

    return pseudonym


def of_case(key: bytes, household: str, case_from_ms: int) -> str:
    """What the points of this case carry in the tag `household`."""
    return hasher(key)(case_key(household, case_from_ms))
