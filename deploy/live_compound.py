"""The simulated compound living against a real MQTT server, as a process: `python -m deploy.live_compound LIFE.json`.

Every device has its own connection (or, through a broker, a few connections speak for all); people's commands go
through the gateway's door; a siren in each grid hears the pages.  What was sent, acknowledged and heard is counted and
written to a file once a second, and what was acknowledged, where asked for, one by one.
"""

import contextlib
import http.client
import json
import queue
import signal
import sys
import threading
import time
from collections import OrderedDict
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import msgspec

from deploy.mqtt_links import Acked, Link, Links
from devices.ids import stable_hash
from devices.simulated.compound import SIREN_ROLES, siren_of
from devices.simulator import Asked, Plan, Said, Simulator

_MOST_WAITING = 20_000  # unacknowledged: beyond it people wait rather than memory grow
_BROKER_LINKS = 4
_CONNECTED_WITHIN_S = 20.0
_LAST_WORD_S = 30.0
_PAGES_KNOWN = 100_000
_SAMPLES = 20_000

_encoder = msgspec.msgpack.Encoder()


class Life(msgspec.Struct, kw_only=True):
    """What the process is to do."""

    plan: Plan
    mqtt: tuple[str, int]
    stats: str
    through_broker: bool = False
    user: str = ""
    password: str = ""
    door: str = ""  # the gateway's HTTP door; "" where there is none to ask
    token_file: str = ""
    acked: str = ""  # where to write what was acknowledged, one by one
    sirens: bool = True
    tick_s: float = 0.05


class Page(msgspec.Struct):
    """Of a page on MQTT what is counted."""

    class Event(msgspec.Struct):
        device: str = ""
        received_at: str | None = None

    page: str
    kind: str
    role: str
    step: int
    raised_at: str
    event: Event = msgspec.field(default_factory=Event)


_page = msgspec.json.Decoder(Page)


class Commands(threading.Thread):
    """Takes people's commands to the door, each until it has an answer; the same id makes a second try harmless."""

    def __init__(self, door: str, token_file: Path) -> None:
        super().__init__(daemon=True)
        self._door = door
        self._token_file = token_file
        self._queue: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._connection: http.client.HTTPConnection | None = None
        self.sent = 0
        self.accepted = 0
        self.refused = 0

    def ask(self, command: dict[str, Any]) -> None:
        self.sent += 1
        self._queue.put(command)

    def finish(self, within_s: float) -> None:
        """Let the last commands through."""
        self._queue.put(None)
        self.join(within_s)

    def run(self) -> None:
        while (command := self._queue.get()) is not None:
            body = json.dumps(command)
            pause_s = 0.1
            while (status := self._post(body)) not in (200, 400):
                time.sleep(pause_s)
                pause_s = min(2.0, pause_s * 2)
            if status == 200:
                self.accepted += 1
            else:
                self.refused += 1

    def _post(self, body: str) -> int:
        try:
            if self._connection is None:
                self._connection = http.client.HTTPConnection(self._door, timeout=10)
            token = self._token_file.read_text().strip()
            headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
            self._connection.request("POST", "/commands", body, headers)
            answer = self._connection.getresponse()
            answer.read()
            return answer.status
        except (OSError, http.client.HTTPException):
            if self._connection is not None:
                self._connection.close()
            self._connection = None
            return 0


