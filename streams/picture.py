"""How a household stands, for the desk: derived from its records, told only when it changed."""

from streams.calendar import at_minute
from streams.effects import HouseholdSeen
from streams.openings import case_at
from streams.state import Book, Place
from streams.work import Work


def _seen(place: Place, book: Book | None, now_ms: int, declared_today: int) -> HouseholdSeen:
    case = case_at(place, now_ms)
    opened = [door.changed_ms for door in place.doors.values() if door.open]
    declared = max((d.until_ms for d in place.declarations if d.until_ms > now_ms), default=None)
    return HouseholdSeen(
        now_ms, place.grid, place.place,
        watched=case is not None,
        case_from_ms=case.from_ms if case else None,
        case_until_ms=case.until_ms if case else None,
        open=bool(opened) if place.doors else None,
        open_since_ms=min(opened) if opened else None,
        declared_until_ms=declared,
        silent=bool(place.silent),
        battery_low=bool(place.low),
        tamper=bool(place.tampered),
        incidents=sorted(book.open) if book else [],
        declared_today=declared_today,
        muted_until_ms=place.muted_until_ms if place.muted_until_ms and place.muted_until_ms > now_ms else None,
        devices=list(place.devices),
    )  # fmt: skip


def _declared_today(work: Work, place: Place) -> int:
    if not place.declarations:
        return 0
    midnight_ms = at_minute(work.now_ms, 0, work.policy.zone)
    return sum(1 for d in place.declarations if d.from_ms >= midnight_ms)


def tell(work: Work) -> None:
    """A `HouseholdSeen` for every household that this step changed to the eye."""
    # Most steps change nothing but a sensor's record.
    touched = {key[2:] for key in work.changes if key[0] in "pz"}
    for name in sorted(touched) if len(touched) > 1 else touched:
        place = work.place(name)
        if place is None or place.where != "household":
            continue
        before, book_before = work.view.get("p:" + name), work.view.get("z:" + name)
        book = work.book(name)
        if isinstance(before, Place) and _same(before, place):
            was = book_before.open if isinstance(book_before, Book) else {}
            if was.keys() == (book.open.keys() if book else {}.keys()):
                continue
        work.effects.append(_seen(place, book, work.now_ms, _declared_today(work, place)))


def _same(before: Place, now: Place) -> bool:
    """Whether nothing that the picture shows has changed: most messages only say that a door is as it was."""
    if before is now:
        return True
    if before.doors is not now.doors:
        if before.doors.keys() != now.doors.keys():
            return False
        for device, door in now.doors.items():
            was = before.doors[device]
            if was.open != door.open or was.changed_ms != door.changed_ms:
                return False
    return (
        before.cases == now.cases
        and before.declarations is now.declarations
        and before.low is now.low
        and before.tampered is now.tampered
        and before.silent is now.silent
        and before.devices is now.devices
        and before.muted_until_ms == now.muted_until_ms
    )
