"""What follows from one canonical event, facet by facet: heard, bridge, door, counter, tamper, battery, temperature."""

from msgspec.structs import replace

from devices.events import Event, Report
from streams.device_clock import Trusted, trust
from streams.doors import Contact, newest_ms, reported
from streams.effects import Answer, Cause, Reason
from streams.rules import bridge_down, home_fever, lost_openings, low_battery, sensor_silent, suspect_reading, tamper
from streams.state import BridgeState, Sensor
from streams.work import Work

_SEEN_BYTES = 8 * 64
_HINT_MS = 2_000


def device_said(work: Work, event: Event) -> None:
    """One event of a device."""
    if event.where == "bridge":
        _bridge_said(work, event)
        return
    sensor = work.sensor(event.device)
    if sensor is None:
        known = work.place(event.place)
        sensor = Sensor(event.device, event.grid, event.where, event.place, work.now_ms)
        if known is None or event.where == "checkpoint":
            sensor = replace(sensor, watched_ms=work.now_ms if event.where == "checkpoint" else None)
    again = (event.has_cause or event.redelivered) and is_again(sensor, event)
    live = event.report != "retained" and event.online is not False
    if live:
        sensor = _heard(work, sensor, event)
    if again:
        work.put_sensor(sensor)
        return
    if event.kind != "heartbeat":
        sensor = replace(sensor, seen=remembered(sensor, event))
    trusted = trust(sensor.clock, event.device_ms, event.received_ms, event.report == "live", work.policy)
    cause = Cause(event.device, trusted.at_ms, event.received_ms, event.id)
    if trusted.clock is not sensor.clock:
        sensor = replace(sensor, clock=trusted.clock)
    if event.report_hint is not None:
        sensor = replace(sensor, hint=event.report_hint, hint_ms=event.received_ms)
    if event.online is not None:
        sensor = _availability(work, sensor, event)
    if event.kind != "heartbeat" or event.battery_percent is not None or event.opens_counted is not None:
        sensor = _facets(work, sensor, event, trusted, cause)
    work.put_sensor(sensor)


def is_again(sensor: Sensor, event: Event) -> bool:
    """Whether this very message was taken already: by its own counter or time, or redelivered by MQTT."""
    mark = bytes.fromhex(event.id)
    at = sensor.seen.find(mark)
    while at > 0 and at % len(mark):  # found across two others
        at = sensor.seen.find(mark, at + 1)
    return at >= 0


def remembered(sensor: Sensor, event: Event) -> bytes:
    """The ids seen of a device, with that of `event`."""
    return (sensor.seen + bytes.fromhex(event.id))[-_SEEN_BYTES:]


def _heard(work: Work, sensor: Sensor, event: Event) -> Sensor:
    if sensor.bridge or sensor_silent.is_missing(sensor):
        cause = Cause(event.device, event.received_ms, event.received_ms, event.id)
        sensor = sensor_silent.heard(work, sensor, cause)
        bridge = work.bridge(sensor.bridge) if sensor.bridge else None
        if bridge is not None and bridge_down.heard(work, bridge, cause):
            work.put_sensor(sensor)
            sensor_silent.bridge_back(work, bridge.devices)
            sensor = work.sensor(sensor.device) or sensor
    return replace(sensor, heard_ms=event.received_ms)


def _availability(work: Work, sensor: Sensor, event: Event) -> Sensor:
    if event.online:
        if event.report == "retained" and sensor.offline_ms is not None and not sensor.silent:
            # A retained "online" ends what a retained "offline" began; the silence of a silent one it does not.
            sensor = sensor_silent.heard(work, sensor, Cause(event.device))
        return sensor
    if sensor.offline_ms is None:
        sensor = replace(sensor, offline_ms=event.received_ms)
        work.put_sensor(sensor)
        sensor_silent.offline(work, sensor)
        sensor = work.sensor(sensor.device) or sensor
    return sensor


