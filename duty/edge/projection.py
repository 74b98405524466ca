"""Outbox and inbox → the live picture, the feed of changes for the screens, and the pages for delivery.

The picture moves first and is told at once; what changed is written behind it in one transaction with the place in the
logs.  While the store cannot be written (a full disk), people are shown and paged all the same; after a restart the
logs are read again from the place that was kept, and telling a thing twice changes nothing.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from duty.edge.feed import Change, Feed, Lost, Reader
from duty.edge.inbox_view import InboxView
from duty.edge.rows.base import StoreTrouble
from duty.edge.rows.history import Opening
from duty.edge.store import Store
from duty.fitting import Word
from duty.health import DeviceHealth
from duty.incident import Incident
from duty.picture import CommandOutcome, Line, Page, Picture, Touched, outcome_of, page_of
from streams.edge.log import LogReader
from streams.effects import Decision, Effect, HouseholdSeen
from streams.frames import FrameError, NewerFrame, decode_inbox, decode_outbox

__all__ = ["Change", "DeviceHealth", "Lost", "Projection"]

_R = TypeVar("_R")

FRAMES_AT_ONCE = 100
OUTCOMES_KEPT = 20_000
CLOSED_SHOWN_MS = 48 * 3_600_000  # closed incidents stay in memory this long
NOTES_SHOWN_MS = 7 * 24 * 3_600_000


class Follower(Protocol):
    """Who is told of every page, and has something of its own to write with the picture."""

    def take(self, pages: Sequence[Page], ended: Sequence[Incident], answered: Sequence[Incident]) -> None:
        """New pages; incidents that need no more telling (closed, or cleared and done); incidents just answered."""
        ...

    def save(self) -> None:
        """Write what changed, inside the projection's transaction.  `saved` follows when it is on disk."""
        ...

    def saved(self) -> None:
        """What was written by the last `save` is on disk."""
        ...


