"""`./threshold test`: the whole suite by pytest, whose summary is the last line of the output.

Without --live the tests whose servers this machine lacks are left out and named. With --live what is missing is
installed first (tests/servers/fetching.py), and a test left out is a failure. Style, types and import rules are tests
like any other (tests/house).
"""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from deploy import environment

ROOT = Path(__file__).resolve().parent.parent
# With one of these pytest runs in one process: they need the terminal, or say themselves how to spread.
NOT_SPREAD = ("-s", "--capture=no", "--pdb", "--trace", "-n", "--numprocesses", "--dist", "--collect-only", "--co")
# The order of the collection is kept: tests/conftest.py puts live tests last, in one group, which one worker runs.
SPREAD = ("-n", "2", "--dist", "loadgroup", "--no-loadscope-reorder")


def main(arguments: Sequence[str]) -> int:
    """Returns pytest's exit code, or 3 where the packages of the tests cannot be had."""
    try:
        environment.ensure("test")
    except environment.Incomplete as missing:
        environment.say(str(missing))
        return 3
    if "--live" in arguments:
        _run("-m", "tests.servers.fetching")
    return _run("-m", "pytest", *pytest_arguments(arguments))


def pytest_arguments(arguments: Sequence[str]) -> list[str]:
    """What pytest is called with: paths of the caller's directory, no bench unless asked for, two workers if it may."""
    given = [_absolute(argument) for argument in arguments]
    chosen = [] if _has(given, "-m") else ["-m", "not bench"]
    spread = [] if any(_has(given, flag) for flag in NOT_SPREAD) else SPREAD
    return ["--rootdir", str(ROOT), "-c", str(ROOT / "pyproject.toml"), *chosen, *spread, *given]


def _has(arguments: Sequence[str], flag: str) -> bool:
    return any(argument == flag or argument.startswith(f"{flag}=") for argument in arguments)


def _absolute(argument: str) -> str:
    """A test named relative to the caller's directory, as `cd tests && ../threshold test house/test_style.py`."""
    path, separator, name = argument.partition("::")
    return str(Path(path).resolve()) + separator + name if path and Path(path).exists() else argument


def _run(*command: str) -> int:
    """Run a module of this environment in the project's folder; its output passes through in order."""
    sys.stdout.flush()
    return subprocess.run([sys.executable, *command], cwd=ROOT, check=False).returncode
