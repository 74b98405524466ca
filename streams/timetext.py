"""Times as text: ISO 8601 in the policy's zone, whole seconds without a fraction, else with milliseconds."""

from datetime import datetime, tzinfo


def timestamp(at_ms: int, zone: tzinfo) -> str:
    """`1581816600000` → `2020-02-16T09:30:00+08:00`."""
    moment = datetime.fromtimestamp(at_ms // 1000, zone)
    rest = at_ms % 1000
    if rest:
        return moment.replace(microsecond=rest * 1000).isoformat(timespec="milliseconds")
    return moment.isoformat(timespec="seconds")


def clock_text(at_ms: int, zone: tzinfo) -> str:
    """`09:30`, as people say it."""
    return datetime.fromtimestamp(at_ms // 1000, zone).strftime("%H:%M")
