"""Outbox and inbox → the live picture, the feed of changes for the screens, and the pages for delivery."""

from collections.abc import AsyncIterator, Callable

import msgspec

from duty.picture import CommandOutcome, Incident, Picture, Touched
from streams.effects import Answer, HouseholdSeen


class Change(msgspec.Struct, frozen=True, array_like=True):
    """One change of the feed.  `id` is `<start>-<seq>`: what a client hands back to go on where it was."""

    id: str
    touched: Touched


class Lost(msgspec.Struct, frozen=True, array_like=True):
    """The client was away longer than the feed remembers (or the desk was started anew): draw everything afresh."""

    id: str


class DeviceHealth(msgspec.Struct, frozen=True, array_like=True):
    """What a device last said, by the inbox."""

    device: str
    grid: str
    place: str
    heard_ms: int
    device_ms: int | None = None  # the device's own time in its newest message with one
    battery_percent: float | None = None
    battery_low: bool | None = None
    signal: float | None = None
    open: bool | None = None
    opened_ms: int | None = None  # when an opening was last heard: the test of a fitting
    opens_counted: int | None = None
    online: bool | None = None
    celsius: float | None = None
    tamper: bool | None = None


class Projection:
    """The picture and its feed.  `picture` may be read from any thread; everything else runs in the event loop."""

    picture: Picture

    def subscribe(self, after: str = "", *, wanted: Callable[[Touched], bool]) -> AsyncIterator[Change | Lost]:
        """Changes that are `wanted`, in order, for ever.  `after` is the id of the last one seen ("": from now on)."""
        raise NotImplementedError

    def position(self) -> str:
        """The id to subscribe after, for a page that was drawn from the picture as it is now."""
        raise NotImplementedError

    def device(self, device: str) -> DeviceHealth | None: ...
    def devices_of(self, place: str) -> list[DeviceHealth]: ...
    def outcome(self, command_id: str) -> CommandOutcome | None: ...
    def live_since_ms(self) -> int:
        """When the outbox was last read to its end: an older time than a few seconds means the picture is old."""
        raise NotImplementedError


__all__ = ["Answer", "Change", "DeviceHealth", "HouseholdSeen", "Incident", "Lost", "Projection"]
