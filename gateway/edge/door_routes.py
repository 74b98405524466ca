"""What the HTTP door can be asked: the routes over the gate."""

import asyncio
import uuid
from collections.abc import Callable, Sequence
from typing import Any

from devices.events import Message
from gateway.edge.gate import Gate
from gateway.edge.http_caller import Answer, bad
from gateway.edge.http_door import Routes
from gateway.edge.keeping import Fed, Note, Rejects
from gateway.edge.well_words import WellWords
from gateway.intake import Taken
from streams.commands import BadCommand, parse_command
from streams.edge.log import LogFull
from streams.frames import InboxRecord, Receipt, RejectRecord
from streams.troubles import parsed
from streams.troubles import report as report_of

# Longer than this nobody waits for a disk; what was sent may still be written, which is why a command carries an id.
_PATIENCE_S = 5.0
_MOST_FED = 500
_LONGEST = 500


class DoorRoutes:
    """`health` and `metrics` are asked at each request."""

    def __init__(
        self,
        gate: Gate,
        rejects: Rejects,
        words: WellWords,
        health: Callable[[], dict[str, Any]],
        metrics: Callable[[], str],
    ) -> None:
        self._gate = gate
        self._rejects = rejects
        self._words = words
        self._health = health
        self._metrics = metrics
        self._feeding = asyncio.Lock()

    def routes(self) -> Routes:
        """Method and path → what answers."""
        return {
            ("POST", "/commands"): self.command,
            ("POST", "/messages"): self.message,
            ("POST", "/reports"): self.report,
            ("POST", "/receipts"): self.receipt,
            ("POST", "/rejects/replay"): self.feed_rejects,
            ("GET", "/health"): self.health,
            ("GET", "/metrics"): self.metrics,
        }

    async def command(self, raw: dict[str, Any]) -> Answer:
        """A command as in a trace; `id` makes it safe to send again."""
        given = raw.get("id")
        if given is not None and not (isinstance(given, str) and 0 < len(given) <= 100):
            return bad("malformed", "id must be a text of at most 100 characters")
        gate = self._gate
        parsed = parse_command(raw, gate.intake.instant(gate.now_ms()), given or uuid.uuid4().hex)
        if isinstance(parsed, BadCommand):
            return bad(parsed.reason, parsed.detail)
        return await self._durable(lambda done: gate.command(parsed, done), {"id": parsed.id})

    async def message(self, raw: dict[str, Any]) -> Answer:
        """A device's message that came by a screen (a reading typed in): taken in as if `client` had published it."""
        client, topic, payload = raw.get("client"), raw.get("topic"), raw.get("payload")
        if not (isinstance(client, str) and isinstance(topic, str) and isinstance(payload, str)):
            return bad("malformed", "client, topic and payload must be texts")
        if not (0 < len(client) <= _LONGEST and 0 < len(topic) <= _LONGEST):
            return bad("malformed", f"client and topic have 1 to {_LONGEST} characters")
        gate = self._gate
        if gate.flow.failing:
            return bad("inbox-full", gate.trouble, 503)
        sent = payload.encode("utf-8", "surrogatepass")
        taken = gate.take(Message(topic=topic, payload=sent, received_ms=gate.now_ms(), client=client))
        refused = taken.rejects[0].reason if taken.rejects else ""
        return await self._durable(gate.when_durable, {"taken": len(taken.events), "refused": refused})

    async def report(self, raw: dict[str, Any]) -> Answer:
        """A part of Threshold says how it is.  `if_standing`: only where a report that it is unwell stands."""
        part, well, told = raw.get("part"), raw.get("well"), parsed(raw)
        if_standing = raw.get("if_standing", False)
        if not (isinstance(part, str) and part.replace("-", "").isalnum() and len(part) <= 40):
            return bad("malformed", "part must be a short word")
        if not isinstance(well, bool) or told is None:
            return bad("malformed", "well must be true or false, detail a text, code and values as in troubles.py")
        if not isinstance(if_standing, bool) or (if_standing and not well):
            return bad("malformed", "if_standing must be true or false, and true only where well is")
        if if_standing:
            needed = await self._words.needed(part)
            if needed is None:
                return bad("not-known-yet", "streams has not taken in what was reported before: send it again", 503)
            if not needed:
                return Answer(200, {"standing": False})
        at_ms = self._gate.intake.instant(self._gate.now_ms())
        return await self._append([report_of(at_ms, part, well, told)])

    async def receipt(self, raw: dict[str, Any]) -> Answer:
        """A channel's answer to a page."""
        texts: list[str] = []
        for field in ("page", "grid", "channel", "outcome"):
            value = raw.get(field)
            if not isinstance(value, str) or not 0 < len(value) <= _LONGEST:
                return bad("malformed", f"{field} must be a text")
            texts.append(value)
        page, grid, channel, outcome = texts
        if outcome not in ("accepted", "try-later", "gave-up"):
            return bad("malformed", "outcome must be accepted, try-later or gave-up")
        detail = raw.get("detail", "")
        if not isinstance(detail, str):
            return bad("malformed", "detail must be a text")
        times = [raw.get("caused_at_ms"), raw.get("caused_received_ms")]
        if not all(at is None or (isinstance(at, int) and not isinstance(at, bool)) for at in times):
            return bad("malformed", "caused_at_ms and caused_received_ms must be milliseconds")
        at_ms = self._gate.intake.instant(self._gate.now_ms())
        return await self._append([Receipt(at_ms, grid, page, channel, outcome, detail[:_LONGEST], *times)])

    async def feed_rejects(self, raw: dict[str, Any]) -> Answer:
        """Take rejects in again: those of `ids`, or the oldest ones not yet fed in."""
        ids = raw.get("ids")
        if ids is not None and not (
            isinstance(ids, list)
            and len(ids) <= _MOST_FED
            and all(isinstance(one, int) and not isinstance(one, bool) and 0 < one < 2**63 for one in ids)
        ):
            return bad("malformed", f"ids must be a list of at most {_MOST_FED} numbers")
        # One after the other: what the first one fed in is no longer waiting for the second.
        async with self._feeding:
            return await self._feed_all(ids)

    async def _feed_all(self, ids: list[int] | None) -> Answer:
        gate = self._gate
        if gate.flow.failing:
            return bad("inbox-full", gate.trouble, 503)
        outcomes: dict[int, str] = {}
        now_ms = gate.now_ms()
        try:
            waiting = await self._rejects.waiting(ids, _MOST_FED)
        except LogFull as trouble:
            return bad("inbox-full", str(trouble), 503)
        for offset, record in waiting:
            outcomes[offset] = self._feed(record, now_ms)
        taken = sum(outcome == "taken" for outcome in outcomes.values())
        said = {"taken": taken, "refused": len(outcomes) - taken}
        return await self._append([], [Fed(outcomes, now_ms)] if outcomes else [], said)

    def _feed(self, record: RejectRecord, now_ms: int) -> str:
        taken = self._gate.intake.take_again(record, now_ms)
        if taken.rejects and not taken.events:
            return "refused"
        # The reject itself stays as it was: a second one about the same bytes would say nothing new.
        self._gate.hold(Taken(taken.events, [], taken.duplicates, taken.memory))
        return "taken"

    async def health(self, _raw: Any) -> Answer:
        """How the gateway is."""
        return Answer(200, self._health())

    async def metrics(self, _raw: Any) -> Answer:
        """The same for Prometheus."""
        return Answer(200, self._metrics(), "text/plain; version=0.0.4; charset=utf-8")

    async def _append(
        self,
        records: Sequence[InboxRecord],
        notes: Sequence[Note] = (),
        said: dict[str, Any] | None = None,
    ) -> Answer:
        return await self._durable(lambda done: self._gate.add(records, notes, done), said or {})

    async def _durable(self, put: Callable[[Callable[[], None]], None], said: dict[str, Any]) -> Answer:
        """Put something into the batch and answer when it is on disk."""
        gate = self._gate
        if gate.flow.failing:
            return bad("inbox-full", gate.trouble, 503)
        written: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        def done() -> None:
            if not written.done():
                written.set_result(gate.newest_offset)

        put(done)
        try:
            offset = await asyncio.wait_for(written, _PATIENCE_S)
        except TimeoutError:
            why = gate.trouble or "the disk is slow"
            return bad("inbox-full", f"not on disk yet: {why}; send it again with the same id", 503)
        return Answer(200, said | {"offset": offset})
