"""PostgreSQL: a cluster in a folder of its own. The server refuses to run as root, so root runs it as another user."""

import os
import pwd
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
from pathlib import Path

from tests.servers.finding import Missing, need
from tests.servers.process import Server, ServerFailed


def unprivileged_user() -> str | None:
    """Whom the server runs as: ourselves, or, when we are root, `postgres` or `nobody`."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            pwd.getpwnam(name)
        except KeyError:
            continue
        return name
    raise Missing("postgresql")


class Postgresql(Server):
    """`url` is an SQLAlchemy URL for psycopg; `make_database` gives a test one of its own.

    fsync is off: the tests kill the process, not the machine, and then the kernel keeps what was written.
    """

    name = "postgresql"
    stop_signal = signal.SIGINT

    def __init__(self, *, port: int | None = None) -> None:
        self.initdb = need("initdb", "postgresql")
        self.psql = need("psql")
        # Not under pytest's own temporary folder: that is closed to every user but the one who runs the tests.
        super().__init__(Path(tempfile.mkdtemp(prefix="threshold-postgresql-")), port=port)
        self.user = unprivileged_user()
        if isinstance(self.user, str):
            owner = pwd.getpwnam(self.user)
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
            self.user = owner.pw_uid
        self.data = self.folder / "data"

    @property
    def url(self) -> str:
        return self.url_of("postgres")

    def url_of(self, database: str) -> str:
        return f"postgresql+psycopg://threshold@127.0.0.1:{self.port}/{database}"

    def command(self) -> list[str]:
        options = {"listen_addresses": "127.0.0.1", "unix_socket_directories": str(self.folder), "fsync": "off"}
        settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        return [str(self.initdb.with_name("postgres")), "-D", str(self.data), "-p", str(self.port), *settings]

    def environment(self) -> dict[str, str]:
        return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "TZ": "UTC"}

    def start(self) -> None:
        if not (self.data / "PG_VERSION").exists():
            self._run(str(self.initdb), "-D", str(self.data), "-U", "threshold", "-A", "trust", "-E", "UTF8", "-N")
        super().start()

    def is_ready(self) -> bool:
        """A start-up packet answered by anything but an error: the port opens before the database takes connections."""
        body = struct.pack("!I", 196608) + b"user\0threshold\0database\0postgres\0\0"
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
                connection.sendall(struct.pack("!I", len(body) + 4) + body)
                return connection.recv(1) == b"R"
        except OSError:
            return False

    def make_database(self, name: str) -> str:
        """An empty database; returns its URL."""
        self.execute(f'CREATE DATABASE "{name}"')
        return self.url_of(name)

    def execute(self, sql: str) -> str:
        where = ["-h", "127.0.0.1", "-p", str(self.port), "-U", "threshold", "-d", "postgres"]
        return self._run(str(self.psql), *where, "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-c", sql)

    def remove(self) -> None:
        """Stop and delete the folder; nobody else does, for it is not one of pytest's."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, *command: str) -> str:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=120, cwd=self.folder, env=self.environment(),
            user=self.user, group=self.user, extra_groups=[] if self.user is not None else None, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            raise ServerFailed(f"{' '.join(command)}:\n{done.stdout}{done.stderr}")
        return done.stdout.strip()