class Compound:
    """The simulator and its connections."""

    def __init__(self, life: Life) -> None:
        self.life = life
        self.simulator = Simulator(life.plan)
        self.links = Links(life.mqtt, on_acked=self._acked, on_message=self._heard, keeps_session=True, user=life.user)
        self.commands = Commands(life.door, Path(life.token_file)) if life.door else None
        self._log: IO[bytes] | None = Path(life.acked).open("wb") if life.acked else None  # noqa: SIM115
        self._stopping = False
        self._said_ms: dict[str, float] = {}
        self._pages: OrderedDict[str, None] = OrderedDict()
        self._by_role: dict[str, int] = {}
        self._twice = 0
        self._door_to_page_ms: list[float] = []
        self._sent_to_acked_ms: list[float] = []
        self._unsaid = 0

    def run(self) -> None:
        """Live until told to stop, then wait a little for the last acknowledgements."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.stop())
        if self.commands is not None:
            self.commands.start()
        self._connect_all()
        until_s = time.monotonic() + _CONNECTED_WITHIN_S
        while not self._stopping and self.links.up() < self.links.clients() and time.monotonic() < until_s:
            self.links.turn(0.1)
        # Through a broker a connection is made when there is something to say.
        connected = f": {self.links.up()} of {self.links.clients()} connected" if self.links.clients() else ""
        print(f"compound ready{connected}", flush=True)
        written_s = 0.0
        while not self._stopping:
            now_ms = int(time.time() * 1000)
            if self.links.unacknowledged() < _MOST_WAITING:
                for item in self.simulator.until(now_ms + 1):
                    self._live(item)
            next_ms = self.simulator.next_ms or now_ms + 1000
            self.links.turn(min(self.life.tick_s, max(0.0, (next_ms - time.time() * 1000) / 1000)))
            if time.monotonic() - written_s >= 1:
                written_s = time.monotonic()
                self._write_stats("running")
        self._finish()

    def _finish(self) -> None:
        self._write_stats("stopping")
        end_s = time.monotonic() + _LAST_WORD_S
        if self.commands is not None:
            threading.Thread(target=self.commands.finish, args=(_LAST_WORD_S,), daemon=True).start()
        quiet_s = time.monotonic()
        while time.monotonic() < end_s:
            before = (self.links.acked, sum(self._by_role.values()))
            self.links.turn(0.05)
            if (self.links.acked, sum(self._by_role.values())) != before:
                quiet_s = time.monotonic()
            asked = self.commands is not None and self.commands.is_alive()
            if not self.links.unacknowledged() and not asked and time.monotonic() - quiet_s > 0.5:
                break
        self.links.close()
        if self._log is not None:
            self._log.close()
        self._write_stats("stopped")

    def stop(self) -> None:
        """Say no more, wait for the last acknowledgements, end."""
        self._stopping = True

    # Out

    def _connect_all(self) -> None:
        """Whatever has a connection of its own makes it now, not when it first has something to say."""
        compound = self.simulator.compound
        if not self.life.through_broker:
            for grid in compound.grids:
                for device in (*grid.homes, *grid.guns):
                    self._link(device.id)
        if self.life.sirens:
            for grid in compound.grids:
                name = siren_of(grid.name)
                topics = tuple(f"threshold/pages/{grid.name}/{role}" for role in SIREN_ROLES)
                password = self.life.password if self.life.through_broker else compound.secret(name)
                self.links.link(name, password, topics)

    def _link(self, device: str) -> Link:
        if self.life.through_broker:
            return self.links.link(f"compound-{stable_hash(device) % _BROKER_LINKS}", self.life.password)
        return self.links.link(device, self.simulator.compound.secret(device))

    def _live(self, item: Said | Asked) -> None:
        if isinstance(item, Asked):
            if self.commands is not None:
                self.commands.ask(
                    {"id": f"life-{self.life.plan.seed}-{item.at_ms}-{self.commands.sent}", **item.command}
                )
            else:
                self._unsaid += 1
            return
        link = self._link(item.device)
        if link.up:
            self._said_ms[item.device] = time.time() * 1000
        else:
            self._said_ms.pop(item.device, None)  # it will be said some time later
        if not (item.duplicate and self.links.repeat(link, item.topic, item.payload)):
            # That a broker keeps a message is between it and its publisher: a listener takes what is said as said.
            self.links.publish(link, item.topic, item.payload, retained=item.retained and self.life.through_broker)

    # In

    def _acked(self, acked: Acked) -> None:
        _sample(self._sent_to_acked_ms, acked.acked_ms - acked.sent_ms, self.links.acked)
        if self._log is not None:
            row = _encoder.encode(acked)
            self._log.write(len(row).to_bytes(4, "big") + row)

    def _heard(self, client: str, topic: str, payload: bytes) -> None:
        now_ms = time.time() * 1000
        try:
            page = _page.decode(payload)
        except msgspec.MsgspecError as error:
            raise SystemExit(f"a page on {topic} that is none: {error}") from None
        if page.page in self._pages:
            self._twice += 1
            return
        self._pages[page.page] = None
        if len(self._pages) > _PAGES_KNOWN:
            self._pages.popitem(last=False)
        self._by_role[page.role] = self._by_role.get(page.role, 0) + 1
        # From the device's own message to the page at its hearer; not for pages that waited for something else.
        if page.step == 0 and page.event.device and _at_once(page):
            said_ms = self._said_ms.get(page.event.device)
            if said_ms is not None and 0 <= now_ms - said_ms < 60_000:
                _sample(self._door_to_page_ms, now_ms - said_ms, sum(self._by_role.values()))

    # What is known

    def stats(self, state: str) -> dict[str, Any]:
        """Counts so far."""
        links, commands = self.links, self.commands
        return {
            "state": state,
            "sent": links.sent,
            "acknowledged": links.acked,
            "connected": links.up(),
            "connects": links.connects,
            "refused_connections": links.refused,
            "commands": commands.sent if commands else self._unsaid,
            "commands_accepted": commands.accepted if commands else 0,
            "commands_refused": commands.refused if commands else 0,
            "pages": sum(self._by_role.values()),
            "pages_by_role": self._by_role,
            "pages_heard_twice": self._twice,
            "puback_ms": percentiles(self._sent_to_acked_ms),
            "door_to_page_ms": percentiles(self._door_to_page_ms),
        }

    def _write_stats(self, state: str) -> None:
        if self._log is not None and not self._log.closed:
            self._log.flush()
        path = Path(self.life.stats)
        with contextlib.suppress(OSError):
            path.with_suffix(".new").write_text(json.dumps(self.stats(state)))
            path.with_suffix(".new").replace(path)


def _at_once(page: Page) -> bool:
    """Whether the incident was raised by the very message: neither by a timer after it nor held for more to come."""
    if page.event.received_at is None:
        return False
    raised, received = datetime.fromisoformat(page.raised_at), datetime.fromisoformat(page.event.received_at)
    return abs((raised - received).total_seconds()) < 1


def _sample(into: list[float], value: float, count: int) -> None:
    """Keep a bounded number: the newest overwrite the oldest."""
    if len(into) < _SAMPLES:
        into.append(value)
    else:
        into[count % _SAMPLES] = value


def percentiles(values: list[float]) -> dict[str, float | int | None]:
    """p50, p99 and the most of `values`, in their unit."""
    ordered = sorted(values)
    if not ordered:
        return {"count": 0, "p50": None, "p99": None, "most": None}
    last = len(ordered) - 1
    return {
        "count": len(ordered),
        "p50": round(ordered[last // 2], 2),
        "p99": round(ordered[round(last * 0.99)], 2),
        "most": round(ordered[last], 2),
    }


def read_acked(path: Path) -> list[Acked]:
    """What a process wrote to `Life.acked`; a row that a kill cut off at the end is left out."""
    data, at = path.read_bytes(), 0
    rows: list[Acked] = []
    decoder = msgspec.msgpack.Decoder(Acked)
    while at + 4 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        if at + 4 + size > len(data):
            break
        rows.append(decoder.decode(data[at + 4 : at + 4 + size]))
        at += 4 + size
    return rows


def main(arguments: list[str]) -> int:
    """Run the life in the file; 0."""
    Compound(msgspec.json.decode(Path(arguments[0]).read_bytes(), type=Life)).run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
