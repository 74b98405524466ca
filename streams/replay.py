"""Replay: the same core over a recorded trace with a virtual clock.

Pure: lines of a trace go in, decisions come out.  What may come in is the gateway's to say; its `take` is handed in,
because the two packages meet at the logs only.  Reading files and printing is `deploy/replay.py`.
"""

import base64
import binascii
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, cast

import msgspec

from devices.events import Message
from devices.places import grid_of
from streams.commands import BadCommand, Command, parse_command, parse_time_ms
from streams.effects import Cause, Decision, Effect, Reason
from streams.engine import Engine
from streams.frames import BridgeRow, DeviceRow, InboxRecord, RejectRecord
from streams.policy import Policy
from streams.timetext import timestamp
from streams.words import sentence

Take = Callable[[Message], tuple[Sequence[InboxRecord], Sequence[RejectRecord]]]
FleetRecords = Callable[[int], Iterable[DeviceRow | BridgeRow | Command]]
Expand = Callable[[Command], Iterable[DeviceRow | BridgeRow | Command]]


class BadLine(ValueError):
    """A line of a trace that is none: `line` (from 1) and what is wrong with it."""

    def __init__(self, line: int, what: str) -> None:
        super().__init__(f"line {line}: {what}")
        self.line = line
        self.what = what


class Line(msgspec.Struct, frozen=True, gc=False):
    """A line of a trace: a message that arrived at `t_ms`, or a command given then."""

    number: int
    t_ms: int
    message: Message | None
    command: dict[str, Any] | None


class _Plain(msgspec.Struct, gc=False):
    """A line as nearly all are: a message with a payload and nothing else."""

    t: str
    topic: str
    payload: msgspec.Raw
    retain: bool = False
    command: msgspec.Raw | None = None
    base64: msgspec.Raw | None = None


_json = msgspec.json.Decoder()
_plain = msgspec.json.Decoder(_Plain)


def parse_line(number: int, raw: bytes) -> Line:
    """One line of JSON.  Raises BadLine."""
    # Text that is not ASCII and whatever is unusual takes the long way, which knows what to say of it.
    if raw.isascii():
        try:
            row = _plain.decode(raw)
            payload = bytes(row.payload)
            # A payload is passed on as it was written, but it must be JSON to its end; text loses its quotes.
            value: object = _json.decode(payload)
            if row.command is None and row.base64 is None:
                if isinstance(value, str):
                    payload = value.encode()
                t_ms = _instant_ms(row.t)
                return Line(number, t_ms, Message(row.topic, payload, t_ms, row.retain), None)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            pass
    return _parse_slowly(number, raw)


_SECOND, _FRACTION = 17, 19  # where `2020-02-16T09:30:` ends, and `2020-02-16T09:30:07`


@lru_cache(256)
def _minute_ms(minute: str, zone: str) -> int:
    return parse_time_ms(f"{minute}00{zone}")


def _instant_ms(text: str) -> int:
    """`parse_time_ms`, which looks at the minute and the zone of one spelling once: lines follow closely on another."""
    second, fraction = text[_SECOND:_FRACTION], text[_FRACTION:-6]
    if not second.isdigit() or second > "59" or text[_SECOND - 1] != ":" or not text.isascii():
        return parse_time_ms(text)
    if not fraction:
        return _minute_ms(text[:_SECOND], text[-6:]) + int(second) * 1000
    if len(fraction) != 4 or fraction[0] != "." or not fraction[1:].isdigit():
        return parse_time_ms(text)
    return _minute_ms(text[:_SECOND], text[-6:]) + int(second) * 1000 + int(fraction[1:])


def _parse_slowly(number: int, raw: bytes) -> Line:
    try:
        row: Any = _json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadLine(number, f"is no JSON: {error}") from None
    if not isinstance(row, dict):
        raise BadLine(number, "must be a JSON object")
    row = cast(dict[str, Any], row)
    try:
        t_ms = parse_time_ms(row.get("t"))
    except ValueError as error:
        raise BadLine(number, f"t: {error}") from None
    if "command" in row:
        return Line(number, t_ms, None, row)
    topic = row.get("topic")
    if not isinstance(topic, str):
        raise BadLine(number, "has neither a topic nor a command")
    retained = row.get("retain", False)
    if not isinstance(retained, bool):
        raise BadLine(number, "retain must be true or false")
    return Line(number, t_ms, Message(topic, _payload(number, row, raw), t_ms, retained=retained), None)


class _Raw(msgspec.Struct):
    payload: msgspec.Raw


_raw_payload = msgspec.json.Decoder(_Raw)


