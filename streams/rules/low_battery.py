"""`low-battery`: 15 % or less, or the device says low; over once well above.  Never at night, never the police."""

from msgspec.structs import replace

from streams.effects import Cause, Reason
from streams.incidents import clear_incident, raise_incident
from streams.openings import watched
from streams.policy import Policy
from streams.state import Place
from streams.work import Work

KIND = "low-battery"


def verdict(percent: float | None, low: bool | None, policy: Policy) -> bool | None:
    """True: low, False: well, None: between the two, or nothing said."""
    if low or (percent is not None and percent <= policy.battery_low_percent):
        return True
    if percent is not None:
        return False if percent > policy.battery_well_percent else None
    return low


def said(work: Work, place: Place, device: str, percent: float | None, low: bool | None, cause: Cause) -> Place:
    """The device says how its battery is."""
    now_low = verdict(percent, low, work.policy)
    was_low = device in place.low
    if now_low is None or now_low == was_low:
        return place
    if now_low:
        place = replace(place, low=(*place.low, device))
        if watched(place, work.now_ms):
            raise_(work, place, device, percent, cause)
        return place
    place = replace(place, low=tuple(d for d in place.low if d != device))
    if not place.low:
        clear_incident(work, place.place, KIND, Reason("battery-well"), cause)
    return place


def raise_(work: Work, place: Place, device: str, percent: float | None, cause: Cause) -> None:
    """Raised for a device whose battery is low."""
    reason = (
        Reason("battery-low", {"device": device})
        if percent is None
        else Reason("battery-at", {"device": device, "percent": percent})
    )
    raise_incident(work, place.place, place.where, place.grid, KIND, reason, cause)
