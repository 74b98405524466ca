"""Keeps the processes of one box running.  Started as a file of its own, so that it stays small: standard library only.

    python supervisor.py PLAN.json

The plan names the data folder and the processes.  Each is started, its log lines are passed on with its name before
them, and it is started again when it ends: after a pause that grows while it keeps ending, and is short again once it
ran well.  `<data>/processes.json` says how they are.  A process that keeps failing is reported through the gateway's
door, as what it is: a part of Threshold that is unwell.

It leaves no orphans: children are killed by the kernel when this process dies (Linux), and are groups of their own, so
that a Ctrl-C reaches this process alone, which stops them.
"""

import contextlib
import ctypes
import fcntl
import json
import os
import re
import select
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 30.0
STOP_S = 8.0  # what does not stop by itself in this time is killed
UNREADY_S = 30.0  # not ready for so long: unwell
WELL_S = 60.0  # ready for so long: well again
CRASHES, CRASHES_WITHIN_S = 3, 300.0
_READY = re.compile(rb"\bready\b", re.IGNORECASE)
_PR_SET_PDEATHSIG = 1
_LINES_KEPT = 2000


class Child:
    """One process of the plan, over all its restarts."""

    def __init__(self, name: str, argv: list[str]) -> None:
        self.name = name
        self.argv = argv
        self.process: subprocess.Popen[bytes] | None = None
        self.started_s = 0.0
        self.started_ms = 0
        self.ready_s: float | None = None
        self.restarts = 0
        self.pause_s = FIRST_PAUSE_S
        self.start_at_s: float | None = 0.0
        self.crashes: deque[float] = deque(maxlen=CRASHES)
        self.reported: bool | None = None  # None: nothing was said of it yet
        self.last_end = ""
        self.rest = b""

    def seen(self) -> dict[str, Any]:
        """How it is, for processes.json."""
        return {
            "name": self.name,
            "pid": self.process.pid if self.process else None,
            "started": self.started_ms,
            "ready": self.ready_s is not None,
            "restarts": self.restarts,
            "last_end": self.last_end,
        }


class Lines:
    """Log lines on their way out.  A terminal held up never holds up a process: lines are dropped and counted."""

    def __init__(self, out: TextIO) -> None:
        self._fd = out.fileno()
        self._waiting: deque[bytes] = deque()
        self._dropped = 0

    def put(self, name: str, line: bytes) -> None:
        if len(self._waiting) >= _LINES_KEPT:
            self._waiting.popleft()
            self._dropped += 1
        self._waiting.append(b"%-9b| %b\n" % (name.encode(), line))
        self.flush()

    def flush(self) -> None:
        """Write what can be written without waiting: a pipe or terminal that selects takes 4 KiB at once."""
        while self._waiting and select.select([], [self._fd], [], 0)[1]:
            if self._dropped:
                dropped, self._dropped = self._dropped, 0
                self._waiting.appendleft(b"threshold| %d log lines were dropped here\n" % dropped)
            line = self._waiting.popleft()
            try:
                written = os.write(self._fd, line[:4096])
            except OSError:
                continue  # nobody reads the log any more
            if written < len(line):
                self._waiting.appendleft(line[written:])


class Door:
    """The gateway's loopback door, for reports about processes: kept until they are taken, the newest of each part."""

    def __init__(self, address: str, token: Path) -> None:
        self._address = address
        self._token = token
        self._waiting: dict[str, dict[str, Any]] = {}

    def report(self, part: str, well: bool, detail: str, **more: Any) -> None:
        """`if_standing`: only where a report that it is unwell stands, which the gateway may not know for a while."""
        self._waiting[part] = {"part": part, "well": well, "detail": detail, **more}

    def deliver(self) -> None:
        for part, said in sorted(self._waiting.items(), key=lambda each: "if_standing" in each[1]):
            if not self._post(json.dumps(said).encode()):
                return
            del self._waiting[part]

    def _post(self, body: bytes) -> bool:
        host, _, port = self._address.rpartition(":")
        try:
            token = self._token.read_text().strip()
            with socket.create_connection((host.strip("[]"), int(port)), timeout=0.5) as door:
                head = (
                    f"POST /reports HTTP/1.1\r\nHost: {self._address}\r\nAuthorization: Bearer {token}\r\n"
                    f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
                )
                door.sendall(head.encode() + body)
                return door.recv(64).startswith(b"HTTP/1.1 200")
        except (OSError, ValueError):
            return False


def die_with_parent() -> Callable[[], None]:
    """What a child calls before it becomes its program: killed by the kernel when its parent dies."""
    parent = os.getpid()
    prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None

    def arrange() -> None:
        if prctl is not None:
            prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:
                os._exit(1)

    return arrange


