"""`./threshold check`: read configuration, fleet and policy, and say everything that is wrong, with file and line."""

import sys
from pathlib import Path

import msgspec

from devices.edge import fleet_file, settings
from devices.edge.complaints import Complaint
from devices.edge.settings import Settings
from devices.edge.toml_lines import TomlFile, read_toml
from devices.fleet import Device, Fleet
from gateway.edge.push_secrets import platforms
from streams.edge import policy_file
from streams.edge.sqlite_log import OldSqlite, check_sqlite

# Keys that name a file which must be there, once they are set.
_FILES = (
    ("gateway", "certificate"),
    ("gateway", "private_key"),
    ("gateway", "client_ca"),
    ("gateway", "push", "certificate"),
    ("gateway", "push", "private_key"),
    ("gateway", "broker", "ca"),
    ("gateway", "broker", "password_file"),
    ("cluster", "ca"),
    ("cluster", "password_file"),
    ("sink", "token_file"),
    ("sink", "ca"),
    ("desk", "certificate"),
    ("desk", "private_key"),
    ("pages", "webhook_secret_file"),
    ("metrics", "certificate"),
    ("metrics", "private_key"),
    ("metrics", "client_ca"),
)


class Found(msgspec.Struct):
    """What a check found: complaints, notes that stop nothing, and what could be read."""

    complaints: list[Complaint] = []
    notes: list[str] = []
    settings: Settings | None = None
    fleet: Fleet | None = None


def check(config: Path | None, fleet: Path | None, policy: Path | None) -> Found:
    """Everything that is wrong with these files.  What the configuration names is read too, unless given apart."""
    found = Found()
    if config is not None:
        _settings(config, found)
    if found.settings is not None:
        fleet = fleet or found.settings.fleet_path
        policy = policy or found.settings.policy_path
    if fleet is not None:
        try:
            found.fleet = fleet_file.load(fleet)
            platforms(found.fleet, str(fleet))
        except Complaint as complaint:
            found.complaints += complaint.each()
    if policy is not None:
        try:
            policy_file.load(policy)
        except Complaint as complaint:
            found.complaints += complaint.each()
    if found.settings is not None and found.fleet is not None:
        _together(found.settings, found.fleet, found)
    return found


def _settings(config: Path, found: Found) -> None:
    try:
        read = settings.load(config)
    except Complaint as complaint:
        found.complaints += complaint.each()
        return
    found.settings = read
    file = read_toml(config)
    for path in _FILES:
        here: object = read
        for name in path:
            here = getattr(here, name) if here is not None else None
        if here and not Path(str(here)).is_file():
            _add(found, file, path, f"{path[-1]}: there is no file {here}", "put it there or mend the path")
    folder = read.data_path
    nearest = next(parent for parent in (folder, *folder.parents) if parent.exists())
    if not nearest.is_dir():
        _add(found, file, ("data", "folder"), f"{nearest} is no folder", "name another folder")
    try:
        check_sqlite()
    except OldSqlite as error:
        found.complaints.append(Complaint(str(config), 0, str(error), ""))


def _add(found: Found, file: TomlFile, path: tuple[str, ...], what: str, remedy: str) -> None:
    found.complaints.append(Complaint(file.file, file.line(*path), what, remedy))


def _together(read: Settings, fleet: Fleet, found: Found) -> None:
    """What only configuration and fleet together show."""
    gateway = read.gateway
    if fleet.platforms and not gateway.push.listen:
        found.notes.append(f"{', '.join(fleet.platforms)}: the push door is off ([gateway.push] listen)")
    if gateway.push.listen and not fleet.platforms:
        found.notes.append("the push door is open and no [[platform]] may push: `./threshold fleet add --platform`")
    for platform in fleet.platforms.values():
        if not any(f"{device.topic}/".startswith(f"{platform.topic}/") for device in fleet.devices.values()):
            found.notes.append(f"{platform.id}: no device is on its topic {platform.topic}")
    if gateway.broker is None and not gateway.client_ca and not gateway.allow_anonymous:
        shut_out = [device.id for device in fleet.devices.values() if not _has_a_way(device, read, fleet)]
        if shut_out:
            more = f" and {len(shut_out) - 3} more" if len(shut_out) > 3 else ""
            found.notes.append(
                f"{', '.join(shut_out[:3])}{more}: no secret_sha256, and no broker to come through; they cannot connect"
            )
    if not fleet.devices:
        found.notes.append(f"{read.site.fleet} has no device yet: `./threshold fleet add` makes one")


def _has_a_way(device: Device, read: Settings, fleet: Fleet) -> bool:
    """Whether a device comes in without a broker: by its own secret, its bridge's, or a platform that pushes."""
    if device.secret_sha256:
        return True
    bridge = fleet.bridges.get(fleet.bridge_of(device))
    if bridge is not None and bridge.secret_sha256:
        return True
    pushed = any(f"{device.topic}/".startswith(f"{platform.topic}/") for platform in fleet.platforms.values())
    return pushed and bool(read.gateway.push.listen)


def main(config: Path | None = None, fleet: Path | None = None, policy: Path | None = None) -> int:
    """Print the complaints; 1 when there are any."""
    if config is None and fleet is None and policy is None:
        print("threshold: say what to check: --config, --fleet or --policy", file=sys.stderr)
        return 2
    found = check(config, fleet, policy)
    for complaint in found.complaints:
        print(complaint, file=sys.stderr)
    for note in found.notes:
        print(f"note: {note}", file=sys.stderr)
    if found.complaints:
        return 1
    if found.fleet is not None:
        held = found.fleet
        print(f"devices: {len(held.devices)}, grids: {len(held.grids())}, cases: {len(held.cases)}", file=sys.stderr)
    print("nothing to complain about", file=sys.stderr)
    return 0
