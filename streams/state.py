"""What the core remembers: frozen records under text keys, small enough for a city.

A step changes few of them, and only those are written.  Keys: `d:` device, `p:` place (household or checkpoint),
`r:` readings of one person at a checkpoint, `g:` grid, `b:` building, `l:` bridge, `k:` the commands a grid has carried
out, `z:` the incidents of a subject (last, so that what stands is settled before a ladder asks).  Fields are only ever
added at the end, with a default.
"""

import msgspec

from streams.effects import Cause, Reason


class DeviceClock(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What is learnt of a device's clock: see `device_clock.py`.  Pairs are (received_ms, difference_ms)."""

    skew_ms: int | None = None
    least: tuple[tuple[int, int], ...] = ()
    candidate: tuple[tuple[int, int], ...] = ()


class Sensor(msgspec.Struct, frozen=True, array_like=True, tag="S", gc=False):
    """A device: where it is, when it was heard, what its clock and its counter say."""

    device: str
    grid: str
    where: str
    place: str
    known_ms: int
    report_every_s: float | None = None
    bridge: str = ""
    site: str = ""
    present: bool = True
    heard_ms: int | None = None
    offline_ms: int | None = None  # since when it says (or is said) to be offline
    watched_ms: int | None = None  # since when its silence matters; None outside a case
    silent_from_ms: int = 0  # its silence counts from here at the earliest (bridge back, incident closed)
    silent: bool = False  # overdue, or offline too long; heard again ends it
    inhibited: bool = False  # would be silent, but its bridge is down
    listed: bool = False  # among the silent ones of its place
    clock: DeviceClock = DeviceClock()
    seen: bytes = b""  # the last ids with a cause, 8 bytes each
    opens_counted: int | None = None
    battery_percent: float | None = None
    hint: str = ""  # Shelly: how the values within 2 s came about
    hint_ms: int = 0
    suspect: str = ""  # a gun without passes: whom its next readings are taken for, until when
    suspect_until_ms: int = 0
    counted_ms: int = 0  # own time of the newest message with a count: an older one says nothing of the counter
    contact_ms: int = 0  # own time of the newest report of its contact: most of them say that the door is as it was


class Door(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One door contact of a household, by its sensor."""

    open: bool
    newest_ms: int  # own time of the newest report when it last moved; the sensor's record tells of later ones
    changed_ms: int  # own time since when it is so
    opened_ms: int | None = None  # own time of the last opening known
    left_open_ms: int | None = None  # when it will have been open too long
    incident: int = 0  # the undeclared opening this opening belongs to
    toggles: tuple[int, ...] = ()
    open_until_ms: int | None = None  # own time of the first closing known after that opening


class Opening(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An opening that matched nothing: its own time, the number of its incident."""

    at_ms: int
    incident: int


class Declaration(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A declared opening: covers from the command until `until_ms`."""

    from_ms: int
    until_ms: int
    reason: str
    by: str


class CaseTime(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A case, from its start (included) to its end (not)."""

    from_ms: int
    until_ms: int
    visits: bool = False
    wellbeing_call_min: int | None = None
    begun: bool = False
    ended: bool = False


class Place(msgspec.Struct, frozen=True, array_like=True, tag="P", gc=False):
    """A household, or a checkpoint (which is always watched)."""

    place: str
    where: str
    grid: str
    devices: tuple[str, ...] = ()
    cases: tuple[CaseTime, ...] = ()
    doors: dict[str, Door] = {}
    openings: tuple[Opening, ...] = ()
    declarations: tuple[Declaration, ...] = ()
    low: tuple[str, ...] = ()  # devices with a low battery
    tampered: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()
    chattering: tuple[str, ...] = ()
    opening_clears_ms: int | None = None
    chatter_clears_ms: int | None = None
    visit_ms: int | None = None
    call_ms: int | None = None
    visit_due_ms: int | None = None
    call_due_ms: int | None = None
    muted_until_ms: int | None = None


class Suspicion(msgspec.Struct, frozen=True, array_like=True, tag="R"):
    """The readings of one person at a checkpoint, from the first one at or over the limit."""

    subject: str
    grid: str
    checkpoint: str
    device: str
    pass_id: str = ""
    started_ms: int = 0
    over: int = 0
    below: int = 0
    high: bool = False  # without a pass, 37.3 or more: let go only when the guard confirms
    confirmed: bool = False
    undecided: bool = False
    due_ms: int | None = None  # when it is decided for want of readings
    closes_ms: int | None = None  # when it closes by itself
    forget_ms: int = 0
    household: str = ""  # whom the pass was registered to
    registered_ms: int = 0
    fever: bool = False


class Grid(msgspec.Struct, frozen=True, array_like=True, tag="G"):
    """A grid: its watched sensors, those not heard, the data checks assigned to it."""

    grid: str
    watched: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()  # silent or offline at this moment, none of them behind a bridge that is down
    area: tuple[str, ...] = ()  # what the open area-silent is about
    checks: dict[str, int] = {}  # check id → due
    overdue: tuple[str, ...] = ()


class Building(msgspec.Struct, frozen=True, array_like=True, tag="B"):
    """Fevers of a building: (subject, when)."""

    building: str
    fevers: tuple[tuple[str, int], ...] = ()


class BridgeState(msgspec.Struct, frozen=True, array_like=True, tag="L"):
    """A bridge, and the devices that hang on it."""

    bridge: str
    grid: str
    devices: tuple[str, ...] = ()
    report_every_s: float | None = None
    heard_ms: int | None = None
    known_ms: int = 0
    down: bool = False
    silent_from_ms: int = 0


class Answered(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A role's acknowledgement: when it was last given, by whom, and whether it counts (still)."""

    at_ms: int
    by: str
    valid: bool


class Incident(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One open incident.  `life` is `standing` or `cleared`."""

    number: int
    life: str
    raised_ms: int  # of this start: a repeat after the clearing starts it afresh
    first_ms: int
    count: int
    reason: Reason
    cause: Cause
    at_ms: int | None = None
    clock_ms: int = 0  # minutes of the timed steps count from here
    supervisor_clock_ms: int = 0  # and those of steps to the supervisor from here
    out: tuple[int, ...] = ()  # steps that went out
    pending: tuple[tuple[int, str, int], ...] = ()  # pages decided but held: (step, role, until)
    paged: dict[str, int] = {}  # role → the step it was paged at, since this start
    attempts: dict[str, int] = {}  # role → pages so far, for the pages' ids
    answers: dict[str, Answered] = {}
    hold_until_ms: int = 0
    snoozed_until_ms: int = 0
    limited: bool = False  # climbs no further than the supervisor
    stopped_until_ms: int = 0  # timed steps stopped by a worker's late declaration, until an opening after this
    part_of_area: bool = False


class Book(msgspec.Struct, frozen=True, array_like=True, tag="I", gc=False):
    """The incidents of one subject: those open, and how many there were of each kind."""

    subject: str
    where: str
    grid: str
    open: dict[str, Incident] = {}
    numbers: dict[str, int] = {}
    muted_until_ms: int = 0


class Carried(msgspec.Struct, frozen=True, array_like=True, tag="K"):
    """The last commands a grid carried out, so that one sent twice does one thing."""

    grid: str
    ids: tuple[str, ...] = ()


Record = Sensor | Place | Suspicion | Grid | Building | BridgeState | Book | Carried

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Record)


def encode_record(record: Record) -> bytes:
    """A record as msgpack."""
    return _encoder.encode(record)


def decode_record(data: bytes) -> Record:
    """A record from msgpack.  Raises msgspec.MsgspecError."""
    return _decoder.decode(data)
