"""What a device said: as a vendor's format understood it (`Reading`), and as a canonical event (`Event`).

One MQTT message is one event; what it says of door, battery, tamper and so on are its facets.  Everything is a frozen
value with times in milliseconds UTC.  An event is written as an array (msgpack), so **fields are only ever added at
the end, with a default**.
"""

from typing import Literal

import msgspec

Kind = Literal["door", "temperature", "heartbeat", "battery", "tamper", "availability", "button"]

# How the device (or the way it came) says this report came about.  `live`: sent because something happened, or not
# said.  The others are states: compared with what is known, never an opening by themselves.
Report = Literal["live", "retained", "periodic", "poweron"]

RejectReason = Literal["malformed", "unknown-device", "unknown-topic", "implausible", "too-large", "forbidden-topic"]
REJECT_REASONS: tuple[RejectReason, ...] = (
    "malformed",
    "unknown-device",
    "unknown-topic",
    "implausible",
    "too-large",
    "forbidden-topic",
)


class Message(msgspec.Struct, frozen=True, gc=False):
    """One message as it came in.  `client` is the authenticated device id of a direct connection, else ""."""

    topic: str
    payload: bytes
    received_ms: int
    retained: bool = False
    redelivered: bool = False
    packet_id: int = 0
    client: str = ""


class Rejected(msgspec.Struct, frozen=True):
    """Why a message could not come in.  `detail` says what and where, for a person; it never repeats the payload."""

    reason: RejectReason
    detail: str = ""


class Reading(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a format understood of one message about one device.  Every facet that was not said is None."""

    device: str
    kind: Kind
    report: Report = "live"
    at_ms: int | None = None  # the device's own time, as it claims it
    cause: str = ""  # what makes two equal payloads two messages: "seq 17", "n 5", "f_cnt 9"; "" when nothing does
    open: bool | None = None
    opens_counted: int | None = None  # the device's own running count of its openings
    battery_percent: float | None = None
    battery_low: bool | None = None
    tamper: bool | None = None
    online: bool | None = None
    celsius: float | None = None
    site: str = ""  # axilla, ear, forehead, wrist, neck; "" when not said
    pass_id: str = ""
    ambient_celsius: float | None = None
    button: str = ""
    signal: float | None = None  # dBm when negative, link quality 0-255 else
    report_hint: Report | None = None  # a message that only says how the values beside it came about (Shelly Gen1)


class Event(msgspec.Struct, frozen=True, array_like=True, tag="e", gc=False):
    """One canonical event, as it stands in `inbox`.

    `place` is a household (`g017/3/1203`), a checkpoint (`g017/north`) or a bridge id, as `where` says.
    `device_ms` is what the device claims; `received_ms` is the gateway's time.  The time trusted is worked out by the
    core from both (`streams/device_clock.py`), because it depends on the device's history.
    """

    id: str
    device: str
    grid: str
    where: str
    place: str
    received_ms: int
    kind: Kind
    report: Report = "live"
    has_cause: bool = False  # the id comes from the device's own counter or time: seen again, it is a duplicate
    redelivered: bool = False
    device_ms: int | None = None
    open: bool | None = None
    opens_counted: int | None = None
    battery_percent: float | None = None
    battery_low: bool | None = None
    tamper: bool | None = None
    online: bool | None = None
    celsius: float | None = None
    site: str = ""
    pass_id: str = ""
    ambient_celsius: float | None = None
    implausible: bool = False  # a temperature outside what a body can have: answered on the screen, no reading
    button: str = ""
    signal: float | None = None
    report_hint: Report | None = None
