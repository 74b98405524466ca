"""What most messages are: a sensor that says what is known already.  Only its own record changes then.

A log is nearly all of these, so they are told from the others by looks alone, without the making of a step.  What is
answered here is to the last field what `said.device_said` would do; whenever in doubt the answer is None, and the step
is made.
"""

from collections.abc import Mapping

from msgspec.structs import replace

from devices.events import Event
from streams.device_clock import trust
from streams.policy import Policy
from streams.rules import bridge_down, low_battery, sensor_silent
from streams.said import is_again, remembered
from streams.state import BridgeState, Place, Record, Sensor


def still(view: Mapping[str, Record], event: Event, policy: Policy, now_ms: int) -> Sensor | None:
    """The sensor's record after `event`, where nothing else changes, nothing is decided and no timer moves nearer."""
    if (
        event.online is not None
        or event.celsius is not None
        or event.report_hint is not None
        or event.report == "retained"
        or event.where == "bridge"
    ):
        return None
    sensor = view.get("d:" + event.device)
    if type(sensor) is not Sensor:
        return None
    place = door = None
    if event.open is not None:
        place = view.get("p:" + event.place)
        if type(place) is not Place or (door := place.doors.get(event.device)) is None or door.open != event.open:
            return None
    heard_ms, received_ms = sensor.heard_ms, event.received_ms
    # Heard before and later than before: so its time of silence only moves away.
    if heard_ms is None or received_ms < heard_ms or sensor_silent.is_missing(sensor):
        return None
    if sensor.bridge:
        bridge = view.get("l:" + sensor.bridge)
        if type(bridge) is BridgeState and bridge_down.is_news(bridge, now_ms):
            return None
    if (event.has_cause or event.redelivered) and is_again(sensor, event):
        return None
    is_heartbeat = event.kind == "heartbeat"
    clock = sensor.clock
    at_ms = received_ms
    if event.device_ms is not None:
        trusted = trust(clock, event.device_ms, received_ms, event.report == "live", policy)
        at_ms, clock = trusted.at_ms, trusted.clock
    percent, counted = event.battery_percent, event.opens_counted
    if is_heartbeat and percent is None and counted is None:
        return replace(sensor, heard_ms=received_ms, clock=clock)
    battery_percent = sensor.battery_percent if percent is None else percent
    seen = sensor.seen if is_heartbeat else remembered(sensor, event)
    if place is None:
        place = view.get("p:" + event.place)
    if type(place) is not Place or event.device not in place.devices:
        return replace(sensor, heard_ms=received_ms, clock=clock, seen=seen, battery_percent=battery_percent)
    if event.tamper is not None and event.tamper != (event.device in place.tampered):
        return None
    if percent is not None or event.battery_low is not None:
        low = low_battery.verdict(percent, event.battery_low, policy)
        if low is not None and low != (event.device in place.low):
            return None
    contact_ms, counted_before, counted_ms = sensor.contact_ms, sensor.opens_counted, sensor.counted_ms
    if event.where == "household":
        if door is not None:
            if at_ms < door.newest_ms or at_ms < contact_ms:
                return None
            contact_ms = at_ms
        if counted is not None and at_ms >= counted_ms:
            if counted_before is not None and counted > counted_before:
                return None
            counted_before, counted_ms = counted, at_ms
    return replace(
        sensor, heard_ms=received_ms, clock=clock, seen=seen, battery_percent=battery_percent, contact_ms=contact_ms,
        opens_counted=counted_before, counted_ms=counted_ms,
    )  # fmt: skip
