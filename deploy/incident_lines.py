"""One incident out of a site's own logs, a row a moment: what happened, what was decided upon it, and why."""

from typing import Any

import msgspec

from deploy.box_log import opener
from devices.edge.settings import Settings
from devices.ids import partition_of
from devices.places import grid_of
from streams.edge import policy_file
from streams.edge.incident_lookup import span_of, story_of
from streams.effects import Answer, Decision, Effect, Noted
from streams.frames import InboxRecord
from streams.incident_story import Moment, subject_of
from streams.policy import Policy
from streams.replay import decision_json
from streams.timetext import timestamp
from streams.words import sentence

# What a person looks for first; what the record says besides follows.
_SORTS = {"Event": "event", "Command": "command", "Receipt": "receipt", "DeviceRow": "device", "BridgeRow": "bridge",
          "SystemReport": "report"}  # fmt: skip


def moment_rows(settings: Settings, incident: str) -> list[dict[str, Any]]:
    """The moments of `incident`, [] where nothing was decided about it.  Raises LogFull, Complaint."""
    policy = policy_file.load(settings.policy_path)
    grid, partitions = grid_of(subject_of(incident)), settings.streams.partitions
    inbox, outbox = opener(settings, "inbox")(), opener(settings, "outbox")()
    try:
        span = span_of(outbox, partition_of(grid, partitions), incident)
        if span is None:
            return []
        moments = story_of(inbox, outbox, partitions, incident, grid=grid, from_ms=span[0], until_ms=span[1])
    finally:
        inbox.close()
        outbox.close()
    return [_row(moment, policy) for moment in moments]


def _row(moment: Moment, policy: Policy) -> dict[str, Any]:
    row: dict[str, Any] = {"t": timestamp(moment.t_ms, policy.zone)}
    if moment.happened is None:
        row["happened"] = "time passed"
    else:
        row["happened"] = _SORTS[type(moment.happened).__name__]
        row |= {"said": _said(moment.happened)}
    row["decided"] = [_effect(effect, policy) for effect in moment.effects]
    return row


def _said(record: InboxRecord) -> dict[str, Any]:
    """The fields of a record that say something."""
    default = {field.name: field.default for field in msgspec.structs.fields(record)}
    raw = msgspec.structs.asdict(record)
    return {
        name: msgspec.to_builtins(value)
        for name, value in raw.items()
        if value is not None and value != default[name] and value != ()
    }


def _effect(effect: Effect, policy: Policy) -> dict[str, Any]:
    if isinstance(effect, Decision):
        return decision_json(effect, policy)
    assert isinstance(effect, Noted | Answer)
    said = {"noted": effect.reason.word} if isinstance(effect, Noted) else {"answer": effect.verdict}
    return {"t": timestamp(effect.t_ms, policy.zone), **said, "reason": sentence(effect.reason, "en", policy.zone)}
