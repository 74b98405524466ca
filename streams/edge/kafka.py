"""How Kafka is reached, and what our topics and our group are called there."""

import asyncio
import logging
import ssl
import sys
import threading
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from aiokafka.helpers import create_ssl_context

from devices.edge.complaints import Complaint
from devices.edge.settings import Cluster, Settings
from devices.edge.toml_lines import read_toml

_T = TypeVar("_T")

# A frame holds up to 500 records and a step of the core may change as many again; a record of Kafka's own default
# size, 1 MB, would be too small for a grid whose whole fleet is told at once.
LARGEST_BATCH = 32 * 1024 * 1024
REQUEST_TIMEOUT_S = 10.0


class Names(NamedTuple):
    """What things are called on the broker."""

    inbox: str
    outbox: str
    fleet: str
    rejects: str
    group: str  # of the workers; Faust's app id
    state: str  # the changelog of the workers' table; Faust makes its name from the app id and the table's

    def of(self, log: str) -> str:
        """The topic of one of the four logs."""
        return getattr(self, log)


def names(prefix: str) -> Names:
    """With the prefix `threshold-`: `threshold-inbox`, `threshold-streams-state-changelog`, …"""
    group = f"{prefix}streams"
    return Names(
        f"{prefix}inbox", f"{prefix}outbox", f"{prefix}fleet", f"{prefix}rejects", group, f"{group}-state-changelog"
    )


def at_key(settings: Settings, key: str, what: str, remedy: str) -> Complaint:
    """A complaint about a key of [cluster], with the line it stands in."""
    line = read_toml(settings.file).line("cluster", key) if settings.file else 0
    return Complaint(settings.file or "settings", line, what, remedy)


def password(cluster: Cluster) -> str:
    """What the password file holds, "" without one.  Raises OSError."""
    return Path(cluster.password_file).read_text("utf-8").strip() if cluster.password_file else ""


def tls(cluster: Cluster) -> ssl.SSLContext | None:
    """For the protocols over TLS: our authority, or the system's, and our own certificate where one is set."""
    if cluster.security_protocol not in ("SSL", "SASL_SSL"):
        return None
    return create_ssl_context(
        cafile=cluster.ca or None, certfile=cluster.certificate or None, keyfile=cluster.private_key or None
    )


def connection(cluster: Cluster) -> dict[str, Any]:
    """Keyword arguments that every client of aiokafka takes.  Raises OSError for a file that cannot be read."""
    options: dict[str, Any] = {
        "bootstrap_servers": [server.strip() for server in cluster.kafka.split(",")],
        "security_protocol": cluster.security_protocol,
        "ssl_context": tls(cluster),
        "request_timeout_ms": round(REQUEST_TIMEOUT_S * 1000),
    }
    if cluster.security_protocol.startswith("SASL"):
        options |= {
            "sasl_mechanism": cluster.sasl_mechanism,
            "sasl_plain_username": cluster.username,
            "sasl_plain_password": password(cluster),
        }
    return options


class _Seldom(logging.Filter):
    """Lets the same complaint of a library through once in a while: while a broker is away it has ten a second."""

    def __init__(self, every_s: float = 30.0) -> None:
        super().__init__()
        self._every_s = every_s
        self._said: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        now_s = time.monotonic()
        key = (record.name, str(record.msg))
        if now_s - self._said.get(key, -self._every_s) < self._every_s:
            return False
        self._said[key] = now_s
        return True


def quiet() -> None:
    """Let the libraries speak only of what is wrong, and seldom: they tell of every rebalance in a dozen lines."""
    logging.basicConfig(stream=sys.stderr, format="%(name)s: %(message)s", level=logging.WARNING)
    for name in ("aiokafka", "kafka"):
        logging.getLogger(name).setLevel(logging.ERROR)
    for handler in logging.getLogger().handlers:
        if not any(isinstance(each, _Seldom) for each in handler.filters):
            handler.addFilter(_Seldom())


class Background:
    """An event loop in a thread of its own, for callers that are no coroutines."""

    def __init__(self, name: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=name, daemon=True)
        self._thread.start()

    def call(self, coroutine: Coroutine[Any, Any, _T], timeout_s: float | None = None) -> _T:
        """What the coroutine returns, or raises.  Raises TimeoutError after `timeout_s`; it is then cancelled."""
        future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        try:
            return future.result(timeout_s)
        except TimeoutError:
            future.cancel()
            raise

    def close(self) -> None:
        """End the thread.  Whatever still ran is dropped."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(5)
            if not self._thread.is_alive():  # else it ends with the process
                self._loop.close()
