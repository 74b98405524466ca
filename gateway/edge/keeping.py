"""Where a gateway keeps what it took in: the ports, and what is stored beside the frames of `inbox`.

Two adapters: `box.py` (one file, one transaction) and `cluster.py` (topics of Kafka).  What a gateway keeps beside the
frames is a closed list of notes, so that each adapter says once how it stores them.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from devices.events import Event
from gateway.fleet_records import FleetRecord
from gateway.intake import Intake
from streams.edge.doorbell import Bell, Doorbell
from streams.frames import RejectRecord
from streams.troubles import Detail


class Refused(msgspec.Struct, frozen=True):
    """Messages that could not come in."""

    records: list[RejectRecord]


class Learnt(msgspec.Struct, frozen=True):
    """What formats remember, by `Owner.key`."""

    memory: Mapping[str, bytes]


class Told(msgspec.Struct, frozen=True):
    """What the core was told of the fleet; a case that was closed is told no more."""

    records: list[FleetRecord]


class Lent(msgspec.Struct, frozen=True):
    """Which sensors of the pool are lent to whom: all of them, device → household."""

    bindings: Mapping[str, str]


class HeardTo(msgspec.Struct, frozen=True):
    """How far hearers of pages have been served: (hearer, partition) → offset in `outbox`."""

    places: Mapping[tuple[str, int], int]


class Fed(msgspec.Struct, frozen=True):
    """Which rejects were fed in again at `at_ms`, and what became of them: offset → `taken` or `refused`."""

    outcomes: Mapping[int, str]
    at_ms: int


Note = Refused | Learnt | Told | Lent | HeardTo | Fed


class Kept(msgspec.Struct, frozen=True):
    """What earlier runs left.  `page_cursors` is the keeping's own and moves where others serve hearers too."""

    memory: dict[str, bytes] = {}
    bindings: dict[str, str] = {}
    told: dict[str, FleetRecord] = {}
    page_cursors: Mapping[tuple[str, int], int] = {}
    events: list[Event] = []
    newest_ms: int = 0


class InboxWriter(Protocol):
    """What the committer writes with, in its thread."""

    salvaged: list[str]  # sentences about a damage that was mended

    def write(self, frames: list[tuple[int, bytes]], notes: Sequence[Note]) -> list[int]:
        """Make (partition, frame) pairs and notes durable; the frames' offsets.

        Raises LogFull with a sentence when they are not; call it again with the very same.
        """
        ...

    def tend(self) -> None:
        """Housekeeping, when nobody waits.  Raises LogFull."""
        ...

    def forget(self, log: str, before_ms: int, read_to: Mapping[int, int], most: int) -> int:
        """Delete some of what is old; how many frames.  Raises LogFull."""
        ...

    def close(self) -> None: ...


class Rejects(Protocol):
    """What could not come in, to be fed in again."""

    async def waiting(self, offsets: Iterable[int] | None, limit: int) -> list[tuple[int, RejectRecord]]:
        """Those not yet fed in with success: of `offsets`, or the oldest ones.  Raises LogFull."""
        ...

    def close(self) -> None: ...


class NotYet(Exception):
    """What was asked for is on its way; whoever asked is woken when it is here."""


class Outbox(Protocol):
    """A reader of `outbox` that never lets the event loop wait for another machine."""

    def read(self, partition: int, after: int, limit: int) -> list[tuple[int, bytes]]:
        """As the port of the logs says.  Raises LogFull, NotYet."""
        ...

    def end(self, partition: int) -> int:
        """The newest offset that is known here."""
        ...

    def before(self, partition: int, end: int) -> list[tuple[int, bytes]]:
        """Frames that were there before `end`, as many as are worth a look.  Raises LogFull."""
        ...

    def count(self, partition: int, after: int, end: int) -> int:
        """How many frames there are after `after`, up to `end`, counted no further than is worth it.  Raises LogFull.

        Offsets are places, not numbers: on a box they begin at a time, and partitions share them.
        """
        ...

    def close(self) -> None: ...


class Served(Protocol):
    """Who serves the hearers of pages, as a keeping sees it: see pages_out.py."""

    def wake(self) -> None: ...
    def hold(self, name: str) -> None: ...
    def release(self, name: str) -> None: ...


class ToldBy(Protocol):
    """The gateway, as its keeping sees it."""

    def crashed(self, what: str, fault: BaseException) -> None:
        """A fault of ours ended a part of the keeping: so it ends the process."""
        ...

    def report(self, part: str, well: bool, detail: Detail) -> None:
        """A part of Threshold is unwell or well again.  From any thread."""
        ...

    def again(self) -> None:
        """Stop, and begin anew in this process."""
        ...


class Keeping(Protocol):
    """Everything a gateway keeps.  Usable once `open` returned.

    `shared`: other gateways serve the same hearers, and change what is kept.  `forgets`: deleting what is old is the
    gateway's own work.
    """

    writer: InboxWriter
    kept: Kept
    rejects: Rejects
    shared: bool
    forgets: bool

    async def open(self) -> None:
        """Read what earlier runs left.  Raises LogFull: call it again later; and what must be mended first."""
        ...

    def bell(self) -> Bell:
        """What wakes the readers of `inbox` on this machine."""
        ...

    def outbox(self) -> Outbox | None:
        """A reader for the pages' way out; None where there can be none now."""
        ...

    def doorbell(self) -> Doorbell | None:
        """What rings when there is something new in `outbox`; None where `follow` sees to that."""
        ...

    def follow(self, intake: Intake, pages: Served | None, told: ToldBy) -> None:
        """Begin to take over what others change; `told` hears of what befalls that."""
        ...

    def seen(self) -> dict[str, Any]:
        """What the health page says of it beside the gate's own words."""
        ...

    def abandon(self) -> None:
        """Close the writer, where no committer ever had it."""
        ...

    async def close(self) -> None:
        """Let go of everything but the writer, which is the committer's to close."""
        ...
