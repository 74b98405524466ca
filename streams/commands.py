"""What people (and the clock of a trace) ask for: parsed once, into one frozen shape.

The same words in a trace, at the gateway's HTTP door and from the desk (`architecture`: the table of commands).
"""

from datetime import datetime
from typing import Any, Literal, cast, get_args

import msgspec

from devices.places import grid_of, is_checkpoint, is_household, is_word

CommandName = Literal[
    "acknowledge",
    "close",
    "snooze",
    "mute",
    "declare",
    "open-case",
    "close-case",
    "retest",
    "register",
    "visit",
    "call",
    "symptoms",
    "home-temperature",
    "check-assigned",
    "check-returned",
    "tick",
]
Role = Literal["worker", "police", "doctor", "guard", "supervisor"]
ROLES: tuple[Role, ...] = get_args(Role)
TEAM: tuple[Role, ...] = ("worker", "police", "doctor")

Disposition = Literal["true-alarm", "false-alarm", "declared-late", "device-fault", "transferred", "test"]
DISPOSITIONS: tuple[Disposition, ...] = get_args(Disposition)

CommandReason = Literal["no-open-incident", "unknown-subject", "not-allowed", "malformed", "implausible"]


class Command(msgspec.Struct, frozen=True, array_like=True, tag="c"):
    """One command as it stands in `inbox`.  Fields its name does not use are empty.  `at_ms` is its arrival."""

    id: str
    at_ms: int
    name: str
    grid: str
    by: str = ""
    role: str = ""
    subject: str = ""
    kind: str = ""
    household: str = ""
    device: str = ""
    from_ms: int | None = None
    until_ms: int | None = None
    reason: str = ""
    note: str = ""
    disposition: str = ""
    checkpoint: str = ""
    pass_id: str = ""
    celsius: float | None = None
    site: str = ""
    symptoms: list[str] = []
    check: str = ""
    due_ms: int | None = None
    visits: bool = False
    wellbeing_call_min: int | None = None


class BadCommand(msgspec.Struct, frozen=True):
    """Why a command could not be understood: a reason of `CommandReason` and a sentence for a person."""

    reason: CommandReason
    detail: str
    name: str = ""
    subject: str = ""
    kind: str = ""


def parse_time_ms(text: object) -> int:
    """ISO 8601 with a zone (or milliseconds UTC as an int) → ms UTC.  Raises ValueError with what is wrong."""
    if isinstance(text, bool):
        raise ValueError("a time is ISO 8601 with a zone, not true or false")
    if isinstance(text, int):
        if not 0 <= text <= 253_402_300_799_999:
            raise ValueError(f"{text} is no time in milliseconds")
        return text
    if not isinstance(text, str):
        raise ValueError("a time is ISO 8601 with a zone, like 2020-02-16T09:30:00+08:00")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text[:40]!r} is not a time like 2020-02-16T09:30:00+08:00") from None
    if moment.tzinfo is None:
        raise ValueError(f"{text[:40]!r} has no zone: add +08:00 or Z")
    # Integers all the way: a float timestamp is off by a millisecond now and then.
    offset = moment.utcoffset()
    assert offset is not None
    days = moment.toordinal() - 719_163
    seconds = days * 86_400 + moment.hour * 3600 + moment.minute * 60 + moment.second
    return seconds * 1000 + moment.microsecond // 1000 - round(offset.total_seconds() * 1000)


def parse_clock_min(text: object) -> int:
    """`"09:30"` → 570 minutes after midnight.  Raises ValueError."""
    if isinstance(text, str) and len(text) == 5 and text[2] == ":" and text[:2].isdigit() and text[3:].isdigit():
        hour, minute = int(text[:2]), int(text[3:])
        if hour < 24 and minute < 60:
            return hour * 60 + minute
    raise ValueError(f"{str(text)[:20]!r} is not a time of day like 09:30")


class _Fault(ValueError):
    pass


def _text(raw: dict[str, Any], field: str, *, needed: bool = True, most: int = 500) -> str:
    value = raw.get(field)
    if value is None and not needed:
        return ""
    if not isinstance(value, str) or (needed and not value):
        raise _Fault(f"{field} must be a text")
    if len(value) > most:
        raise _Fault(f"{field} is longer than {most} characters")
    return value


def _time(raw: dict[str, Any], field: str) -> int:
    try:
        return parse_time_ms(raw.get(field))
    except ValueError as error:
        raise _Fault(f"{field}: {error}") from None


def _number(raw: dict[str, Any], field: str) -> float:
    value = raw.get(field)
    if isinstance(value, bool) or not isinstance(value, int | float) or not -1000 < value < 1000:
        raise _Fault(f"{field} must be a number")
    return float(value)


def _flag(raw: dict[str, Any], field: str) -> bool:
    value = raw.get(field, False)
    if not isinstance(value, bool):
        raise _Fault(f"{field} must be true or false")
    return value


def _household(raw: dict[str, Any], *, needed: bool = True) -> str:
    value = _text(raw, "household", needed=needed)
    if value and not is_household(value):
        raise _Fault(f"household {value[:60]!r} is not grid/building/unit")
    return value


