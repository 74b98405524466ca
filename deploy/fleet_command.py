"""`./threshold fleet add` and `fleet list`: rows of the fleet file, made and shown."""

import os
import secrets
import sys
from hashlib import sha256
from pathlib import Path

from devices.edge import fleet_file
from devices.edge.complaints import Complaint
from devices.edge.toml_lines import TomlFile
from devices.fleet import Bridge, Device, Fleet, Platform
from devices.fleet_text import bridge_text, device_text, platform_text
from devices.formats import table
from devices.places import Where, grid_of
from streams.edge import policy_file
from streams.timetext import timestamp


def add(
    fleet: Path,
    device: str,
    format: str = "native",
    topic: str | None = None,
    household: str | None = None,
    checkpoint: str | None = None,
    report_every_s: int | None = None,
    direct: bool = True,
    open_is: str = "",
) -> int:
    """Append a device to the fleet file, which stays valid or stays as it is.

    `open_is` is what the device says when the door is open, where its wiring decides that: never guessed, so that a
    row without it is refused.

    For a direct connection a random secret is made: shown once on stdout, kept only hashed.  Returns the exit code.
    """
    where: Where = "checkpoint" if checkpoint else "household"
    place = checkpoint or household or fleet_file.POOL
    grid = grid_of(place)
    if topic is None:
        topic = {"native": f"threshold/{grid}/{device}", "tasmota": device, "shelly-gen1": f"shellies/{device}"}.get(
            format, f"{format}/{device}"
        )
        if format == "native" and checkpoint:
            topic += "/temperature"
    secret, hashed = _secret() if direct else ("", "")
    row = device_text(
        Device(
            id=device,
            format=format,
            topic=topic,
            where=where,
            place=place,
            report_every_s=report_every_s,
            open_is=open_is,
            secret_sha256=hashed,
        )
    )
    if not _appended(fleet, row):
        return 1
    print(f"{device} added to {fleet}: topic {topic}", file=sys.stderr)
    if secret:
        _show_password(device, secret, "device")
    return 0


def add_bridge(
    fleet: Path,
    bridge: str,
    grid: str,
    topic: str,
    devices: str = "",
    report_every_s: int | None = None,
    direct: bool = True,
) -> int:
    """Append a bridge; connected directly it speaks for the devices whose topics begin with `devices`.

    As with a device its secret is shown once and kept hashed.  Returns the exit code.
    """
    secret, hashed = _secret() if direct else ("", "")
    row = bridge_text(
        Bridge(id=bridge, topic=topic, grid=grid, devices=devices, report_every_s=report_every_s, secret_sha256=hashed)
    )
    if not _appended(fleet, row):
        return 1
    print(f"{bridge} added to {fleet}: its own state on {topic}, devices on {devices or '-'}…", file=sys.stderr)
    if secret:
        _show_password(bridge, secret, "bridge")
    return 0


def add_platform(fleet: Path, platform: str, kind: str, topic: str | None = None, token_file: str = "") -> int:
    """Append a platform that pushes over HTTP; its key is shown once and kept hashed.  Returns the exit code."""
    if kind not in fleet_file.PLATFORM_KINDS:
        print(f"threshold: kind {kind!r} is not known: {', '.join(fleet_file.PLATFORM_KINDS)}", file=sys.stderr)
        return 2
    topic = topic or f"push/{platform}"
    secret, hashed = ("", "") if kind == "onenet" else _secret()
    row = Platform(id=platform, kind=kind, topic=topic, secret_sha256=hashed, token_file=token_file)
    if not _appended(fleet, platform_text(row)):
        return 1
    print(f"{platform} added to {fleet}: its devices have the topic {topic}", file=sys.stderr)
    token = fleet.parent / Path(token_file).expanduser() if token_file else None
    if token is not None and not token.exists():
        print(f"Put the token into {token}, in one line, for the gateway's eyes alone (chmod 600).", file=sys.stderr)
    if secret:
        print(f"key  {secret}")
        print("The key is shown only this once; `./threshold push` tells where to enter it.", file=sys.stderr)
    return 0


def _appended(fleet: Path, row: str) -> bool:
    """Whether `row` now stands at the end of the file; the complaint is printed where it does not."""
    try:
        before = fleet.read_text(encoding="utf-8") if fleet.exists() else ""
        # A file that is wrong already is its owner's to mend first: an addition would hide whose mistake it is.
        fleet_file.parse(TomlFile(str(fleet), before), table())
        gap = "" if not before or before.endswith("\n\n") else "\n" if before.endswith("\n") else "\n\n"
        after = before + gap + row
        fleet_file.parse(TomlFile(str(fleet), after), table())
    except Complaint as complaint:
        print(complaint, file=sys.stderr)
        return False
    _replace(fleet, after)
    return True


def _secret() -> tuple[str, str]:
    """A new secret, and what is kept of it."""
    secret = secrets.token_urlsafe(24)
    return secret, sha256(secret.encode()).hexdigest()


def _show_password(name: str, secret: str, into: str) -> None:
    print(f"client id and user name  {name}")
    print(f"password                 {secret}")
    print(f"The password is shown only this once. Put it into the {into}; restart the gateway.", file=sys.stderr)


def _replace(path: Path, text: str) -> None:
    """Write the file whole or not at all, with the rights it has."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(path.name + ".new")
    with new.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    if path.exists():
        new.chmod(path.stat().st_mode)
    new.replace(path)


def list_devices(fleet: Path) -> int:
    """Print each device with its place, how it connects, and the case of its household."""
    try:
        held = fleet_file.load(fleet)
    except Complaint as complaint:
        print(complaint, file=sys.stderr)
        return 1
    rows = [("device", "format", "place", "topic", "connects", "case until"), *_rows(held)]
    widths = [max(len(row[column]) for row in rows) for column in range(6)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    return 0


def _rows(held: Fleet) -> list[tuple[str, str, str, str, str, str]]:
    zone = policy_file.load().zone
    until = {case.household: timestamp(case.until_ms, zone) for case in held.cases}
    pushing = {platform.topic: platform.id for platform in held.platforms.values()}

    def connects(device: Device) -> str:
        if device.secret_sha256:
            return "directly"
        platform = next((name for topic, name in pushing.items() if f"{device.topic}/".startswith(f"{topic}/")), "")
        if platform:
            return f"by {platform}"
        bridge = held.bridges.get(held.bridge_of(device))
        return f"by {bridge.id}" if bridge is not None and bridge.secret_sha256 else "by a broker"

    rows = [(d.id, d.format, d.place, d.topic, connects(d), until.get(d.place, "")) for d in held.devices.values()]
    for bridge in held.bridges.values():
        how = "directly" if bridge.secret_sha256 else "by a broker"
        rows.append((bridge.id, "bridge", bridge.grid, bridge.topic, how, ""))
    rows += [(p.id, p.kind, "platform", p.topic, "pushes over HTTP", "") for p in held.platforms.values()]
    return rows
