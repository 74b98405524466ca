"""Where the programs of the servers are on this machine. Looks only; tests/servers/fetching.py installs."""

import os
import shutil
from pathlib import Path


class Missing(Exception):
    """A program is not on this machine. `name` is what the list of tests not run calls it."""

    def __init__(self, name: str) -> None:
        super().__init__(f"needs {name}")
        self.name = name


def cache() -> Path:
    """The folder outside the repository where fetched servers are kept from run to run."""
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(home) / "threshold"


def servers_folder() -> Path | None:
    """The folder named by THRESHOLD_SERVERS, where a machine keeps servers that no package has."""
    named = os.environ.get("THRESHOLD_SERVERS")
    return Path(named).resolve() if named and Path(named).is_dir() else None


def places() -> list[Path]:
    """Where to look beside PATH: an unprivileged PATH lacks sbin, and Debian keeps PostgreSQL's programs off it."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: p.parent.name.zfill(4), reverse=True)
    named = servers_folder()
    return [*([named] if named else []), cache() / "bin", Path("/usr/local/sbin"), Path("/usr/sbin"), *versions]


def find(*names: str) -> Path | None:
    """The first of these programs that the machine has, or None."""
    for name in names:
        on_path = shutil.which(name)
        if on_path:
            return Path(on_path)
        for place in places():
            if os.access(place / name, os.X_OK) and (place / name).is_file():
                return place / name
    return None


def need(*names: str) -> Path:
    """The first of these programs that the machine has, or Missing under the first name."""
    found = find(*names)
    if found is None:
        raise Missing(names[0])
    return found
