"""`ble-thermometer`: the raw bytes of Bluetooth's Temperature Measurement (0x2A1C of the Health Thermometer service).

Flags (bit 0 Fahrenheit, bit 1 a time follows, bit 2 a type follows), an IEEE 11073 FLOAT (24-bit mantissa, 8-bit
exponent, little end first), a local time without a zone (it tells two measurements apart and is not used as a time),
a type.  Types 1 armpit, 3 ear, 9 tympanum name a body site we know; there is none for forehead or wrist, so those
come from the row.  Types and layout: Bluetooth's Health Thermometer Service 1.0, the same list in the headers of
three chip makers' stacks.  NaN 0x007FFFFF, NRes 0x00800000, ±INF 0x007FFFFE and 0x00800002, 0x00800001 reserved:
IEEE 11073-20601, as the Bluetooth SIG's GATT Specification Supplement lists them.
"""

from devices.events import Message, Reading, Rejected
from devices.formats import Format, Known
from devices.formats.proposal import Proposal
from devices.formats.values import report_of
from devices.profile import Profile

_FAHRENHEIT, _TIME, _TYPE = 1, 2, 4
_SITES = {1: "axilla", 3: "ear", 9: "ear"}
_SPECIAL = frozenset({0x7FFFFF, 0x800000, 0x7FFFFE, 0x800002, 0x800001})
_ABSURD = 1000.0


def _celsius(flags: int, payload: bytes) -> float | Rejected:
    raw = int.from_bytes(payload[1:4], "little")
    if raw in _SPECIAL:
        return Rejected("implausible", "the thermometer says it has no value")
    mantissa = raw - 0x1000000 if raw & 0x800000 else raw
    exponent = payload[4] - 256 if payload[4] & 0x80 else payload[4]
    if not -7 <= exponent <= 2:
        return Rejected("malformed", "the exponent is none that a temperature needs")
    # Dividing by a power of ten keeps 373e-1 at 37.3; multiplying by 0.1 does not.
    number = mantissa / 10**-exponent if exponent < 0 else float(mantissa * 10**exponent)
    if flags & _FAHRENHEIT:
        number = round((number - 32) * 5 / 9, 2)
    return number if abs(number) <= _ABSURD else Rejected("malformed", "no temperature")


def decode(message: Message, known: Known) -> list[Reading] | Rejected:
    """The reading of one Temperature Measurement."""
    payload, device = message.payload, known.devices[0]
    if not payload:
        return Rejected("malformed", "the payload is empty")
    flags = payload[0]
    needed = 5 + (7 if flags & _TIME else 0) + (1 if flags & _TYPE else 0)
    if len(payload) != needed:
        return Rejected("malformed", f"{len(payload)} bytes, the flags ask for {needed}")
    celsius = _celsius(flags, payload)
    if isinstance(celsius, Rejected):
        return celsius
    return [
        Reading(
            device=device.id,
            kind="temperature",
            report=report_of(message),
            cause=f"time {payload[5:12].hex()}" if flags & _TIME else "",
            celsius=celsius,
            site=(_SITES.get(payload[-1], "") if flags & _TYPE else "") or device.site,
        )
    ]


def recognise(topic: str, payload: bytes) -> Proposal | None:
    """Bytes that are a Temperature Measurement to the last one, and a temperature that a body or a room can have."""
    if not payload or payload[0] > (_FAHRENHEIT | _TIME | _TYPE):
        return None
    if len(payload) != 5 + (7 if payload[0] & _TIME else 0) + (1 if payload[0] & _TYPE else 0):
        return None
    celsius = _celsius(payload[0], payload)
    if isinstance(celsius, Rejected) or not 20 <= celsius <= 45:
        return None
    return Proposal(format="ble-thermometer", topic=topic, sort="thermometer", certain=60)


FORMAT = Format(
    name="ble-thermometer",
    decode=decode,
    recognise=recognise,
    profile=Profile(report_every_s=None, measures_body=True),
)
