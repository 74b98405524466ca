"""`./threshold backup`: a copy of a box's data folder that can be gone on from, taken while everything runs.

Each file is copied by SQLite itself, so that it is whole.  Who reads is copied before whom it reads: the desk, the
sink, the core, and the inbox last.  So nobody's place in the copy is beyond the end of what it reads, and a restored
box goes on from there as after a restart.  What was acknowledged after the copy is not in it.
"""

import shutil
import sys
import time
from pathlib import Path

import apsw

from devices.edge.complaints import Complaint
from devices.edge.settings import load

# In this order.
FILES = ("desk.db", "series.db", "streams.db", "inbox.db")
# Without the key nobody can read the contacts in desk.db: it is copied too, and to be kept apart from the rest.
SMALL = ("desk.key", "door.token")
_PAGES_AT_ONCE = 2_000
_REST_S = 0.005


class CannotCopy(RuntimeError):
    """The text says what and why."""


def back_up(folder: Path, target: Path) -> list[str]:
    """Copy; the names of what was copied.  Raises CannotCopy, OSError."""
    if not any((folder / name).is_file() for name in FILES):
        raise CannotCopy(f"{folder} holds none of {', '.join(FILES)}: is [data] folder right?")
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(target.iterdir()):
        raise CannotCopy(f"{target} is not empty: name a folder that is")
    done: list[str] = []
    for name in FILES:
        if (folder / name).is_file():
            try:
                _copy(folder / name, target / name)
            except apsw.Error as error:
                raise CannotCopy(f"{folder / name} could not be copied: {error}") from error
            done.append(name)
    for name in SMALL:
        if (folder / name).is_file():
            shutil.copy2(folder / name, target / name)
            (target / name).chmod(0o600)
            done.append(name)
    return done


def _copy(source: Path, target: Path) -> None:
    """By SQLite's own copying.  The writer goes on meanwhile; where it wrote, those pages are copied once more."""
    read = apsw.Connection(str(source), flags=apsw.SQLITE_OPEN_READWRITE)
    written = apsw.Connection(str(target))
    try:
        read.set_busy_timeout(10_000)
        # One look at the file for all of the copy: the writer does not begin it anew.
        read.execute("BEGIN")
        read.execute("SELECT count(*) FROM sqlite_schema").fetchall()
        with written.backup("main", read, "main") as backup:
            while not backup.done:
                backup.step(_PAGES_AT_ONCE)
                time.sleep(_REST_S)
        read.execute("COMMIT")
        (answer,) = written.execute("PRAGMA integrity_check(1)").fetchall()
        if answer != ("ok",):
            raise CannotCopy(f"the copy of {source} is not whole: {answer[0]}")
    finally:
        written.close()
        read.close()
    target.chmod(0o600)


def run(config: Path, target: Path) -> int:
    """`./threshold backup`: copy what the settings name; the exit code."""
    try:
        done = back_up(load(config).data_path, target)
    except (Complaint, CannotCopy, OSError) as error:
        print(f"no copy was made: {error}", file=sys.stderr)
        return 1
    print(f"copied {', '.join(done)} to {target}")
    return 0
