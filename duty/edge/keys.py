"""The desk's master key: 32 random bytes in a file of its own, readable by its owner alone, never in the database.

Whoever copies the database without this file can read no contact, no channel and no second factor, and can forge no
row of the audit log.  Keep a copy of it apart from the copies of the database.
"""

import os
import secrets
from base64 import b64decode, b64encode
from binascii import Error
from pathlib import Path

from duty.privacy import KEY_BYTES

FILE = "desk.key"


class KeyTrouble(RuntimeError):
    """The key file cannot be used; the text says what to do."""


def master_key(folder: Path) -> bytes:
    """The key in the data folder, made at the first start.  Raises KeyTrouble."""
    path = folder / FILE
    try:
        return _read(path)
    except FileNotFoundError:
        pass
    try:
        # Written whole under another name, then given its own: two starts at once end with one key.
        temporary = folder / f".{FILE}.{os.getpid()}"
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(fd, "wb") as file:
            file.write(b64encode(secrets.token_bytes(KEY_BYTES)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(temporary, path)
        except FileExistsError:
            pass
        finally:
            os.unlink(temporary)
        return _read(path)
    except OSError as error:
        raise KeyTrouble(f"{path}: the desk's key cannot be written: {error.strerror}") from error


def _read(path: Path) -> bytes:
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise KeyTrouble(f"{path}: the desk's key cannot be read: {error.strerror}") from error
    if path.stat().st_mode & 0o077:
        raise KeyTrouble(f"{path}: others may read the desk's key: chmod 600 {path}")
    try:
        key = b64decode(text.strip(), validate=True)
    except (Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise KeyTrouble(f"{path}: this is no key of the desk's: put back a copy of it")
    return key
