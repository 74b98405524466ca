"""A fleet as the text of its file: what `fleet_file` reads."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

from devices.fleet import Bridge, Case, Device, Fleet, Platform


def quoted(text: str) -> str:
    """A TOML basic string."""
    out = ['"']
    for sign in text:
        if sign in '"\\':
            out.append("\\" + sign)
        elif sign.isprintable():
            out.append(sign)
        else:
            out.append(f"\\U{ord(sign):08X}")
    return "".join(out) + '"'


def device_text(device: Device) -> str:
    """One `[[device]]`, only with what it says."""
    rows = [
        ("id", quoted(device.id)),
        ("format", quoted(device.format)),
        ("topic", quoted(device.topic)),
        ("checkpoint" if device.where == "checkpoint" else "household", quoted(device.place)),
    ]
    if device.report_every_s is not None:
        rows.append(("report_every_s", f"{device.report_every_s:.10g}"))
    said = ("site", "address", "open_is", "secret_sha256")
    rows += [(key, quoted(value)) for key in said if (value := getattr(device, key))]
    rows += [(key, quoted(value)) for key, value in device.options.items()]
    return _table("device", rows)


def bridge_text(bridge: Bridge) -> str:
    """One `[[bridge]]`."""
    rows = [("id", quoted(bridge.id)), ("topic", quoted(bridge.topic)), ("grid", quoted(bridge.grid))]
    if bridge.devices:
        rows.append(("devices", quoted(bridge.devices)))
    if bridge.report_every_s is not None:
        rows.append(("report_every_s", f"{bridge.report_every_s:.10g}"))
    if bridge.secret_sha256:
        rows.append(("secret_sha256", quoted(bridge.secret_sha256)))
    return _table("bridge", rows)


def platform_text(platform: Platform) -> str:
    """One `[[platform]]`, only with what it says."""
    said = ("id", "kind", "topic", "secret_sha256", "token_file", "aes_key_file")
    return _table("platform", [(key, quoted(value)) for key in said if (value := getattr(platform, key))])


def case_text(case: Case, zone_min: int = 480) -> str:
    """One `[[case]]`, its times in a zone `zone_min` ahead of UTC."""
    rows = [
        ("household", quoted(case.household)),
        ("from", quoted(_time(case.from_ms, zone_min))),
        ("until", quoted(_time(case.until_ms, zone_min))),
    ]
    if case.visits:
        rows.append(("visits", "true"))
    if case.wellbeing_call_min is not None:
        rows.append(("wellbeing_call", f'"{case.wellbeing_call_min // 60:02d}:{case.wellbeing_call_min % 60:02d}"'))
    return _table("case", rows)


def fleet_text(fleet: Fleet, zone_min: int = 480) -> Iterator[str]:
    """The whole file, table by table."""
    yield from (bridge_text(bridge) for bridge in fleet.bridges.values())
    yield from (device_text(device) for device in fleet.devices.values())
    yield from (case_text(case, zone_min) for case in fleet.cases)
    yield from (platform_text(platform) for platform in fleet.platforms.values())
    for subscriber in fleet.subscribers.values():
        rows = [("id", quoted(subscriber.id)), ("grid", quoted(subscriber.grid))]
        rows.append(("roles", f"[{', '.join(quoted(role) for role in subscriber.roles)}]"))
        if subscriber.secret_sha256:
            rows.append(("secret_sha256", quoted(subscriber.secret_sha256)))
        yield _table("subscriber", rows)


def _table(name: str, rows: list[tuple[str, str]]) -> str:
    return f"[[{name}]]\n" + "".join(f"{key} = {value}\n" for key, value in rows) + "\n"


def _time(at_ms: int, zone_min: int) -> str:
    moment = datetime.fromtimestamp(at_ms // 1000, UTC) + timedelta(milliseconds=at_ms % 1000)
    local = moment.astimezone(timezone(timedelta(minutes=zone_min)))
    return local.isoformat(timespec="milliseconds" if at_ms % 1000 else "seconds")
