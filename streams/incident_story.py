"""An incident told event by event: what the devices and people around it said, and what was decided upon each, and why.

Taken from the two logs as they stand, so that it tells what was decided then, by the policy of then.
"""

from collections.abc import Iterable

import msgspec

from devices.events import Event
from streams.commands import Command
from streams.effects import Answer, Decision, Effect, Noted
from streams.frames import BridgeRow, DeviceRow, InboxRecord, Receipt, SystemReport


class Moment(msgspec.Struct, frozen=True):
    """One moment: what happened (None: time passed), and what was decided and noted upon it, with its reasons."""

    t_ms: int
    happened: InboxRecord | None
    effects: list[Effect]


def subject_of(incident: str) -> str:
    """`g017/3/1203` of `g017/3/1203/left-open/2`."""
    return incident.rsplit("/", 2)[0]


def story(records: Iterable[InboxRecord], effects: Iterable[Effect], incident: str) -> list[Moment]:
    """The moments of `incident`, in order of time, among the records and effects of its grid around that time.

    What was said by or about its subject is there though nothing followed from it.
    """
    subject = subject_of(incident)
    own = [effect for effect in effects if _is_about(effect, incident, subject)]
    by_cause: dict[str, list[Effect]] = {}
    rest: list[Effect] = []
    for effect in own:
        cause = _cause(effect)
        if cause:
            by_cause.setdefault(cause, []).append(effect)
        else:
            rest.append(effect)
    moments: list[Moment] = []
    for record in records:
        cause = record.id if isinstance(record, Event | Command) else ""
        followed = by_cause.get(cause, [])
        # A step of the ladder keeps the cause of its incident but comes later, when its time has come.
        at_once = [effect for effect in followed if _at_once(effect, record)]
        if at_once:
            by_cause[cause] = [effect for effect in followed if effect not in at_once]
        if at_once or concerns(record, subject, incident):
            moments.append(Moment(time_of(record), record, at_once))
    for left in (*by_cause.values(), rest):
        moments += [Moment(effect.t_ms, None, [effect]) for effect in left]
    moments.sort(key=lambda moment: moment.t_ms)
    return _together(moments)


def concerns(record: InboxRecord, subject: str, incident: str) -> bool:
    """Whether a record speaks of the subject: its devices, what people asked about it, receipts of its pages."""
    match record:
        case Event():
            return record.place == subject or (bool(record.pass_id) and f"{record.place}/{record.pass_id}" == subject)
        case Command():
            if record.name == "register":
                return f"{record.checkpoint}/{record.pass_id}" == subject
            return subject in (record.subject, record.household)
        case Receipt():
            return record.page.startswith(incident + "#")
        case DeviceRow():
            return record.place == subject
        case BridgeRow():
            return "bridge/" + record.bridge == subject
        case SystemReport():
            return "system/" + record.part == subject


def time_of(record: InboxRecord) -> int:
    """When it came in."""
    return record.received_ms if isinstance(record, Event) else record.at_ms


def _is_about(effect: Effect, incident: str, subject: str) -> bool:
    match effect:
        case Decision() | Noted():
            return effect.incident == incident or (effect.subject == subject and not effect.incident)
        case Answer():
            return effect.subject == subject
        case _:
            return False


def _cause(effect: Effect) -> str:
    match effect:
        case Decision():
            return effect.command_id or effect.cause.event
        case Noted():
            return effect.command_id
        case _:
            return ""


def _at_once(effect: Effect, record: InboxRecord) -> bool:
    return effect.t_ms == time_of(record) or bool(getattr(effect, "command_id", ""))


def _together(moments: list[Moment]) -> list[Moment]:
    """What time alone brought in one moment is one moment."""
    told: list[Moment] = []
    for moment in moments:
        if told and moment.happened is None and told[-1].happened is None and told[-1].t_ms == moment.t_ms:
            told[-1] = Moment(moment.t_ms, None, told[-1].effects + moment.effects)
        else:
            told.append(moment)
    return told
