"""Pages on their way out: `outbox` is the queue, each hearer a cursor into it.

Woken when streams has decided something, and once a second in case a bell was lost.  A page counts as told when its
PUBACK came; then its receipt and the hearer's new place are stored together.

In a cluster several gateways serve the same hearers: each serves those that are connected to it, from the place that
whoever served them before has stored, and one of those on the same broker publishes there (`hold` and `release`).
"""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from datetime import tzinfo
from typing import Protocol

from devices.fleet import Subscriber
from devices.ids import partition_of
from gateway.edge.connection import Connection
from gateway.edge.gate import Gate
from gateway.edge.keeping import HeardTo, NotYet, Outbox
from gateway.edge.listener import Listener
from gateway.edge.say import Seldom
from gateway.hearer import Hearer
from gateway.pages import LATEST_MS, TOPIC, Page, Raised, pages_in, receipt
from streams.edge.doorbell import Doorbell
from streams.edge.log import LogFull
from streams.frames import FrameError, NewerFrame, decode_outbox

BROKER = "broker"
_FRAMES_AT_ONCE = 50
_FRAMES_KEPT = 200
_LOOK_AGAIN_S = 1.0
_STORE_EVERY = 30

# Frames of `outbox`, by the partition and the offset they were read after.
_Read = dict[tuple[int, int], list[tuple[int, bytes]]]


class Carrier(Protocol):
    """What carries pages to one hearer.  `send` gives a token, or None where it cannot now."""

    def send(self, page: Page) -> int | None: ...


class _Direct:
    """One topic of one direct connection."""

    def __init__(self, connection: Connection, qos: int) -> None:
        self.connection = connection
        self.qos = qos

    def send(self, page: Page) -> int | None:
        packet_id = self.connection.session.publish(page.topic, page.payload, self.qos)
        self.connection.flush()
        return packet_id


