"""`bridge-down`: what many sensors hang on says it is offline, or is silent.  Over when it or one of them is heard."""

from msgspec.structs import replace

from streams.effects import Cause, Reason
from streams.incidents import clear_incident, raise_incident
from streams.policy import Policy, minutes_ms, seconds_ms
from streams.state import BridgeState
from streams.work import Work

KIND = "bridge-down"
_NOTE_EVERY_MS = 30_000


def due_ms(bridge: BridgeState, policy: Policy) -> int | None:
    """When the bridge has been silent too long; only where the fleet says how often it reports."""
    if bridge.down or bridge.report_every_s is None:
        return None
    after_ms = max(seconds_ms(bridge.report_every_s * policy.silent_intervals), minutes_ms(policy.silent_least_min))
    return max(bridge.heard_ms or 0, bridge.known_ms, bridge.silent_from_ms) + after_ms


def said(work: Work, bridge: BridgeState, online: bool, live: bool, cause: Cause) -> bool:
    """The bridge says whether it is online.  True when it came back with that."""
    if not online:
        if not bridge.down:
            work.put_bridge(replace(bridge, down=True))
            _raise(work, bridge, Reason("bridge-offline"), cause)
        return False
    # A retained "online" is a state, too: the broker repeats it, so the bridge is there as far as anybody knows.
    return heard(work, bridge, cause) if live or bridge.down else False


def heard(work: Work, bridge: BridgeState, cause: Cause) -> bool:
    """The bridge, or a device behind it, was heard.  True when it had been down."""
    if bridge.down:
        work.put_bridge(replace(bridge, down=False, heard_ms=work.now_ms))
        clear_incident(work, "bridge/" + bridge.bridge, KIND, Reason("heard"), cause)
        return True
    if is_news(bridge, work.now_ms):
        work.put_bridge(replace(bridge, heard_ms=work.now_ms))
    return False


def is_news(bridge: BridgeState, now_ms: int) -> bool:
    """Whether its being heard at `now_ms` changes its record: it was down, or the last note of it is old."""
    return bridge.down or (bridge.report_every_s is not None and now_ms - (bridge.heard_ms or 0) >= _NOTE_EVERY_MS)


def on_wake(work: Work, bridge: BridgeState) -> bool:
    """True when the bridge has just become silent."""
    due = due_ms(bridge, work.policy)
    if due is None or due > work.now_ms:
        return False
    work.put_bridge(replace(bridge, down=True))
    minutes = (work.now_ms - (bridge.heard_ms or bridge.known_ms)) // 60_000
    _raise(work, bridge, Reason("bridge-silent", {"minutes": minutes}), Cause())
    return True


def _raise(work: Work, bridge: BridgeState, reason: Reason, cause: Cause) -> None:
    raise_incident(work, "bridge/" + bridge.bridge, "bridge", bridge.grid, KIND, reason, cause)
