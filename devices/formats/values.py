"""Values that many formats spell alike: instants, percentages, bare words.  Pure helpers; nothing here guesses."""

from datetime import UTC, datetime, timedelta

from devices.events import Message, Report

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_LATEST_MS = 253_402_300_800_000  # the year 10000: nothing written as a date comes after it


def iso_ms(text: str) -> int | None:
    """Milliseconds UTC of an ISO 8601 time that says its zone; None for any other text (a local time is no instant).

    A lower-case `t` or `z` is accepted: one EnOcean bridge writes them.
    """
    if not 10 < len(text) <= 40:
        return None
    try:
        # Without a zone this is a naive time, which the subtraction refuses with a TypeError.
        return (datetime.fromisoformat(text if text[-1] != "z" else text[:-1] + "Z") - _EPOCH) // _MILLISECOND
    except (ValueError, TypeError):
        return None


def epoch_ms(number: float) -> int | None:
    """`number` as milliseconds since 1970, or None where no clock can have meant it."""
    return int(number) if 0 <= number < _LATEST_MS else None


def epoch_s(number: float) -> int | None:
    """Seconds since 1970 as milliseconds, or None where no clock can have meant it."""
    return epoch_ms(number * 1000)


def epoch_any(number: float) -> int | None:
    """Ten digits are seconds, thirteen are milliseconds: a maker writes both; None where no clock can have meant it."""
    return epoch_s(number) if number < 100_000_000_000 else epoch_ms(number)


def percent(number: float | None) -> float | None:
    """A battery level as it can be, 0 … 100; None for what vendors send for "unknown" (-1, 255, 999)."""
    return number if number is not None and 0 <= number <= 100 else None


def signal(number: object) -> float | None:
    """A link quality or dBm as it can be; None for anything else: no alarm hangs on it, so it spoils no message."""
    if isinstance(number, bool) or not isinstance(number, int | float):
        return None
    return float(number) if -255 <= number <= 255 else None


def word(payload: bytes) -> str:
    """A short bare payload as text without the space around it; "" when it is empty, long or not ASCII."""
    if len(payload) > 64 or not payload.isascii():
        return ""
    return payload.decode("ascii").strip()


def report_of(message: Message) -> Report:
    """`retained` for what a broker kept, else `live`."""
    return "retained" if message.retained else "live"