class PagesOut:
    """`cursors` is (hearer, partition) → offset as stored; a hearer new to it begins at the present end of `outbox`.

    Where they are `shared`, others move them too: a hearer that comes is served from where they stand then.
    """

    def __init__(
        self,
        gate: Gate,
        reader: Outbox,
        subscribers: Mapping[str, Subscriber],
        *,
        loop: asyncio.AbstractEventLoop,
        zone: tzinfo,
        partitions: int,
        cursors: Mapping[tuple[str, int], int],
        with_broker: bool,
        shared: bool = False,
    ) -> None:
        self.told = 0
        self.given_up = 0
        self._gate = gate
        self._reader = reader
        self._loop = loop
        self._zone = zone
        self._partitions = partitions
        self._raised = Raised()
        self._frames: OrderedDict[tuple[int, int], list[Page]] = OrderedDict()
        self._carriers: dict[str, Carrier] = {}
        self._held: dict[str, Carrier | None] = {}
        self._cursors = cursors
        self._shared = shared
        self._seldom = Seldom()
        self._timer: asyncio.TimerHandle | None = None
        self._doorbell: Doorbell | None = None
        self._planned = False
        self._looks = 0
        self._subscribers = subscribers
        # Up to where `outbox` has been read: what comes after is read once for all hearers that have kept up.
        self._newest = {partition: self._end(partition) for partition in range(partitions)}
        self._hearers: dict[str, Hearer] = {}
        fresh: dict[tuple[str, int], int] = {}
        everywhere = list(range(partitions))
        # Of a grid everything stands in its own partition.
        places = {
            f"{name}/{role}": [partition_of(row.grid, partitions)]
            for name, row in subscribers.items()
            for role in row.roles
        }
        for name, of in {**places, BROKER: everywhere}.items() if with_broker else places.items():
            self._hearers[name] = self._hearer(name, of)
            fresh.update({(name, p): self._newest[p] for p in of if (name, p) not in cursors})
        # Stored before anything is acknowledged: what is decided from now on, each of them is owed.
        self.first_places = HeardTo(fresh) if fresh else None

    def _hearer(self, name: str, partitions: Iterable[int]) -> Hearer:
        """A hearer where it stands: by what is stored, and by what it has accepted from this very gateway."""
        before = self._hearers.get(name)

        def place(p: int) -> int:
            stored = self._cursors.get((name, p))
            own = before.stored.get(p) if before is not None else self._newest[p] if stored is None else None
            return max(place for place in (stored, own, 0) if place is not None)

        return Hearer(name, {p: place(p) for p in partitions})

    def start(self, doorbell: Doorbell | None, listener: Listener | None) -> None:
        """Begin to look; without a doorbell `wake` is called when there is something new."""
        if listener is not None:
            listener.on_subscribed = self._subscribed
            listener.on_page_acked = self._acked
            listener.on_gone = self._gone
        try:
            # What was decided before: nothing of it is sent because of this.
            for partition, end in self._newest.items():
                for _, frame in self._reader.before(partition, end):
                    self._pages_of(frame)
        except (LogFull, NewerFrame) as trouble:
            self._say_unreadable(trouble)
        self._doorbell = doorbell
        if doorbell is not None:
            self._loop.add_reader(doorbell.fileno(), self._rang)
        self._look_again()

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._doorbell is not None:
            self._loop.remove_reader(self._doorbell.fileno())
            self._doorbell.close()
        self._reader.close()

    def waiting(self) -> dict[str, int]:
        """Hearer → how many frames of `outbox` it has not been told of.  Raises LogFull."""
        return {
            name: sum(
                self._reader.count(p, place, self._newest[p])
                for p, place in hearer.read_to.items()
                if place < self._newest[p]
            )
            for name, hearer in self._hearers.items()
        }

    # Hearers come and go.

    def connect(self, name: str, carrier: Carrier) -> None:
        """`name` can be told now."""
        if name in self._held:
            self._held[name] = carrier
            return
        if self._shared and not self._hearers[name].has_under_way:
            # Another gateway may have served it meanwhile.
            self._hearers[name] = self._hearer(name, self._hearers[name].read_to)
        self._carriers[name] = carrier
        self.wake()

    def disconnect(self, name: str, *, keeps_what_is_under_way: bool = False) -> None:
        """It cannot be told any more.  A carrier that sends again by itself keeps what is under way."""
        if name in self._held:
            self._held[name] = None
        if self._carriers.pop(name, None) is not None and not keeps_what_is_under_way:
            self._hearers[name].lost()

    def hold(self, name: str) -> None:
        """Another gateway tells `name`: whatever can carry to it waits until `release`."""
        if name in self._held:
            return
        carrier = self._carriers.get(name)
        self.disconnect(name)
        self._held[name] = carrier

    def release(self, name: str) -> None:
        """This gateway tells `name` from now on."""
        carrier = self._held.pop(name, None)
        self._hearers[name] = self._hearer(name, self._hearers[name].read_to)
        if carrier is not None:
            self.connect(name, carrier)

    def accepted(self, name: str, token: int, outcome: str = "accepted") -> None:
        """`name` has the page that `token` stands for, or (`gave-up`) will not have it."""
        hearer = self._hearers[name]
        was_full = not hearer.wants_more
        page = hearer.accepted(token)
        if page is not None:
            self._done(hearer, page, outcome)
        # There is room now: for this hearer, or for another one over the same connection.
        if was_full or any(self._hearers[name].next() is not None for name in self._carriers):
            self.wake()

    def _subscribed(self, connection: Connection) -> None:
        principal = connection.principal
        row = self._subscribers.get(principal.name) if principal is not None else None
        if row is None:
            return
        for role in row.roles:
            qos = connection.subscriptions.get(TOPIC.format(grid=row.grid, role=role))
            name = f"{row.id}/{role}"
            if qos is not None and not self._is_carried_by(name, connection):
                self.disconnect(name)
                self.connect(name, _Direct(connection, qos))

    def _is_carried_by(self, name: str, connection: Connection) -> bool:
        carrier = self._carriers.get(name)
        return isinstance(carrier, _Direct) and carrier.connection is connection

    def _acked(self, connection: Connection, packet_id: int, code: int) -> None:
        for name in self._names_of(connection):
            if code >= 0x80:
                self._seldom.say("a page was not taken", name, code=code)
            self.accepted(name, packet_id, "gave-up" if code >= 0x80 else "accepted")

    def _gone(self, connection: Connection) -> None:
        for name in self._names_of(connection):
            self.disconnect(name)

    def _names_of(self, connection: Connection) -> list[str]:
        return [name for name in list(self._carriers) if self._is_carried_by(name, connection)]

    # Looking and sending.

    def _rang(self) -> None:
        if self._doorbell is not None:
            self._doorbell.drain()
        self._tell()

    def _look_again(self) -> None:
        self._tell()
        self._looks += 1
        if self._looks % _STORE_EVERY == 0:
            # Places move past what was for others, too; stored now and then, so that a restart does not read it all.
            moved = {key: place for hearer in self._hearers.values() for key, place in hearer.moved().items()}
            if moved:
                self._gate.add([], [HeardTo(moved)])
        self._timer = self._loop.call_later(_LOOK_AGAIN_S, self._look_again)

    def wake(self) -> None:
        """There is something new, or room for more."""
        if not self._planned:
            self._planned = True
            self._loop.call_soon(self._tell)

    def _tell(self) -> None:
        self._planned = False
        try:
            for partition in range(self._partitions):
                self._read_on(partition)
            for name, carrier in list(self._carriers.items()):
                self._catch_up(self._hearers[name])
                self._send(self._hearers[name], carrier)
        except (LogFull, NewerFrame) as trouble:
            self._say_unreadable(trouble)

    def _read_on(self, partition: int) -> None:
        """What is new, for everyone who can be told now and has been told all before it."""
        before = self._newest[partition]
        try:
            frames = self._reader.read(partition, before, _FRAMES_AT_ONCE)
        except NotYet:
            return
        if not frames:
            return
        fresh = [(offset, self._pages(partition, offset, frame)) for offset, frame in frames]
        self._newest[partition] = frames[-1][0]
        for name in self._carriers:
            hearer = self._hearers[name]
            if hearer.read_to.get(partition) == before and hearer.wants_more:
                for offset, pages in fresh:
                    hearer.offer(partition, offset, self._meant_for(hearer, pages))
        if len(frames) == _FRAMES_AT_ONCE:
            self.wake()

    def _catch_up(self, hearer: Hearer) -> None:
        """What one that was away, or could take no more, has missed: a little at a time."""
        for partition, place in list(hearer.read_to.items()):
            newest = self._newest[partition]
            if place < newest and hearer.wants_more:
                try:
                    frames = self._reader.read(partition, place, _FRAMES_AT_ONCE)
                except NotYet:
                    continue
                for offset, frame in frames:
                    pages = self._pages(partition, offset, frame)
                    hearer.offer(partition, offset, self._meant_for(hearer, pages))
                if not frames:  # what it missed is so old that it was deleted
                    hearer.offer(partition, newest, [])
                self.wake()

    def _say_unreadable(self, trouble: LogFull | NewerFrame) -> None:
        # Whatever ails the other process's file, messages are still taken in.
        self._seldom.say("outbox cannot be read: no page goes out", "outbox", trouble=str(trouble))

    def _end(self, partition: int) -> int:
        try:
            return self._reader.end(partition)
        except (LogFull, NewerFrame) as trouble:
            self._say_unreadable(trouble)
            return 0

    def _pages_of(self, frame: bytes) -> list[Page]:
        try:
            return pages_in(decode_outbox(frame), self._raised, self._zone)
        except NewerFrame:
            raise
        except FrameError as damage:
            # What was decided in it cannot be told; streams says so when it meets it.
            self._seldom.say("a frame of outbox is damaged", "outbox", trouble=str(damage))
            return []

    def _send(self, hearer: Hearer, carrier: Carrier) -> None:
        now_ms = self._gate.now_ms()
        while (page := hearer.next()) is not None:
            if now_ms - page.decision.t_ms > LATEST_MS:
                self._done(hearer, hearer.passed(), "gave-up")
                continue
            token = carrier.send(page)
            if token is None:
                if self._is_busy(carrier):
                    break
                # Not for want of room: it takes no message as large as this.
                self._seldom.say("a page was not taken", hearer.name, because="too large for this client")
                self._done(hearer, hearer.passed(), "gave-up")
                continue
            hearer.sent(token)
            if token == 0:  # QoS 0: gone out is all there is to know
                self.accepted(hearer.name, 0)

    def _is_busy(self, carrier: Carrier) -> bool:
        """Is something under way over the same connection?"""
        if not isinstance(carrier, _Direct):
            return True
        names = self._names_of(carrier.connection)
        return carrier.connection.session.closed or any(self._hearers[name].has_under_way for name in names)

    def _pages(self, partition: int, offset: int, frame: bytes) -> list[Page]:
        """The pages of a frame, read once for all hearers."""
        key = (partition, offset)
        pages = self._frames.get(key)
        if pages is None:
            pages = self._frames[key] = self._pages_of(frame)
            if len(self._frames) > _FRAMES_KEPT:
                self._frames.popitem(last=False)
        return pages

    def _meant_for(self, hearer: Hearer, pages: list[Page]) -> list[Page]:
        if hearer.name == BROKER or not pages:
            return pages
        name, _, role = hearer.name.rpartition("/")
        grid = self._subscribers[name].grid
        return [page for page in pages if page.decision.role == role and page.decision.grid == grid]

    def _done(self, hearer: Hearer, page: Page, outcome: str) -> None:
        gate = self._gate
        if outcome == "accepted":
            self.told += 1
        else:
            self.given_up += 1
        at_ms = gate.intake.instant(gate.now_ms())
        moved = hearer.moved()
        gate.add([receipt(page, hearer.name, outcome, at_ms)], [HeardTo(moved)] if moved else ())
