"""The key that a platform shows: in a header, or in the path where it can set no header.

Only its hash is kept.  Comparing takes as long whatever is wrong with it.
"""

import base64
import binascii
from hashlib import sha256
from hmac import compare_digest

from gateway.push.values import NO_KEY, WRONG_KEY, Platform, Refused, Request

KEY_HEADER = "x-threshold-key"


def judged(key: str | None, platform: Platform) -> Refused | None:
    """None where `key` is the platform's."""
    if not key:
        return NO_KEY
    given = sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
    return None if platform.key_sha256 and compare_digest(given, platform.key_sha256) else WRONG_KEY


def shown_in_headers(request: Request) -> str | None:
    """The key of `X-Threshold-Key`, of `Authorization: Bearer`, or the password of `Authorization: Basic`."""
    key = request.headers.get(KEY_HEADER)
    if key:
        return key
    scheme, _, said = request.headers.get("authorization", "").partition(" ")
    match scheme.lower():
        case "bearer":
            return said.strip()
        case "basic":
            return _password(said.strip())
        case _:
            return None


def _password(said: str) -> str | None:
    try:
        return base64.b64decode(said, validate=True).decode("utf-8").partition(":")[2]
    except (binascii.Error, ValueError):
        return None
