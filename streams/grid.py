"""One step of the core: what happened → the records it changed and what was decided.  The order is visible here.

`step(view, item, policy)` reads nothing but its arguments and changes none of them.  An item is a record of `inbox`
or a `Wake`: time that has come for one record.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from devices.events import Event
from streams import cases, incidents, ladder
from streams.commands import Command
from streams.fleet_rows import bridge_row, device_row
from streams.frames import BridgeRow, DeviceRow, InboxRecord, Receipt, SystemReport
from streams.people import asked
from streams.picture import tell
from streams.policy import Policy
from streams.rules import (
    bridge_down,
    chattering,
    left_open,
    missed_call,
    missed_visit,
    overdue_check,
    sensor_silent,
    suspect_reading,
    system,
    undeclared_opening,
)
from streams.said import device_said
from streams.state import Book, BridgeState, Grid, Place, Record, Sensor, Suspicion
from streams.work import Step, Work

__all__ = ["Step", "Wake", "step", "time_of", "wake_at"]


class Wake(msgspec.Struct, frozen=True):
    """The time that the record under `key` asked to be woken at has come."""

    key: str
    at_ms: int


def time_of(record: InboxRecord | Wake) -> int:
    """When a record happened to the system: its arrival."""
    return record.received_ms if isinstance(record, Event) else record.at_ms


def step(view: Mapping[str, Record], item: InboxRecord | Wake, policy: Policy, now_ms: int | None = None) -> Step:
    """What follows from `item`.  `now_ms` is the time it is handled at, its own unless that lies in the past."""
    work = Work(view, policy, time_of(item) if now_ms is None else now_ms)
    match item:
        case Event():
            device_said(work, item)
        case Wake():
            _woken(work, item)
        case Command():
            asked(work, item)
        case DeviceRow():
            device_row(work, item)
        case BridgeRow():
            bridge_row(work, item)
        case SystemReport():
            system.reported(work, item)
        case Receipt():
            pass
    if work.changes:
        tell(work)
    return Step(work.changes, work.effects)


def _woken(work: Work, wake: Wake) -> None:
    record = work.get(wake.key)
    match record:
        case Book():
            incidents.on_wake(work, record)
        case Sensor():
            sensor_silent.on_wake(work, record)
        case Place():
            place = cases.on_wake(work, record)
            for rule in (undeclared_opening, left_open, chattering, missed_visit, missed_call):
                place = rule.on_wake(work, place)
            work.put_place(place)
        case Suspicion():
            suspect_reading.on_wake(work, record)
        case Grid():
            overdue_check.on_wake(work, record)
        case BridgeState():
            if bridge_down.on_wake(work, record):
                sensor_silent.bridge_went(work, record.devices)
        case _:
            pass


def wake_at(record: Record, policy: Policy) -> int | None:
    """When this record wants to be woken, in ms UTC, or None."""
    due = _DUE.get(type(record))
    return None if due is None else due(record, policy)


def _place_ms(place: Place, _policy: Policy) -> int | None:
    # Asked after every step that touches a household: no lists here.
    due = cases.wake_ms(place)
    for at_ms in (place.opening_clears_ms, place.chatter_clears_ms, place.visit_due_ms, place.call_due_ms):
        if at_ms is not None and (due is None or at_ms < due):
            due = at_ms
    for door in place.doors.values():
        at_ms = door.left_open_ms
        if at_ms is not None and (due is None or at_ms < due):
            due = at_ms
    return due


# Records that are not here ask for nothing.
_DUE: dict[type[Record], Callable[[Any, Policy], int | None]] = {
    Sensor: sensor_silent.due_ms,
    Book: ladder.next_ms,
    Place: _place_ms,
    Suspicion: lambda suspicion, _policy: suspect_reading.wake_ms(suspicion),
    Grid: lambda grid, _policy: overdue_check.due_ms(grid),
    BridgeState: bridge_down.due_ms,
}
