"""Is a process of this machine alive, and can it do its work?  For the probes of containers, and for people.

    python -m deploy.probe gateway|streams|sink|desk --config FILE [--live]

Ends 0 when it is ready, 1 when it is not, 2 when the settings do not let us ask; one sentence either way.  `--live`
asks less: only that it answers at all.  A gateway whose log is away answers and is not ready: starting it anew mends
nothing.
"""

import http.client
import json
import ssl
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from devices.edge.complaints import Complaint
from devices.edge.settings import Settings, load, split_address
from streams.edge.log import LogFull
from streams.edge.sqlite_log import SqliteReader

TIMEOUT_S = 4.0
# The core of a box touches its status every half minute.
_TOUCHED_WITHIN_S = 75.0
# A worker looks at the offsets of its partitions every few seconds while Kafka answers.
_LOOKED_WITHIN_S = 60.0


class Unwell(Exception):
    """It is not ready; the text says why."""


class CannotAsk(Exception):
    """The settings name nothing that could be asked; the text says what to set."""


def _get(address: str, path: str, *, certificate: str = "", key: str = "", tls: bool = False) -> tuple[int, str]:
    """Status and text of a page of this machine.  Raises Unwell when nothing answers."""
    host, port = split_address(address)
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    if tls:
        # This machine asks itself: the name in the certificate is that of the service, not ours.
        context = ssl._create_unverified_context()
        if certificate:
            context.load_cert_chain(certificate, key)
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            host, port, timeout=TIMEOUT_S, context=context
        )
    else:
        connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read(1_000_000).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        raise Unwell(f"nothing answers at {address}: {error}") from error
    finally:
        connection.close()


def _json(address: str, path: str, **options: Any) -> dict[str, Any]:
    status, text = _get(address, path, **options)
    if status != 200:
        raise Unwell(f"{address}{path} answered {status}")
    return json.loads(text)


def _figures(address: str, settings: Settings) -> dict[str, float]:
    """The metrics without labels that a process tells at `address`; those with labels are added up."""
    metrics = settings.metrics
    pair = (metrics.certificate, metrics.private_key) if metrics.client_ca else ("", "")
    status, text = _get(address, "/metrics", tls=bool(metrics.certificate), certificate=pair[0], key=pair[1])
    if status != 200:
        raise Unwell(f"{address}/metrics answered {status}")
    found: dict[str, float] = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, _, value = line.rpartition(" ")
            name = name.partition("{")[0]
            found[name] = found.get(name, 0.0) + float(value)
    return found


def gateway(settings: Settings, live: bool) -> str:
    """By its door: ready while it acknowledges, and is connected to the broker where it has one."""
    health = _json(settings.gateway.http, "/health")
    if not live and not health["well"]:
        broker = health.get("broker") or {}
        raise Unwell(health["inbox"]["trouble"] or broker.get("trouble") or "it says of itself that it is not well")
    return f"{health['messages']} messages taken in"


def streams(settings: Settings, live: bool) -> str:
    """A worker by its metrics; on one box by the status it touches."""
    if settings.streams.runtime == "cluster":
        if not settings.cluster.metrics:
            raise CannotAsk("set metrics in [cluster], as 127.0.0.1:9102: that is where a worker can be asked")
        figures = _figures(settings.cluster.metrics, settings)
        if not live and figures.get("threshold_worker_watch_age_seconds", 0.0) > _LOOKED_WITHIN_S:
            raise Unwell("it has not seen the offsets of its partitions for a minute: is Kafka away?")
        return f"{figures.get('threshold_worker_partitions_running', 0.0):g} partitions running"
    reader = SqliteReader(settings.data_path / "streams.db", "outbox")
    try:
        rows = reader.query("SELECT max(at_ms) FROM status")
    except LogFull as trouble:
        raise Unwell(str(trouble)) from trouble
    finally:
        reader.close()
    age_s = time.time() - (rows[0][0] or 0) / 1000 if rows else float("inf")
    if age_s > _TOUCHED_WITHIN_S:
        raise Unwell("the core has given no sign of life in streams.db for over a minute")
    return f"its last sign of life is {max(0.0, age_s):.0f} s old"


def sink(settings: Settings, live: bool) -> str:
    """By its metrics.  One that waits for InfluxDB is doing its work: it is ready."""
    if not settings.metrics.sink:
        raise CannotAsk("set sink in [metrics], as 127.0.0.1:9103: that is where it can be asked")
    figures = _figures(settings.metrics.sink, settings)
    return f"{figures['threshold_sink_points_total']:g} points written"


def desk(settings: Settings, live: bool) -> str:
    """By its own page.  One whose picture is old still shows it, and says so on every screen: it is ready."""
    health = _json(settings.desk.listen, "/health", tls=bool(settings.desk.certificate))
    return f"its picture is {health['behind_ms'] / 1000:.0f} s old"


ASKED: dict[str, Callable[[Settings, bool], str]] = {
    "gateway": gateway,
    "streams": streams,
    "sink": sink,
    "desk": desk,
}


def main(arguments: list[str]) -> int:
    """Ask; the exit code."""
    rest = [each for each in arguments if each != "--live"]
    if len(rest) != 3 or rest[0] not in ASKED or rest[1] != "--config":
        print(f"usage: python -m deploy.probe {'|'.join(ASKED)} --config FILE [--live]", file=sys.stderr)
        return 2
    name = rest[0]
    try:
        print(f"{name} is {'alive' if '--live' in arguments else 'ready'}:",
              ASKED[name](load(Path(rest[2])), "--live" in arguments))  # fmt: skip
    except Unwell as trouble:
        print(f"{name} is not ready: {trouble}", file=sys.stderr)
        return 1
    except (Complaint, CannotAsk) as complaint:
        print(f"{name} cannot be asked: {complaint}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
