"""`sparkplug-b`: topic `spBv1.0/<group>/<TYPE>/<edge node>[/<device>]`, protobuf payloads (or their JSON form).

The row's `topic` is `spBv1.0` or `spBv1.0/<group>`; its `address` is `group/edge/device`, or `group/edge` for metrics
of the edge node itself.  A birth (NBIRTH, DBIRTH) names all metrics and their aliases, which are remembered; data may
then use the alias alone.  A birth is a state, sent at a start.  NDEATH is the last will of an edge node: it counts
only with the `bdSeq` of the birth it ends (an old will delivered late must not put a living node offline), and takes
all its devices offline; DDEATH one device.

Which metric is the door: the option `metric`, else the first name known below (its last word).  `Open` true says
itself, as do the words open and closed; a metric `Contact` or `State` that is a bit needs `open_is`.
Rules of births, aliases, bdSeq: Sparkplug 3.0 specification, sections 5 and 6.
"""

from functools import lru_cache

from devices.events import Kind, Message, Reading, Rejected, Report
from devices.fleet import Device
from devices.formats import Format, Known
from devices.formats.addressing import NO_ROW, is_above, measures_body, row_of, rows_at, spelled
from devices.formats.polarity import is_open, is_open_bit
from devices.formats.proposal import Proposal
from devices.formats.sparkplug_payload import Metric, Payload, decode_payload
from devices.formats.values import epoch_ms, percent, report_of
from devices.profile import Profile

_BIRTHS = frozenset({"NBIRTH", "DBIRTH"})
_DATA = frozenset({"NDATA", "DDATA"})
_OTHERS = frozenset({"NCMD", "DCMD", "STATE"})
_OPEN = frozenset({"open", "opened", "isopen", "dooropen", "windowopen"})
_CLOSED = frozenset({"closed", "isclosed", "doorclosed"})
_BY_ROW = frozenset({"contact", "door", "doorstate", "doorcontact", "state", "reed", "window"})
_COUNT = frozenset({"opencount", "opens", "opentimes", "openings"})
_BATTERY = frozenset({"battery", "batterylevel", "batterypercent", "batterypercentage"})
_TAMPER = frozenset({"tamper", "tampered"})
_CELSIUS = frozenset({"celsius", "temperature", "bodytemperature"})
_BESIDE = _COUNT | _BATTERY | _TAMPER | _CELSIUS
_USED = _OPEN | _CLOSED | _BY_ROW | _BESIDE
_MOST_NODES = 1000
_MOST_ALIASES = 64
_ABSURD = 1000.0


# The same few names come with every message.
@lru_cache(maxsize=4096)
def _plain(name: str) -> str:
    """The last word of a metric's name in small letters: `Sensors/Door Open` is `dooropen`."""
    return name.rpartition("/")[2].lower().replace("_", "").replace(" ", "").replace("-", "")


def _remember(key: str, payload: Payload, known: Known, node: bool) -> None:
    """Keep the aliases of a birth, only those of metrics that are read, and a node's bdSeq."""
    wanted = {device.options["metric"] for device in known.devices if "metric" in device.options}
    aliases: dict[str, str] = {}
    for metric in payload.metrics:
        name = metric.name
        if metric.alias is not None and name and (name in wanted or _plain(name) in _USED):
            aliases[str(metric.alias)] = name[:100]
            if len(aliases) == _MOST_ALIASES:
                break
    born: dict[str, object] = {"aliases": aliases}
    if node:
        born["bdSeq"] = _bd_seq(payload)
    if known.memory.get(key) != born:
        if len(known.memory) >= _MOST_NODES and key not in known.memory:
            known.memory.pop(next(iter(known.memory)))
        known.memory[key] = born
        known.memory_changed = True


def _bd_seq(payload: Payload) -> object:
    return next((metric.value for metric in payload.metrics if metric.name == "bdSeq"), None)


def _named(metric: Metric, key: str, node: str, known: Known) -> str:
    """The name of a metric that says only its alias, from the births, the device's first: they are unique in a node."""
    if metric.alias is None:
        return ""
    alias = str(metric.alias)
    for born in (known.memory.get(key), known.memory.get(node)):
        if born and (name := born["aliases"].get(alias)):
            return name
    return ""


def _opened(plain: str, chosen: bool, value: object, device: Device) -> bool | Rejected | None:
    """Whether a metric's value means open; None where the metric is none of a door."""
    if plain not in _OPEN and plain not in _CLOSED and plain not in _BY_ROW and not chosen:
        return None
    if isinstance(value, str):
        if value.lower() in ("open", "opened", "closed", "close"):
            return value.lower().startswith("open")
        return is_open(value, device)
    if not isinstance(value, bool | int) or value not in (0, 1):
        return Rejected("malformed", "the door's metric is no bit and no word")
    if device.open_is:
        return is_open_bit(value == 1, device)
    if plain in _OPEN:
        return value == 1
    return value == 0 if plain in _CLOSED else is_open_bit(value == 1, device)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < 1e15 else None


