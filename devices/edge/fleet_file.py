"""The fleet file: TOML → `Fleet`, or every complaint about it at once.

Rows are read one by one (what a row says by itself), then looked at together (what two rows must not both say).
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast, get_args

from devices.edge.complaints import Collector
from devices.edge.toml_lines import TomlFile, read_toml
from devices.edge.toml_row import Row
from devices.fleet import Bridge, Case, Device, Fleet, Platform, PlatformKind, Subscriber
from devices.formats import Format, table
from devices.formats.addressing import spelled
from devices.places import Where, building_of, grid_of, is_checkpoint, is_grid, is_household

SITES = ("axilla", "ear", "forehead", "wrist", "neck")
ROLES = ("worker", "police", "doctor", "guard", "supervisor")
POOL = "pool"  # a sensor in the drawer: household = "pool", until a case is opened with it

_TABLES = ("device", "bridge", "case", "subscriber", "platform")
# Keys that only some formats know; handed to them as options.
_OPTIONS = ("full_topic", "closed_is", "closed_code", "tamper_code", "battery_code", "metric", "whole")
_DEVICE_KEYS = (
    "id",
    "format",
    "topic",
    "household",
    "checkpoint",
    "report_every_s",
    "site",
    "secret_sha256",
    "address",
    "open_is",
    *_OPTIONS,
)
_BRIDGE_KEYS = ("id", "topic", "grid", "devices", "report_every_s", "secret_sha256")
_CASE_KEYS = ("household", "from", "until", "visits", "wellbeing_call")
_SUBSCRIBER_KEYS = ("id", "grid", "roles", "secret_sha256")
_PLATFORM_KEYS = ("id", "kind", "topic", "secret_sha256", "token_file", "aes_key_file")
PLATFORM_KINDS: tuple[PlatformKind, ...] = get_args(PlatformKind)

# Formats whose devices may share a topic, told apart by `address`, though most of them have one of their own.
_MAY_SHARE = frozenset({"esphome", "lwm2m-senml", "tasmota", "tuya"})
_ID = re.compile(r"[^\s/+#]{1,64}\Z")
_LONGEST_REPORT_S = 31 * 86_400


def load(path: str | Path, formats: Mapping[str, Format] | None = None) -> Fleet:
    """Read the fleet file at `path`.  Raises Complaint: one, or `Complaints` with all that is wrong with it."""
    return parse(read_toml(path), table() if formats is None else formats)


def parse(file: TomlFile, formats: Mapping[str, Format]) -> Fleet:
    """The fleet that `file` describes.  Raises Complaint."""
    into = Collector(file.file)
    for name in file.data.keys() - set(_TABLES):
        into.add(file.line(name), f"there is no table {name!r} in a fleet file", f"it has {', '.join(_TABLES)}")
    device_rows = _rows(file, into, "device")
    devices = [d for row in device_rows if (d := _device(row, formats))]
    bridges = [b for row in _rows(file, into, "bridge") if (b := _bridge(row))]
    cases = [c for row in _rows(file, into, "case") if (c := _case(row))]
    subscribers = [s for row in _rows(file, into, "subscriber") if (s := _subscriber(row))]
    platforms = [p for row in _rows(file, into, "platform") if (p := _platform(row))]
    _check_ids(into, devices, bridges, subscribers, platforms)
    _check_topics(into, devices, bridges, formats)
    _check_platforms(into, platforms)
    _check_places(into, devices)
    # A row with a mistake still says that its household has a device: one mistake, one complaint.
    lived_in = {place for row in device_rows if isinstance(place := row.raw("household"), str)}
    _check_cases(into, lived_in, cases)
    into.done()
    return Fleet(
        devices={d.id: d for d in devices},
        bridges={b.id: b for b in bridges},
        cases=tuple(cases),
        subscribers={s.id: s for s in subscribers},
        platforms={p.id: p for p in platforms},
    )


def _rows(file: TomlFile, into: Collector, name: str) -> list[Row]:
    tables: Any = file.data.get(name, [])
    if not isinstance(tables, list) or not all(isinstance(t, dict) for t in tables):
        into.add(file.line(name), f"{name} is not a list of tables", f"begin each row with [[{name}]]")
        return []
    return [Row(file, (name, n), row, into) for n, row in enumerate(tables)]


def _id(row: Row) -> str:
    value = row.text("id", needed=True)
    if value and not _ID.match(value):
        row.complain("id", f"id {value[:64]!r} may not be used", "1 to 64 characters without spaces, /, + and #")
        return ""
    return value


def _topic(row: Row, key: str, *, needed: bool = True) -> str:
    value = row.text(key, needed=needed, most=1000)
    if "#" in value or "+" in value:
        row.complain(key, f"{key} {value!r} holds a wildcard", "write the device's own topic, without + and #")
        return ""
    return value


def _grid(row: Row) -> str:
    value = row.text("grid", needed=True, remedy='say whose it is: grid = "g017"')
    if value and not is_grid(value):
        row.complain("grid", f"grid {value[:60]!r} is no grid", "a short word like g017, not `bridge` or `system`")
        return ""
    return value


def _place(row: Row) -> tuple[Where, str]:
    household, checkpoint = row.text("household"), row.text("checkpoint")
    if household and checkpoint:
        row.complain("checkpoint", "the device has a household and a checkpoint", "remove one of the two")
    elif household == POOL:
        return "pool", POOL
    elif household:
        if is_household(household):
            return "household", household
        row.complain("household", f"household {household[:80]!r} is not grid/building/unit", "as g017/3/1203")
    elif checkpoint:
        if is_checkpoint(checkpoint):
            return "checkpoint", checkpoint
        row.complain("checkpoint", f"checkpoint {checkpoint[:80]!r} is not grid/name", "as g017/north")
    elif not row.has("household") and not row.has("checkpoint"):
        row.complain(
            "id",
            "the device has no place",
            'add household = "g017/3/1203" or checkpoint = "g017/north"; a spare one says household = "pool"',
        )
    else:
        row.complain("household" if row.has("household") else "checkpoint", "the device's place is empty", "fill it in")
    return "pool", ""


def _open_is(row: Row) -> str:
    value = row.raw("open_is")
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else row.text("open_is")


def _device(row: Row, formats: Mapping[str, Format]) -> Device | None:
    row.only(_DEVICE_KEYS)
    name, topic = _id(row), _topic(row, "topic")
    format_name = row.one_of("format", formats, needed=True)
    where, place = _place(row)
    report_every_s = row.seconds("report_every_s", _LONGEST_REPORT_S)
    site, secret = row.one_of("site", SITES), row.secret("secret_sha256")
    address, open_is = row.text("address"), _open_is(row)
    options = {key: value for key in _OPTIONS if (value := row.text(key))}
    full_topic = options.get("full_topic", "")
    if format_name:
        profile = formats[format_name].profile
        # A radio contact on a Tasmota board says open by its code; only a switch is read as it was wired.
        by_radio = format_name == "tasmota" and address and not address.lower().startswith("switch")
        if profile.needs_open_is and not open_is and where != "checkpoint" and not site and not by_radio:
            row.complain(
                "format",
                f"a {format_name} contact reads open or closed as it was wired",
                'say which value means open: open_is = "ON"',
            )
    if full_topic and not ("%prefix%" in full_topic and "%topic%" in full_topic):
        row.complain("full_topic", "full_topic needs %prefix% and %topic%", 'as full_topic = "%prefix%/%topic%/"')
    if not (name and topic and format_name and place):
        return None
    return Device(
        id=name,
        format=format_name,
        topic=topic,
        where=where,
        place=place,
        grid="" if where == "pool" else grid_of(place),
        report_every_s=report_every_s,
        site=site,
        address=address,
        open_is=open_is,
        secret_sha256=secret,
        options=options,
        line=row.line,
    )


def _bridge(row: Row) -> Bridge | None:
    row.only(_BRIDGE_KEYS)
    name, topic, grid = _id(row), _topic(row, "topic"), _grid(row)
    behind = _topic(row, "devices", needed=False)
    every_s, secret = row.seconds("report_every_s", _LONGEST_REPORT_S), row.secret("secret_sha256")
    if not (name and topic and grid):
        return None
    return Bridge(
        id=name,
        topic=topic,
        grid=grid,
        devices=behind,
        report_every_s=every_s,
        secret_sha256=secret,
        line=row.line,
    )


def _case(row: Row) -> Case | None:
    row.only(_CASE_KEYS)
    household = row.text("household", needed=True)
    if household and not is_household(household):
        row.complain("household", f"household {household[:80]!r} is not grid/building/unit", "as g017/3/1203")
        household = ""
    from_ms, until_ms = row.time_ms("from"), row.time_ms("until")
    visits, call = row.flag("visits"), row.clock_min("wellbeing_call")
    if from_ms is not None and until_ms is not None and until_ms <= from_ms:
        row.complain("until", "the case ends before it begins", "until must be later than from")
        return None
    if not household or from_ms is None or until_ms is None:
        return None
    return Case(
        household=household, from_ms=from_ms, until_ms=until_ms, visits=visits, wellbeing_call_min=call, line=row.line
    )


def _subscriber(row: Row) -> Subscriber | None:
    row.only(_SUBSCRIBER_KEYS)
    name, grid, secret = _id(row), _grid(row), row.secret("secret_sha256")
    roles: Any = row.raw("roles")
    if not isinstance(roles, list) or not roles or not all(r in ROLES for r in roles):
        row.complain("roles", "roles must name who is told", f'as roles = ["police"], out of {", ".join(ROLES)}')
        return None
    if not (name and grid):
        return None
    return Subscriber(id=name, grid=grid, roles=tuple(roles), secret_sha256=secret, line=row.line)


def _platform(row: Row) -> Platform | None:
    row.only(_PLATFORM_KEYS)
    name, topic, kind = _id(row), _topic(row, "topic"), row.one_of("kind", PLATFORM_KINDS, needed=True)
    secret, token_file, aes_key_file = row.secret("secret_sha256"), row.path("token_file"), row.path("aes_key_file")
    if kind == "onenet":
        if not token_file:
            row.complain("token_file", "OneNET signs with a token", 'name the file that holds it: token_file = "…"')
        if secret:
            row.complain("secret_sha256", "OneNET shows no key, it signs with its token", "remove secret_sha256")
    elif kind:
        if not row.has("secret_sha256"):
            row.complain("id", f"the platform {name} has no key", "`./threshold fleet add --platform` makes one")
        for key, value in (("token_file", token_file), ("aes_key_file", aes_key_file)):
            if value:
                row.complain(key, f"only OneNET has a {key}", f"remove {key}")
    if not (name and topic and kind):
        return None
    return Platform(
        id=name,
        kind=cast("PlatformKind", kind),
        topic=topic.rstrip("/"),
        secret_sha256=secret,
        token_file=token_file,
        aes_key_file=aes_key_file,
        line=row.line,
    )


def _check_platforms(into: Collector, platforms: list[Platform]) -> None:
    # Whoever pushes for one topic must not speak for another's devices.
    for platform in platforms:
        for other in platforms:
            if other is not platform and f"{platform.topic}/".startswith(f"{other.topic}/"):
                if other.topic == platform.topic and other.line > platform.line:
                    continue
                into.add(
                    platform.line,
                    f"{platform.id} is on or below the topic {other.topic!r} of {other.id} (line {other.line})",
                    "give each platform a topic of its own",
                )


def _check_ids(
    into: Collector,
    devices: list[Device],
    bridges: list[Bridge],
    subscribers: list[Subscriber],
    platforms: list[Platform],
) -> None:
    # Whoever comes in by a name of its own is known by it: these share one set of names.  A bridge that has no secret
    # may be called like the device that it is.
    known = [*devices, *subscribers, *platforms, *(bridge for bridge in bridges if bridge.secret_sha256)]
    for rows in (known, bridges):
        first: dict[str, int] = {}
        for row in sorted(rows, key=lambda row: row.line):
            if row.id in first:
                into.add(row.line, f"the id {row.id!r} is taken (line {first[row.id]})", "give each row its own id")
            first.setdefault(row.id, row.line)


def _check_topics(into: Collector, devices: list[Device], bridges: list[Bridge], formats: Mapping[str, Format]) -> None:
    owner: dict[str, Device | Bridge] = {}
    named: dict[tuple[str, str], Device] = {}
    for device in devices:
        form = formats[device.format]
        # Its first topic is its own; what a format lists beside it may be shared, and goes to the longest match.
        other = owner.setdefault(form.topics(device)[0], device)
        assert isinstance(other, Device)
        shares = bool(device.address) and (form.profile.needs_address or device.format in _MAY_SHARE)
        if shares:
            twin = named.setdefault((device.topic, spelled(device.address)), device)
            if twin is not device:
                into.add(
                    device.line,
                    f"{device.id} has the address {device.address!r} of {twin.id} (line {twin.line})",
                    "give each device the name it has in the payload",
                )
        if other is not device and not (shares and other.format == device.format and other.address):
            into.add(
                device.line,
                f"{device.id} is on the topic {device.topic!r} of {other.id} (line {other.line})",
                "give each device its own topic",
            )
    for bridge in bridges:
        other = owner.setdefault(bridge.topic, bridge)
        if other is not bridge:
            into.add(
                bridge.line,
                f"bridge {bridge.id} is on the topic {bridge.topic!r} of {other.id} (line {other.line})",
                "give the topic of the bridge's own state",
            )


def _check_places(into: Collector, devices: list[Device]) -> None:
    buildings = {building_of(d.place): d for d in devices if d.where == "household"}
    told: set[str] = set()
    for device in devices:
        if device.where == "checkpoint" and device.place in buildings and device.place not in told:
            told.add(device.place)
            other = buildings[device.place]
            into.add(
                device.line,
                f"the checkpoint {device.place!r} is named like a building (line {other.line}: {other.place})",
                "name the checkpoint otherwise, as north",
            )


def _check_cases(into: Collector, lived_in: set[str], cases: list[Case]) -> None:
    last: dict[str, Case] = {}
    for case in cases:
        if case.household not in lived_in:
            into.add(
                case.line,
                f"the case of {case.household} has no device",
                f'add a [[device]] with household = "{case.household}"',
            )
    for case in sorted(cases, key=lambda c: (c.household, c.from_ms)):
        before = last.get(case.household)
        if before is not None and case.from_ms < before.until_ms:
            into.add(
                case.line,
                f"two cases of {case.household} overlap (line {before.line})",
                "end the first before the second begins",
            )
        if before is None or case.until_ms > before.until_ms:
            last[case.household] = case
