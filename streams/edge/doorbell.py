"""A doorbell between processes of one box: a datagram that says "there is something new in this log".

It carries nothing and promises nothing.  A reader that misses one (it was not there, its queue was full) finds what is
new at its next look, at most a second later; so ringing never waits and never fails.
"""

import os
import select
import socket
import time
from collections.abc import Sequence
from pathlib import Path

_LONGEST_PATH = 100  # the kernel takes 107 bytes
_LOOK_AGAIN_S = 1.0


class _Folder:
    """The folder of the bells, by a short name: the kernel's own, where the path is too long for a socket."""

    def __init__(self, path: Path) -> None:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path = path
        self._fd = -1
        self._short = str(path)
        if len(os.fsencode(self._short)) > _LONGEST_PATH - 60:
            self._fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            self._short = f"/proc/self/fd/{self._fd}"

    def address(self, name: str) -> str:
        return f"{self._short}/{name}"

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def _hurry(name: str) -> tuple[bool, str]:
    """Who is rung first: those on the way of a page.  Each ring lets another thread in before the next."""
    return name.split(".")[0] not in ("streams", "gateway"), name


class Bell:
    """Rings the doorbells of everyone who reads `log`."""

    def __init__(self, folder: Path, log: str) -> None:
        self.log = log
        self._folder = _Folder(folder)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._addresses: list[str] = []
        self._look_at = 0.0

    def ring(self) -> None:
        """Wake the readers.  Never waits, never raises on their account."""
        now = time.monotonic()
        if now >= self._look_at:
            self._look_at = now + _LOOK_AGAIN_S
            names = sorted(os.listdir(self._folder.path), key=_hurry)
            self._addresses = [self._folder.address(name) for name in names if self.log in name.split(".")[1:]]
        for address in self._addresses:
            try:
                self._socket.sendto(b"!", address)
            except OSError:
                # Its process is gone, or has not yet answered the rings before: either way nothing is owed to it.
                continue

    def close(self) -> None:
        self._socket.close()
        self._folder.close()


class Doorbell:
    """The doorbell of the reader named `reader`, for the logs it reads.  One left by a killed process is replaced."""

    def __init__(self, folder: Path, reader: str, logs: Sequence[str]) -> None:
        self._folder = _Folder(folder)
        self._name = ".".join((reader, *logs))
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        address = self._folder.address(self._name)
        try:
            os.unlink(address)
        except FileNotFoundError:
            pass
        self._socket.bind(address)
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN)

    def fileno(self) -> int:
        """For an event loop's add_reader; then call `drain`."""
        return self._socket.fileno()

    def drain(self) -> bool:
        """Forget the rings that have come; whether there was one."""
        rang = False
        while True:
            try:
                self._socket.recv(1)
            except BlockingIOError:
                return rang
            rang = True

    def wait(self, timeout_s: float) -> bool:
        """Sleep until it rings, at most `timeout_s`; whether it rang."""
        if self._poll.poll(max(0, round(timeout_s * 1000))):
            return self.drain()
        return False

    def close(self) -> None:
        try:
            os.unlink(self._folder.address(self._name))
        except FileNotFoundError:
            pass
        self._socket.close()
        self._folder.close()
