"""Makes the project's virtual environment from the lock, and adds to it when more is needed.

Standard library only, and no import of our own: the launcher runs this file before anything is installed.

The lock has three layers, each holding the one before: `run` (one box), `cluster`, `test`. An environment keeps a copy
of each lock file it was filled from; where the copy differs from requirements/ the layer is installed again.
"""

import argparse
import contextlib
import fcntl
import os
import re
import shutil
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from importlib import invalidate_caches, metadata
from pathlib import Path

LAYERS = ("run", "cluster", "test")
ROOT = Path(__file__).resolve().parent.parent
OLDEST_PIP_WITH_PYTHON_OPTION = (22, 3)
# Settings by which pip would put the packages elsewhere than into our environment.
PIP_SETTINGS_AGAINST_US = ("PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_REQUIRE_VIRTUALENV")


class Incomplete(Exception):
    """The environment could not be made; the text says what is missing and what to do."""


def ensure(layer: str) -> None:
    """Install what `layer` needs into the running environment, if it is not there. Raises Incomplete."""
    named = os.environ.get("THRESHOLD_VENV")
    if named and Path(named).resolve() == Path(sys.prefix).resolve():
        fill(Path(named), layer, base_python())
        invalidate_caches()
        return
    # Somebody's own environment: it is not ours to change, so only say what it lacks.
    lacking = [name for name, version in locked(layer) if not _is_there(name, version)]
    if lacking:
        raise Incomplete(
            f"this Python lacks {', '.join(lacking[:6])}{' …' if len(lacking) > 6 else ''}.\n"
            f"Start through ./threshold, or: python -m pip install --require-hashes -r requirements/{layer}.txt"
        )


def base_python() -> str:
    """The Python that the running environment was made with: its pip fills the environment, which has none itself."""
    return getattr(sys, "_base_executable", None) or sys.executable


def lock_file(layer: str) -> Path:
    return ROOT / "requirements" / f"{layer}.txt"


def locked(layer: str) -> list[tuple[str, str]]:
    """(name, version) of the layer's packages, without those for some systems or Pythons only."""
    pattern = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==(\S+)( ;)?", re.MULTILINE)
    found = pattern.findall(lock_file(layer).read_text())
    return [(name, version) for name, version, marker in found if not marker]


def _is_there(name: str, version: str) -> bool:
    with contextlib.suppress(metadata.PackageNotFoundError):
        return metadata.version(name) == version
    return False


def is_filled(venv: Path, layer: str) -> bool:
    copy = venv / f"lock-{layer}.txt"
    return (venv / "bin" / "python").exists() and copy.exists() and copy.read_bytes() == lock_file(layer).read_bytes()


def fill(venv: Path, layer: str, python: str, *, install: bool = False) -> None:
    """Bring `venv` to hold `layer`; `python` makes it. Safe against a second one at the same time, and a kill."""
    if is_filled(venv, layer):
        return
    try:
        venv.parent.mkdir(parents=True, exist_ok=True)
        with one_at_a_time(venv) as lock:
            if not is_filled(venv, layer):
                _fill(venv, layer, python, install, lock)
    except OSError as error:
        raise Incomplete(f"{venv} cannot be written: {error}") from error


