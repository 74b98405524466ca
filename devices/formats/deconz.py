"""`deconz`: events of a deCONZ / Phoscon gateway (its websocket, bridged to MQTT), resource type ZHAOpenClose.

`state.open` true is open ("True when open is detected", deCONZ device pages).  An event `changed` is sent when it
changes; a whole sensor (from the REST interface) only repeats a state.  `lastupdated` is written without a zone: it
tells two messages apart and is not used as a time.
"""

import msgspec

from devices.events import Kind, Message, Reading, Rejected, Report
from devices.formats import Format, Known
from devices.formats.addressing import NO_ROW, NOT_NAMED, row_of
from devices.formats.proposal import Proposal
from devices.formats.strict_json import reader
from devices.formats.values import iso_ms, percent, report_of
from devices.profile import Profile


class _State(msgspec.Struct):
    open: bool | None = None
    lowbattery: bool | None = None
    tampered: bool | None = None
    lastupdated: str | None = None


class _Config(msgspec.Struct):
    battery: float | None = None
    reachable: bool | None = None


class _Said(msgspec.Struct):
    e: str = ""
    r: str = "sensors"
    id: str | int = ""
    uniqueid: str = ""
    state: _State | None = None
    config: _Config | None = None


_read = reader(_Said, "open", "tampered", "uniqueid", "reachable")
_NO_STATE, _NO_CONFIG = _State(), _Config()


def decode(message: Message, known: Known) -> list[Reading] | Rejected:
    """Readings of one event or one sensor of a deCONZ gateway; none for its lights and groups."""
    said = _read(message.payload)
    if isinstance(said, Rejected):
        return said
    if said.r != "sensors":
        return []
    if not said.uniqueid and said.id == "":
        return NOT_NAMED
    device = row_of(known, said.uniqueid, str(said.id))
    if device is None:
        return NO_ROW
    state, config = said.state or _NO_STATE, said.config or _NO_CONFIG
    report: Report = report_of(message)
    if said.e != "changed" and report == "live":
        report = "periodic"
    online = False if said.e == "deleted" else config.reachable
    charge = percent(config.battery)
    kind: Kind = "heartbeat"
    if state.open is not None:
        kind = "door"
    elif state.tampered is not None:
        kind = "tamper"
    elif online is not None:
        kind = "availability"
    elif charge is not None or state.lowbattery is not None:
        kind = "battery"
    updated = (state.lastupdated or "")[:40]
    return [
        Reading(
            device=device.id,
            kind=kind,
            report=report,
            at_ms=iso_ms(updated),
            cause=f"lastupdated {updated}" if updated not in ("", "none") else "",
            open=state.open,
            tamper=state.tampered,
            battery_low=state.lowbattery,
            battery_percent=charge,
            online=online,
        )
    ]


def recognise(topic: str, payload: bytes) -> Proposal | None:
    """A sensor whose state is open or not; its uniqueid is the address."""
    if b'"open"' not in payload:
        return None
    said = _read(payload)
    if isinstance(said, Rejected) or said.r != "sensors" or said.state is None or said.state.open is None:
        return None
    address = said.uniqueid or str(said.id)
    return Proposal(format="deconz", topic=topic, address=address, certain=85) if address else None


FORMAT = Format(
    name="deconz",
    decode=decode,
    recognise=recognise,
    profile=Profile(report_every_s=3600, tells_tamper=True, tells_battery=True, needs_address=True),
)
