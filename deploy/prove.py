"""Was anything lost, or told twice?  Found from the logs alone, after a run.

Three questions.  Does every message that was acknowledged stand in `inbox`?  Does the core, run once more over that
`inbox`, decide the very pages that stand in `outbox`?  Was any of them decided twice?
"""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import msgspec

from deploy.mqtt_links import Acked
from devices.events import Event, Message
from devices.fleet import Fleet
from devices.formats import table
from gateway.duplicates import Duplicates
from gateway.intake import Intake
from streams.edge.log import LogReader
from streams.edge.sqlite_log import SqliteReader
from streams.effects import Decision
from streams.engine import Engine
from streams.frames import InboxRecord, decode_inbox, decode_outbox
from streams.policy import Policy

# What is due so shortly before the end may or may not have been decided in time.
_AT_THE_END_MS = 2000


class Proof(msgspec.Struct, kw_only=True):
    """`lost` and `duplicated` are sentences, one for each; both empty when all is well."""

    events: int = 0
    decisions: int = 0
    incidents: dict[str, int] = {}
    pages: dict[str, int] = {}
    lost: list[str] = []
    duplicated: list[str] = []


class _Never(Duplicates):
    """Takes nothing for a duplicate: a message is asked for its id, however often it was sent."""

    def is_duplicate(self, event_id: str, has_cause: bool, redelivered: bool, at_ms: int) -> bool:
        return False


def prove(
    data: Path, fleet: Fleet, policy: Policy, acked: Iterable[Acked], *, partitions: int = 1, directly: bool = True
) -> Proof:
    """Compare what was acknowledged with the logs in `data`, and these with the core.

    Through a broker (`directly` False) packet ids are the broker's own: only messages that carry a number or time of
    their own can be looked for.
    """
    inbox, outbox = SqliteReader(data / "inbox.db", "inbox"), SqliteReader(data / "streams.db", "outbox")
    try:
        return prove_logs(inbox, outbox, fleet, policy, acked, partitions=partitions, directly=directly)
    finally:
        inbox.close()
        outbox.close()


def prove_logs(
    inbox: LogReader,
    outbox: LogReader,
    fleet: Fleet,
    policy: Policy,
    acked: Iterable[Acked],
    *,
    partitions: int = 1,
    directly: bool = True,
) -> Proof:
    """The same for logs wherever they are."""
    proof = Proof(incidents={}, pages={}, lost=[], duplicated=[])
    told: Counter[str] = Counter()
    raised: Counter[str] = Counter()
    due: dict[str, int] = {}
    there: set[str] = set()
    end_ms = 0
    for partition in range(partitions):
        engine = Engine(policy)
        for record in _inbox(inbox, partition):
            proof.events += 1
            if isinstance(record, Event):
                there.add(record.id)
            _expect(engine.apply(record), due)
            engine.take_changes()
        decided = [d for d in _outbox(outbox, partition) if isinstance(d, Decision)]
        end_ms = max([end_ms, engine.now_ms, *(d.t_ms for d in decided)])
        _expect(engine.advance(end_ms), due)
        for decision in decided:
            proof.decisions += 1
            if decision.decision == "page":
                told[decision.page] += 1
                proof.pages[decision.role] = proof.pages.get(decision.role, 0) + 1
            elif decision.decision == "raised":
                raised[decision.incident] += 1
                proof.incidents[decision.kind] = proof.incidents.get(decision.kind, 0) + 1
    proof.lost += [f"acknowledged and not in inbox: {what}" for what in _absent(there, fleet, acked, directly)]
    last_ms = end_ms - _AT_THE_END_MS
    proof.lost += [f"due and not told: {page}" for page, at_ms in due.items() if page not in told and at_ms <= last_ms]
    proof.duplicated += [f"decided {count} times: {page}" for page, count in told.items() if count > 1]
    proof.duplicated += [f"raised {count} times: {incident}" for incident, count in raised.items() if count > 1]
    proof.duplicated += [f"told and not due: {page}" for page in told if page not in due]
    return proof


def _expect(effects: Iterable[object], due: dict[str, int]) -> None:
    for effect in effects:
        if isinstance(effect, Decision) and effect.decision == "page":
            due[effect.page] = effect.t_ms


def _inbox(reader: LogReader, partition: int) -> Iterable[InboxRecord]:
    after = 0
    while frames := reader.read(partition, after, 200):
        for after, frame in frames:  # noqa: B007 - where to go on
            yield from decode_inbox(frame)


def _outbox(reader: LogReader, partition: int) -> Iterable[object]:
    after = 0
    while frames := reader.read(partition, after, 200):
        for after, frame in frames:  # noqa: B007 - where to go on
            yield from decode_outbox(frame)


def missing(
    data: Path, fleet: Fleet, acked: Iterable[Acked], *, partitions: int = 1, directly: bool = True
) -> list[str]:
    """Which of these messages stand in no frame of `inbox`."""
    reader = SqliteReader(data / "inbox.db", "inbox")
    records = (record for partition in range(partitions) for record in _inbox(reader, partition))
    there = {record.id for record in records if isinstance(record, Event)}
    reader.close()
    return list(_absent(there, fleet, acked, directly))


def _absent(there: set[str], fleet: Fleet, acked: Iterable[Acked], directly: bool) -> Iterable[str]:
    intake = Intake(fleet, table(), duplicates=_Never())
    for one in acked:
        client = one.client if directly else ""
        message = Message(
            one.topic, one.payload, int(one.sent_ms), packet_id=one.packet_id if directly else 0, client=client
        )
        for event in intake.take(message).events:
            if event.id not in there and (directly or event.has_cause):
                yield f"{one.client} {one.topic} {one.payload[:60].decode(errors='replace')}"


def behind(data: Path, partitions: int = 1) -> int:
    """How many frames of `inbox` the core has not taken in yet."""
    inbox, streams = SqliteReader(data / "inbox.db", "inbox"), SqliteReader(data / "streams.db", "outbox")
    try:
        taken = dict(streams.query("SELECT partition, offset FROM cursors WHERE log = 'inbox'"))
        return sum(max(0, inbox.end(partition) - taken.get(partition, 0)) for partition in range(partitions))
    finally:
        inbox.close()
        streams.close()
