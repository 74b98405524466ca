"""What came in, in the reader's words: a message of a device, something a person asked for, a channel's answer."""

import msgspec

from devices.events import Event
from duty.edge.desk.moments import Moments
from duty.edge.desk.names import Names
from duty.edge.desk.say import Say
from duty.edge.desk.texts import Language, text
from streams import troubles
from streams.commands import Command
from streams.frames import BridgeRow, DeviceRow, InboxRecord, Receipt, SystemReport

_LATE_MS = 120_000


class Happened(msgspec.Struct, frozen=True, kw_only=True):
    """One thing: who or what it came from, what it says, and what there is to know besides."""

    who: str
    what: str
    beside: str = ""


def happened(record: InboxRecord, say: Say, moments: Moments, names: Names) -> Happened:
    """`record` in words."""
    language = say.language
    match record:
        case Event():
            return Happened(who=record.device, what=_said(record, say), beside=_beside(record, moments, language))
        case Command():
            who = names(record.by) if record.by not in ("resident", "fleet", "") else _by(record.by, say, language)
            role = f"（{say.role(record.role)}）" if record.role and language == "zh" else ""
            role = f" ({say.role(record.role)})" if record.role and language != "zh" else role
            return Happened(who=who + role, what=_asked(record, say, moments), beside=record.note or record.reason)
        case Receipt():
            outcome = text(f"board.outcome_{record.outcome}", language)
            return Happened(who=record.channel, what=text("review.receipt", language, outcome=outcome),
                            beside=record.detail)  # fmt: skip
        case DeviceRow():
            key = "row_there" if record.present else "row_gone"
            return Happened(who=record.device, what=text(f"review.{key}", language))
        case BridgeRow():
            return Happened(who=record.bridge, what=text("review.row_there", language))
        case SystemReport():
            key = "part_well" if record.well else "part_unwell"
            beside = troubles.said(record.code, record.values, record.detail, language)
            return Happened(who=record.part, what=text(f"review.{key}", language), beside=beside)


def _by(by: str, say: Say, language: Language) -> str:
    return say.role("resident") if by == "resident" else text("review.by_fleet", language)


def _said(event: Event, say: Say) -> str:
    language = say.language
    if event.celsius is not None:
        site = say.site(event.site)
        return text("review.said_celsius", language, celsius=f"{event.celsius:.1f}", site=site)
    if event.online is not None:
        return text("review.said_online" if event.online else "review.said_offline", language)
    if event.tamper:
        return text("review.said_tamper", language)
    if event.open is not None:
        return text("review.said_open" if event.open else "review.said_closed", language)
    if event.kind == "battery":
        return text("review.said_battery", language)
    return text("review.said_heartbeat" if event.kind == "heartbeat" else "review.said_other", language)


def _beside(event: Event, moments: Moments, language: Language) -> str:
    """Whether it was news or a state, the counter, the battery, the device's own time where it is another."""
    told: list[str] = []
    if event.report != "live":
        told.append(text("review.beside_state", language))
    if event.opens_counted is not None:
        told.append(text("review.beside_count", language, n=event.opens_counted))
    if event.battery_percent is not None:
        told.append(text("review.beside_battery", language, n=f"{event.battery_percent:g}"))
    if event.pass_id:
        told.append(text("review.beside_pass", language, name=event.pass_id))
    if event.implausible:
        told.append(text("review.beside_implausible", language))
    if event.device_ms is not None and abs(event.device_ms - event.received_ms) > _LATE_MS:
        told.append(text("review.beside_own_time", language, time=moments.clock(event.device_ms, seconds=True)))
    return " · ".join(told)


_ASKED = frozenset({
    "acknowledge", "close", "snooze", "mute", "declare", "open-case", "close-case", "retest", "register", "visit",
    "call", "symptoms", "home-temperature", "check-assigned", "check-returned",
})  # fmt: skip


def _asked(command: Command, say: Say, moments: Moments) -> str:
    if command.name not in _ASKED:
        return command.name
    asked = text(f"review.asked_{command.name}", say.language)
    if command.name == "close" and command.disposition:
        asked += f" · {say.disposition(command.disposition)}"
    if command.until_ms is not None:
        asked += f" → {moments.clock(command.until_ms)}"
    return asked
