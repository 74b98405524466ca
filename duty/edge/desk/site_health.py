"""What the system thinks of itself: its processes, how far each reader is behind, how the core stands, its rejects.

Everything is read from the files of the data folder, read-only; a file that is not there is a part that never ran.  In
a cluster the core and the rejects are asked of Kafka.
"""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec

from duty.edge.parts import Parts
from streams.edge.log import LogFull
from streams.edge.series import Refused
from streams.edge.sqlite_log import SqliteReader
from streams.frames import RejectRecord

REJECTS_COUNTED = 2000
_refused = msgspec.msgpack.Decoder(Refused)
_reject = msgspec.msgpack.Decoder(RejectRecord)


class Process(msgspec.Struct, frozen=True, kw_only=True):
    """A process as the supervisor of the box sees it."""

    name: str
    ready: bool
    started_ms: int
    restarts: int
    last_end: str


class Reader(msgspec.Struct, frozen=True, kw_only=True):
    """Who reads which log, how many frames behind, and how old the oldest unread one is."""

    log: str
    reader: str
    behind: int
    behind_ms: int


class Core(msgspec.Struct, frozen=True, kw_only=True):
    """How the core stands, all partitions together.  `put_aside`: records it could not take in."""

    now_ms: int
    events: int
    decisions: int
    pages: int
    put_aside: int


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """A message that could not come in.  `outcome` "" until it was fed in again."""

    offset: int
    at_ms: int
    reason: str
    detail: str
    topic: str
    payload: bytes
    device: str
    outcome: str


class RefusedPoint(msgspec.Struct, frozen=True, kw_only=True):
    """What the time series would not take: a line as it was sent, or where a frame stands; and why."""

    at_ms: int
    what: str
    reason: str


def site_health(parts: Parts) -> "SiteHealth":
    """Of this site: one box, or a cluster."""
    folder = parts.settings.data_path
    return SiteHealth(folder) if parts.cluster is None else ClusterHealth(folder, parts.cluster)


class SiteHealth:
    """Opens the files anew for each look: they may be replaced, and a look is rare."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _query(self, file: str, log: str, sql: str, bindings: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        reader = SqliteReader(self._folder / file, log)
        try:
            return reader.query(sql, bindings)
        except LogFull:
            # Damaged or locked: the page then shows that nothing is known of it, and the process itself complains.
            return []
        finally:
            reader.close()

    def processes(self) -> list[Process]:
        """Of this box, in the order they were started; [] where nothing supervises (a cluster)."""
        try:
            seen = json.loads((self._folder / "processes.json").read_text("utf-8"))
            return [
                Process(
                    name=str(row["name"]),
                    ready=bool(row["ready"]),
                    started_ms=int(row["started"]),
                    restarts=int(row["restarts"]),
                    last_end=str(row.get("last_end", "")),
                )
                for row in seen["processes"]
            ]
        except (OSError, ValueError, KeyError, TypeError):
            return []

    def readers(self, now_ms: int) -> list[Reader]:
        """The cursors in `inbox` and `outbox` of the core, the sink and the desk's own are told by their files."""
        found: list[Reader] = []
        for log, file in (("inbox", "inbox.db"), ("outbox", "streams.db")):
            for reader, of in (("streams", "streams.db"), ("sink", "series.db")):
                if (reader, log) == ("streams", "outbox"):
                    continue
                cursors = self._query(of, log, "SELECT partition, offset FROM cursors WHERE log = ?", (log,))
                if not cursors:
                    continue
                behind, oldest_ms = 0, now_ms
                for partition, offset in cursors:
                    sql = f"SELECT count(*), min(at_ms) FROM {log} WHERE partition = ? AND offset > ?"
                    rows = self._query(file, log, sql, (partition, offset))
                    if rows and rows[0][0]:
                        behind += rows[0][0]
                        oldest_ms = min(oldest_ms, rows[0][1])
                found.append(Reader(log=log, reader=reader, behind=behind, behind_ms=max(0, now_ms - oldest_ms)))
        return found

    def core(self) -> Core | None:
        """None where the core never ran on this box."""
        rows = self._query(
            "streams.db", "outbox",
            "SELECT min(now_ms), sum(events), sum(decisions), sum(pages), sum(put_aside) FROM status",
        )  # fmt: skip
        if not rows or rows[0][0] is None:
            return None
        now_ms, events, decisions, pages, put_aside = rows[0]
        return Core(now_ms=now_ms, events=events, decisions=decisions, pages=pages, put_aside=put_aside)

    def rejects(self, limit: int = 100) -> list[Refusal]:
        """The newest refused messages, newest first."""
        rows = self._query(
            "inbox.db", "rejects",
            "SELECT offset, frame, (SELECT outcome FROM rejects_fed WHERE rejects_fed.offset = rejects.offset) "
            "FROM rejects ORDER BY offset DESC LIMIT ?",
            (limit,),
        )  # fmt: skip
        found: list[Refusal] = []
        for offset, frame, outcome in rows:
            record = _reject.decode(frame)
            found.append(
                Refusal(
                    offset=offset,
                    at_ms=record.at_ms,
                    reason=record.reason,
                    detail=record.detail,
                    topic=record.topic,
                    payload=record.payload[:400],
                    device=record.device,
                    outcome=outcome or "",
                )
            )
        return found

    def refused_points(self, limit: int = 100) -> tuple[int, list[RefusedPoint]]:
        """How many the sink put aside, and the newest of them, newest first."""
        rows = self._query("series.db", "refused", "SELECT count(*) FROM refused")
        newest = self._query(
            "series.db", "refused", "SELECT at_ms, frame FROM refused ORDER BY offset DESC LIMIT ?", (limit,)
        )
        points: list[RefusedPoint] = []
        for at_ms, frame in newest:
            refused = _refused.decode(frame)
            points.append(RefusedPoint(at_ms=at_ms, what=refused.what[:400], reason=refused.reason))
        return (rows[0][0] if rows else 0), points

    def reject_counts(self) -> Counter[str]:
        """Of the newest ones, how many by reason."""
        rows = self._query(
            "inbox.db", "rejects", "SELECT frame FROM rejects ORDER BY offset DESC LIMIT ?", (REJECTS_COUNTED,)
        )
        return Counter(_reject.decode(frame).reason for (frame,) in rows)


