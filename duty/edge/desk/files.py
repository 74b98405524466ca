"""The site's two files, read again when they were changed: the fleet and the policy (which a screen only shows)."""

import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec

from devices.edge import fleet_file
from devices.edge.complaints import Complaint
from devices.fleet import Device, Fleet

Read = TypeVar("Read")


class _Fresh(Generic[Read]):
    """What a file says, read anew when its time of change differs."""

    def __init__(self, path: Path, read: Callable[[Path], Read], nothing: Read) -> None:
        self._path = path
        self._read = read
        self._known = nothing
        self._stamp: tuple[int, int] | None = None

    def get(self) -> Read:
        try:
            state = self._path.stat()
            stamp = (state.st_mtime_ns, state.st_size)
            if stamp != self._stamp:
                self._known = self._read(self._path)
                self._stamp = stamp
        except (OSError, Complaint, tomllib.TOMLDecodeError):
            # Half written just now, or mistaken: what was read last stays. The processes that use it complain.
            return self._known
        return self._known


class PolicyRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the policy as it stands in the file, with its comment."""

    table: str
    key: str
    value: str
    comment: str


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """What screens need of the policy."""

    limits: dict[str, float]
    plausible: tuple[float, float]
    at_once: float
    ladders: dict[str, dict[str, Any]]
    rows: list[PolicyRow]


_DEFAULT_LIMITS = {"axilla": 37.3, "ear": 37.5, "forehead": 36.9, "wrist": 36.8, "neck": 37.2, "": 37.3}
NO_POLICY = Policy(limits=_DEFAULT_LIMITS, plausible=(35.0, 42.5), at_once=38.5, ladders={}, rows=[])
_TABLE_LINE = re.compile(r"\[+([\w.\-]+)\]+\s*(?:#\s*(.*))?\Z")
_KEY_LINE = re.compile(r"([\w\-]+)\s*=\s*(.*?)\s*(?:#\s*(.*))?\Z")


def read_policy(path: Path) -> Policy:
    """The policy file as screens need it.  Whether it is right is not asked here: `./threshold check` does that."""
    source = path.read_text("utf-8")
    data = tomllib.loads(source)
    limits = {("" if key == "not_said" else key): float(value) for key, value in data.get("limits_celsius", {}).items()}
    readings = data.get("readings", {})
    return Policy(
        limits=_DEFAULT_LIMITS | limits,
        plausible=(
            float(readings.get("plausible_low_celsius", 35.0)),
            float(readings.get("plausible_high_celsius", 42.5)),
        ),
        at_once=float(readings.get("fever_at_once_celsius", 38.5)),
        ladders=data.get("ladder", {}),
        rows=_rows(source),
    )


def _rows(source: str) -> list[PolicyRow]:
    rows: list[PolicyRow] = []
    table = ""
    for line in source.splitlines():
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        if found := _TABLE_LINE.match(stripped):
            table = found[1]
        elif found := _KEY_LINE.match(stripped):
            rows.append(PolicyRow(table=table, key=found[1], value=found[2], comment=found[3] or ""))
    return rows


class SiteFiles:
    """Both files of the site."""

    def __init__(self, fleet_path: Path, policy_path: Path) -> None:
        self._fleet = _Fresh(fleet_path, fleet_file.load, Fleet())
        self._policy = _Fresh(policy_path, read_policy, NO_POLICY)

    def fleet(self) -> Fleet:
        return self._fleet.get()

    def policy(self) -> Policy:
        return self._policy.get()

    def checkpoint_devices(self, checkpoint: str) -> list[Device]:
        """The thermometers of a checkpoint, by id."""
        found = [
            each for each in self.fleet().devices.values() if each.where == "checkpoint" and each.place == checkpoint
        ]
        return sorted(found, key=lambda each: each.id)

    def checkpoints(self) -> list[str]:
        """Every checkpoint of the fleet, sorted."""
        return sorted(
            {each.place for each in self.fleet().devices.values() if each.where == "checkpoint" and each.place}
        )
