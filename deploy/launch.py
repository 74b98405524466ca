"""How the processes of a box are started: the command line of the supervisor, the environment of all.

Standard library only: what runs as long as the box does imports this and little else.
"""

import os
import sys
from pathlib import Path

from deploy import supervisor


def supervisor_argv(plan: Path) -> list[str]:
    """How to start the supervisor: isolated and without site-packages, which it does not need."""
    return [sys.executable, "-I", "-S", str(Path(supervisor.__file__).resolve()), str(plan)]


def environment() -> dict[str, str]:
    """For the supervisor and what it starts: our packages are found, lines come out when they are written."""
    root = str(Path(__file__).resolve().parents[1])
    paths = [root, *(p for p in os.environ.get("PYTHONPATH", "").split(os.pathsep) if p and p != root)]
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(paths),
        "PYTHONSAFEPATH": "1",
        "PYTHONUNBUFFERED": "1",
        # Each thread's own arena of the C library costs megabytes that a small box does not have.
        "MALLOC_ARENA_MAX": "2",
    }
