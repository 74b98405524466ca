"""Run in a process of its own: imports the modules it is given, and prints what our own code did meanwhile.

Python tells an audit hook of every file opened, process started and connection made. Ours is the deed when our module
comes first on the way up the stack; the import system reading a source, or a library at its own import, is not ours.
"""

import importlib
import sys
import threading
from types import FrameType

DEEDS = ("open", "os.", "socket.", "subprocess.", "sqlite3.", "shutil.", "tempfile.", "urllib.", "glob.", "ctypes.")
# Looking is not doing: which locale or interpreter there is.
HARMLESS = ("os.putenv", "os.unsetenv", "socket.__new__")
ROOT = sys.argv[1]


def whose(frame: FrameType | None) -> str | None:
    """The file of ours that did it, or None where the import system or another library's import did."""
    while frame is not None:
        file = frame.f_code.co_filename
        if file.startswith("<frozen importlib"):
            return None
        if file.startswith(ROOT) and "/tests/" not in file and "site-packages" not in file:
            return f"{file.removeprefix(ROOT)}:{frame.f_lineno}"
        if frame.f_code.co_name == "<module>":
            return None
        frame = frame.f_back
    return None


def watch(event: str, arguments: tuple[object, ...]) -> None:
    if event.startswith(DEEDS) and event not in HARMLESS and not _is_zone_data(arguments):
        where = whose(sys._getframe(1))
        if where is not None:
            print(f"{where}: {event} {arguments[:1]}", flush=True)


def _is_zone_data(arguments: tuple[object, ...]) -> bool:
    """A time zone as a constant reads its table; that is the same value on every machine."""
    return bool(arguments) and any(part in str(arguments[0]) for part in ("zoneinfo", "tzdata"))


if __name__ == "__main__":
    sys.addaudithook(watch)
    for name in sys.argv[2:]:
        importlib.import_module(name)
    started = [thread.name for thread in threading.enumerate() if thread is not threading.main_thread()]
    if started:
        print(f"threads were started: {started}")
