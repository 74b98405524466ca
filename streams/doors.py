"""What a door contact says, held against what is known of the door: a change, a state, or a change that was missed.

A state is not an event: the same again is nothing new, and one that differs is a change that was missed ("found open,
since after T").  A report older than the door's newest state does not change the door, but an opening in it is an
opening all the same.
"""

from typing import NamedTuple

from msgspec.structs import replace

from devices.events import Report
from streams.device_clock import Trusted
from streams.effects import Cause, Decision, Reason
from streams.openings import Cover, covered, watched
from streams.policy import minutes_ms
from streams.rules import chattering, left_open, lost_openings, undeclared_opening
from streams.state import Door, Place
from streams.work import Work


class Contact(NamedTuple):
    """One report of a contact: what it says, how it came about, the device's count of openings before and now.

    `before_ms` is the own time of the newest report before this one, 0 where there was none.
    """

    device: str
    open: bool
    report: Report
    trusted: Trusted
    counted_before: int | None
    counted: int | None
    cause: Cause
    before_ms: int


def reported(work: Work, place: Place, contact: Contact) -> Place:
    """The place after a report, and what follows from it."""
    door = place.doors.get(contact.device)
    at_ms = contact.trusted.at_ms
    live = contact.report == "live"
    opened = False
    if door is None:
        place = _learn(work, place, contact)
    elif at_ms < newest_ms(door, contact.before_ms):
        if contact.open and live and not _known(door, at_ms):
            opened = True
            place = _opened(work, place, contact, at_ms, moves_door=False)
        elif not contact.open and _known(door, at_ms):
            place = _put(place, contact.device, replace(door, open_until_ms=at_ms))
    elif contact.open == door.open:
        # Nearly always so: then nothing of the place has changed, and only the sensor's record is written.
        if contact.open and live and _counted_one(contact):
            # It counted another opening: the closing between is what was lost.
            opened = True
            place = _opened(work, place, contact, at_ms, moves_door=True)
    elif contact.open:
        opened = True
        place = _opened(work, place, contact, at_ms if live else work.now_ms, moves_door=True)
    else:
        place = _closed(work, place, contact, door, at_ms)
    if contact.counted is not None and contact.counted_before is not None and door is not None:
        lost = contact.counted - contact.counted_before - (1 if opened else 0)
        lost_openings.counted(work, place, at_ms, contact.trusted.late_ms, lost, contact.cause)
    return place


def newest_ms(door: Door, contact_ms: int) -> int:
    """Own time of the newest report of a door; `contact_ms` is what its sensor's record says."""
    return max(door.newest_ms, contact_ms)


def _known(door: Door, at_ms: int) -> bool:
    """Whether the door is known to have been open at `at_ms`: then a report of it says nothing new."""
    if door.opened_ms is None or at_ms < door.opened_ms:
        return False
    return door.open_until_ms is None or at_ms < door.open_until_ms


def _counted_one(contact: Contact) -> bool:
    return (
        contact.counted is not None and contact.counted_before is not None and contact.counted > contact.counted_before
    )


def _learn(work: Work, place: Place, contact: Contact) -> Place:
    """A door never heard before: learnt, not alarmed."""
    at_ms = contact.trusted.at_ms
    due = left_open.due_ms(at_ms, work.now_ms, work.policy) if contact.open else None
    door = Door(contact.open, at_ms, at_ms, at_ms if contact.open else None, due)
    return _put(place, contact.device, door)


def _opened(work: Work, place: Place, contact: Contact, at_ms: int, *, moves_door: bool) -> Place:
    policy, now_ms = work.policy, work.now_ms
    device, late_ms = contact.device, contact.trusted.late_ms
    found = contact.report != "live"
    door = place.doors[device]
    before_ms = newest_ms(door, contact.before_ms)
    cover = covered(place, at_ms, policy)
    number = 0
    if moves_door:
        due = left_open.due_ms(at_ms, now_ms, policy)
        if cover is not None and found:
            due = max(due, cover.until_ms)
        elif cover is not None:
            due = left_open.due_after(cover.until_ms, now_ms, policy)
        moved = replace(
            door, open=True, newest_ms=max(contact.trusted.at_ms, before_ms), changed_ms=at_ms, opened_ms=at_ms,
            open_until_ms=None, left_open_ms=due, incident=0,
        )  # fmt: skip
        place = _put(place, device, moved)
        place = replace(place, opening_clears_ms=None)
        place = chattering.toggled(work, place, device, at_ms, contact.cause)
    if watched(place, at_ms) and place.where == "household":
        if cover is not None:
            _match(work, place, cover, contact, at_ms)
        else:
            reason = _reason(before_ms, found, late_ms)
            place, number = undeclared_opening.opened(work, place, at_ms, late_ms, reason, contact.cause)
    if number and moves_door:
        place = _put(place, device, replace(place.doors[device], incident=number))
    return place


def _closed(work: Work, place: Place, contact: Contact, door: Door, at_ms: int) -> Place:
    place = _put(
        place, contact.device,
        replace(
            door, open=False, newest_ms=at_ms, changed_ms=at_ms, open_until_ms=at_ms, left_open_ms=None, incident=0
        ),
    )  # fmt: skip
    place = chattering.toggled(work, place, contact.device, at_ms, contact.cause)
    place = left_open.closed(work, place, contact.cause)
    return undeclared_opening.quiet(work, place)


def _reason(since_ms: int, found: bool, late_ms: int) -> Reason:
    if found:
        return Reason("found-open", {"since_ms": since_ms})
    if late_ms:
        return Reason("opened-late", {"late_ms": late_ms, "minutes": max(1, late_ms // minutes_ms(1))})
    return Reason("opened")


def _match(work: Work, place: Place, cover: Cover, contact: Contact, at_ms: int) -> None:
    reason = Reason(cover.word, {"why": cover.why, "until_ms": cover.until_ms})
    work.effects.append(
        Decision(
            t_ms=work.now_ms, decision="matched", grid=place.grid, subject=place.place, kind=undeclared_opening.KIND,
            reason=reason, at_ms=None if at_ms == work.now_ms else at_ms, cause=contact.cause, by=cover.by,
            where=place.where,
        )
    )  # fmt: skip


def _put(place: Place, device: str, door: Door) -> Place:
    return replace(place, doors=place.doors | {device: door})