class ClusterHealth(SiteHealth):
    """`status` is a streams.edge.cluster_status.ClusterStatus.  Processes and the sink are those of this machine."""

    def __init__(self, folder: Path, status: Any) -> None:
        super().__init__(folder)
        self._status = status

    def readers(self, now_ms: int) -> list[Reader]:
        """The core by its marks; the sink where its file is here."""
        marks = self._status.standing.marks
        rows = [("inbox", "streams", {partition: mark.offset for partition, mark in marks.items()})]
        for log in ("inbox", "outbox"):
            sql = "SELECT partition, offset FROM cursors WHERE log = ?"
            rows.append((log, "sink", dict(self._query("series.db", log, sql, (log,)))))
        found: list[Reader] = []
        for log, reader, cursors in rows:
            if cursors:
                behind, behind_ms = self._status.behind(log, cursors, now_ms)
                found.append(Reader(log=log, reader=reader, behind=behind, behind_ms=behind_ms))
        return found

    def core(self) -> Core | None:
        """None where no worker ever ran."""
        marks = list(self._status.standing.marks.values())
        if not marks:
            return None
        return Core(
            now_ms=min(mark.now_ms for mark in marks),
            events=sum(mark.events for mark in marks),
            decisions=sum(mark.decisions for mark in marks),
            pages=sum(mark.pages for mark in marks),
            put_aside=sum(mark.put_aside for mark in marks),
        )

    def rejects(self, limit: int = 100) -> list[Refusal]:
        return [
            Refusal(
                offset=each.offset,
                at_ms=each.record.at_ms,
                reason=each.record.reason,
                detail=each.record.detail,
                topic=each.record.topic,
                payload=each.record.payload[:400],
                device=each.record.device,
                outcome=each.outcome,
            )
            for each in reversed(self._status.rejects(REJECTS_COUNTED)[-limit:])
        ]

    def reject_counts(self) -> Counter[str]:
        return Counter(each.record.reason for each in self._status.rejects(REJECTS_COUNTED))
