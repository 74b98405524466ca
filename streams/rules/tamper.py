"""`tamper`: the sensor says it was opened or removed.  The first true raises; further ones are states until false."""

from msgspec.structs import replace

from streams.effects import Cause, Reason
from streams.incidents import clear_incident, raise_incident
from streams.openings import watched
from streams.state import Place
from streams.work import Work

KIND = "tamper"


def said(work: Work, place: Place, device: str, tamper: bool, at_ms: int, cause: Cause) -> Place:
    """The device says whether it is being tampered with."""
    if tamper == (device in place.tampered):
        return place
    if tamper:
        place = replace(place, tampered=(*place.tampered, device))
        if watched(place, work.now_ms):
            raise_(work, place, device, at_ms, cause)
        return place
    place = replace(place, tampered=tuple(d for d in place.tampered if d != device))
    if not place.tampered:
        clear_incident(work, place.place, KIND, Reason("tamper-over"), cause)
    return place


def raise_(work: Work, place: Place, device: str, at_ms: int, cause: Cause) -> None:
    """Raised for a device whose tamper flag stands."""
    reason = Reason("tampered", {"device": device})
    raise_incident(work, place.place, place.where, place.grid, KIND, reason, cause, at_ms=at_ms)
