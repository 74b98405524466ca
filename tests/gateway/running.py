"""The gateway as a process of its own, for tests that kill it, fill its disk or connect real clients to it."""

import http.client
import json
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho

from devices.events import Event
from gateway.rejects import decode_reject
from streams.edge.sqlite_log import SqliteReader
from streams.frames import InboxRecord, RejectRecord, decode_inbox
from tests.gateway.worlds import SECRET_SHA256
from tests.servers.process import Server, free_port

DOOR = """
[[device]]
id = "{name}"
format = "zigbee2mqtt"
topic = "zigbee2mqtt/{name}"
household = "g017/3/{number}"
secret_sha256 = "{secret}"
"""
GUN = """
[[device]]
id = "gun-1"
format = "native"
topic = "threshold/g017/gun-1/temperature"
checkpoint = "g017/north"
site = "forehead"
secret_sha256 = "{secret}"
"""
SIREN = """
[[subscriber]]
id = "siren-1"
grid = "g017"
roles = ["worker", "police"]
secret_sha256 = "{secret}"
"""
BRIDGE = """
[[bridge]]
id = "z2m-17"
topic = "zigbee2mqtt/bridge/state"
grid = "g017"
devices = "zigbee2mqtt/"
secret_sha256 = "{secret}"
"""


def doors(count: int) -> str:
    """The rows of so many doors: door-0, door-1 …, all with the tests' secret."""
    return "".join(DOOR.format(name=f"door-{n}", number=1000 + n, secret=SECRET_SHA256) for n in range(count))


def fleet(count: int = 3) -> str:
    """Doors, a gun, a siren, a bridge."""
    return (
        doors(count)
        + GUN.format(secret=SECRET_SHA256)
        + SIREN.format(secret=SECRET_SHA256)
        + BRIDGE.format(secret=SECRET_SHA256)
    )


def acknowledged(*said: paho.MQTTMessageInfo) -> None:
    """Return once all of it is."""
    for one in said:
        one.wait_for_publish(60)  # it only returns where the time is over
        assert one.is_published(), "not acknowledged in 60 s"


class Gateway(Server):
    """`port` is where devices connect; `settings` are further lines of the [gateway] table, `more` of the file."""

    name = "gateway"

    def __init__(
        self,
        folder: Path,
        *,
        rows: str | None = None,
        settings: str = "",
        more: str = "",
        port: int | None = None,
        direct: bool = True,
        before: Iterable[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(folder, port=port)
        self.door_port = free_port()
        self._before = list(before)
        self._environment = dict(environment or {})
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "fleet.toml").write_text(fleet() if rows is None else rows)
        listen = f"127.0.0.1:{self.port}" if direct else ""
        self.config.write_text(
            f'[site]\nfleet = "fleet.toml"\n[data]\nfolder = "data"\n[gateway]\nlisten = "{listen}"\n'
            f'http = "127.0.0.1:{self.door_port}"\n{settings}\n{more}'
        )

    @property
    def config(self) -> Path:
        return self.folder / "threshold.toml"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def command(self) -> list[str]:
        program = f"import sys; from gateway.edge.runner import main; sys.exit(main({str(self.config)!r}))"
        return [*self._before, sys.executable, "-c", program]

    def environment(self) -> dict[str, str]:
        root = str(Path(__file__).resolve().parents[2])
        return super().environment() | {"PYTHONPATH": root} | self._environment

    def start(self) -> None:
        if not self.is_running():
            self.log_file.unlink(missing_ok=True)
        super().start()

    def is_ready(self) -> bool:
        return self.log_file.exists() and "gateway ready" in self.log_file.read_text()

    def log(self) -> list[dict[str, Any]]:
        """What it said."""
        return [json.loads(line) for line in self.log_file.read_text().splitlines() if line.startswith("{")]

    def said(self, pattern: str) -> bool:
        return self.log_file.exists() and re.search(pattern, self.log_file.read_text()) is not None

    # What is in its files.

    def records(self) -> list[InboxRecord]:
        reader = SqliteReader(self.data / "inbox.db", "inbox")
        found = [record for _, frame in reader.read(0, 0, 1_000_000) for record in decode_inbox(frame)]
        reader.close()
        return found

    def events(self, *kinds: str) -> list[Event]:
        """Events of these kinds; without any, all that came by a message (not from the connection itself)."""
        events = [record for record in self.records() if isinstance(record, Event)]
        if kinds:
            return [event for event in events if event.kind in kinds]
        return [event for event in events if event.kind != "availability"]

    def rejects(self) -> list[RejectRecord]:
        reader = SqliteReader(self.data / "inbox.db", "rejects")
        found = [decode_reject(frame) for _, frame in reader.read(0, 0, 1_000_000)]
        reader.close()
        return found

    # Its door.

    def ask(self, method: str, path: str, body: Any = None, token: str | None = None) -> tuple[int, Any]:
        """Status and JSON (or text) of one request."""
        connection = http.client.HTTPConnection("127.0.0.1", self.door_port, timeout=60)
        if token is None:
            token = (self.data / "door.token").read_text().strip()
        try:
            data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
            connection.request(method, path, data, {"Authorization": f"Bearer {token}"})
            answer = connection.getresponse()
            said = answer.read()
        finally:
            connection.close()
        return answer.status, json.loads(said) if said[:1] in (b"{", b"[") else said.decode()

    def health(self) -> dict[str, Any]:
        return self.ask("GET", "/health")[1]
