"""Platforms that push over HTTP instead of publishing: one vendor a file, requests → messages of our own topics.

What is read here was checked for who sent it; what it means is the formats' (`devices/formats/`), as for any message.
"""

from collections.abc import Callable, Mapping

from devices.fleet import PlatformKind
from gateway.push import chirpstack, ctwing, onenet, shelly, ttn
from gateway.push.values import Outcome, Platform, Request

Read = Callable[[Request, Platform], Outcome]

KINDS: Mapping[PlatformKind, Read] = {
    "ctwing": ctwing.read,
    "onenet": onenet.read,
    "ttn": ttn.read,
    "chirpstack": chirpstack.read,
    "shelly": shelly.read,
}
