"""`aqara`: the LAN protocol of Xiaomi and Aqara gateways, JSON whose `data` is JSON again, inside a string.

`report` comes when something happened; `heartbeat` (about hourly) and `read_ack` repeat a state.  `no_close` is the
sensor's own "open for too long" (seconds, 60 and 300 seen): the door is open, and it is no new opening.
Sources: the gateway documents quoted in payloads of several open drivers; `no_close` seen as {"no_close":"60"} in the
comments of a .NET and of a Node driver.  Volts: below 2.8 V a battery is low (0-3300 mV in the maker's table).
"""

import msgspec

from devices.events import Kind, Message, Reading, Rejected, Report
from devices.formats import Format, Known
from devices.formats.addressing import NO_ROW, NOT_NAMED, row_of
from devices.formats.proposal import Proposal
from devices.formats.strict_json import reader
from devices.formats.values import percent, report_of
from devices.profile import Profile

_LOW_MV = 2800


class _Said(msgspec.Struct):
    cmd: str
    model: str = ""
    sid: str = ""
    data: msgspec.Raw = msgspec.Raw(b"{}")


class _Data(msgspec.Struct):
    status: str | None = None
    no_close: str | int | None = None
    voltage: float | None = None
    battery: float | None = None


_read = reader(_Said, "cmd", "sid", "data")
_read_data = reader(_Data, "status", "no_close")
_text = msgspec.json.Decoder(str)

_STATUS = {"open": True, "close": False, "unknown": None}
_STATES = frozenset({"heartbeat", "read_ack"})


def _data(raw: msgspec.Raw) -> _Data | Rejected:
    inner = bytes(raw)
    if inner[:1] == b'"':
        try:
            inner = _text.decode(inner).encode()
        except (msgspec.MsgspecError, UnicodeError):
            return Rejected("malformed", "data is no text")
    return _read_data(inner)


def decode(message: Message, known: Known) -> list[Reading] | Rejected:
    """Readings of one message of an Aqara gateway; none for what the gateway says of itself."""
    said = _read(message.payload)
    if isinstance(said, Rejected):
        return said
    if said.model == "gateway" or said.cmd not in ("report", "heartbeat", "read_ack"):
        return []
    if not said.sid:
        return NOT_NAMED
    device = row_of(known, said.sid)
    if device is None:
        return NO_ROW
    data = _data(said.data)
    if isinstance(data, Rejected):
        return data
    report: Report = report_of(message)
    if said.cmd in _STATES and report == "live":
        report = "periodic"
    opened: bool | None = None
    if data.status is not None:
        if data.status not in _STATUS:
            return Rejected("malformed", "status is neither open nor close")
        opened = _STATUS[data.status]
    elif data.no_close is not None:
        if not str(data.no_close).isdigit():
            return Rejected("malformed", "no_close is no number of seconds")
        opened, report = True, "retained" if message.retained else "periodic"
    millivolts = data.voltage if data.voltage is not None and 0 < data.voltage <= 3600 else None
    charge = percent(data.battery)
    kind: Kind = "heartbeat"
    if opened is not None:
        kind = "door"
    elif charge is not None or millivolts is not None:
        kind = "battery"
    return [
        Reading(
            device=device.id,
            kind=kind,
            report=report,
            open=opened,
            battery_percent=charge,
            battery_low=None if millivolts is None else millivolts < _LOW_MV,
        )
    ]


def recognise(topic: str, payload: bytes) -> Proposal | None:
    """A magnet's message; its sid is the address."""
    if b'"magnet' not in payload and b'"sensor_magnet' not in payload:
        return None
    said = _read(payload)
    if isinstance(said, Rejected) or not said.sid or not said.model.startswith(("magnet", "sensor_magnet")):
        return None
    return Proposal(format="aqara", topic=topic, address=said.sid, certain=90)


FORMAT = Format(
    name="aqara",
    decode=decode,
    recognise=recognise,
    profile=Profile(report_every_s=3600, tells_battery=True, needs_address=True),
)