@contextlib.contextmanager
def one_at_a_time(venv: Path) -> Iterator[int]:
    """Hold the lock beside the environment; yields its descriptor. The kernel lets go when the last holder dies."""
    with venv.with_name(f"{venv.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another start is installing; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock.fileno()


def _fill(venv: Path, layer: str, python: str, install: bool, lock: int) -> None:
    started = time.monotonic()
    installing = venv / "installing"
    if installing.exists() or not (venv / "bin" / "python").exists():
        _mend(venv)
    fresh = not (venv / "bin" / "python").exists()
    count = len(re.findall(r"^\S+==", lock_file(layer).read_text(), re.MULTILINE))
    say(f"{'first start: ' if fresh else ''}installing {count} packages into {venv} (once; about half a minute)")
    say(f"with {python}; the list with its hashes is {lock_file(layer).relative_to(ROOT)}")
    installer = _installer(venv, python, install)
    if fresh:
        _call([python, "-m", "venv", "--without-pip", str(venv)], "the virtual environment could not be made")
    installing.touch()
    for other in LAYERS:
        (venv / f"lock-{other}.txt").unlink(missing_ok=True)
    if installer == "ensurepip":
        own = str(venv / "bin" / "python")
        _call([own, "-m", "ensurepip", "--default-pip"], "pip could not be put into it", cwd=venv)
        command = [own, "-m", "pip", "install", "--no-user"]
    elif installer == "uv":
        command = ["uv", "pip", "install", "--python", str(venv / "bin" / "python")]
    else:
        command = [python, "-m", "pip", "--python", str(venv / "bin" / "python"), "install", "--no-user"]
    _install([*command, "--require-hashes", "-r", str(lock_file(layer))], count, venv, lock)
    for held in LAYERS[: LAYERS.index(layer) + 1]:
        shutil.copyfile(lock_file(held), venv / f"lock-{held}.txt")
    (venv / "was-whole").touch()
    installing.unlink()
    say(f"done in {time.monotonic() - started:.0f} s")


def _mend(venv: Path) -> None:
    """After an interrupted installation, or when the Python of the environment is gone.

    One that was never whole is made again from nothing. One that was may be in use by running processes: there only the
    packages are taken out of the books whose installation stopped half-way (pip writes RECORD last), and come anew.
    """
    python = venv / "bin" / "python"
    was_whole = (venv / "was-whole").exists()
    if not (python.exists() and was_whole):
        if venv.exists():
            say(f"{venv} is not whole; making it again")
            if not (venv / "pyvenv.cfg").exists() and any(venv.iterdir()):
                raise Incomplete(f"{venv} is there and is no virtual environment; move it away")
            shutil.rmtree(venv)
        return
    for folder in venv.glob("lib/python3*/site-packages/*"):
        if folder.name.startswith("~") or (folder.suffix == ".dist-info" and not (folder / "RECORD").exists()):
            shutil.rmtree(folder)


def _installer(venv: Path, python: str, install: bool) -> str:
    """What can install: the Python's own pip, a pip it can make (`ensurepip`), or uv. Raises Incomplete."""
    if _pip_version(python) >= OLDEST_PIP_WITH_PYTHON_OPTION:
        return "pip"
    if _works([python, "-c", "import ensurepip"]):
        return "ensurepip"
    if shutil.which("uv"):
        return "uv"
    version = _output([python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"])
    package = f"python{version}-venv"
    if install and os.geteuid() == 0 and shutil.which("apt-get"):
        say(f"installing {package}")
        _call(["apt-get", "update", "-q", "-q"], "the package list could not be read")
        _call(["apt-get", "install", "-y", "-q", "-q", package], f"{package} could not be installed")
        if _works([python, "-c", "import ensurepip"]):
            return "ensurepip"
    raise Incomplete(
        f"{python} has neither pip nor ensurepip, so it cannot fill a virtual environment.\n"
        f"Debian and Ubuntu keep that part in a package of its own. This gets it:\n"
        f"    apt-get install {package}\n"
        f"As root, `./threshold --install demo` does that by itself. uv on PATH, or another Python named in "
        f"THRESHOLD_PYTHON, does as well."
    )


def _pip_version(python: str) -> tuple[int, ...]:
    found = re.match(r"pip (\d+)\.(\d+)", _output([python, "-m", "pip", "--version"]))
    return tuple(map(int, found.groups())) if found else (0,)


def _environment() -> dict[str, str]:
    unwanted = {*PIP_SETTINGS_AGAINST_US, "PYTHONPATH", "PYTHONHOME", "PYTHONSAFEPATH", "VIRTUAL_ENV"}
    return {name: value for name, value in os.environ.items() if name not in unwanted}


def _works(command: Sequence[str]) -> bool:
    return _run(command).returncode == 0


def _output(command: Sequence[str]) -> str:
    return _run(command).stdout.strip()


def _run(command: Sequence[str], cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    # Never in the caller's directory: `python -m` would look for modules there first.
    into = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    return subprocess.run(command, check=False, env=_environment(), cwd=cwd or "/", **into)


def _call(command: Sequence[str], complaint: str, cwd: Path | None = None) -> None:
    done = _run(command, cwd)
    if done.returncode != 0:
        raise Incomplete(f"{complaint}: {' '.join(command)} said\n{done.stdout.strip()}")


def _install(command: Sequence[str], count: int, venv: Path, lock: int) -> None:
    """Run the installer and show how far it is; its own last words are the complaint when it fails.

    It holds the lock too: should we be killed, the next start waits until the installer left behind has ended.
    """
    tail: deque[str] = deque(maxlen=12)
    seen = 0
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=_environment(),
        cwd=venv,
        pass_fds=[lock],
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            tail.append(line.rstrip())
            if line.startswith(("Collecting ", "Requirement already satisfied")):
                seen += 1
                progress(seen, count, line.split("==")[0].split()[-1])
            elif line.startswith("Installing collected packages"):
                progress(count, count, "unpacking")
    if sys.stderr.isatty():
        sys.stderr.write("\n")
    if process.returncode != 0:
        words = "\n".join(tail)
        raise Incomplete(
            f"the packages could not be installed. The installer's last words:\n{words}\n"
            f"Is a package registry reachable from here, and is there room on the disk? The next start goes on."
        )


def progress(seen: int, count: int, name: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\rthreshold: {seen:3} of {count}  {name:<32.32}")
        sys.stderr.flush()
    elif seen % 25 == 0 or name == "unpacking":
        say(f"{seen} of {count}  {name}")


def say(text: str) -> None:
    sys.stderr.write("".join(f"threshold: {line}\n" for line in text.splitlines()))
    sys.stderr.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="fill the virtual environment of Threshold from the lock")
    parser.add_argument("layer", choices=LAYERS)
    parser.add_argument("--venv", type=Path, required=True)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--install", action="store_true")
    given = parser.parse_args(arguments)
    try:
        fill(given.venv, given.layer, given.python, install=given.install)
    except Incomplete as missing:
        say(str(missing))
        return 3
    except KeyboardInterrupt:
        say("interrupted; the next start goes on")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
