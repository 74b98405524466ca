"""`left-open`: a door is open longer than 5 min, or past the end of what was declared.

An opening that has its own open `undeclared-opening` has no second incident: that one says "still open".  Closed by a
person while the door stands open, its clock starts again.
"""

from msgspec.structs import replace

from devices.ids import incident_id
from streams.effects import Cause, Noted, Reason
from streams.incidents import clear_incident, open_incident, raise_incident
from streams.openings import ended, watched
from streams.policy import Policy, minutes_ms
from streams.rules import undeclared_opening
from streams.state import Door, Place
from streams.work import Work

KIND = "left-open"


def due_ms(opened_ms: int, arrived_ms: int, policy: Policy) -> int:
    """When a door opened at `opened_ms` has been open too long; never before people could close it after all."""
    return max(opened_ms + minutes_ms(policy.left_open_min), arrived_ms + minutes_ms(policy.left_open_least_min))


def due_after(until_ms: int, arrived_ms: int, policy: Policy) -> int:
    """The same under a declaration or permitted window: its end replaces the 5 min."""
    return max(until_ms, arrived_ms + minutes_ms(policy.left_open_least_min))


def closed(work: Work, place: Place, cause: Cause) -> Place:
    """A door was closed: over, once none is open."""
    if not any(door.open for door in place.doors.values()):
        clear_incident(work, place.place, KIND, Reason("door-closed"), cause)
    return place


def on_wake(work: Work, place: Place) -> Place:
    """Doors whose time is up."""
    for device, door in sorted(place.doors.items()):
        if door.left_open_ms is None or door.left_open_ms > work.now_ms:
            continue
        place = replace(place, doors=place.doors | {device: replace(door, left_open_ms=None)})
        if not door.open or not watched(place, work.now_ms):
            continue
        minutes = max(0, (work.now_ms - door.changed_ms) // 60_000)
        own = open_incident(work, place.place, undeclared_opening.KIND)
        if own is not None and own.number == door.incident:
            name = incident_id(place.place, undeclared_opening.KIND, own.number)
            reason = Reason("still-open", {"minutes": minutes})
            work.effects.append(Noted(work.now_ms, place.grid, place.place, undeclared_opening.KIND, name, reason))
            continue
        cause = Cause(device=device, at_ms=door.changed_ms)
        reason = Reason("left-open", {"minutes": minutes})
        if (cover := ended(place, door.changed_ms, work.now_ms, work.policy)) is not None:
            reason = Reason(f"left-open-{cover.word}", {"minutes": minutes, "until_ms": cover.until_ms})
        raise_incident(work, place.place, place.where, place.grid, KIND, reason, cause)
    return place


def start_again(work: Work, place: Place) -> Place:
    """Its incident (or the opening's own) was closed by a person while the door stands open."""
    again_ms = work.now_ms + minutes_ms(work.policy.left_open_min)
    doors: dict[str, Door] = {}
    for device, door in place.doors.items():
        doors[device] = replace(door, left_open_ms=again_ms) if door.open else door
    return replace(place, doors=doors)


def declared(work: Work, place: Place, until_ms: int) -> Place:
    """A declaration was made while a door stands open: its end replaces what was due before it."""
    doors: dict[str, Door] = {}
    for device, door in place.doors.items():
        due = door.left_open_ms
        doors[device] = replace(door, left_open_ms=max(due, until_ms)) if door.open and due is not None else door
    return replace(place, doors=doors)