class Projection:
    """`picture` may be read from any thread; everything else runs in the event loop, or before it began."""

    def __init__(
        self,
        store: Store,
        *,
        outbox: LogReader,
        inbox: LogReader,
        partitions: int,
        clock_ms: Callable[[], int],
        start: str,
        alive_ms: Callable[[], int | None] = lambda: None,
    ) -> None:
        """`start` names this run of the desk.  `alive_ms` says when the core last gave a sign of life, where known."""
        self.picture = Picture()
        self.inbox = InboxView(self.picture, clock_ms)
        self.feed = Feed(start)
        self.followers: list[Follower] = []
        self.unread: list[str] = []  # frames that do not decode
        self.trouble = ""  # why the store could not be written last time; "" when it could
        self._store = store
        self._outbox_log = outbox
        self._inbox_log = inbox
        self._partitions = range(partitions)
        self._clock_ms = clock_ms
        self._alive_ms = alive_ms
        self._read_ms = 0
        self._cursors: dict[tuple[str, int], int] = {}
        self._outcomes: OrderedDict[str, CommandOutcome] = OrderedDict()
        self._awaited: dict[str, list[asyncio.Future[CommandOutcome]]] = {}
        self._untold: dict[str, list[Touched]] = {"outbox": [], "inbox": []}  # read, and not yet handed out
        self._open_doors: dict[str, Opening] = {}
        self._dirty_incidents: set[str] = set()
        self._dirty_households: set[str] = set()
        self._dirty_checkpoints: set[str] = set()
        self._dirty_cursors: set[tuple[str, int]] = set()
        self._new_notes: list[tuple[str, str, Line]] = []
        self._new_openings: dict[tuple[str, int], Opening] = {}
        self._released: dict[str, int] = {}
        self._retimed: set[tuple[str, int, int]] = set()

    # ── for the screens ──

    def subscribe(self, after: str = "", *, wanted: Callable[[Touched], bool]) -> Reader:
        """A reader of the changes that are `wanted`.  `after` is the id of the last one seen ("": from now on)."""
        return self.feed.subscribe(after, wanted=wanted)

    def position(self) -> str:
        """The id to subscribe after, for a page that was drawn from the picture as it is now."""
        return self.feed.position()

    def device(self, device: str) -> DeviceHealth | None:
        """What a device last said."""
        return self.inbox.devices.get(device)

    def words_of(self, device: str) -> list[Word]:
        """What a contact said live since the desk began."""
        return self.inbox.words_of(device)

    def devices_of(self, place: str) -> list[DeviceHealth]:
        """What the devices of a household or checkpoint last said."""
        return self.inbox.devices_of(place)

    def outcome(self, command_id: str) -> CommandOutcome | None:
        """What became of a command, if it is not long ago."""
        return self._outcomes.get(command_id)

    async def outcome_of(self, command_id: str, timeout_s: float) -> CommandOutcome | None:
        """What became of a command, waiting for it; None when it has not come in time."""
        known = self._outcomes.get(command_id)
        if known is not None:
            return known
        future: asyncio.Future[CommandOutcome] = asyncio.get_running_loop().create_future()
        waiting = self._awaited.setdefault(command_id, [])
        waiting.append(future)
        try:
            return await asyncio.wait_for(future, timeout_s)
        except TimeoutError:
            return None
        finally:
            waiting.remove(future)
            if not waiting:
                self._awaited.pop(command_id, None)

    def live_since_ms(self) -> int:
        """When the picture was last known to be the present: an older time than a few seconds means it is old."""
        alive_ms = self._alive_ms()
        return self._read_ms if alive_ms is None else min(self._read_ms, alive_ms)

    def publish(self, *touched: Touched) -> None:
        """Tell the screens of something that is not in the logs (a delivery, a change of roster).  From any thread."""
        self.feed.publish(touched)

    # ── the logs ──

    def load(self) -> None:
        """Begin where the last run left off."""
        store, now_ms = self._store, self._clock_ms()
        self.picture.incidents = {i.id: i for i in store.live_incidents(now_ms - CLOSED_SHOWN_MS)}
        self.picture.households = {seen.household: seen for seen in store.households()}
        self.picture.answers = store.answers()
        self.picture.notes = store.live_notes(now_ms - NOTES_SHOWN_MS)
        self._open_doors = {opening.household: opening for opening in store.open_doors()}
        for device in store.devices():
            self.inbox.know(device)
        for partition in self._partitions:
            for log in ("outbox", "inbox"):
                self._cursors[log, partition] = store.cursor(log, partition)

    def read_outbox(self) -> tuple[list[Touched], bool]:
        """Take in what has come; what changed, and whether there is more.  Raises LogFull, FrameError.

        Runs in any one thread.  What changed is told by `tell`, in the event loop.
        """
        more = False
        for partition in self._partitions:
            after = self._cursors["outbox", partition]
            frames = self._outbox_log.read(partition, after, FRAMES_AT_ONCE)
            more = more or len(frames) == FRAMES_AT_ONCE
            for offset, frame in frames:
                self._untold["outbox"] += self._take(self._decoded(decode_outbox, "outbox", offset, frame))
                self._cursors["outbox", partition] = offset
                self._dirty_cursors.add(("outbox", partition))
        if not more:
            self._read_ms = self._clock_ms()
        return self._handed_out("outbox"), more

    def read_inbox(self) -> tuple[list[Touched], bool]:
        """The same for the inbox: what devices say, and the answers of channels that the gateway serves."""
        more = False
        for partition in self._partitions:
            after = self._cursors["inbox", partition]
            frames = self._inbox_log.read(partition, after, FRAMES_AT_ONCE)
            more = more or len(frames) == FRAMES_AT_ONCE
            for offset, frame in frames:
                self._untold["inbox"] += self.inbox.take(self._decoded(decode_inbox, "inbox", offset, frame))
                self._cursors["inbox", partition] = offset
        return self._handed_out("inbox"), more

    def _handed_out(self, log: str) -> list[Touched]:
        """What was read since the last time, also by a reading that failed at a later partition."""
        touched, self._untold[log] = self._untold[log], []
        return touched

    def _decoded(self, decode: Callable[[bytes], list[_R]], log: str, offset: int, frame: bytes) -> list[_R]:
        """The records of a frame.  One that does not decode is passed over and named: behind it others wait to be told.
        Raises NewerFrame."""
        try:
            return decode(frame)
        except NewerFrame:
            raise
        except FrameError as error:
            self.unread.append(f"{log} {offset}: {error}")
            return []

    def tell(self, touched: Sequence[Touched]) -> None:
        """Tell the screens, and whoever waits for what became of a command."""
        if not touched:
            return
        self.feed.publish(touched)
        for each in touched:
            if each.what == "command" and each.key in self._awaited:
                outcome = self._outcomes.get(each.key)
                for future in self._awaited[each.key]:
                    if outcome is not None and not future.done():
                        future.set_result(outcome)

    def has_something_to_save(self) -> bool:
        """Whether `flush` has something to write."""
        return bool(self._dirty_cursors) or self.inbox.has_something_to_save()

    def flush(self, *, all_of_it: bool = False) -> bool:
        """Write behind what changed since the last time; False (and `trouble`) when the store refuses.

        What devices say is written once in a while, or with `all_of_it`; the place in the inbox goes with it.
        """
        with_inbox = all_of_it or self.inbox.has_something_to_save()
        if with_inbox:
            self._dirty_cursors |= {("inbox", partition) for partition in self._partitions}
        try:
            with self._store.together():
                self._save(with_inbox=with_inbox)
                for follower in self.followers:
                    follower.save()
        except StoreTrouble as error:
            self.trouble = str(error)
            return False
        self.trouble = ""
        self._dirty_incidents.clear()
        self._dirty_households.clear()
        self._dirty_checkpoints.clear()
        self._dirty_cursors.clear()
        self._new_notes.clear()
        self._new_openings.clear()
        self._released.clear()
        self._retimed.clear()
        if with_inbox:
            self.inbox.saved()
        for follower in self.followers:
            follower.saved()
        return True

    def tidy(self) -> None:
        """Drop from memory what is long over."""
        self.picture.forget(self._clock_ms() - CLOSED_SHOWN_MS)

    def _save(self, *, with_inbox: bool) -> None:
        store, picture = self._store, self.picture
        incidents = [picture.incidents[key] for key in self._dirty_incidents if key in picture.incidents]
        if incidents:
            store.save_incidents(incidents)
        if self._dirty_households:
            store.save_households(picture.households[key] for key in self._dirty_households)
        for checkpoint in self._dirty_checkpoints:
            store.save_answers(checkpoint, picture.answers[checkpoint])
        if self._new_notes:
            store.save_notes(self._new_notes)
        if self._new_openings:
            store.save_openings(self._new_openings.values())
        if with_inbox:
            self.inbox.save(store)
        for household, at_ms in self._released.items():
            store.release_case(household, at_ms)
        for household, from_ms, until_ms in self._retimed:
            store.retime_case(household, from_ms, until_ms)
        for log, partition in self._dirty_cursors:
            store.save_cursor(log, partition, self._cursors[log, partition])

    def _take(self, effects: Sequence[Effect]) -> list[Touched]:
        touched: list[Touched] = []
        pages: list[Page] = []
        changed: dict[str, None] = {}
        for effect in effects:
            if isinstance(effect, HouseholdSeen):
                self._door(effect)
                self._case(effect)
            outcome = outcome_of(effect)
            if outcome is not None:
                self._outcomes[outcome.command_id] = outcome
                if len(self._outcomes) > OUTCOMES_KEPT:
                    self._outcomes.popitem(last=False)
            told = self.picture.apply(effect)
            for each in told:
                self._mark(each)
                if each.what == "incident":
                    changed[each.key] = None
            if isinstance(effect, Decision) and effect.decision == "page":
                incident = self.picture.incidents.get(effect.incident)
                pages.append(page_of(effect, incident.count if incident else 1))
            touched += told
        if self.followers and (pages or changed):
            now = [self.picture.incidents[key] for key in changed]
            ended = [incident for incident in now if incident.state == "closed"]
            answered = [incident for incident in now if incident.state != "closed"]
            for follower in self.followers:
                follower.take(pages, ended, answered)
        return touched

    def _mark(self, touched: Touched) -> None:
        match touched.what:
            case "incident":
                self._dirty_incidents.add(touched.key)
            case "household":
                self._dirty_households.add(touched.key)
            case "checkpoint":
                self._dirty_checkpoints.add(touched.key)
                answer = self.picture.answers[touched.key][-1]
                self.inbox.answered(answer)
            case "note":
                self._new_notes.append((touched.key, touched.grid, self.picture.notes[touched.key][-1]))
            case _:
                pass

    def _case(self, seen: HouseholdSeen) -> None:
        """Contacts are kept with the case: when it ends, or gets another end, the clock of their key is set."""
        before = self.picture.households.get(seen.household)
        if before is not None and before.watched and not seen.watched:
            self._released[seen.household] = seen.t_ms
        if seen.case_from_ms is not None and seen.case_until_ms is not None:
            if before is None or before.case_until_ms != seen.case_until_ms:
                self._retimed.add((seen.household, seen.case_from_ms, seen.case_until_ms))

    def _door(self, seen: HouseholdSeen) -> None:
        """Openings of a household, as its state tells them: begun at its own time, ended when it was heard closed."""
        stands = self._open_doors.get(seen.household)
        if seen.open:
            opened_ms = seen.open_since_ms if seen.open_since_ms is not None else seen.t_ms
            if stands is not None and stands.opened_ms == opened_ms:
                return
            declared = seen.declared_until_ms is not None and seen.declared_until_ms > opened_ms
            opening = Opening(household=seen.household, opened_ms=opened_ms, closed_ms=None, declared=declared)
            self._open_doors[seen.household] = opening
            self._new_openings[seen.household, opened_ms] = opening
        if stands is not None and seen.open is not None:
            closed = Opening(
                household=seen.household,
                opened_ms=stands.opened_ms,
                closed_ms=max(seen.t_ms, stands.opened_ms),
                declared=stands.declared,
            )
            self._new_openings[seen.household, stands.opened_ms] = closed
            if not seen.open:
                del self._open_doors[seen.household]
