"""Tries of a policy on the site's own log: each is a process of its own, and its report is kept for later.

The process is the very command that an operator would type (`./threshold replay --since … --against current`), so that
screen and command cannot tell different stories, and the desk stays as quick as before.  It reads the logs and writes
its report; nothing of it is ever paged.  One at a time, for at most `LONGEST_S`.
"""

import re
import shutil
import subprocess
import sys
import threading
from hashlib import blake2b
from pathlib import Path
from typing import Literal

import msgspec

from devices.edge.settings import Settings
from streams.trial import Report, decode_report

ROOT = Path(__file__).resolve().parents[2]
LONGEST_S = 1800.0
KEPT = 30
LARGEST_POLICY = 64 * 1024
LONGEST_DAYS = 31
_ID = re.compile(r"\d{13}-[0-9a-f]{8}\Z")
_END_S = 20.0  # for a killed process to be gone, on a machine that is short of breath
_STOP_S = 5.0  # the same while the desk stops, which others wait for
_MOST_WORDS = 2000

State = Literal["running", "done", "failed", "cancelled", "too-long", "interrupted"]


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """One try.  `why` is what the process complained of, `share` how much of the log is behind it."""

    id: str
    by: str
    at_ms: int
    days: int
    name: str = ""
    state: State = "running"
    share: float = 0.0
    records: int = 0
    why: str = ""


class _Progress(msgspec.Struct):
    share: float = 0.0
    records: int = 0


class Busy(RuntimeError):
    """Another try is under way."""


class Trials:
    """Opens nothing until the first try."""

    def __init__(self, settings: Settings, *, longest_s: float = LONGEST_S) -> None:
        self._settings = settings
        self._folder = settings.data_path / "trials"
        self._longest_s = longest_s
        self._lock = threading.Lock()
        self._running: tuple[str, subprocess.Popen[bytes], threading.Thread] | None = None
        self._closing = False

    def start(self, policy: bytes, *, days: int, by: str, name: str, at_ms: int) -> Trial:
        """Try `policy` (TOML) on the last `days` days.  Raises Busy, OSError."""
        with self._lock:
            # One begun after `close` would outlive the desk.
            if self._running is not None or self._closing:
                raise Busy
            mark = blake2b(policy + by.encode(), digest_size=4).hexdigest()
            trial = Trial(id=f"{at_ms:013d}-{mark}", by=by, at_ms=at_ms, days=days, name=name)
            folder = self._folder / trial.id
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            (folder / "policy.toml").write_bytes(policy)
            self._keep(trial)
            for old in self._ids()[KEPT:]:
                shutil.rmtree(self._folder / old, ignore_errors=True)
            with (folder / "complaints").open("wb") as complaints:
                process = subprocess.Popen(
                    self._command(folder, days), cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                    stderr=complaints, start_new_session=True,
                )  # fmt: skip
            attending = threading.Thread(target=self._attend, args=(trial.id, process), daemon=True)
            self._running = trial.id, process, attending
            attending.start()
            return trial

    def _command(self, folder: Path, days: int) -> list[str]:
        # The desk and the rules come first.
        kindly = ["nice", "-n", "10"] if shutil.which("nice") else []
        return [
            *kindly, sys.executable, "-m", "deploy.cli", "replay", "--since", f"{days}d",
            "--policy", str(folder / "policy.toml"), "--against", "current",
            "--config", self._settings.file, "--report", str(folder / "report.json"),
        ]  # fmt: skip

    def _attend(self, trial: str, process: subprocess.Popen[bytes]) -> None:
        state: State = "failed"
        try:
            if process.wait(self._longest_s) == 0:
                state = "done"
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            state = "too-long"
        with self._lock:
            self._running = None
            known = self._read(trial)
            if known is not None and known.state == "running":
                if state == "failed" and self._closing:
                    state = "interrupted"
                self._keep(msgspec.structs.replace(known, state=state, why=self._complaints(trial)))

    def _complaints(self, trial: str) -> str:
        folder = self._folder / trial
        try:
            words = (folder / "complaints").read_text("utf-8", "replace").strip()[-_MOST_WORDS:]
        except FileNotFoundError:
            return ""
        return words.replace(str(folder) + "/", "")

    def all(self) -> list[Trial]:
        """Those kept, the newest first."""
        return [trial for each in self._ids() if (trial := self.get(each)) is not None]

    def get(self, trial: str) -> Trial | None:
        """As it stands now."""
        # Both at one instant: between them a try may begin or end, and would be told as interrupted.
        with self._lock:
            known, running = self._read(trial), self._running
        if known is None or known.state != "running":
            return known
        if running is None or running[0] != trial:
            # The desk that began it ended before it did.
            return msgspec.structs.replace(known, state="interrupted")
        try:
            told = msgspec.json.decode((self._folder / trial / "report.json.progress").read_bytes(), type=_Progress)
        except (OSError, msgspec.MsgspecError):
            told = _Progress()
        return msgspec.structs.replace(known, share=told.share, records=told.records)

    def report(self, trial: str) -> Report | None:
        """What came of it, once it is done."""
        known = self._read(trial)
        if known is None or known.state != "done":
            return None
        try:
            return decode_report((self._folder / trial / "report.json").read_bytes())
        except (OSError, msgspec.MsgspecError):
            return None

    def policy(self, trial: str) -> str:
        """The policy that was tried, as it was given; "" where it is gone."""
        if self._read(trial) is None:
            return ""
        return (self._folder / trial / "policy.toml").read_text("utf-8", "replace")

    def cancel(self, trial: str) -> bool:
        """End it; whether it was running."""
        with self._lock:
            running = self._running
            if running is None or running[0] != trial:
                return False
            known = self._read(trial)
            if known is not None:
                self._keep(msgspec.structs.replace(known, state="cancelled"))
            running[1].kill()
        running[2].join(_END_S)
        return True

    def delete(self, trial: str) -> bool:
        """Forget it and its report; one that runs is ended first."""
        if self._read(trial) is None:
            return False
        self.cancel(trial)
        shutil.rmtree(self._folder / trial, ignore_errors=True)
        return True

    def close(self) -> None:
        """End what runs: it would outlive the desk."""
        with self._lock:
            self._closing = True
            running = self._running
        if running is not None:
            running[1].kill()
            running[2].join(_STOP_S)

    def _ids(self) -> list[str]:
        try:
            return sorted((each.name for each in self._folder.iterdir() if _ID.match(each.name)), reverse=True)
        except FileNotFoundError:
            return []

    def _read(self, trial: str) -> Trial | None:
        if not _ID.match(trial):
            return None
        try:
            return msgspec.json.decode((self._folder / trial / "trial.json").read_bytes(), type=Trial)
        except (OSError, msgspec.MsgspecError):
            return None

    def _keep(self, trial: Trial) -> None:
        path = self._folder / trial.id / "trial.json"
        fresh = path.with_name("trial.json.new")
        fresh.write_bytes(msgspec.json.encode(trial))
        fresh.replace(path)
