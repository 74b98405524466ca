"""What processes use, from /proc: CPU seconds and memory.  On a system without /proc everything is 0."""

import os
from pathlib import Path

import msgspec

_TICK_S = 1 / os.sysconf("SC_CLK_TCK")


class Usage(msgspec.Struct, frozen=True):
    """Of one process: CPU seconds since its start, memory now.  `own_mb` counts shared pages by their share (PSS)."""

    cpu_s: float = 0.0
    resident_mb: float = 0.0
    own_mb: float = 0.0


def of_process(pid: int) -> Usage | None:
    """None for a process that is not there."""
    base = Path(f"/proc/{pid}")
    try:
        fields = (base / "stat").read_text().rpartition(")")[2].split()
        resident = _kib(base / "status", "VmRSS:")
    except (FileNotFoundError, ProcessLookupError):
        return None
    try:
        own = _kib(base / "smaps_rollup", "Pss:")
    except OSError:
        own = resident
    return Usage((int(fields[11]) + int(fields[12])) * _TICK_S, resident / 1024, own / 1024)


def _kib(path: Path, name: str) -> int:
    for line in path.read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1])
    return 0
