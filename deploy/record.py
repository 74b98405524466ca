"""`./threshold record`: what a live broker carries, as a trace that `replay` reads.

Each line is handed to the system as it comes, and acknowledged only then, so that a kill loses at most the line it cut.
The broker is asked to keep what comes while the connection is away; what a recording that was killed has missed is
recorded when it is begun again with the same file.
"""

import queue
import signal
import sys
import threading
import time
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from deploy.trace_line import message_line
from devices.ids import stable_hash

LARGEST_FILE = (
    256 * 1024 * 1024
)  # a new file is begun beyond it: FILE.1 holds what came before, FILE.2 what before that
_SAY_EVERY_S = 1.0


class Trace:
    """The file being written, with older ones beside it as FILE.1, FILE.2 …, the oldest with the highest number."""

    def __init__(self, path: Path, largest: int = LARGEST_FILE) -> None:
        self._path = path
        self._largest = largest
        self.lines = 0
        self.bytes = 0
        path.parent.mkdir(parents=True, exist_ok=True)
        self._mend()
        self._file = path.open("ab", buffering=0)
        self._size = path.stat().st_size

    def _mend(self) -> None:
        """A line that an earlier run left half written is ended, so that it spoils no other."""
        if not self._path.exists() or not self._path.stat().st_size:
            return
        with self._path.open("rb+") as file:
            end = at = file.seek(0, 2)
            while at:
                start = max(0, at - 65_536)
                file.seek(start)
                found = file.read(at - start).rfind(b"\n")
                if found >= 0:
                    at = start + found + 1
                    break
                at = start
            if at < end:
                file.truncate(at)

    def write(self, line: bytes) -> None:
        """One line, handed to the system at once."""
        if self._size and self._size + len(line) > self._largest:
            self._rotate()
        self._file.write(line)
        self._size += len(line)
        self.lines += 1
        self.bytes += len(line)

    def _rotate(self) -> None:
        self._file.close()
        number = 1
        while self._older(number).exists():
            number += 1
        for n in range(number, 1, -1):
            self._older(n - 1).rename(self._older(n))
        self._path.rename(self._older(1))
        self._file = self._path.open("ab", buffering=0)
        self._size = 0

    def _older(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")

    def close(self) -> None:
        self._file.close()


def main(broker: str, out: Path, topics: list[str], seconds: float | None = None) -> int:
    """Record until Ctrl-C or for `seconds`; the exit code."""
    parts = urlsplit(broker if "://" in broker else f"mqtt://{broker}")
    if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
        print(f"threshold: {broker!r} is not mqtt://host:port", file=sys.stderr)
        return 2
    trace = Trace(out)
    heard: queue.SimpleQueue[tuple[int, mqtt.MQTTMessage]] = queue.SimpleQueue()
    stopping: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda got, _: stopping.append(got))
    name = f"threshold-record-{stable_hash(str(out.resolve())):016x}"
    client = _client(parts, name, clean=False)
    client.on_connect = lambda *_: _subscribe(client, topics)
    client.on_message = lambda _c, _u, message: heard.put((time.time_ns() // 1_000_000, message))
    client.loop_start()
    until_s = None if seconds is None else time.monotonic() + seconds
    said_s, shown = 0.0, sys.stderr.isatty()
    try:
        while not stopping and (until_s is None or time.monotonic() < until_s):
            try:
                at_ms, message = heard.get(timeout=0.2)
                trace.write(message_line(at_ms, message.topic, bytes(message.payload), retained=message.retain))
                client.ack(message.mid, message.qos)
            except queue.Empty:
                pass
            if shown and time.monotonic() - said_s > _SAY_EVERY_S:
                said_s = time.monotonic()
                sys.stderr.write(f"\r{trace.lines} messages, {trace.bytes / 1e6:.1f} MB in {out}\x1b[K")
                sys.stderr.flush()
    except OSError as problem:
        print(f"\nthreshold: {out}: {problem.strerror}", file=sys.stderr)
        return 1
    finally:
        client.disconnect()
        client.loop_stop()
        trace.close()
        _forget(parts, name)
    print(f"{chr(13) if shown else ''}{trace.lines} messages recorded in {out}", file=sys.stderr)
    return 0


def _client(parts: SplitResult, name: str, *, clean: bool) -> mqtt.Client:
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=name, clean_session=clean, manual_ack=True)
    if parts.username:
        client.username_pw_set(unquote(parts.username), unquote(parts.password or ""))
    if parts.scheme == "mqtts":
        client.tls_set()
    client.reconnect_delay_set(1, 30)
    client.connect_async(parts.hostname or "", parts.port or (8883 if parts.scheme == "mqtts" else 1883), keepalive=60)
    return client


def _subscribe(client: mqtt.Client, topics: list[str]) -> None:
    client.subscribe([(topic, 1) for topic in topics])


def _forget(parts: SplitResult, name: str) -> None:
    """The recording is over: the broker need not keep anything for it any more."""
    client = _client(parts, name, clean=True)
    done = threading.Event()
    client.on_connect = lambda *_: done.set()
    client.loop_start()
    done.wait(2.0)
    client.disconnect()
    client.loop_stop()
