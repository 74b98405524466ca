"""Local time of a grid: minutes of the day, midnights, when hours begin.  Zone objects come with the policy."""

from datetime import datetime, timedelta, tzinfo

from streams.policy import MINUTE_MS


def local(at_ms: int, zone: tzinfo) -> datetime:
    """`at_ms` as local time, to the second."""
    return datetime.fromtimestamp(at_ms // 1000, zone)


def minute_of_day(at_ms: int, zone: tzinfo) -> int:
    """0 … 1439."""
    moment = local(at_ms, zone)
    return moment.hour * 60 + moment.minute


def at_minute(at_ms: int, minute: int, zone: tzinfo, days_later: int = 0) -> int:
    """ms UTC of `minute` of the local day of `at_ms` (or of a later day)."""
    moment = local(at_ms, zone)
    day = moment.date() + timedelta(days=days_later)
    clock = datetime(day.year, day.month, day.day, minute // 60 % 24, minute % 60, tzinfo=zone)
    if minute >= 1440:
        clock += timedelta(days=minute // 1440)
    return int(clock.timestamp()) * 1000


def next_minute(after_ms: int, minute: int, zone: tzinfo) -> int:
    """The first time strictly after `after_ms` at which the local clock shows `minute`."""
    today = at_minute(after_ms, minute, zone)
    return today if today > after_ms else at_minute(after_ms, minute, zone, days_later=1)


def within(minute: int, start: int, end: int) -> bool:
    """Whether `minute` of the day lies in start (included) … end (not), over midnight too."""
    return start <= minute < end if start <= end else minute >= start or minute < end


def opens_at(at_ms: int, hours_min: tuple[int, int], zone: tzinfo) -> int:
    """`at_ms` if the hours stand open then, else when they begin next."""
    start, end = hours_min
    if within(minute_of_day(at_ms, zone), start, end):
        return at_ms
    return next_minute(at_ms, start, zone)


def window_end(at_ms: int, hours_min: tuple[int, int], zone: tzinfo) -> int | None:
    """When the window that covers `at_ms` ends, or None if none does."""
    start, end = hours_min
    if not within(minute_of_day(at_ms, zone), start, end):
        return None
    return next_minute(at_ms - at_ms % MINUTE_MS, end, zone)
