"""InfluxDB 2: influxd with an organisation, a bucket and a token made at its first start."""

import http.client
import json
import lzma
import os
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from tests.servers.finding import Missing, cache, find, servers_folder
from tests.servers.process import Server

VERSION = "2.7.12"
PACKED = f"influxd-{VERSION}-linux-amd64.xz"


def program() -> Path:
    """influxd of the machine; or the packed one of THRESHOLD_SERVERS, unpacked into the cache once."""
    found = find("influxd")
    if found:
        return found
    folder = servers_folder()
    if folder is None or not (folder / PACKED).is_file():
        raise Missing("influxd")
    unpacked = cache() / "bin" / "influxd"
    unpacked.parent.mkdir(parents=True, exist_ok=True)
    # Renamed into place when whole: two test runs may unpack at once, and one may be interrupted.
    part = unpacked.with_name(f"influxd.{os.getpid()}.part")
    part.write_bytes(lzma.decompress((folder / PACKED).read_bytes()))
    part.chmod(0o755)
    part.rename(unpacked)
    return unpacked


class Influxd(Server):
    """`url`, `org`, `bucket` and `token` are what a client needs."""

    name = "influxd"
    org = "threshold"
    bucket = "threshold"
    token = "token-of-the-tests"

    def __init__(self, folder: Path, *, port: int | None = None) -> None:
        super().__init__(folder, port=port)
        self.program = program()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        return [
            str(self.program),
            f"--bolt-path={self.folder / 'influxd.bolt'}",
            f"--sqlite-path={self.folder / 'influxd.sqlite'}",
            f"--engine-path={self.folder / 'engine'}",
            f"--http-bind-address=127.0.0.1:{self.port}",
            "--reporting-disabled",
            "--log-level=warn",
        ]

    def start(self) -> None:
        super().start()
        if self.request("GET", "/api/v2/setup")["allowed"]:
            first = {"username": "tests", "password": "password-of-the-tests"}
            self.request("POST", "/api/v2/setup", first | {"org": self.org, "bucket": self.bucket, "token": self.token})

    def is_ready(self) -> bool:
        try:
            return self.request("GET", "/health")["status"] == "pass"
        except (OSError, ValueError, http.client.HTTPException):
            return False

    def make_bucket(self, name: str) -> str:
        """A bucket of a test's own; returns its name."""
        org = self.request("GET", f"/api/v2/orgs?org={self.org}")["orgs"][0]["id"]
        self.request("POST", "/api/v2/buckets", {"orgID": org, "name": name, "retentionRules": []})
        return name

    def request(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        headers = {"Authorization": f"Token {self.token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        asked = urllib.request.Request(self.url + path, data=data, headers=headers, method=method)
        with urllib.request.urlopen(asked, timeout=60) as answer:
            text = answer.read()
        return json.loads(text) if text else {}