class Supervisor:
    """Runs the plan's processes until told to stop."""

    def __init__(self, plan: dict[str, Any], out: TextIO, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._data = Path(plan["data"])
        self._children = [Child(row["name"], row["argv"]) for row in plan["processes"]]
        self._lines = Lines(out)
        self._door = Door(plan["door"], self._data / "door.token")
        self._clock_s = clock_s
        self._began_s = clock_s()
        self._selector = selectors.DefaultSelector()
        self._arrange = die_with_parent()
        self._asked: deque[int] = deque()  # signals that came and are not yet heeded
        self._stopping_s: float | None = None
        self._hurry = False
        self._all_ready = False
        self._next_report_s = 0.0

    def run(self) -> int:
        """Start everything; return once everything has stopped."""
        reader, writer = os.pipe()
        os.set_blocking(reader, False)
        os.set_blocking(writer, False)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        # Only noted: a handler that did more would do it in the middle of a start, whose child it would not find to
        # stop, or of the writing of a line.  The pipe has the loop look at once.
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda got, _: self._asked.append(got))
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._selector.register(reader, selectors.EVENT_READ, None)
        while not self._step(reader):
            pass
        self._write_seen()
        self._say("stopped")
        self._lines.flush()
        return 0

    def _step(self, wakeups: int) -> bool:
        """One turn: start what is due, pass lines on, notice ends.  Whether everything has stopped."""
        self._heed()
        now_s = self._clock_s()
        if self._stopping_s is None:
            for child in self._children:
                if child.start_at_s is not None and child.start_at_s <= now_s:
                    self._start(child, now_s)
        for key, _ in self._selector.select(self._wait_s(now_s)):
            if key.data is None:
                with contextlib.suppress(BlockingIOError):
                    while os.read(wakeups, 512):
                        pass
            else:
                self._pass_on(key.data, key.fd)
        self._heed()
        for child in self._children:
            if child.process is not None and child.process.poll() is not None:
                self._ended(child)
        self._lines.flush()
        if self._stopping_s is not None:
            return self._stop_further()
        self._look_after()
        return False

    def _wait_s(self, now_s: float) -> float:
        due = [c.start_at_s for c in self._children if c.start_at_s is not None] if self._stopping_s is None else []
        return max(0.0, min([now_s + (1.0 if self._stopping_s is None else 0.1), *due]) - now_s)

    def _say(self, text: str) -> None:
        self._lines.put("threshold", text.encode())

    # Starting and ending

    def _start(self, child: Child, now_s: float) -> None:
        child.start_at_s = None
        child.ready_s = None
        child.started_s, child.started_ms = now_s, int(time.time() * 1000)
        try:
            child.process = subprocess.Popen(
                child.argv,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                process_group=0,
                preexec_fn=self._arrange,  # noqa: PLW1509 - this process has one thread
            )
        except OSError as error:
            self._plan_restart(child, f"cannot be started: {error.strerror}")
            return
        assert child.process.stdout is not None
        os.set_blocking(child.process.stdout.fileno(), False)
        self._selector.register(child.process.stdout, selectors.EVENT_READ, child)
        self._write_seen()

    def _pass_on(self, child: Child, fd: int) -> bool:
        """Take in what a child wrote; whether there may be more."""
        try:
            data = os.read(fd, 65_536)
        except BlockingIOError:
            return False
        if not data:
            if child.process and child.process.stdout:
                with contextlib.suppress(KeyError):
                    self._selector.unregister(child.process.stdout)
            return False
        *whole, child.rest = (child.rest + data).split(b"\n")
        if len(child.rest) > 65_536:
            whole, child.rest = [*whole, child.rest], b""
        for line in whole:
            self._lines.put(child.name, line)
            if child.ready_s is None and _READY.search(line):
                self._became_ready(child)
        return True

    def _became_ready(self, child: Child) -> None:
        child.ready_s = self._clock_s()
        self._write_seen()
        if not self._all_ready and all(c.ready_s is not None for c in self._children):
            self._all_ready = True
            self._say(f"ready after {child.ready_s - self._began_s:.1f} s")

    def _ended(self, child: Child) -> None:
        process = child.process
        assert process is not None
        assert process.stdout is not None
        fd = process.stdout.fileno()
        while self._pass_on(child, fd):
            pass
        if child.rest:
            self._lines.put(child.name, child.rest)
            child.rest = b""
        with contextlib.suppress(KeyError):
            self._selector.unregister(process.stdout)
        process.stdout.close()
        code = process.returncode
        child.process = None
        how = f"ended with code {code}" if code >= 0 else f"was ended by {signal.Signals(-code).name}"
        if self._stopping_s is None:
            self._plan_restart(child, how)
        else:
            child.ready_s = None
            child.last_end = how

    def _plan_restart(self, child: Child, how: str) -> None:
        now_s = self._clock_s()
        if child.ready_s is not None and now_s - child.ready_s >= max(5.0, child.pause_s):
            child.pause_s = FIRST_PAUSE_S
        child.restarts += 1
        child.last_end = how
        child.crashes.append(now_s)
        child.ready_s = None
        child.start_at_s = now_s + child.pause_s
        self._say(f"{child.name} {how}; started again in {child.pause_s:g} s")
        child.pause_s = min(LONGEST_PAUSE_S, child.pause_s * 2)
        if len(child.crashes) == CRASHES and now_s - child.crashes[0] <= CRASHES_WITHIN_S:
            minutes = CRASHES_WITHIN_S / 60
            said = f"{child.name} {how}, {CRASHES} times in {minutes:g} min"
            self._unwell(child, said, "process-ends", {"how": how, "times": CRASHES, "minutes": minutes})
        self._write_seen()

    # How they are

    def _look_after(self) -> None:
        """Report what does not become ready or keeps ending, and what is well again."""
        now_s = self._clock_s()
        if now_s < self._next_report_s:
            return
        self._next_report_s = now_s + 1.0
        for child in self._children:
            if child.ready_s is not None:
                if child.reported is not False and now_s - child.ready_s >= WELL_S:
                    # The supervisor before this one may have said otherwise, and ended.
                    detail = f"{child.name} runs again"
                    more = {"if_standing": True} if child.reported is None else {}
                    self._door.report(child.name, True, detail, **more)
                    child.reported = False
            elif child.process is not None and now_s - child.started_s >= UNREADY_S:
                said = f"{child.name} is not ready after {UNREADY_S:g} s"
                self._unwell(child, said, "process-unready", {"seconds": UNREADY_S})
        self._door.deliver()

    def _unwell(self, child: Child, detail: str, code: str, values: dict[str, Any]) -> None:
        """`code` and `values` as in streams/troubles.py, which says them in either language."""
        if not child.reported:
            child.reported = True
            self._say(detail)
            self._door.report(child.name, False, detail, code=code, values=values)

    def _write_seen(self) -> None:
        """Processes.json, whole or not at all: the desk reads it at any moment."""
        seen = {"supervisor": os.getpid(), "processes": [child.seen() for child in self._children]}
        path = self._data / "processes.json"
        try:
            path.with_suffix(".new").write_text(json.dumps(seen))
            path.with_suffix(".new").replace(path)
        except OSError as error:
            # A full disk must not stop what keeps the rest running.
            self._say(f"processes.json cannot be written: {error.strerror}")

    # Stopping

    def _heed(self) -> None:
        """What the signals ask for that have come."""
        while self._asked:
            number = self._asked.popleft()
            if self._stopping_s is None:
                self._stopping_s = self._clock_s()
                self._say(f"stopping ({signal.Signals(number).name})")
                self._send(signal.SIGTERM)
            elif number == signal.SIGINT:
                self._hurry = True  # asked twice: at once

    def _send(self, number: int) -> None:
        for child in self._children:
            if child.process is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(child.process.pid, number)

    def _stop_further(self) -> bool:
        if all(child.process is None for child in self._children):
            return True
        assert self._stopping_s is not None
        if self._hurry or self._clock_s() - self._stopping_s >= STOP_S:
            left = ", ".join(child.name for child in self._children if child.process is not None)
            self._say(f"{left}: did not stop, killed")
            self._send(signal.SIGKILL)
            self._hurry, self._stopping_s = False, self._clock_s()
        return False


def lock(data: Path) -> TextIO | None:
    """The data folder for ourselves as long as the file is open; None when another supervisor has it."""
    data.mkdir(parents=True, exist_ok=True)
    held = (data / "onebox.lock").open("a")
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        held.close()
        return None
    return held


def main(plan_file: str) -> int:
    """Run the plan; the exit code."""
    plan = json.loads(Path(plan_file).read_text())
    held = lock(Path(plan["data"]))
    if held is None:
        print(f"threshold: {plan['data']} is in use by another `threshold up`", file=sys.stderr)
        return 1
    with held:
        out = open(plan["log"], "a") if plan.get("log") else sys.stderr  # noqa: SIM115 - open as long as we run
        return Supervisor(plan, out).run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
