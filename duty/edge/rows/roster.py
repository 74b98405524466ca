"""Shifts, swaps and holidays."""

from datetime import date
from typing import Any, cast

from sqlalchemy import Row, delete, func, select

from duty.edge import tables
from duty.edge.rows.base import Rows, listed, unlisted
from duty.roster import Holiday, OnHolidays, Roster, Shift, Swap


class RosterRows(Rows):
    """Who is on duty when."""

    def roster(self) -> Roster:
        """The whole plan."""
        with self.together() as connection:
            shifts = connection.execute(select(tables.shifts).order_by(tables.shifts.c.id)).all()
            swaps = connection.execute(select(tables.swaps).order_by(tables.swaps.c.number, tables.swaps.c.id)).all()
            holidays = connection.execute(select(tables.holidays).order_by(tables.holidays.c.day)).all()
        return Roster(
            shifts=tuple(_shift(row) for row in shifts),
            swaps=tuple(_swap(row) for row in swaps),
            holidays=tuple(Holiday(day=date.fromisoformat(row.day), name=row.name) for row in holidays),
        )

    def save_shift(self, shift: Shift) -> None:
        """Add a shift or change one."""
        self._put(tables.shifts, _shift_row(shift))

    def delete_shift(self, shift: str) -> None:
        """Take a shift away."""
        with self.together() as connection:
            connection.execute(delete(tables.shifts).where(tables.shifts.c.id == shift))

    def save_swap(self, swap: Swap) -> None:
        """Add a swap or change one; it then is the newest, and holds against older ones."""
        with self.together() as connection:
            newest = connection.execute(select(func.max(tables.swaps.c.number))).scalar() or 0
            self._put(tables.swaps, _swap_row(swap, newest + 1))

    def delete_swap(self, swap: str) -> None:
        """Take a swap away."""
        with self.together() as connection:
            connection.execute(delete(tables.swaps).where(tables.swaps.c.id == swap))

    def save_holiday(self, holiday: Holiday) -> None:
        """Add a holiday or name it anew."""
        self._put(tables.holidays, {"day": holiday.day.isoformat(), "name": holiday.name})

    def delete_holiday(self, day: date) -> None:
        """Take a holiday away."""
        with self.together() as connection:
            connection.execute(delete(tables.holidays).where(tables.holidays.c.day == day.isoformat()))

    def replace_shifts(self, shifts: list[Shift]) -> None:
        """Put these in the place of every shift there was: an import.  All of it or nothing."""
        with self.together() as connection:
            connection.execute(delete(tables.shifts))
            self._put(tables.shifts, *(_shift_row(shift) for shift in shifts))


def _shift_row(shift: Shift) -> dict[str, Any]:
    return {
        "id": shift.id,
        "person": shift.person,
        "role": shift.role,
        "grids": listed(shift.grids),
        "first_day": shift.first.isoformat(),
        "last_day": shift.last.isoformat(),
        "starts_min": shift.starts_min,
        "ends_min": shift.ends_min,
        "days": " ".join(str(day) for day in shift.days),
        "position": shift.order,
        "on_holidays": shift.on_holidays,
    }


def _shift(row: Row[Any]) -> Shift:
    return Shift(
        id=row.id,
        person=row.person,
        role=row.role,
        grids=unlisted(row.grids),
        first=date.fromisoformat(row.first_day),
        last=date.fromisoformat(row.last_day),
        starts_min=row.starts_min,
        ends_min=row.ends_min,
        days=tuple(int(day) for day in row.days.split()),
        order=row.position,
        on_holidays=cast("OnHolidays", row.on_holidays),
    )


def _swap_row(swap: Swap, number: int) -> dict[str, Any]:
    return {
        "id": swap.id,
        "person": swap.person,
        "instead": swap.instead,
        "from_ms": swap.from_ms,
        "until_ms": swap.until_ms,
        "grids": listed(swap.grids),
        "role": swap.role,
        "reason": swap.reason,
        "number": number,
    }


def _swap(row: Row[Any]) -> Swap:
    return Swap(
        id=row.id,
        person=row.person,
        instead=row.instead,
        from_ms=row.from_ms,
        until_ms=row.until_ms,
        grids=unlisted(row.grids),
        role=row.role,
        reason=row.reason,
    )
