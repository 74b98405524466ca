"""`chattering`: a contact toggles more than 5 times in 5 min: a maintenance item that suppresses no alarm."""

from msgspec.structs import replace

from streams.effects import Cause, Reason
from streams.incidents import clear_incident, raise_incident
from streams.openings import watched
from streams.policy import minutes_ms
from streams.state import Place
from streams.work import Work

KIND = "chattering"


def toggled(work: Work, place: Place, device: str, at_ms: int, cause: Cause) -> Place:
    """The contact of `device` changed at `at_ms`."""
    policy = work.policy
    door = place.doors[device]
    toggles = (*door.toggles, at_ms)[-(policy.chatter_toggles + 1) :]
    place = replace(place, doors=place.doors | {device: replace(door, toggles=toggles)})
    if device in place.chattering:
        return replace(place, chatter_clears_ms=_clears_ms(work, at_ms))
    often = len(toggles) > policy.chatter_toggles
    if not often or toggles[-1] - toggles[0] > minutes_ms(policy.chatter_within_min):
        return place
    if not watched(place, work.now_ms):
        return place
    reason = Reason("chattering", {"count": len(toggles), "minutes": policy.chatter_within_min})
    raise_incident(work, place.place, place.where, place.grid, KIND, reason, cause)
    return replace(place, chattering=(*place.chattering, device), chatter_clears_ms=_clears_ms(work, at_ms))


def on_wake(work: Work, place: Place) -> Place:
    """Quiet long enough."""
    if place.chatter_clears_ms is None or place.chatter_clears_ms > work.now_ms:
        return place
    clear_incident(work, place.place, KIND, Reason("quiet", {"minutes": work.policy.chatter_quiet_min}))
    return replace(place, chattering=(), chatter_clears_ms=None)


def _clears_ms(work: Work, at_ms: int) -> int:
    return at_ms + minutes_ms(work.policy.chatter_quiet_min)
