"""What a move reads where a cluster moves to one with another number of partitions: its topics, read by nobody else.

The first thing that is done is a word in a topic of its own: from then on no process of this cluster starts, not even
when the move is whole.  Its topics stay as they are.
"""

import asyncio
import sys
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError, for_code

from deploy.moving_box import Note, Row
from devices.edge.complaints import Complaint
from devices.edge.settings import Settings
from duty.edge.keys import FILE as KEY_FILE
from gateway.edge.keeping import Kept
from gateway.edge.shared import Shared
from streams.edge.asker import Asker
from streams.edge.cluster_part import ASIDE, MARK, Mark, NotWhole, read_mark
from streams.edge.guarded_engine import Fault
from streams.edge.kafka import Background, at_key, connection, names
from streams.edge.kafka_log import KafkaReader, open_reader
from streams.edge.log import LogFull
from streams.edge.move import Moving, moving, moving_topic, refusal, say_moving
from streams.edge.state_writer import emitted_key
from streams.edge.topics import look
from streams.frames import RejectFed, RejectRecord
from streams.tally import Tally, tally

_T = TypeVar("_T")

_FRAMES = 500
_ASK_S = 10.0
# Devices that are connected say something within a few seconds, and so do bridges and brokers.
_QUIET_S = 3.0

_fault = msgspec.msgpack.Decoder(Fault)
_reject: msgspec.msgpack.Decoder[RejectRecord | RejectFed] = msgspec.msgpack.Decoder(RejectRecord | RejectFed)


