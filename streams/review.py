"""What the review screens draw, out of the points of the time series."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from statistics import median

import msgspec

from streams.measurements import BY_NAME, Point

HOUR_MS = 3_600_000
_OPEN, _REPORT = 0, BY_NAME["door"].tags.index("report")
_DEVICE, _SITE = BY_NAME["temperature"].tags.index("device"), BY_NAME["temperature"].tags.index("site")
_DOOR_DEVICE = BY_NAME["door"].tags.index("device")


class Opening(msgspec.Struct, frozen=True):
    """A door stood open; `closed_ms` None: it still does, as far as is known.  `found`: seen open by a state report
    (its opening was missed)."""

    opened_ms: int
    closed_ms: int | None
    device: str
    found: bool = False


class HourOfReadings(msgspec.Struct, frozen=True):
    """The readings of an hour at a checkpoint: least, quartiles, greatest, in °C."""

    hour_ms: int
    count: int
    least: float
    lower: float
    median: float
    upper: float
    greatest: float


class GunDrift(msgspec.Struct, frozen=True):
    """How a gun's readings lie against those of all guns at the same hours and body site: `drift` °C, plus: too warm.

    Only readings below `healthy` count: a fever is no fault of the gun's.  `against` is how many other guns there were:
    of two that differ there is no telling which is wrong.
    """

    device: str
    site: str
    count: int
    median: float
    drift: float
    against: int


def openings(points: Iterable[Point]) -> list[Opening]:
    """Openings out of `door` points in order of time.  A repeated "open" is the same opening."""
    standing: dict[str, Opening] = {}
    found: list[Opening] = []
    for point in points:
        device = point.tags[_DOOR_DEVICE]
        at_ms = point.at_ns // 1_000_000
        if point.fields[_OPEN]:
            if device not in standing:
                standing[device] = Opening(at_ms, None, device, point.tags[_REPORT] != "live")
        elif device in standing:
            opening = standing.pop(device)
            found.append(msgspec.structs.replace(opening, closed_ms=at_ms))
    return sorted([*found, *standing.values()], key=lambda opening: opening.opened_ms)


def readings_by_hour(points: Iterable[Point]) -> list[HourOfReadings]:
    """The plausible readings of `temperature` points in order of time, hour by hour."""
    plausible = (point for point in points if not _implausible(point))
    hours: list[HourOfReadings] = []
    for hour_ms, group in groupby(plausible, key=lambda point: point.at_ns // 1_000_000 // HOUR_MS * HOUR_MS):
        values = sorted(_celsius(point) for point in group)
        at = [_quantile(values, share) for share in (0, 0.25, 0.5, 0.75, 1)]
        hours.append(HourOfReadings(hour_ms, len(values), *at))
    return hours


def gun_drift(points: Iterable[Point], *, healthy: float = 37.3, least: int = 20) -> list[GunDrift]:
    """Each gun's drift, the largest first; guns with fewer than `least` comparable readings are left out.

    A gun is held against the other guns' readings of the same hour and site: the morning's cold makes all foreheads
    cold, and is no drift.  A checkpoint with one gun has nothing to hold it against, and none is told; with two, each
    drifts from the other by the same.
    """
    by_hour: dict[tuple[int, str], dict[str, list[float]]] = {}
    for point in points:
        celsius = _celsius(point)
        if _implausible(point) or celsius >= healthy:
            continue
        hour = point.at_ns // 1_000_000 // HOUR_MS
        guns = by_hour.setdefault((hour, point.tags[_SITE]), {})
        guns.setdefault(point.tags[_DEVICE], []).append(celsius)
    differences: dict[tuple[str, str], list[float]] = {}
    readings: dict[tuple[str, str], list[float]] = {}
    others_of: dict[tuple[str, str], set[str]] = {}
    for (_, site), guns in by_hour.items():
        for device, values in guns.items():
            others = [value for other, each in guns.items() if other != device for value in each]
            if others:
                crowd = median(others)
                differences.setdefault((device, site), []).extend(value - crowd for value in values)
                readings.setdefault((device, site), []).extend(values)
                others_of.setdefault((device, site), set()).update(guns.keys() - {device})
    found = [
        GunDrift(
            device,
            site,
            len(all_),
            round(median(readings[device, site]), 2),
            round(median(all_), 2),
            len(others_of[device, site]),
        )
        for (device, site), all_ in differences.items()
        if len(all_) >= least
    ]
    return sorted(found, key=lambda gun: (-abs(gun.drift), gun.device, gun.site))


def _implausible(point: Point) -> bool:
    return bool(point.fields[2])


def _celsius(point: Point) -> float:
    value = point.fields[0]
    return float(value) if value is not None else 0.0


def _quantile(ordered: Sequence[float], share: float) -> float:
    """Between the two nearest values, in proportion."""
    place = (len(ordered) - 1) * share
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return round(ordered[low] + (ordered[high] - ordered[low]) * (place - low), 2)