def _report(sensor: Sensor, event: Event) -> Report:
    """How the values came about: as the message says, or as the device's own reason within 2 s says."""
    if event.report == "live" and sensor.hint and abs(event.received_ms - sensor.hint_ms) <= _HINT_MS:
        return "periodic" if sensor.hint == "periodic" else "poweron" if sensor.hint == "poweron" else "live"
    return event.report


def _facets(work: Work, sensor: Sensor, event: Event, trusted: Trusted, cause: Cause) -> Sensor:
    if event.battery_percent is not None and event.battery_percent != sensor.battery_percent:
        sensor = replace(sensor, battery_percent=event.battery_percent)
    before = place = work.place(event.place)
    if place is None or event.device not in place.devices:
        return sensor
    if event.where == "household":
        if event.open is not None:
            door = place.doors.get(event.device)
            newest = door is None or trusted.at_ms >= newest_ms(door, sensor.contact_ms)
            counted = event.opens_counted if newest and trusted.at_ms >= sensor.counted_ms else None
            contact = Contact(
                event.device, event.open, _report(sensor, event), trusted, sensor.opens_counted, counted, cause,
                sensor.contact_ms,
            )  # fmt: skip
            place = reported(work, place, contact)
            if newest:
                sensor = replace(sensor, contact_ms=trusted.at_ms)
            if counted is not None:
                sensor = replace(sensor, opens_counted=counted, counted_ms=trusted.at_ms)
        elif event.opens_counted is not None and trusted.at_ms >= sensor.counted_ms:
            if sensor.opens_counted is not None:
                lost = event.opens_counted - sensor.opens_counted
                lost_openings.counted(work, place, trusted.at_ms, trusted.late_ms, lost, cause)
            sensor = replace(sensor, opens_counted=event.opens_counted, counted_ms=trusted.at_ms)
    if event.tamper is not None:
        place = tamper.said(work, place, event.device, event.tamper, trusted.at_ms, cause)
    if event.battery_percent is not None or event.battery_low is not None:
        place = low_battery.said(work, place, event.device, event.battery_percent, event.battery_low, cause)
    if place is not before:
        work.put_place(place)
    if event.celsius is not None and event.report == "live":
        if event.implausible:
            _no_reading(work, sensor, event, trusted.at_ms)
        elif event.where == "checkpoint":
            sensor = suspect_reading.read(
                work, sensor, event.pass_id, event.celsius, event.site, event.ambient_celsius, trusted.at_ms, cause
            )
        else:
            home_fever.read(work, place, event.celsius, event.site, trusted.at_ms, cause)
    return sensor


def _no_reading(work: Work, sensor: Sensor, event: Event, at_ms: int) -> None:
    """A temperature no body has: answered on the screen, no reading of the three."""
    if event.where != "checkpoint":
        return
    celsius = event.celsius or 0.0
    word = "too-cold" if celsius < work.policy.plausible_low_celsius else "too-hot"
    subject = f"{event.place}/{event.pass_id}" if event.pass_id else ""
    work.effects.append(
        Answer(
            work.now_ms, event.grid, event.place, event.device, subject, "no-reading", celsius,
            work.policy.limit_celsius(event.site), event.site, Reason(word, {"celsius": celsius}),
            pass_id=event.pass_id, readings=0, at_ms=at_ms,
        )
    )  # fmt: skip


def _bridge_said(work: Work, event: Event) -> None:
    bridge = work.bridge(event.place) or BridgeState(event.place, event.grid, known_ms=work.now_ms)
    cause = Cause(event.device, event.received_ms, event.received_ms, event.id)
    if event.online is False:
        was_down = bridge.down
        bridge_down.said(work, bridge, False, event.report == "live", cause)
        if not was_down:
            sensor_silent.bridge_went(work, bridge.devices)
    elif event.online is not None and bridge_down.said(work, bridge, True, event.report == "live", cause):
        sensor_silent.bridge_back(work, bridge.devices)
