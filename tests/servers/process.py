"""What all servers share: a child process on a known port, started until it answers, stopped by its id."""

import fcntl
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path

FIRST_PORT, LAST_PORT = 15_000, 31_999


class ServerFailed(Exception):
    """A server did not start, or ended by itself; the text carries the end of its log."""


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nothing listens on, and that no other test of this machine is given for a long time.

    Whoever asks listens there only some time later, and a server that was stopped comes back to its port: so the ports
    are given out one after the other, over all test runs of this user, and not at random.

    Taken from below the range that outgoing connections use: a client that keeps trying a port of that range while its
    server is down can be given that very port as its own, and then talks to itself.
    """
    for _ in range(200):
        port = _next_port()
        with socket.socket() as trial:
            try:
                trial.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise ServerFailed(f"no free port found between {FIRST_PORT} and {LAST_PORT}")


def _next_port() -> int:
    """The port after the one given out last."""
    given = Path(tempfile.gettempdir()) / f"threshold-tests-port-{os.getuid()}"
    with given.open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        last = file.read()
        port = int(last) + 1 if last.isdigit() else random.SystemRandom().randrange(FIRST_PORT, LAST_PORT)
        port = port if FIRST_PORT <= port <= LAST_PORT else FIRST_PORT
        file.truncate(0)
        file.write(str(port))
    return port


def is_listening(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def _tied_to_the_test_run() -> list[str]:
    """A prefix that has Linux kill the server when the test run goes, so that even a killed run leaves none behind.

    The kernel looks at the *thread* that started it, so only the main one may ask for it.
    """
    setpriv = shutil.which("setpriv")
    if sys.platform != "linux" or setpriv is None or threading.current_thread() is not threading.main_thread():
        return []
    return [setpriv, "--pdeathsig", "KILL", "--"]


class Server(ABC):
    """One server process. A subclass says how it is started and when it is ready.

    `port` and `folder` stay the same over kill, stop and restart, so that clients and data find it again.
    """

    name = "server"
    start_timeout_s = 90.0
    stop_signal = signal.SIGTERM
    stop_timeout_s = 60.0

    def __init__(self, folder: Path, *, port: int | None = None) -> None:
        self.folder = folder
        self.port = port or free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self.user: str | int | None = None

    @property
    def pid(self) -> int:
        if self.process is None:
            raise ServerFailed(f"{self.name} was not started")
        return self.process.pid

    @property
    def log_file(self) -> Path:
        return self.folder / f"{self.name}.log"

    @abstractmethod
    def command(self) -> list[str]:
        """What to run; called at every start, after the folder was made."""

    def environment(self) -> dict[str, str]:
        return dict(os.environ)

    def is_ready(self) -> bool:
        return is_listening(self.port)

    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        """Start and wait until it answers. Raises ServerFailed with the end of its log."""
        if self.is_running():
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(
                [*_tied_to_the_test_run(), *self.command()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                env=self.environment(),
                user=self.user,
                group=self.user,
                extra_groups=[] if self.user is not None else None,
            )
        self.wait_until(self.is_ready, self.start_timeout_s, "to answer")

    def stop(self) -> None:
        """Ask it to end, as an operator would, and wait; kill it if it does not."""
        self._end(self.stop_signal, self.stop_timeout_s)

    def kill(self) -> None:
        """kill -9."""
        self._end(signal.SIGKILL, self.stop_timeout_s)

    def pause(self) -> None:
        """SIGSTOP: it neither answers nor ends, as a machine that hangs."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def remove(self) -> None:
        """Stop it, and delete what its start put outside a folder of the caller's."""
        self.stop()

    def restart(self) -> None:
        self.stop()
        self.start()

    def wait_until(self, condition: Callable[[], bool], timeout_s: float, what: str) -> None:
        end = time.monotonic() + timeout_s
        while not condition():
            if not self.is_running():
                raise ServerFailed(f"{self.name} ended by itself while we waited for it {what}:\n{self.log_tail()}")
            if time.monotonic() > end:
                raise ServerFailed(f"{self.name} took over {timeout_s:g} s {what}:\n{self.log_tail()}")
            time.sleep(0.02)

    def log_tail(self, lines: int = 25) -> str:
        if not self.log_file.exists():
            return "(no log)"
        return "\n".join(self.log_file.read_text(errors="replace").splitlines()[-lines:])

    def _end(self, how: signal.Signals, timeout_s: float) -> None:
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(how)
            self.process.send_signal(signal.SIGCONT)
            try:
                self.process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(60)
        self.process = None

    def __enter__(self) -> "Server":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
