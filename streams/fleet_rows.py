"""The fleet, told row by row: a device that came, moved or left, a bridge and what hangs on it."""

from msgspec.structs import replace

from streams.cases import unwatch, watch
from streams.effects import Cause, Reason
from streams.frames import BridgeRow, DeviceRow
from streams.incidents import clear_incident
from streams.openings import watched
from streams.rules import low_battery, tamper
from streams.state import BridgeState, Place, Sensor
from streams.work import Work


def device_row(work: Work, row: DeviceRow) -> None:
    """A device is at this place now, or no longer in the fleet."""
    sensor = work.sensor(row.device)
    if sensor is not None and sensor.place and (sensor.place != row.place or not row.present):
        _leave(work, sensor.place, row.device)
        sensor = work.sensor(row.device)
    if not row.present:
        if sensor is not None:
            _unhang(work, sensor)
            work.drop("d:" + row.device)
        return
    if sensor is None:
        sensor = Sensor(row.device, row.grid, row.where, row.place, row.at_ms)
    if sensor.bridge and sensor.bridge != row.bridge:
        _unhang(work, sensor)
    sensor = replace(
        sensor, grid=row.grid, where=row.where, place=row.place, report_every_s=row.report_every_s,
        bridge=row.bridge, site=row.site, present=True,
    )  # fmt: skip
    work.put_sensor(sensor)
    if row.bridge:
        bridge = work.bridge(row.bridge) or BridgeState(row.bridge, row.grid, known_ms=row.at_ms)
        if row.device not in bridge.devices:
            work.put_bridge(replace(bridge, devices=(*bridge.devices, row.device)))
    if row.where not in ("household", "checkpoint"):
        return
    if not row.grid.startswith(("bridge", "system")) and work.get("g:" + row.grid) is None:
        work.put_grid(work.grid(row.grid))
    place = work.place(row.place) or Place(row.place, row.where, row.grid)
    if row.device not in place.devices:
        place = replace(place, devices=(*place.devices, row.device))
    work.put_place(place)
    if watched(place, work.now_ms):
        watch(work, place, row.device)


def bridge_row(work: Work, row: BridgeRow) -> None:
    """A bridge of the fleet."""
    bridge = work.bridge(row.bridge) or BridgeState(row.bridge, row.grid, known_ms=row.at_ms)
    if not row.present:
        clear_incident(work, "bridge/" + row.bridge, "bridge-down", Reason("left-fleet"))
        work.drop("l:" + row.bridge)
        return
    work.put_bridge(replace(bridge, grid=row.grid, report_every_s=row.report_every_s))


def _unhang(work: Work, sensor: Sensor) -> None:
    bridge = work.bridge(sensor.bridge) if sensor.bridge else None
    if bridge is not None:
        work.put_bridge(replace(bridge, devices=tuple(d for d in bridge.devices if d != sensor.device)))


def _leave(work: Work, name: str, device: str) -> None:
    """The device is no longer at this place: what it said there ends with it."""
    place = work.place(name)
    if place is None:
        return
    place = unwatch(work, place, device)
    cause = Cause(device=device)
    place = tamper.said(work, place, device, False, work.now_ms, cause)
    place = low_battery.said(work, place, device, None, False, cause)
    if not place.silent:
        clear_incident(work, name, "sensor-silent", Reason("left-fleet"), cause)
    doors = {d: door for d, door in place.doors.items() if d != device}
    devices = tuple(d for d in place.devices if d != device)
    work.put_place(replace(place, doors=doors, devices=devices))