def _payload(number: int, row: dict[str, Any], raw: bytes) -> bytes:
    if "base64" in row:
        try:
            return base64.b64decode(row["base64"], validate=True)
        except (binascii.Error, ValueError, TypeError):
            raise BadLine(number, "base64 is none") from None
    if "payload" not in row:
        raise BadLine(number, "has neither a payload nor base64")
    value = row["payload"]
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    # The bytes as the device wrote them: numbers and the order of keys are not ours to change.
    return bytes(_raw_payload.decode(raw).payload)


class Replay:
    """A trace on its way through the core.  `feed` each line, then `finish`; both hand back what was decided.

    The fleet is told at the time of the first line: that is when the system first knew it.  `expand` is the intake's:
    a command with the sensor that it takes from the pool or gives back.
    """

    def __init__(self, policy: Policy, take: Take, fleet: FleetRecords, expand: Expand) -> None:
        self.engine = Engine(policy)
        self._take = take
        self._fleet = fleet
        self._expand = expand
        self._begun = False
        self.backwards: list[int] = []

    def feed(self, line: Line) -> list[Effect]:
        """What is due by the line's time, then what follows from the line."""
        engine, now_ms = self.engine, line.t_ms
        effects: list[Effect] = []
        if not self._begun:
            self._begun = True
            effects += self._begin(now_ms)
        if now_ms < engine.now_ms:
            self.backwards.append(line.number)
            now_ms = engine.now_ms
        due_ms = engine.next_wake_ms
        if due_ms is not None and due_ms <= now_ms:
            effects += engine.advance(now_ms)
        engine.now_ms = now_ms
        message = line.message
        if message is not None:
            if message.received_ms != now_ms:
                message = msgspec.structs.replace(message, received_ms=now_ms)
            records, rejects = self._take(message)
            if rejects:
                effects += [rejected(reject) for reject in rejects]
            for record in records:
                effects += engine.apply(record)
        elif line.command is not None:
            effects += self._command(line, line.command, now_ms)
        return effects

    def finish(self, until_ms: int | None = None) -> list[Effect]:
        """Time passes to `until_ms`; timers due exactly then fire."""
        if until_ms is None:
            return []
        effects: list[Effect] = []
        if not self._begun:
            self._begun = True
            effects += self._begin(until_ms)
        return effects + self.engine.advance(until_ms)

    def _begin(self, t_ms: int) -> list[Effect]:
        self.engine.advance(t_ms)
        effects: list[Effect] = []
        for record in self._fleet(t_ms):
            effects += self.engine.apply(record)
        return effects + self.engine.advance(t_ms)

    def _command(self, line: Line, raw: dict[str, Any], now_ms: int) -> list[Effect]:
        command = parse_command(raw, now_ms, f"line-{line.number}")
        if isinstance(command, BadCommand):
            return [
                Decision(
                    t_ms=now_ms, decision="rejected", grid=grid_of(command.subject), subject=command.subject,
                    kind=command.kind, reason=Reason(command.reason, {"detail": command.detail}), command=command.name,
                )
            ]  # fmt: skip
        effects: list[Effect] = []
        for record in self._expand(command):
            effects += self.engine.apply(record)
        return effects


def rejected(reject: RejectRecord) -> Decision:
    """A message that a gateway refuses, as a decision."""
    return Decision(
        t_ms=reject.at_ms, decision="rejected", grid="", reason=Reason(reject.reason, {"detail": reject.detail}),
        topic=reject.topic, cause=_cause(reject),
    )  # fmt: skip


def _cause(reject: RejectRecord) -> Cause:

    return Cause(device=reject.device, received_ms=reject.at_ms)


def decision_json(decision: Decision, policy: Policy) -> dict[str, Any]:
    """A decision as replay prints it: only the fields it has."""
    zone = policy.zone
    row: dict[str, Any] = {"t": timestamp(decision.t_ms, zone), "decision": decision.decision}
    if decision.decision == "rejected":
        row["reason"] = decision.reason.word
        if decision.topic:
            row["topic"] = decision.topic
        for name in ("command", "subject", "kind", "role", "by"):
            value = getattr(decision, name)
            if value:
                row[name] = value
        detail = decision.reason.values.get("detail", "")
        if detail:
            row["detail"] = detail
        return row
    if decision.incident:
        row["incident"] = decision.incident
    row["kind"] = decision.kind
    row["subject"] = decision.subject
    if decision.role:
        row["role"] = decision.role
    if decision.decision == "page":
        row["step"] = decision.step
        row["page"] = decision.page
    if decision.decision in ("raised", "repeated") and decision.count > 1:
        row["count"] = decision.count
    if decision.by:
        row["by"] = decision.by
    if decision.disposition:
        row["disposition"] = decision.disposition
    if decision.note:
        row["note"] = decision.note
    if decision.at_ms is not None:
        row["at"] = timestamp(decision.at_ms, zone)
    row["reason"] = sentence(decision.reason, "en", zone)
    return row
