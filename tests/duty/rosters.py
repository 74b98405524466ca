"""What the roster's tests are told in: shifts in one line, times as a person writes them."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from duty.people import Person, StaffRole
from duty.roster import ALL_DAYS, Shift, Swap

SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")


def ms(text: str, zone: ZoneInfo = SHANGHAI) -> int:
    """`2020-02-16 20:00` on the clocks of `zone` → milliseconds UTC."""
    return round(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp() * 1000)


def clock(text: str) -> int:
    return int(text[:2]) * 60 + int(text[3:])


def shift(
    person: str,
    hours: str,
    *,
    role: str = "worker",
    grids: str = "g017",
    first: str = "2020-02-01",
    last: str = "2020-03-31",
    days: tuple[int, ...] = ALL_DAYS,
    order: int = 1,
    holidays: str = "as-usual",
    name: str = "",
) -> Shift:
    starts, ends = hours.split("-")
    return Shift(
        id=name or f"{person}/{role}/{hours}/{order}",
        person=person,
        role=role,
        grids=tuple(grids.split()),
        first=date.fromisoformat(first),
        last=date.fromisoformat(last),
        starts_min=clock(starts),
        ends_min=clock(ends),
        days=days,
        order=order,
        on_holidays=holidays,  # type: ignore[arg-type]
    )


def swap(person: str, instead: str, start: str, end: str, *, grids: str = "", role: str = "", name: str = "s") -> Swap:
    return Swap(
        id=name,
        person=person,
        instead=instead,
        from_ms=ms(start),
        until_ms=ms(end),
        grids=tuple(grids.split()),
        role=role,
    )


def person(name: str, *roles: StaffRole, grids: str = "g017", disabled: bool = False) -> Person:
    held = roles or ("worker",)
    return Person(id=name, login=name, name=name.title(), roles=held, grids=tuple(grids.split()), disabled=disabled)