class OldCluster:
    """Open until `close`; the same questions as a `Box`.  Every method may raise LogFull."""

    called = "cluster"

    def __init__(self, settings: Settings, to: str) -> None:
        """`to` is where it is to go.  Raises Complaint where it still runs, or what it remembers is not whole."""
        self.settings = settings
        self.folder = settings.data_path
        self.note_is = f"the topic {moving_topic(settings)}"
        self.kept = Kept()
        self.decided: dict[int, int] = {}
        self.statuses: dict[int, Mark] = {}
        self._names = names(settings.cluster.topic_prefix)
        self._partitions = range(settings.streams.partitions)
        self._rows: dict[int, dict[bytes, bytes]] = {}
        self._readers: dict[str, KafkaReader] = {}
        self._note: Note | None = None
        self._fenced = False  # and no move begun behind the fence
        asyncio.run(look(settings))
        _check_desk(settings)
        self._asker = Asker(connection(settings.cluster), _ASK_S)
        self._background = Background("old cluster")
        try:
            self._fence(to)
            if self._note is None or not self._note.finished:
                self._open()
        except BaseException:
            self.close()
            raise

    def _call(self, question: Coroutine[Any, Any, _T]) -> _T:
        try:
            return self._background.call(question)
        except (KafkaError, TimeoutError) as error:
            where = self.settings.cluster.kafka
            why = str(error) or type(error).__name__
            raise LogFull(f"Kafka at {where}: {why}: see that it runs, and give the same command again") from error

    # ── nobody else ──

    def _fence(self, to: str) -> None:
        """Let nothing of it start from now on."""
        found = self._call(moving(self.settings))
        if found is None or not found.to:
            if (unfinished := refusal(self.settings, found)) is not None:
                raise unfinished
            self._check_stopped()
            self._call(say_moving(self.settings, Moving("", finished=False, to=to)))
            self._fenced = True
        elif found.print:
            self._note = Note(found.id, found.to, found.print, found.finished)
        else:
            self._fenced = True  # an attempt that was killed before it had begun

    def _check_stopped(self) -> None:
        """Raise Complaint where a member of a group of it lives."""

        async def members() -> list[str]:
            admin = AIOKafkaAdminClient(**connection(self.settings.cluster))
            await admin.start()
            try:
                pages = f"{self.settings.cluster.topic_prefix}pages-"
                groups = [row[0] for row in await admin.list_consumer_groups()]
                ours = [name for name in groups if name == self._names.group or name.startswith(pages)]
                answers: Any = await admin.describe_consumer_groups(ours) if ours else []
            finally:
                await admin.close()
            # Of a group: error, name, state, protocol type, protocol, members.
            found = [group for answer in answers for group in answer.groups]
            for code, name, *_ in found:
                if code and for_code(code).retriable:  # just begun, the broker knows no members yet
                    raise for_code(code)(f"group {name}")
            return [group[1] for group in found if group[5]]

        if lively := self._call(members()):
            raise self._runs(f"group {lively[0]} has members (one that was killed stays a member for some seconds)")

    def _runs(self, why: str) -> Complaint:
        return at_key(
            self.settings,
            "topic_prefix",
            f"the cluster {self.settings.cluster.topic_prefix}* runs: {why}",
            "stop its gateways, wait until threshold_inbox_lag is 0, stop its workers, sink and desk; then try again",
        )

    def check_still(self) -> None:
        """Raise Complaint where anything was written since it was opened, or somebody is there to write."""
        self._check_stopped()
        if self._print(firsts=False) != self._print_then:
            raise self._runs("something was written to its topics while they were read")

    def note(self) -> Note | None:
        """Which move out of here was begun."""
        return self._note

    def keep(self, note: Note) -> None:
        """Keep it, in the topic that keeps all others out."""
        self._call(say_moving(self.settings, Moving(note.id, note.finished, note.to, note.print)))
        self._note, self._fenced = note, False

    def forget(self) -> None:
        """The move was not begun after all: it may start again once this is closed."""
        self._note, self._fenced = None, True

    def print_of(self) -> list[int]:
        """What changes when anything of it has run, or retention has taken something: the ends of its topics, and where
        logs begin."""
        return self._print(firsts=True)

    def _print(self, *, firsts: bool) -> list[int]:
        """A mark with each flush is in the changelog, so that its ends tell of every flush."""
        found: list[int] = []
        for topic, partitions in self._topics().items():
            questions = [self._asker.ends(topic, partitions)]
            if firsts and topic not in (self._names.fleet, self._names.state):
                questions.append(self._asker.firsts(topic, partitions))
            for question in questions:
                at = self._call(question)
                found += [at[partition] for partition in sorted(at)]
        return found

    def _topics(self) -> dict[str, range]:
        called, one = self._names, range(1)
        return {
            called.inbox: self._partitions,
            called.outbox: self._partitions,
            called.rejects: one,
            called.fleet: one,
            called.state: self._partitions,
        }

    # ── what there is ──

    def _open(self) -> None:
        self._check_stopped()
        self._print_then = self._print(firsts=False)
        self._call(asyncio.sleep(_QUIET_S))
        if self._print(firsts=False) != self._print_then:
            raise self._runs("something is being written to its topics")
        for partition in self._partitions:
            self._rows[partition] = rows = self._remembered(partition)
            known = rows.pop(MARK, None)
            mark = read_mark(known)
            wanted, found = mark.tally if known is not None else Tally(), tally(rows.items())
            if wanted is not None and wanted != found:
                raise at_key(
                    self.settings,
                    "topic_prefix",
                    f"{self._names.state}: {NotWhole(partition, found, wanted)}",
                    "start its workers once, which tell of it and go on with what there is; stop them and try again",
                )
            self.statuses[partition] = mark
            self.decided[partition] = mark.offset
        self.kept = self._call(self._shared())

    def _remembered(self, partition: int) -> dict[bytes, bytes]:
        kept: dict[bytes, bytes] = {}

        def take(_partition: int, rows: list[tuple[bytes, bytes | None]], _offset: int) -> None:
            for key, value in rows:
                if value is None:
                    kept.pop(key, None)
                else:
                    kept[key] = value

        if end := self._call(self._asker.ends(self._names.state, [partition]))[partition]:
            self._call(self._asker.read(self._names.state, {partition: (0, end)}, take, lambda: True))
        return kept

    async def _shared(self) -> Kept:
        shared = Shared(connection(self.settings.cluster), self._names.fleet, "migrate")
        try:
            await shared.load()
        finally:
            await shared.close()
        return Kept(memory=shared.memory, bindings=shared.lent, told=shared.told, page_cursors=shared.heard)

    def records(self) -> Iterator[tuple[int, str, bytes]]:
        """What the core remembers: (partition, key, encoded record)."""
        for partition, rows in self._rows.items():
            for key, value in rows.items():
                if not key.startswith(ASIDE):
                    yield partition, key.decode(), value

    def put_aside(self) -> list[tuple[int, Fault]]:
        """What is put aside and not taken in yet."""
        return [
            (partition, _fault.decode(rows[key]))
            for partition, rows in self._rows.items()
            for key in sorted(rows)
            if key.startswith(ASIDE)
        ]

    # ── the logs ──

    def frames(self, log: str) -> int:
        """How many frames `log` gives."""
        if log == "rejects":
            return sum(1 for _ in self.log(log))
        topic, ends = self._names.of(log), self._ends(log)
        first = self._call(self._asker.firsts(topic, self._topics()[topic]))
        lacking = (self._lacking(partition, end) for partition, end in ends.items() if log == "outbox")
        return sum(ends.values()) - sum(first.values()) + sum(1 for rows in lacking for _ in rows)

    def _ends(self, log: str) -> dict[int, int]:
        topic = self._names.of(log)
        return self._call(self._asker.ends(topic, self._topics()[topic]))

    def _read(self, log: str, partition: int, after: int, until: int) -> Iterator[Row]:
        if log not in self._readers:
            self._readers[log] = open_reader(self.settings, log)
        reader = self._readers[log]
        while after < until and (frames := reader.read(partition, after, _FRAMES)):
            for after, frame in frames:
                if after > until:
                    return
                yield partition, after, frame

    def log(self, log: str) -> Iterator[Row]:
        """A log, partition by partition, each in the order in which it was written: (partition, offset, frame)."""
        for partition, end in sorted(self._ends(log).items()):
            for row in self._read(log, partition, 0, end):
                if log != "rejects" or not isinstance(_decoded(row[2]), RejectFed):
                    yield row
            if log == "outbox":
                yield from self._lacking(partition, end)

    def _lacking(self, partition: int, end: int) -> Iterator[Row]:
        """The decisions of the last flush whose writer died before they were in `outbox`: its successor would write
        them, and has none."""
        mark = self.statuses[partition]
        if mark.frames and self._call(self._asker.last_key(self._names.outbox, partition)) != emitted_key(mark.emitted):
            for number, frame in enumerate(mark.frames, start=end + 1):
                yield partition, number, frame

    def inbox(self) -> Iterator[tuple[Row, bool]]:
        """`inbox`: first what was decided, then what was not; and which of the two each is."""
        ends = self._ends("inbox")
        for partition in self._partitions:
            for row in self._read("inbox", partition, 0, self.decided[partition]):
                yield row, True
        for partition in self._partitions:
            for row in self._read("inbox", partition, self.decided[partition], ends[partition]):
                yield row, False

    def fed(self) -> list[tuple[int, int, str]]:
        """Rejects that were fed in again: (offset, when, what became of it)."""
        rows = self._read("rejects", 0, 0, self._ends("rejects")[0])
        marks = (_decoded(frame) for _, _, frame in rows)
        return [(mark.offset, mark.at_ms, mark.outcome) for mark in marks if isinstance(mark, RejectFed)]

    def close(self) -> None:
        """Let it go; where no move has begun it may start again."""
        for reader in self._readers.values():
            reader.close()
        try:
            if self._fenced:
                self._call(say_moving(self.settings, Moving("", finished=True)))
            self._call(self._asker.close())
        except LogFull as error:
            if self._fenced:
                print(f"note: {error}, or delete {self.note_is}: until then nothing starts", file=sys.stderr)
        self._background.close()


def _check_desk(settings: Settings) -> None:
    """Raise Complaint where the desk's store or its key is on another machine: it would begin empty."""
    store = store_of(settings)
    if isinstance(store, Path) and not store.is_file():
        lacking = store.name
    elif not (settings.data_path / KEY_FILE).is_file():
        lacking = KEY_FILE
    else:
        return
    raise Complaint(
        str(settings.data_path), 0, f"there is no {lacking}: the desk's store is to move too",
        "give this command where the desk runs, with the desk's settings; where there is none, start a desk once",
    )  # fmt: skip


def store_of(settings: Settings) -> str | Path:
    """Where the desk of these settings has its store: a file, or a URL."""
    named = settings.desk.database
    return named if "://" in named else Path(named or settings.data_path / "desk.db").absolute()


def _decoded(frame: bytes) -> RejectRecord | RejectFed | None:
    try:
        return _reject.decode(frame)
    except msgspec.MsgspecError:
        return None
