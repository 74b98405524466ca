"""A door's last fortnight as a strip: a row a day, a mark an opening, as wide as it was long."""

import msgspec

from duty.edge.desk.moments import Moments

DAYS = 14
WIDTH, ROW, LABEL = 960, 24, 0  # drawing units: the width is a day
NARROWEST = 5
DAY_MS = 86_400_000


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """One opening of a door.  `closed_ms` None: still open (or never heard closed)."""

    opened_ms: int
    closed_ms: int | None = None
    declared: bool = False


class Mark(msgspec.Struct, frozen=True):
    """A rectangle in a day's row."""

    x: float
    width: float
    declared: bool


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """One row.  `openings` are those that began that day."""

    starts_ms: int
    label: str
    weekday: str
    marks: list[Mark]
    openings: list[Opening]
    undeclared: int


def days_of(openings: list[Opening], moments: Moments) -> list[Day]:
    """`DAYS` rows, today last.  An opening over midnight is drawn on both days, and counted on its first."""
    rows: list[Day] = []
    for back in range(DAYS - 1, -1, -1):
        start = moments.day_start_ms(moments.now_ms, back)
        end = moments.day_start_ms(moments.now_ms, back - 1) if back else start + DAY_MS
        begun = [each for each in openings if start <= each.opened_ms < end]
        rows.append(
            Day(
                starts_ms=start,
                label=moments.day(start),
                weekday=moments.weekday(start),
                marks=[mark for each in openings if (mark := _mark(each, start, end, moments.now_ms)) is not None],
                openings=begun,
                undeclared=sum(1 for each in begun if not each.declared),
            )
        )
    return rows


def _mark(opening: Opening, start: int, end: int, now_ms: int) -> Mark | None:
    closed = opening.closed_ms if opening.closed_ms is not None else now_ms
    from_ms, until_ms = max(opening.opened_ms, start), min(max(closed, opening.opened_ms), end)
    if until_ms < from_ms or from_ms >= end or (until_ms == start and opening.opened_ms < start):
        return None
    x = (from_ms - start) / (end - start) * WIDTH
    width = max(NARROWEST, (until_ms - from_ms) / (end - start) * WIDTH)
    return Mark(round(min(x, WIDTH - NARROWEST), 1), round(min(width, WIDTH - x), 1), opening.declared)
