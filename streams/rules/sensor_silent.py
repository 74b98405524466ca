"""`sensor-silent`: nothing heard for 2.5 x the report interval, or said to be offline for 10 min, within a case.

Held back while its bridge is down, and part of the area's matter while its area is silent.  A device that was never
heard at all is given a day.
"""

from msgspec.structs import replace

from streams.effects import Cause, Reason
from streams.incidents import clear_incident, open_incident, part_of_area, raise_incident
from streams.policy import Policy, hours_ms, minutes_ms, seconds_ms
from streams.rules import area_silent
from streams.state import Sensor
from streams.work import Work

KIND = "sensor-silent"


def due_ms(sensor: Sensor, policy: Policy) -> int | None:
    """When this device's silence is one, or None: not watched, silent already, or waiting for its bridge."""
    if sensor.watched_ms is None or not sensor.present or sensor.silent or sensor.inhibited:
        return None
    # Asked after every message of every watched sensor: no lists here.
    due: int | None = None
    every_s = sensor.report_every_s
    if every_s is not None:
        if sensor.heard_ms is None:
            due = max(sensor.watched_ms, sensor.known_ms, sensor.silent_from_ms) + hours_ms(policy.unproven_h)
        else:
            due = max(sensor.heard_ms, sensor.silent_from_ms) + max(
                seconds_ms(every_s * policy.silent_intervals), minutes_ms(policy.silent_least_min)
            )
    if sensor.offline_ms is not None:
        offline = max(sensor.offline_ms, sensor.silent_from_ms) + minutes_ms(policy.offline_min)
        due = offline if due is None else min(due, offline)
    return due


def is_missing(sensor: Sensor) -> bool:
    """Whether its being heard is news: it was silent, offline, or held back with its bridge."""
    return sensor.silent or sensor.listed or sensor.inhibited or sensor.offline_ms is not None


def on_wake(work: Work, sensor: Sensor) -> None:
    """The device's time is up."""
    due = due_ms(sensor, work.policy)
    if due is None or due > work.now_ms:
        return
    bridge = work.bridge(sensor.bridge) if sensor.bridge else None
    if bridge is not None and bridge.down:
        work.put_sensor(replace(sensor, inhibited=True))
        return
    work.put_sensor(replace(sensor, silent=True, listed=True))
    place = work.place(sensor.place)
    if place is not None and sensor.device not in place.silent:
        work.put_place(replace(place, silent=(*place.silent, sensor.device)))
    if sensor.where == "household" and area_silent.missing(work, sensor.grid, sensor.device, _cause(sensor)):
        if work.grid(sensor.grid).area and open_incident(work, sensor.place, KIND) is None:
            return
    _raise(work, sensor)


def offline(work: Work, sensor: Sensor) -> None:
    """The device is said to be offline: it counts for its area at once, for itself after 10 min."""
    bridge = work.bridge(sensor.bridge) if sensor.bridge else None
    if sensor.watched_ms is None or sensor.where != "household" or (bridge is not None and bridge.down):
        return
    area_silent.missing(work, sensor.grid, sensor.device, _cause(sensor))


def heard(work: Work, sensor: Sensor, cause: Cause) -> Sensor:
    """The device was heard; `sensor` is its record before that.  Its record now, not yet kept."""
    if not is_missing(sensor):
        return sensor
    sensor = replace(sensor, silent=False, offline_ms=None, inhibited=False, listed=False)
    work.put_sensor(sensor)
    place = work.place(sensor.place)
    if place is not None and sensor.device in place.silent:
        place = replace(place, silent=tuple(d for d in place.silent if d != sensor.device))
        work.put_place(place)
        if not place.silent:
            clear_incident(work, sensor.place, KIND, Reason("heard"), cause)
    if sensor.where == "household":
        alone(work, area_silent.heard(work, sensor.grid, sensor.device, cause))
    return sensor


def alone(work: Work, devices: tuple[str, ...]) -> None:
    """The area is heard again, these are not: each is a matter of its own now."""
    for name in devices:
        sensor = work.sensor(name)
        if sensor is None or not sensor.silent:
            continue
        if open_incident(work, sensor.place, KIND) is None:
            _raise(work, sensor)
        else:
            part_of_area(work, sensor.place, False)


def bridge_went(work: Work, devices: tuple[str, ...]) -> None:
    """The bridge is down: what hangs on it is not silent for itself."""
    for name in devices:
        sensor = work.sensor(name)
        if sensor is None:
            continue
        if sensor.silent:
            part_of_area(work, sensor.place, True)
        alone(work, area_silent.heard(work, sensor.grid, sensor.device, Cause()))


def bridge_back(work: Work, devices: tuple[str, ...]) -> None:
    """The bridge is heard again: each device has its whole time from now."""
    for name in devices:
        sensor = work.sensor(name)
        if sensor is None:
            continue
        start_again(work, sensor)


def start_again(work: Work, sensor: Sensor) -> None:
    """The silence counts from now: the bridge is back, or a person closed the incident."""
    offline_ms = work.now_ms if sensor.offline_ms is not None else None
    work.put_sensor(replace(sensor, silent=False, inhibited=False, silent_from_ms=work.now_ms, offline_ms=offline_ms))
    if sensor.where == "household":
        alone(work, area_silent.heard(work, sensor.grid, sensor.device, Cause()))


def _raise(work: Work, sensor: Sensor) -> None:
    incident = open_incident(work, sensor.place, KIND)
    if incident is not None and incident.part_of_area:
        part_of_area(work, sensor.place, False)
        return
    since_ms = sensor.heard_ms
    if since_ms is None:
        reason = Reason("never-heard", {"device": sensor.device})
    elif sensor.offline_ms is not None:
        reason = Reason("offline", {"device": sensor.device, "since_ms": sensor.offline_ms})
    else:
        reason = Reason("silent", {"device": sensor.device, "since_ms": since_ms})
    raise_incident(work, sensor.place, sensor.where, sensor.grid, KIND, reason, _cause(sensor))


def _cause(sensor: Sensor) -> Cause:
    return Cause(device=sensor.device, at_ms=sensor.heard_ms, received_ms=sensor.heard_ms)
