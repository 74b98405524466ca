"""What a message heard on a broker says of the row its device should have in the fleet file."""

from typing import Literal

import msgspec

Sort = Literal["door", "thermometer", "bridge"]


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """A row to be: what a recogniser read off one message.

    `word` is the contact's own word ("ON", "1") where its meaning is up to the wiring: which of its words means open is
    found by opening the door once, never here.  `if_shared` is the address to use where others turn out to share the
    topic.  `certain` is 0 to 100: where two formats recognise one message, the more certain one holds.
    """

    format: str
    topic: str
    sort: Sort = "door"
    address: str = ""
    if_shared: str = ""
    word: str = ""
    report_every_s: float | None = None
    options: dict[str, str] = {}
    certain: int = 80


def nobody(topic: str, payload: bytes) -> Proposal | None:
    """A format whose messages nothing in them gives away."""
    return None
