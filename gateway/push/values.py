"""A request of a platform, and what becomes of it."""

from typing import Literal

import msgspec

from devices.events import RejectReason
from devices.fleet import PlatformKind


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """`rest` is what follows `/push/<platform>/` in the path, unquoted level by level; names of headers are in small
    letters."""

    method: str
    rest: tuple[str, ...] = ()
    query: dict[str, str] = {}
    headers: dict[str, str] = {}
    body: bytes = b""


class Platform(msgspec.Struct, frozen=True, kw_only=True):
    """A row `[[platform]]` with its secrets: the hash of a key that is shown, or a token that signs."""

    id: str
    kind: PlatformKind
    topic: str
    key_sha256: str = ""
    token: str = ""
    aes_key: bytes = b""


class Pushed(msgspec.Struct, frozen=True):
    """Messages: (what follows the platform's topic, payload)."""

    messages: tuple[tuple[str, bytes], ...]


class Greeted(msgspec.Struct, frozen=True):
    """The platform asks whether this is the right address, and wants to hear `words` and nothing else."""

    words: str


class Refused(msgspec.Struct, frozen=True):
    """Not taken.  `status` is the HTTP answer: 401 and 403 for one that is not who it says it is."""

    status: Literal[400, 401, 403, 405]
    reason: RejectReason
    detail: str


Outcome = Pushed | Greeted | Refused

NO_KEY = Refused(401, "forbidden-topic", "the push shows no key")
WRONG_KEY = Refused(403, "forbidden-topic", "the push shows a wrong key")
NO_POST = Refused(405, "malformed", "this platform pushes with POST")
EMPTY = Refused(400, "malformed", "the push is empty")
