"""The local runtime: the core on one box.

`inbox.db` is read, `streams.db` written: decisions, the core's memory and the place in `inbox` in one transaction, so
that after a crash at any point nothing is lost and nothing happens twice.  What has gathered while the last commit ran
goes into the next one; a commit is never waited for to gather more.
"""

import sys
import threading
import time
from collections import deque
from collections.abc import Mapping
from pathlib import Path

from streams.edge.doorbell import Bell, Doorbell
from streams.edge.guarded_engine import Fault, GuardedEngine
from streams.edge.live_clock import LiveClock
from streams.edge.log import LogFull
from streams.edge.reporter import Reporter
from streams.edge.sqlite_log import SqliteReader, wall_clock_ms
from streams.edge.streams_db import Commit, Status, StreamsDb
from streams.effects import Decision, Effect
from streams.frames import FrameError, NewerFrame, decode_inbox
from streams.policy import DAY_MS, HOUR_MS, MINUTE_MS, Policy
from streams.troubles import Trouble

# A message received just before a timer is due may still be in the gateway's commit: timers wait this long for it.
GRACE_MS = 50

_FRAMES = 64
_SLICE_S = 0.008  # work is committed after this long though more is waiting: somebody's page is in it
_LOOK_S = 1.0
_TOUCH_MS = 30_000
_TIDY_MS = HOUR_MS
_LONGEST_PAUSE_S = 5.0
_CLOCK_BEHIND_MS = MINUTE_MS
_SAY_EVERY_S = 2.0
# A new streams.db over an old inbox.db (a damaged one was put aside) decides everything again.  The pages of what came
# in longer ago than this were sent then: they are not sent again.
_SENT_BEFORE_MS = HOUR_MS
_REPLACED_MARGIN_MS = 2_000


class Stopped(Exception):
    """The process was told to stop while it waited for a disk."""


class _Part:
    """One partition: its engine and its place."""

    def __init__(self, number: int, engine: GuardedEngine, status: Status, offset: int) -> None:
        self.number = number
        self.engine = engine
        self.status = status
        self.offset = offset
        self.told_to = 0  # the pages of frames up to this one were sent by an earlier streams.db
        self.unread: deque[tuple[int, bytes]] = deque()

    def committed(
        self,
        effects: list[Effect],
        *,
        offset: int | None = None,
        events: int = 0,
        faults: list[Fault] | None = None,
        resolved: int | None = None,
    ) -> Commit:
        """What this partition adds to the next transaction: these effects, and everything its engine has changed."""
        engine = self.engine
        if faults is None:
            faults = engine.take_faults()
        old = self.status
        kinds = [effect.decision for effect in effects if isinstance(effect, Decision)]
        self.status = Status(
            partition=self.number,
            commits=old.commits + 1,
            now_ms=engine.now_ms,
            events=old.events + events,
            decisions=old.decisions + len(kinds),
            pages=old.pages + kinds.count("page"),
            put_aside=old.put_aside + len(faults),
        )
        return Commit(
            self.status, effects, engine.take_changes(), offset, faults, [] if resolved is None else [resolved]
        )


def _is_page(effect: Effect) -> bool:
    return isinstance(effect, Decision) and effect.decision == "page"