def _symptoms(raw: dict[str, Any]) -> list[str]:
    value = raw.get("symptoms")
    rows = cast(list[object], value) if isinstance(value, list) else [None]
    words = [row for row in rows if isinstance(row, str) and len(row) <= 100]
    if len(words) != len(rows) or len(words) > 20:
        raise _Fault("symptoms must be a list of words")
    return words


def _role(raw: dict[str, Any]) -> str:
    role = _text(raw, "role")
    if role not in ROLES:
        raise _Fault(f"role {role[:20]!r} is none of {', '.join(ROLES)}")
    return role


def _incident(raw: dict[str, Any]) -> dict[str, Any]:
    subject = _text(raw, "subject")
    return {"subject": subject, "kind": _text(raw, "kind"), "role": _role(raw), "grid": grid_of(subject)}


def _fields(name: str, raw: dict[str, Any]) -> dict[str, Any]:
    match name:
        case "acknowledge":
            return _incident(raw)
        case "close":
            disposition = _text(raw, "disposition")
            if disposition not in DISPOSITIONS:
                raise _Fault(f"disposition {disposition[:20]!r} is none of {', '.join(DISPOSITIONS)}")
            return _incident(raw) | {"disposition": disposition, "note": _text(raw, "note", needed=False, most=4000)}
        case "snooze":
            return _incident(raw) | {"until_ms": _time(raw, "until"), "reason": _text(raw, "reason")}
        case "mute":
            return {
                "household": _household(raw),
                "role": _role(raw),
                "until_ms": _time(raw, "until"),
                "reason": _text(raw, "reason"),
            }
        case "declare":
            role = _role(raw) if "role" in raw else ""
            return {
                "household": _household(raw),
                "until_ms": _time(raw, "until"),
                "reason": _text(raw, "reason"),
                "role": role,
            }
        case "open-case":
            call = raw.get("wellbeing_call")
            try:
                call_min = None if call is None else parse_clock_min(call)
            except ValueError as error:
                raise _Fault(f"wellbeing_call: {error}") from None
            from_ms, until_ms = _time(raw, "from"), _time(raw, "until")
            if until_ms <= from_ms:
                raise _Fault("until must be later than from")
            return {
                "household": _household(raw),
                "device": _text(raw, "device", needed=False),
                "from_ms": from_ms,
                "until_ms": until_ms,
                "visits": _flag(raw, "visits"),
                "wellbeing_call_min": call_min,
            }
        case "close-case":
            return {"household": _household(raw), "reason": _text(raw, "reason", needed=False)}
        case "retest":
            subject = _text(raw, "subject")
            return {"subject": subject, "grid": grid_of(subject)}
        case "register":
            checkpoint = _text(raw, "checkpoint")
            if not is_checkpoint(checkpoint):
                raise _Fault(f"checkpoint {checkpoint[:60]!r} is not grid/checkpoint")
            return {
                "checkpoint": checkpoint,
                "pass_id": _text(raw, "pass"),
                "household": _household(raw, needed=False),
                "grid": grid_of(checkpoint),
            }
        case "visit" | "call":
            return {"household": _household(raw)}
        case "symptoms":
            return {
                "household": _household(raw),
                "symptoms": _symptoms(raw),
                "note": _text(raw, "note", needed=False, most=4000),
            }
        case "home-temperature":
            return {
                "household": _household(raw),
                "celsius": _number(raw, "celsius"),
                "site": _text(raw, "site", needed=False),
            }
        case "check-assigned":
            grid = _text(raw, "grid")
            if not is_word(grid):
                raise _Fault(f"grid {grid[:40]!r} is no grid")
            return {"check": _text(raw, "check"), "grid": grid, "due_ms": _time(raw, "due")}
        case "check-returned":
            return {"check": _text(raw, "check"), "grid": _text(raw, "grid", needed=False)}
        case "tick":
            return {}
        case _:
            raise _Fault(f"there is no command {name[:40]!r}")


def parse_command(raw: dict[str, Any], at_ms: int, command_id: str) -> Command | BadCommand:
    """`raw` as in a trace or an HTTP body → a Command that arrived at `at_ms`, or why not.

    Never raises.  Unknown fields are passed over; a wrong type is `malformed`.
    """
    name = raw.get("command")
    if not isinstance(name, str):
        return BadCommand("malformed", "command must be a text")
    try:
        fields = _fields(name, raw)
        fields.setdefault("role", _role(raw) if raw.get("role") is not None else "")
        if not fields.get("grid"):
            fields["grid"] = grid_of(fields.get("household", ""))
        by = "" if name == "tick" else _text(raw, "by", needed=False)
    except _Fault as fault:
        subject = raw.get("subject", raw.get("household", ""))
        kind = raw.get("kind", "")
        return BadCommand(
            "malformed",
            str(fault),
            name[:40],
            subject[:200] if isinstance(subject, str) else "",
            kind[:40] if isinstance(kind, str) else "",
        )
    return Command(id=command_id, at_ms=at_ms, name=name, by=by, **fields)