def _reading(
    metrics: list[tuple[str, Metric]], device: Device, report: Report, at_ms: int | None, cause: str, born: bool
) -> Reading | Rejected:
    opened: bool | None = None
    counted: int | None = None
    level: float | None = None
    tamper: bool | None = None
    celsius: float | None = None
    wanted = device.options.get("metric", "")
    for name, metric in metrics:
        plain, value = _plain(name), metric.value
        if value is None:
            continue
        if (opened is None and not wanted) or name == wanted:
            answer = _opened(plain, bool(wanted), value, device)
            if isinstance(answer, Rejected):
                return answer
            opened = answer if answer is not None else opened
        if plain not in _BESIDE:
            continue
        if plain in _COUNT and isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53:
            counted = value
        elif plain in _BATTERY:
            level = percent(_number(value))
        elif plain in _TAMPER and value in (0, 1):
            tamper = value == 1
        elif plain in _CELSIUS and measures_body(device):
            celsius = _number(value)
            if celsius is None or not abs(celsius) <= _ABSURD:
                return Rejected("malformed", "no temperature")
    kind: Kind = "heartbeat"
    if opened is not None:
        kind = "door"
    elif celsius is not None:
        kind = "temperature"
    elif tamper is not None:
        kind = "tamper"
    elif level is not None:
        kind = "battery"
    return Reading(
        device=device.id,
        kind=kind,
        report=report,
        at_ms=at_ms,
        cause=cause,
        open=opened,
        opens_counted=counted,
        battery_percent=level,
        tamper=tamper,
        online=True if born else None,
        celsius=celsius,
        site=device.site if celsius is not None else "",
    )


def _deaths(known: Known, key: str, whole_node: bool, report: Report, at_ms: int | None) -> list[Reading]:
    gone = rows_at(known, key, and_below=whole_node)
    return [Reading(device=d.id, kind="availability", report=report, at_ms=at_ms, online=False) for d in gone]


def decode(message: Message, known: Known) -> list[Reading] | Rejected:
    """Readings of one Sparkplug message; none for commands, host states, and births of nodes that are no row's."""
    answer = decode_payload(message.payload)
    if isinstance(answer, Rejected):
        return answer
    payload, said_topic = answer
    parts = (said_topic or message.topic).split("/")
    if len(parts) not in (4, 5) or parts[0] != "spBv1.0":
        return Rejected("unknown-topic", "not spBv1.0/<group>/<type>/<edge node>[/<device>]")
    _, group, kind, edge, *device_part = parts
    if kind in _OTHERS:
        return []
    node = spelled(f"{group}/{edge}")
    key = spelled("/".join([group, edge, *device_part]))
    report = report_of(message)
    at_ms = None if payload.timestamp is None else epoch_ms(payload.timestamp)
    if kind == "NDEATH":
        born = known.memory.get(node)
        if born is not None and born.get("bdSeq") != _bd_seq(payload):
            return []
        return _deaths(known, key, True, report, None)
    if kind == "DDEATH":
        return _deaths(known, key, False, report, at_ms) or NO_ROW
    if kind not in _BIRTHS and kind not in _DATA:
        return Rejected("unknown-topic", "no type of a Sparkplug message")
    device = row_of(known, key)
    if kind in _BIRTHS:
        # Nothing of strangers is kept.
        if device is not None or is_above(known, key):
            _remember(key, payload, known, node=kind == "NBIRTH")
        report = "poweron" if report == "live" else report
    if device is None:
        # A node's own messages carry no row's metrics unless a row names the node.
        return [] if key == node else NO_ROW
    return _spoken(payload, device, key, node, known, kind in _BIRTHS, report, at_ms)


def _spoken(
    payload: Payload,
    device: Device,
    key: str,
    node: str,
    known: Known,
    born: bool,
    report: Report,
    at_ms: int | None,
) -> list[Reading] | Rejected:
    metrics: list[tuple[str, Metric]] = []
    newest: int | None = None
    for metric in payload.metrics:
        name = metric.name or _named(metric, key, node, known)
        if name:
            metrics.append((name, metric))
            if metric.timestamp is not None:
                newest = metric.timestamp
    if newest is not None:
        at_ms = epoch_ms(newest)
    if payload.metrics and not metrics and not born:
        return Rejected("malformed", "only aliases, and no birth that names them was heard")
    cause = f"seq {payload.seq} {payload.timestamp}" if payload.seq is not None else ""
    found = _reading(metrics, device, report, at_ms, cause, born)
    return found if isinstance(found, Rejected) else [found]


def recognise(topic: str, payload: bytes) -> Proposal | None:
    """A birth or data that names a metric of a door, or of a thermometer by its name."""
    if not topic.startswith("spBv1.0/"):
        return None
    answer = decode_payload(payload)
    if isinstance(answer, Rejected):
        return None
    said, said_topic = answer
    parts = (said_topic or topic).split("/")
    if len(parts) not in (4, 5) or parts[2] not in _BIRTHS | _DATA:
        return None
    _, group, _, edge, *device = parts
    for metric in said.metrics:
        plain = _plain(metric.name)
        if plain not in _OPEN and plain not in _CLOSED and plain not in _BY_ROW:
            continue
        by_wiring = plain in _BY_ROW and not isinstance(metric.value, str)
        return Proposal(
            format="sparkplug-b",
            topic=f"spBv1.0/{group}",
            address="/".join([group, edge, *device]),
            word=str(int(metric.value)) if by_wiring and isinstance(metric.value, bool | int) else "",
            certain=90,
        )
    return None


FORMAT = Format(
    name="sparkplug-b",
    decode=decode,
    recognise=recognise,
    profile=Profile(
        report_every_s=None,
        counts_openings=True,
        tells_tamper=True,
        tells_battery=True,
        tells_own_time=True,
        needs_address=True,
        measures_body=True,
    ),
)
