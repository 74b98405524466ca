"""`./threshold fleet add` and `fleet list`: rows of the fleet file, made and shown."""

import os
import secrets
import sys
from hashlib import sha256
from pathlib import Path

from devices.edge import fleet_file
from devices.edge.complaints import Complaint
from devices.edge.toml_lines import TomlFile
from devices.fleet import Device, Fleet
from devices.fleet_text import device_text
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
    secret = secrets.token_urlsafe(24) if direct else ""
    row = device_text(
        Device(
            id=device,
            format=format,
            topic=topic,
            where=where,
            place=place,
            report_every_s=report_every_s,
            open_is=open_is,
            secret_sha256=sha256(secret.encode()).hexdigest() if secret else "",
        )
    )
    try:
        before = fleet.read_text(encoding="utf-8") if fleet.exists() else ""
        # A file that is wrong already is its owner's to mend first: an addition would hide whose mistake it is.
        fleet_file.parse(TomlFile(str(fleet), before), table())
        gap = "" if not before or before.endswith("\n\n") else "\n" if before.endswith("\n") else "\n\n"
        after = before + gap + row
        fleet_file.parse(TomlFile(str(fleet), after), table())
    except Complaint as complaint:
        print(complaint, file=sys.stderr)
        return 1
    _replace(fleet, after)
    print(f"{device} added to {fleet}: topic {topic}", file=sys.stderr)
    if secret:
        print(f"client id and user name  {device}")
        print(f"password                 {secret}")
        print("The password is shown only this once. Put it into the device; restart the gateway.", file=sys.stderr)
    return 0


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
    return [
        (d.id, d.format, d.place, d.topic, "directly" if d.secret_sha256 else "by a broker", until.get(d.place, ""))
        for d in held.devices.values()
    ]
