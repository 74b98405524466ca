"""`lwm2m-senml`: LwM2M objects as SenML JSON (RFC 8428), as a LwM2M server passes them on.

A list of records; base name `bn`, base time `bt`, base value `bv` and base unit `bu` hold until they are said again.
A time below 2**28 is relative to now and so no instant.  What 0 and 1 of the input mean is up to the wiring: the
row's `open_is` says it.  `ipso.py` knows the objects.
"""

import msgspec

from devices.events import Message, Reading, Rejected
from devices.formats import Format, Known
from devices.formats.addressing import NO_ROW
from devices.formats.ipso import Resource, bit, parsed, reading
from devices.formats.proposal import Proposal
from devices.formats.strict_json import BUILT_LIMIT_BYTES, reader
from devices.formats.values import epoch_s, report_of
from devices.profile import Profile

_MOST_RECORDS = 200
_RELATIVE_END_S = 2**28


class _Record(msgspec.Struct):
    bn: str = ""
    bt: float | None = None
    bv: float | None = None
    bu: str = ""
    n: str = ""
    t: float = 0
    u: str = ""
    v: float | None = None
    vb: bool | None = None
    vs: str | None = None


_read = reader(list[_Record], most_bytes=BUILT_LIMIT_BYTES)


def _resources(records: list[_Record]) -> tuple[list[Resource], float, str] | Rejected:
    """Every record's resource, the newest time in seconds (0: none), and the name they came under."""
    name, base_s, base_value, unit, newest_s, first = "", 0.0, 0.0, "", 0.0, ""
    found: dict[tuple[int, int, int], Resource] = {}
    for record in records:
        name = record.bn or name
        base_s = base_s if record.bt is None else record.bt
        base_value = base_value if record.bv is None else record.bv
        unit = record.bu or unit
        path = parsed(name + record.n)
        if path is None:
            continue
        value: bool | float | str
        if record.vb is not None:
            value = record.vb
        elif record.vs is not None:
            value = record.vs
        elif record.v is not None:
            value = record.v + base_value
        else:
            continue
        if path in found and path[2] == 5500 and found[path].value != value:
            return Rejected("malformed", "one message says two values of the same input")
        found[path] = Resource(*path, value, record.u or unit)
        newest_s = max(newest_s, base_s + record.t)
        first = first or name
    return list(found.values()), newest_s, first


def decode(message: Message, known: Known) -> list[Reading] | Rejected:
    """Readings of one SenML pack."""
    records = _read(message.payload)
    if isinstance(records, Rejected):
        return records
    if not records or len(records) > _MOST_RECORDS:
        return Rejected("malformed", f"no record, or more than {_MOST_RECORDS}")
    answer = _resources(records)
    if isinstance(answer, Rejected):
        return answer
    resources, newest_s, name = answer
    if not resources:
        return Rejected("malformed", "no record names an object, an instance and a resource")
    at_ms = epoch_s(newest_s) if newest_s >= _RELATIVE_END_S else None
    readings: list[Reading] = []
    for device in known.devices:
        mine = _of(resources, device.address, name)
        if not mine:
            continue
        found = reading(
            mine,
            device,
            report=report_of(message),
            at_ms=at_ms,
            cause=f"at {at_ms}" if at_ms is not None else "",
        )
        if isinstance(found, Rejected):
            return found
        readings.append(found)
    return readings or NO_ROW


def _of(resources: list[Resource], address: str, name: str) -> list[Resource]:
    """The resources of a row: all of them, those of its instance ("3342/1"), or all that come under its name."""
    if not address:
        return resources
    mine = [item for item in resources if f"{item.object}/{item.instance}" == address or item.object == 3]
    if any(item.object != 3 for item in mine):
        return mine
    return resources if address in name else []


def recognise(topic: str, payload: bytes) -> Proposal | None:
    """A digital input's state among SenML records, or a thermometer's value."""
    if b"5500" not in payload and b"5700" not in payload:
        return None
    records = _read(payload)
    if isinstance(records, Rejected) or len(records) > _MOST_RECORDS:
        return None
    answer = _resources(records)
    for item in () if isinstance(answer, Rejected) else answer[0]:
        if item.object in (3342, 3200) and item.resource == 5500:
            said = bit(item.value)
            word = "" if said is None else str(int(said))
            own = f"{item.object}/{item.instance}"
            address = "" if item.instance == 0 else own
            return Proposal(format="lwm2m-senml", topic=topic, address=address, if_shared=own, word=word, certain=85)
        if item.object == 3303 and item.resource == 5700:
            return Proposal(format="lwm2m-senml", topic=topic, sort="thermometer", certain=70)
    return None


FORMAT = Format(
    name="lwm2m-senml",
    decode=decode,
    recognise=recognise,
    profile=Profile(
        report_every_s=3600,
        counts_openings=True,
        tells_battery=True,
        tells_own_time=True,
        needs_open_is=True,
        measures_body=True,
    ),
)
