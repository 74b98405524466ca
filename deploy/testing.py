"""`./threshold test`: ruff, then the whole suite. pytest's own summary is the last line of the output.

Without --live the tests whose servers this machine lacks are left out and named. With --live what is missing is installed
first (tests/servers/fetching.py), and a test left out is a failure.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from deploy import environment

ROOT = Path(__file__).resolve().parent.parent
# With one of these pytest must run in one process: they need the terminal, or say themselves how to spread.
NOT_SPREAD = ("-s", "--capture=no", "--pdb", "--trace", "-n", "--numprocesses", "--dist", "--collect-only", "--co")


def main(arguments: Sequence[str]) -> int:
    """Returns the exit code: pytest's, or 1 where only ruff complained."""
    try:
        environment.ensure("test")
    except environment.Incomplete as missing:
        environment.say(str(missing))
        return 3
    if "--live" in arguments:
        _run("-m", "tests.servers.fetching")
    complaints = _run("-m", "ruff", "check", "--no-cache", "--quiet", ".")
    tests = _run("-m", "pytest", *pytest_arguments(arguments))
    return tests or complaints


def pytest_arguments(arguments: Sequence[str]) -> list[str]:
    """What pytest is called with: benches only where asked for, and two workers unless something speaks against it."""
    given = list(arguments)
    if not any(argument == "-m" or argument.startswith("-m=") for argument in given):
        given = ["-m", "not bench", *given]
    if not any(argument == flag or argument.startswith(f"{flag}=") for argument in given for flag in NOT_SPREAD):
        # The order of the collection is kept: tests/conftest.py puts the live ones last, in one group for one worker.
        given = ["-n", "2", "--dist", "loadgroup", "--no-loadscope-reorder", *given]
    return ["--rootdir", str(ROOT), "-c", str(ROOT / "pyproject.toml"), *given]


def _run(*command: str) -> int:
    """Run a module of this environment in the project's folder; its output passes through in order."""
    sys.stdout.flush()
    return subprocess.run([sys.executable, *command], cwd=ROOT, env=os.environ, check=False).returncode
