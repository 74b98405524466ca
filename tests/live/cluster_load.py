"""Load for a cluster in a test, and a witness of what became of it."""

import threading
import time
from collections import Counter
from collections.abc import Collection
from random import Random

import msgspec

from streams.edge.cluster_part import MARK, Mark
from streams.edge.log import LogFull
from streams.effects import Decision, Effect
from streams.engine import Engine
from streams.frames import InboxRecord, SystemReport, decode_inbox, decode_outbox, encode_inbox
from streams.state import encode_record
from tests.live.cluster_site import ClusterSite, stamped
from tests.streams.edge.boxes import policy
from tests.streams.edge.scripts import script


class Load:
    """Puts frames of seeded scripts, one script a partition, all the time; what was acknowledged is in `sent`."""

    def __init__(self, site: ClusterSite, seed: int, *, frames_a_second: float = 40) -> None:
        self.sent: dict[int, list[list[InboxRecord]]] = {p: [] for p in range(site.partitions)}
        self._site = site
        self._random = Random(seed)
        self._pause_s = 1 / frames_a_second
        self._rows = {p: script(seed * 100 + p, 30_000) for p in self.sent}
        self._stop = threading.Event()
        self._go = threading.Event()
        self._resting = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def go_on(self) -> None:
        self._resting.clear()
        self._go.set()

    def rest(self) -> None:
        """Return once everything put is acknowledged and nothing more is put."""
        self._go.clear()
        assert self._resting.wait(120), "a frame was not acknowledged in 120 s"

    def close(self) -> None:
        self._stop.set()
        self._go.set()
        self._thread.join(60)

    def _run(self) -> None:
        while not self._stop.is_set():
            if not self._go.is_set():
                self._resting.set()
                self._go.wait()
                self._resting.clear()  # it may have been told to go on between the question and the word
                continue
            partition = self._random.randrange(self._site.partitions)
            at = sum(map(len, self.sent[partition]))
            frame = self._rows[partition][at : at + self._random.randrange(1, 10)]
            self._put(partition, frame)
            self.sent[partition].append(frame)
            time.sleep(self._pause_s)

    def _put(self, partition: int, frame: list[InboxRecord]) -> None:
        while True:
            try:
                self._site.put(partition, frame)
                return
            except LogFull:
                if self._stop.is_set():
                    return


class Witness:
    """Holds what came out against what an undisturbed engine decides of what went in."""

    def __init__(self, site: ClusterSite, load: Load, *, others: Collection[bytes] = (), reports: bool = False) -> None:
        """`others` are frames that somebody else put into `inbox`, of which nothing is decided; with `reports` workers
        tell of themselves there too, and that is decided on as it stands."""
        self.repeated = 0  # frames of outbox that stood there already
        self._others = frozenset(others)
        self._reports = reports
        self.pages = self.incidents = 0
        self._site = site
        self._load = load
        self._engines = {p: Engine(policy()) for p in load.sent}
        self._expected: dict[int, list[Effect]] = {p: [] for p in load.sent}
        self._decided: dict[int, list[Effect]] = {p: [] for p in load.sent}
        self._taken = dict.fromkeys(load.sent, 0)
        self._read = dict.fromkeys(load.sent, 0)
        self._flushes: dict[int, set[bytes]] = {p: set() for p in load.sent}

    def check(self) -> None:
        for partition in self._load.sent:
            self._look(partition)
            decided, expected = self._decided[partition], self._expected[partition]
            assert decided == expected, self._apart(partition, decided, expected)
        decisions = [e for some in self._decided.values() for e in some if isinstance(e, Decision)]
        # Households of the same name are on several partitions here, so ids are one's own on each.
        for some in self._decided.values():
            pages = Counter(e.page for e in some if isinstance(e, Decision) and e.decision == "page")
            raised = Counter(e.incident for e in some if isinstance(e, Decision) and e.decision == "raised")
            assert not [each for each, count in (pages + raised).items() if count > 1]
        self.pages = sum(e.decision == "page" for e in decisions)
        self.incidents = sum(e.decision == "raised" for e in decisions)

    def _apart(self, partition: int, decided: list[Effect], expected: list[Effect]) -> str:
        """Where two lists part, and which flushes wrote what stands there."""
        at = next((n for n, (a, b) in enumerate(zip(decided, expected, strict=False)) if a != b), -1)
        site, names = self._site, self._site.names
        marks = [
            (record.offset, msgspec.msgpack.decode(record.value, type=Mark))
            for record in stamped(site.settings, names.state, partition)
            if record.key == MARK
        ]
        said = [
            f"state {offset}: frame {mark.offset}, flush {mark.flushes}, emitted {mark.emitted} ({len(mark.frames)})"
            for offset, mark in marks[-40:]
        ]
        outbox = [
            f"outbox {record.offset}: flush {int.from_bytes(record.key)}, {len(decode_outbox(record.value))} effects"
            for record in stamped(site.settings, names.outbox, partition)[-40:]
        ]
        wanted = expected[at] if 0 <= at < len(expected) else None
        found = decided[at] if 0 <= at < len(decided) else None
        lines = [
            f"partition {partition}: {len(decided)} effects, {len(expected)} expected, apart at {at}",
            f"found  {found}",
            f"wanted {wanted}",
        ]
        return "\n".join([*lines, *said, *outbox])

    def check_memory(self) -> None:
        for partition, engine in self._engines.items():
            remembered = {key: encode_record(record) for key, record in engine.records.items()}
            assert self._site.remembered(partition) == remembered, f"partition {partition}"

    def _look(self, partition: int) -> None:
        frames = self._load.sent[partition]
        records = stamped(self._site.settings, self._site.names.inbox, partition)
        there = [record.value for record in records if record.value not in self._others]
        own = [value for value in there if not (self._reports and is_report(value))]
        assert own == [encode_inbox(frame) for frame in frames], f"inbox {partition}: not what was acknowledged"
        for value in there[self._taken[partition] :]:
            for record in decode_inbox(value):
                self._expected[partition] += self._engines[partition].apply(record)
        self._taken[partition] = len(there)
        for record in stamped(self._site.settings, self._site.names.outbox, partition, self._read[partition]):
            self._read[partition] = record.offset + 1
            # A flush has one key, and several frames where it is large.
            place = record.key + record.value
            if place in self._flushes[partition]:
                self.repeated += 1
                continue
            self._flushes[partition].add(place)
            self._decided[partition] += decode_outbox(record.value)


def is_report(frame: bytes) -> bool:
    """Whether a part of the program tells how it is."""
    return all(isinstance(record, SystemReport) for record in decode_inbox(frame))


def longest_waits(site: ClusterSite, since_ms: int) -> dict[int, float]:
    """Partition → the longest that a frame acknowledged since then stood in `inbox` until what follows from it was
    durable, in seconds.  All by the broker's clock."""
    decoder = msgspec.msgpack.Decoder(Mark)
    longest: dict[int, float] = {}
    for partition in range(site.partitions):
        frames = [(r.offset + 1, r.timestamp) for r in stamped(site.settings, site.names.inbox, partition)]
        marks = [
            (decoder.decode(r.value).offset, r.timestamp)
            for r in stamped(site.settings, site.names.state, partition)
            if r.key == MARK
        ]
        longest[partition] = 0.0
        at = 0
        for offset, put_ms in frames:
            while marks[at][0] < offset:
                at += 1
            if put_ms >= since_ms:
                longest[partition] = max(longest[partition], (marks[at][1] - put_ms) / 1000)
    return longest
