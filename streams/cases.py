"""A case: from its start to its end its household is watched.  What stands when it starts is a first word."""

from msgspec.structs import replace

from streams.effects import Cause, Reason
from streams.incidents import case_ends, clear_incident
from streams.policy import DAY_MS, HOUR_MS, minutes_ms
from streams.rules import area_silent, low_battery, missed_call, missed_visit, sensor_silent, tamper
from streams.state import CaseTime, Place
from streams.work import Work

# Late messages are up to a day old: an ended case is remembered that long, for openings within it.
_KEPT_MS = DAY_MS + HOUR_MS


def open_case(work: Work, place: Place, case: CaseTime) -> Place:
    """A case was opened (or told again, with other times)."""
    if any(c.from_ms == case.from_ms and c.until_ms == case.until_ms and not c.ended for c in place.cases):
        return place
    kept = tuple(c for c in place.cases if c.until_ms <= case.from_ms or c.from_ms >= case.until_ms)
    running = next((c for c in place.cases if c not in kept and c.begun and not c.ended), None)
    if running is not None and case.from_ms <= work.now_ms:
        # The same household with new times: it goes on, nothing begins anew.
        case = replace(case, begun=True)
    cases = tuple(sorted((*kept, case), key=lambda c: c.from_ms))
    place = replace(place, cases=cases)
    if case.begun:
        place = _timetable(work, place, case)
    return on_wake(work, place)


def close_case(work: Work, place: Place) -> Place | None:
    """The case that runs, or else the next one, ends now.  None if there is none."""
    now_ms = work.now_ms
    running = next((c for c in place.cases if c.from_ms <= now_ms < c.until_ms and not c.ended), None)
    if running is None:
        coming = next((c for c in place.cases if c.from_ms > now_ms), None)
        if coming is None:
            return None
        return replace(place, cases=tuple(c for c in place.cases if c is not coming))
    cases = tuple(replace(c, until_ms=now_ms) if c is running else c for c in place.cases)
    return on_wake(work, replace(place, cases=cases))


def wake_ms(place: Place) -> int | None:
    """When a case starts or ends next."""
    best: int | None = None
    for case in place.cases:
        if case.begun and case.ended:
            continue
        at_ms = case.until_ms if case.begun else case.from_ms
        if best is None or at_ms < best:
            best = at_ms
    return best


def on_wake(work: Work, place: Place) -> Place:
    """Cases that start or end by now."""
    now_ms = work.now_ms
    for case in place.cases:
        if not case.begun and case.from_ms <= now_ms:
            begun = replace(case, begun=True, ended=case.until_ms <= now_ms)
            place = replace(place, cases=tuple(begun if c is case else c for c in place.cases))
            if not begun.ended:
                place = _begin(work, place, begun)
        elif case.begun and not case.ended and case.until_ms <= now_ms:
            ended = replace(case, ended=True)
            place = replace(place, cases=tuple(ended if c is case else c for c in place.cases))
            place = _end(work, place)
    cases = tuple(c for c in place.cases if c.until_ms > now_ms - _KEPT_MS)
    return replace(place, cases=cases) if len(cases) != len(place.cases) else place


def watch(work: Work, place: Place, device: str) -> None:
    """From now on the silence of `device` matters."""
    sensor = work.sensor(device)
    if sensor is None or sensor.watched_ms is not None:
        return
    work.put_sensor(replace(sensor, watched_ms=work.now_ms))
    if place.where == "household" and sensor.report_every_s is not None:
        grid = work.grid(place.grid)
        work.put_grid(replace(grid, watched=(*grid.watched, device)))
    if sensor.offline_ms is not None:
        watched_now = work.sensor(device)
        assert watched_now is not None
        sensor_silent.offline(work, watched_now)


def unwatch(work: Work, place: Place, device: str) -> Place:
    """From now on it does not."""
    sensor = work.sensor(device)
    if sensor is None or sensor.watched_ms is None:
        return place
    work.put_sensor(replace(sensor, watched_ms=None, silent=False, inhibited=False, listed=False))
    grid = work.grid(place.grid)
    work.put_grid(
        replace(
            grid,
            watched=tuple(d for d in grid.watched if d != device),
            area=tuple(d for d in grid.area if d != device),
        )
    )
    sensor_silent.alone(work, area_silent.heard(work, place.grid, device, Cause()))
    grid = work.grid(place.grid)
    area = work.book(place.grid)
    if not grid.area and area is not None and area_silent.KIND in area.open:
        clear_incident(work, place.grid, area_silent.KIND, Reason("case-ended"))
    return replace(place, silent=tuple(d for d in place.silent if d != device))


def _begin(work: Work, place: Place, case: CaseTime) -> Place:
    policy = work.policy
    left_open_ms = work.now_ms + minutes_ms(policy.left_open_min)
    doors = {
        device: replace(door, left_open_ms=left_open_ms, incident=0) if door.open else door
        for device, door in place.doors.items()
    }
    place = _timetable(work, replace(place, doors=doors), case)
    for device in place.devices:
        watch(work, place, device)
    for device in place.tampered:
        tamper.raise_(work, place, device, work.now_ms, Cause(device=device))
    for device in place.low:
        sensor = work.sensor(device)
        low_battery.raise_(work, place, device, sensor.battery_percent if sensor else None, Cause(device=device))
    return place


def _timetable(work: Work, place: Place, case: CaseTime) -> Place:
    policy = work.policy
    after_ms = max(case.from_ms, work.now_ms)
    call = case.wellbeing_call_min
    return replace(
        place,
        visit_due_ms=missed_visit.next_due_ms(after_ms, policy) if case.visits else None,
        call_due_ms=None if call is None else missed_call.next_due_ms(after_ms, call, policy),
    )


def _end(work: Work, place: Place) -> Place:
    for device in place.devices:
        place = unwatch(work, place, device)
    case_ends(work, place.place)
    return replace(
        place, visit_due_ms=None, call_due_ms=None, chatter_clears_ms=None, chattering=(), muted_until_ms=None,
        doors={d: replace(door, left_open_ms=None) for d, door in place.doors.items()},
    )  # fmt: skip
