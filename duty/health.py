"""What a device last said, by the inbox: for a household's screen, and for the test of a fitting."""

import msgspec
from msgspec.structs import replace

from devices.events import Event


class DeviceHealth(msgspec.Struct, frozen=True, array_like=True):
    """The newest word of a device.  `opened_ms`: when an opening was last heard live (a fitting's test)."""

    device: str
    grid: str
    place: str
    heard_ms: int
    device_ms: int | None = None  # its own clock in its newest message that told it
    difference_ms: int | None = None  # the gateway's clock less the device's, in that message
    battery_percent: float | None = None
    battery_low: bool | None = None
    signal: float | None = None
    open: bool | None = None
    opened_ms: int | None = None
    opens_counted: int | None = None
    online: bool | None = None
    tamper: bool | None = None
    celsius: float | None = None


# Facets that an event says or leaves as they were.
_SAID = ("battery_percent", "battery_low", "signal", "open", "opens_counted", "online", "tamper", "celsius")


def after_event(before: DeviceHealth | None, event: Event) -> DeviceHealth:
    """The device after `event`.  A retained message was not heard now: it tells what was, not that the device lives."""
    if before is None or (before.place, before.grid) != (event.place, event.grid):
        before = DeviceHealth(event.device, event.grid, event.place, 0)
    changes: dict[str, object] = {}
    for name in _SAID:
        value = getattr(event, name)
        if value is not None:
            changes[name] = value
    if event.report != "retained":
        changes["heard_ms"] = max(before.heard_ms, event.received_ms)
    if event.device_ms is not None:
        changes["device_ms"] = event.device_ms
        changes["difference_ms"] = event.received_ms - event.device_ms
    if event.open and event.report == "live" and not before.open:
        changes["opened_ms"] = event.received_ms
    return replace(before, **changes)
