"""`./threshold demo`: a simulated compound and everything that watches it, on this machine, in one command."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from deploy import usage
from deploy.launch import environment, supervisor_argv
from deploy.supervisor import die_with_parent

READY_WITHIN_S = 120.0
PACE = 60.0  # an hour of people's life in a minute
HEADLESS_LIFE_S = 7200.0  # a run without a desk lives two hours of an evening, however short it is
EVENING = 16.9  # the afternoon's visits are under way, and from six people take their rubbish out
ISOLATED_SHARE = 0.3
_SETTLE_S = 60.0
_END_S = 60.0


class Failed(RuntimeError):
    """The demonstration cannot go on; the text says why."""


def run(
    headless: bool = False,
    seconds: float | None = None,
    households: int = 400,
    seed: int = 7,
    report: Path | None = None,
    data: Path | None = None,
) -> int:
    """Run until Ctrl-C, or for `seconds`.  0; without a desk 0 only when nothing was lost and nothing told twice."""
    folder = Path(tempfile.mkdtemp(prefix="threshold-demo-")) if data is None else data.resolve()
    demo = Demo(folder, headless=headless, seconds=seconds, households=households, seed=seed)
    try:
        demo.start()
        demo.watch()
        demo.stop()
        if not headless:
            return 0
        return demo.account(report)
    except Failed as problem:
        print(f"threshold: {problem}", file=sys.stderr)
        return 1
    finally:
        demo.kill()
        if data is None:
            shutil.rmtree(folder, ignore_errors=True)


class Demo:
    """One demonstration in `folder`."""

    def __init__(
        self,
        folder: Path,
        *,
        headless: bool,
        seconds: float | None,
        households: int,
        seed: int,
        pace: float | None = None,
    ) -> None:
        self.folder = folder
        self.headless = headless
        self.seconds = seconds if seconds is not None else 30.0 if headless else None
        self.households = households
        self.seed = seed
        lively = max(PACE, HEADLESS_LIFE_S / self.seconds) if headless and self.seconds else PACE
        self.pace = lively if pace is None else pace
        self.ready_s = 0.0
        self._box: subprocess.Popen[bytes] | None = None
        self._compound: subprocess.Popen[bytes] | None = None
        self._used: dict[str, usage.Usage] = {}
        self._most_mb: dict[str, tuple[float, float]] = {}
        self._stopping = False
        self._arrange: Callable[[], None] = die_with_parent()

    # Start

    def start(self) -> None:
        """Everything up and ready.  Raises Failed."""
        began_s = time.monotonic()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._stop)
        # Somebody who looks on wants the addresses they know; a run by itself keeps out of everybody's way.
        listen, desk = (free_address(0 if self.headless else port) for port in (1883, 8080))
        http = free_address(0)
        prepared = self._prepare(listen, http, desk)
        self._box = self._spawn(supervisor_argv(Path(prepared["plan"])))
        self._compound = self._spawn([sys.executable, "-m", "deploy.live_compound", prepared["life"]])
        self._wait_ready(began_s)
        if self._stopping:
            raise Failed("ended before it was ready")
        self.ready_s = time.monotonic() - began_s
        print(
            f"{self.households} households, seed {self.seed}, ready after {self.ready_s:.1f} s; data in {self.folder}"
        )
        if not self.headless:
            print(f"devices connect to   mqtt://{listen}")
            print(f"the desk             http://{desk}/")
            for row in self._logins():
                print(f"  {row}")
            print("Ctrl-C ends it.")
        sys.stdout.flush()

    def _prepare(self, listen: str, http: str, desk: str) -> dict[str, Any]:
        """The files of the site, made by a process that may be large because it ends."""
        wanted = {
            "folder": str(self.folder),
            "households": self.households,
            "seed": self.seed,
            "pace": self.pace,
            "hour": EVENING,
            "isolated_share": ISOLATED_SHARE,
            "listen": listen,
            "http": http,
            "desk": desk,
            "record": self.headless,
        }
        done = subprocess.run(
            [sys.executable, "-m", "deploy.demo_site"],
            input=json.dumps(wanted).encode(),
            stdout=subprocess.PIPE,
            env=environment(),
            check=False,
        )
        if done.returncode:
            raise Failed("the demonstration's files could not be made")
        return json.loads(done.stdout)

    def _logins(self) -> list[str]:
        """What the desk's staff logs in with: written by the desk before it was ready."""
        return json.loads((self.folder / "logins.json").read_text())

    def _spawn(self, argv: list[str]) -> subprocess.Popen[bytes]:
        log = (self.folder / "log.txt").open("ab")
        with log:
            return subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment(),
                process_group=0,
                preexec_fn=self._arrange,  # noqa: PLW1509 - this process has one thread
            )

    def _wait_ready(self, began_s: float) -> None:
        while not self._stopping:
            if all(row["ready"] for row in self._processes()) and self._processes():
                return
            self._check_alive()
            if time.monotonic() - began_s > READY_WITHIN_S:
                raise Failed(f"not ready after {READY_WITHIN_S:g} s:\n{self._end_of_log()}")
            time.sleep(0.02)

    def _processes(self) -> list[dict[str, Any]]:
        try:
            return json.loads((self.folder / "data" / "processes.json").read_text())["processes"]
        except (FileNotFoundError, json.JSONDecodeError):
            return []

    def _check_alive(self) -> None:
        for name, process in (("the supervisor", self._box), ("the compound", self._compound)):
            if process is not None and process.poll() is not None:
                raise Failed(f"{name} ended with code {process.returncode}:\n{self._end_of_log()}")

    def _end_of_log(self) -> str:
        lines = (self.folder / "log.txt").read_text(errors="replace").splitlines()
        return "\n".join(f"  {line}" for line in lines[-15:])

    # While it runs

    def _stop(self, *_: object) -> None:
        self._stopping = True

    def watch(self) -> None:
        """Say what happens until the time is over or somebody has seen enough."""
        until_s = time.monotonic() + self.seconds if self.seconds is not None else None
        said_s = time.monotonic()
        while not self._stopping and (until_s is None or time.monotonic() < until_s):
            time.sleep(0.2 if until_s is None else max(0.0, min(0.2, until_s - time.monotonic())))
            self._check_alive()
            if time.monotonic() - said_s >= (5.0 if self.headless else 10.0):
                said_s = time.monotonic()
                self._look()
                self._say()

    def used(self) -> dict[str, usage.Usage]:
        """What each process has used so far."""
        rows = [(row["name"], row["pid"]) for row in self._processes()]
        for name, process in (("supervisor", self._box), ("compound", self._compound)):
            if process is not None:
                rows.append((name, process.pid))
        rows.append(("demo", os.getpid()))
        return {name: used for name, pid in rows if pid and (used := usage.of_process(pid))}

    def _look(self) -> None:
        """Remember the CPU and the most memory of each process."""
        for name, used in self.used().items():
            self._used[name] = used
            most = self._most_mb.get(name, (0.0, 0.0))
            self._most_mb[name] = (max(most[0], used.resident_mb), max(most[1], used.own_mb))

    def stats(self) -> dict[str, Any]:
        """What the compound counted, {} before it has."""
        try:
            return json.loads((self.folder / "compound.json").read_text())
        except FileNotFoundError:
            return {}

    def _say(self) -> None:
        seen = self.stats()
        if not seen:
            return
        latency = seen["door_to_page_ms"]
        quick = f", door to page p50 {latency['p50']} ms, p99 {latency['p99']} ms" if latency["count"] else ""
        print(
            f"{seen['connected']} connected, {seen['sent']} messages sent, {seen['acknowledged']} acknowledged, "
            f"{seen['commands_accepted']} commands, {seen['pages']} pages{quick}",
            flush=True,
        )

    # End

    def stop(self) -> None:
        """The compound falls silent, what it said is worked off, then everything stops."""
        self._look()
        assert self._compound is not None
        assert self._box is not None
        self._end(self._compound, "the compound", _END_S)
        if self.headless:
            self._wait_settled()
        self._look()
        self._end(self._box, "the supervisor", _END_S)

    def _wait_settled(self) -> None:
        """Until the core has taken in all of `inbox`."""
        from deploy.prove import behind

        end_s = time.monotonic() + _SETTLE_S
        while (left := behind(self.folder / "data")) and time.monotonic() < end_s:
            time.sleep(0.05)
        if left:
            raise Failed(f"the core is {left} frames behind {_SETTLE_S:g} s after the last message")

    def _end(self, process: subprocess.Popen[bytes], name: str, within_s: float) -> None:
        process.terminate()
        try:
            process.wait(within_s)
        except subprocess.TimeoutExpired:
            raise Failed(f"{name} did not stop in {within_s:g} s:\n{self._end_of_log()}") from None

    def kill(self) -> None:
        """Whatever still runs is ended."""
        for process in (self._compound, self._box):
            if process is not None and process.poll() is None:
                process.kill()
                process.wait()

    def account(self, report: Path | None) -> int:
        """What came of it, proved from the logs, printed and written; 0 when it is sound."""
        # Heavy to import, and needed only now that nothing else runs any more.
        from deploy.demo_report import account, write_report

        found = account(
            self.folder,
            stats=self.stats(),
            used=self._used,
            most_mb=self._most_mb,
            seconds=self.seconds or 0.0,
            ready_s=self.ready_s,
            households=self.households,
            seed=self.seed,
        )
        print(found.text())
        if report is not None:
            write_report(found, report)
        return 0 if found.is_sound() else 1


def free_address(preferred: int) -> str:
    """A loopback address to listen on: the preferred port where nobody has it, else any."""
    for port in (preferred, 0):
        with socket.socket() as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind(("127.0.0.1", port))
            except OSError:
                continue
            return f"127.0.0.1:{trial.getsockname()[1]}"
    raise Failed("no port is free on 127.0.0.1")
