"""A box's data folder in a test: its inbox, its local runtime, and what came out of it."""

from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from devices.edge.settings import default_policy_path
from streams.edge import policy_file
from streams.edge.live_clock import LiveClock
from streams.edge.local import LocalRuntime
from streams.edge.memory_table import memory
from streams.edge.sqlite_log import SqliteReader, SqliteWriter
from streams.effects import Effect
from streams.engine import Engine
from streams.frames import InboxRecord, decode_outbox, encode_inbox
from streams.policy import Policy
from streams.state import encode_record


@cache
def policy() -> Policy:
    return policy_file.load(default_policy_path())


def standing_clock() -> LiveClock:
    """Time passes with the records alone."""
    return LiveClock(wall_ms=lambda: 0, passing_s=lambda: 0.0)


class Box:
    """`put` is the gateway's part; `start` and `stop` are the streams process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._inbox = SqliteWriter(folder / "inbox.db", "inbox")
        self.runtime: LocalRuntime | None = None

    def put(self, *frames: Sequence[InboxRecord], partition: int = 0) -> None:
        """Frames of `inbox`, each in a commit of its own."""
        for frame in frames:
            self._inbox.append([(partition, encode_inbox(list(frame)))])

    def put_raw(self, frame: bytes, partition: int = 0) -> None:
        self._inbox.append([(partition, frame)])

    def begin_inbox_anew(self) -> None:
        """The operator puts inbox.db aside; the gateway makes another."""
        self._inbox.close()
        for path in self.folder.glob("inbox.db*"):
            path.rename(path.with_name("aside-" + path.name))
        self._inbox = SqliteWriter(self.folder / "inbox.db", "inbox")

    def age_inbox(self, by_ms: int) -> None:
        """As if all of it had been written so long ago."""
        self._inbox.append([], [("UPDATE inbox SET at_ms = at_ms - ?", [(by_ms,)])])

    def start(self, clock: LiveClock | None = None, **options: Any) -> LocalRuntime:
        self.runtime = LocalRuntime(folder=self.folder, policy=policy(), clock=clock or standing_clock(), **options)
        return self.runtime

    def drain(self) -> None:
        """Let the runtime take in all that is there."""
        assert self.runtime is not None
        while self.runtime.turn() == 0:
            pass

    def stop(self) -> None:
        if self.runtime is not None:
            self.runtime.close()
            self.runtime = None

    def take_in(self, **options: Any) -> None:
        """Start, take in all that is there, stop."""
        self.start(**options)
        self.drain()
        self.stop()

    def close(self) -> None:
        self.stop()
        self._inbox.close()

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of streams.db."""
        reader = SqliteReader(self.folder / "streams.db", "outbox")
        rows = reader.query(sql)
        reader.close()
        return rows

    def decided(self, partition: int = 0) -> list[Effect]:
        """Everything in `outbox`, in order."""
        frames = self.ask(f"SELECT frame FROM outbox WHERE partition = {partition} ORDER BY offset")
        return [effect for (frame,) in frames for effect in decode_outbox(frame)]

    def remembered(self, partition: int = 0) -> dict[str, bytes]:
        reader = SqliteReader(self.folder / "streams.db", "outbox")
        kept = memory(reader.query, partition)
        reader.close()
        return kept


def in_frames(records: Sequence[InboxRecord], size: int = 7) -> list[Sequence[InboxRecord]]:
    return [records[start : start + size] for start in range(0, len(records), size)]


def expected(records: Iterable[InboxRecord]) -> tuple[list[Effect], dict[str, bytes]]:
    """What an engine that is never interrupted decides, and what it then remembers."""
    engine = Engine(policy())
    effects = [effect for record in records for effect in engine.apply(record)]
    return effects, {key: encode_record(record) for key, record in engine.records.items()}