class LocalRuntime:
    """Runs the core over `folder`/inbox.db until it is stopped.

    `clock` is the time timers run by; `days` how long `raw` and `incidents` are kept.
    """

    def __init__(
        self,
        *,
        folder: Path,
        policy: Policy,
        partitions: int = 1,
        days: Mapping[str, int] | None = None,
        clock: LiveClock | None = None,
        reporter: Reporter | None = None,
    ) -> None:
        """Opens the files and loads what the core remembers.  Raises LogFull, NewerFrame."""
        self._clock = clock or LiveClock()
        self._reporter = reporter
        self._days = days or {"raw": 30, "incidents": 1095}
        self._stop = threading.Event()
        self._db = StreamsDb(folder / "streams.db")
        self._inbox_path = folder / "inbox.db"
        self._inbox = SqliteReader(self._inbox_path, "inbox")
        self._inbox_file = 0
        self._bell = Bell(folder / "bell", "outbox")
        self._doorbell = Doorbell(folder / "bell", "streams", ("inbox",))
        self._looked_ms = self._touched_ms = self._tidied_ms = 0
        try:
            self._parts = self._load(policy, partitions)
        except BaseException:
            self.close()
            raise

    # ── start ──

    def _load(self, policy: Policy, partitions: int) -> list[_Part]:
        statuses, cursors = self._db.statuses(), self._db.cursors()
        if statuses and len(statuses) != partitions:
            raise LogFull(
                f"streams.db was made with {len(statuses)} partitions and the settings say {partitions}: "
                f"set partitions = {len(statuses)} in [streams]"
            )
        parts: list[_Part] = []
        for number in range(partitions):
            records, faults = self._db.records(number)
            engine = GuardedEngine(policy, records)
            status = statuses.get(number, Status(number))
            engine.now_ms = status.now_ms
            self._clock.not_before(status.now_ms)
            part = _Part(number, engine, status, cursors.get(number, 0))
            parts.append(part)
            if number not in statuses:
                part.told_to = self._written_before(number, wall_clock_ms() - _SENT_BEFORE_MS)
            for damaged in self._db.damaged(number):
                self._warn(f"frame {damaged} of outbox is damaged: what was decided in it may not have been told")
            known = {aside.fault for aside in self._db.put_aside()}
            self._commit([part.committed([], faults=[f for f in (*faults, *engine.take_faults()) if f not in known])])
        aside_before = self._db.put_aside()
        for aside in aside_before:
            self._try_again(parts[aside.partition], aside.id, aside.fault)
        # The process before this one has said so of what it put aside: what is taken in by now is over.
        self._say_what_is_aside(although_said=bool(aside_before))
        return parts

    def _try_again(self, part: _Part, number: int, fault: Fault) -> None:
        """What was put aside is taken in now, if this program can."""
        effects: list[Effect] = []
        if fault.sort in ("record", "frame"):
            try:
                records = decode_inbox(fault.data)
            except FrameError:
                return
            for record in records:
                effects += part.engine.apply(record)
        elif fault.sort == "state" and fault.key not in part.engine.records:
            return
        # A timer was planned anew when its record was loaded; if it raises again, it is put aside again.
        found = part.engine.take_faults()
        again = [each for each in found if each.data != fault.data]
        still = len(again) < len(found)
        self._commit([part.committed(effects, faults=again, resolved=None if still else number)])
        if not still:
            print(f"streams: number {number} of the quarantine is taken in", file=sys.stderr, flush=True)

    def _say_what_is_aside(self, *, although_said: bool = False) -> None:
        count = len(self._db.put_aside())
        if self._reporter is not None:
            detail = Trouble.of("put-aside", count=count) if count else ""
            self._reporter.say("quarantine", well=not count, detail=detail, although_said=although_said)

    # ── the loop ──

    def stop(self) -> None:
        """End after the commit in hand."""
        self._stop.set()

    def run(self) -> None:
        """Until `stop`.  Raises NewerFrame."""
        pause_s = 0.0
        progress = _Progress()
        while not self._stop.is_set():
            try:
                wait_s = self.turn()
                progress.turned(self, busy=not wait_s)
            except LogFull as error:
                pause_s = self._trouble(str(error), pause_s)
                self._stop.wait(pause_s)
                continue
            except Stopped:
                return
            if pause_s:
                pause_s = self._better()
            if wait_s > 0:
                self._doorbell.wait(wait_s)

    def says(self) -> str:
        """How it stands, in a few words."""
        records = sum(len(part.engine.records) for part in self._parts)
        return f"{records:,} records, {self.behind():,} frames to take in, {len(self._db.put_aside())} put aside"

    def behind(self) -> int:
        """Frames of `inbox` not yet taken in; a little more where there are several partitions.  Raises LogFull."""
        return sum(max(0, self._inbox.end(part.number) - part.offset) for part in self._parts)

    def events(self) -> int:
        """Records taken in, over all starts."""
        return sum(part.status.events for part in self._parts)

    def turn(self) -> float:
        """Take in what is there, let time pass where nothing is; how many seconds may be slept (0: come again at once).

        Raises LogFull when `inbox` cannot be read.  A commit that fails is tried until it is made.
        """
        if self._take_in():
            return 0
        now_ms = self._clock.now_ms() - GRACE_MS
        commits = [
            part.committed(part.engine.advance(now_ms))
            for part in self._parts
            if (due_ms := part.engine.next_wake_ms) is not None and due_ms <= now_ms
        ]
        if commits:
            self._commit(commits)
            return 0
        self._idle(now_ms)
        dues = [due_ms for part in self._parts if (due_ms := part.engine.next_wake_ms) is not None]
        return min([_LOOK_S, *((due_ms - now_ms) / 1000 for due_ms in dues)])

    def _take_in(self) -> bool:
        """Frames that are there, as one commit; False when there are none."""
        # All is read before anything is applied: a disk that fails in between must not part a step from its effects.
        for part in self._parts:
            if not part.unread:
                part.unread.extend(self._inbox.read(part.number, part.offset, _FRAMES))
        commits: list[Commit] = []
        until_s = time.monotonic() + _SLICE_S
        for part in self._parts:
            effects: list[Effect] = []
            faults: list[Fault] = []
            events = 0
            before = part.offset
            while part.unread and (part.offset == before or time.monotonic() < until_s):
                offset, frame = part.unread[0]
                try:
                    records = decode_inbox(frame)
                except NewerFrame:
                    if part.offset == before:
                        raise
                    break  # what came before it is committed first
                except FrameError as error:
                    faults.append(Fault("frame", "", frame, f"frame {offset} of inbox: {error}"))
                    records = []
                told = len(effects)
                for record in records:
                    effects += part.engine.apply(record)
                if offset <= part.told_to:
                    effects[told:] = [effect for effect in effects[told:] if not _is_page(effect)]
                events += len(records)
                part.offset = offset
                part.unread.popleft()
            if part.offset != before:
                faults += part.engine.take_faults()
                commits.append(part.committed(effects, offset=part.offset, events=events, faults=faults))
        if commits:
            self._commit(commits)
        return bool(commits)

    def _commit(self, commits: list[Commit]) -> None:
        """Make it durable and wake the readers.  Raises Stopped when told to stop while the disk does not take it."""
        pause_s = 0.0
        while True:
            try:
                self._db.commit(commits, again=pause_s > 0)
                break
            except LogFull as error:
                pause_s = self._trouble(str(error), pause_s)
                if self._stop.wait(pause_s):
                    raise Stopped from error
        if pause_s:
            self._better()
        if any(commit.effects for commit in commits):
            self._bell.ring()
        for commit in commits:
            for fault in commit.faults:
                last = fault.why.rstrip().rpartition("\n")[2]
                print(f"streams: PUT ASIDE {fault.sort} {fault.key}: {last}", file=sys.stderr, flush=True)
        if any(commit.faults for commit in commits):
            self._say_what_is_aside()

    def _trouble(self, error: str, pause_s: float) -> float:
        """Say it once; the next pause."""
        if not pause_s:
            print(f"streams: {error}; nothing is decided until then", file=sys.stderr, flush=True)
            if self._reporter is not None:
                self._reporter.say("streams-disk", well=False, detail=Trouble.of("core-disk", why=error))
        return min(_LONGEST_PAUSE_S, max(0.05, pause_s * 2))

    def _warn(self, what: str) -> None:
        print(f"streams: {what}", file=sys.stderr, flush=True)
        if self._reporter is not None:
            self._reporter.say("streams-data", well=False, detail=Trouble.of("core-data", what=what))

    def _better(self) -> float:
        print("streams: going on", file=sys.stderr, flush=True)
        if self._reporter is not None:
            self._reporter.say("streams-disk", well=True)
        return 0.0

    # ── when nothing is waiting ──

    def _idle(self, now_ms: int) -> None:
        """What has time: put things in their place, look whether `inbox` is still the same file, say that we live."""
        self._db.rest()
        if now_ms - self._looked_ms >= _LOOK_S * 1000:
            self._looked_ms = now_ms
            self._look_at_inbox()
            if self._reporter is not None:
                behind_ms = self._clock.behind_ms()
                detail = Trouble.of("clock-back", seconds=behind_ms // 1000) if behind_ms else ""
                self._reporter.say("clock", well=behind_ms < _CLOCK_BEHIND_MS, detail=detail)
                # Read and written in this turn: the process before this one may have ended over a full disk.
                self._reporter.say("streams-disk", well=True)
        if now_ms - self._touched_ms >= _TOUCH_MS:
            self._touched_ms = now_ms
            self._commit([part.committed([]) for part in self._parts])
        if now_ms - self._tidied_ms >= _TIDY_MS and self._tidy(wall_clock_ms()):
            self._tidied_ms = now_ms

    def _look_at_inbox(self) -> None:
        """Whether another file was put in the place of `inbox.db`: a new one, or a copy from a backup.

        Its frames are numbered anew, so that our place means nothing there.  What was written after our last commit is
        what we have not seen.
        """
        try:
            file = self._inbox_path.stat().st_ino
        except OSError:
            return
        if self._inbox_file not in (0, file):
            self._inbox.close()
        self._inbox_file = file
        for part in self._parts:
            if part.unread or self._inbox.end(part.number) >= part.offset:
                continue
            was, part.offset = part.offset, self._written_before(part.number, part.status.at_ms - _REPLACED_MARGIN_MS)
            print(
                f"streams: inbox.db is another file than before (it ends before frame {was}); "
                f"going on after its frame {part.offset}",
                file=sys.stderr,
                flush=True,
            )
            self._commit([part.committed([], offset=part.offset)])

    def _written_before(self, partition: int, wall_ms: int) -> int:
        """The last frame of `inbox` written by then, 0 without one."""
        sql = "SELECT max(offset) FROM inbox WHERE partition = ? AND at_ms <= ?"
        rows = self._inbox.query(sql, (partition, wall_ms))
        return (rows[0][0] or 0) if rows else 0

    def _tidy(self, wall_ms: int) -> bool:
        """A little of what is older than it is kept; whether that was all of it."""
        for part in self._parts:
            if self._db.slim(wall_ms - self._days["raw"] * DAY_MS, part.number):
                return False
        return not self._db.forget(wall_ms - self._days["incidents"] * DAY_MS, len(self._parts))

    def close(self) -> None:
        """Give everything back."""
        self._doorbell.close()
        self._bell.close()
        self._inbox.close()
        self._db.close()


class _Progress:
    """Says how the catching up goes, where it takes long."""

    def __init__(self) -> None:
        self._since_s = self._said_s = 0.0
        self._events = 0

    def turned(self, runtime: LocalRuntime, *, busy: bool) -> None:
        if not busy:
            self._since_s = 0.0
            return
        now_s = time.monotonic()
        if not self._since_s:
            self._since_s = self._said_s = now_s
            self._events = runtime.events()
        elif now_s - self._said_s >= _SAY_EVERY_S and (behind := runtime.behind()) > _FRAMES:
            rate = (runtime.events() - self._events) / (now_s - self._since_s)
            print(f"streams: catching up, {behind:,} frames to go, {rate:,.0f} events/s", file=sys.stderr, flush=True)
            self._said_s = now_s
